package result

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"
)

// A ForecastRow is what a model had forecast for Time, one horizon before it, and
// what came; requests/s, NaN where missing.
type ForecastRow struct {
	Time             time.Time
	Actual, Point    float64
	Lower80, Upper80 float64
	Lower95, Upper95 float64
}

var forecastColumns = []string{"time", "actual", "point", "lower80", "upper80", "lower95", "upper95"}

// WriteForecasts writes rows as gzipped CSV; the same rows give the same bytes.
func WriteForecasts(w io.Writer, rows []ForecastRow) error {
	gz, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(gz, 1<<16)
	cw := csv.NewWriter(buf)
	if err := cw.Write(forecastColumns); err != nil {
		return err
	}
	cw.Flush()
	var line []byte
	for _, r := range rows {
		line = r.Time.UTC().AppendFormat(line[:0], time.RFC3339Nano)
		for _, v := range [...]float64{r.Actual, r.Point, r.Lower80, r.Upper80, r.Lower95, r.Upper95} {
			line = appendFloat(line, v)
		}
		if _, err := buf.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return errors.Join(buf.Flush(), gz.Close())
}

// ReadForecasts yields what WriteForecasts wrote.
func ReadForecasts(r io.Reader) iter.Seq2[ForecastRow, error] {
	return func(yield func(ForecastRow, error) bool) {
		fail := func(err error) { yield(ForecastRow{}, fmt.Errorf("read forecasts: %w", err)) }
		gz, err := gzip.NewReader(r)
		if err != nil {
			fail(err)
			return
		}
		cr := csv.NewReader(bufio.NewReaderSize(gz, 1<<16))
		cr.ReuseRecord = true
		cr.FieldsPerRecord = len(forecastColumns)
		for line := 1; ; line++ {
			rec, err := cr.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				fail(err)
				return
			}
			if line == 1 {
				continue
			}
			var row ForecastRow
			if row.Time, err = time.Parse(time.RFC3339Nano, rec[0]); err != nil {
				fail(err)
				return
			}
			for i, p := range [...]*float64{&row.Actual, &row.Point, &row.Lower80, &row.Upper80, &row.Lower95, &row.Upper95} {
				if rec[1+i] == "" {
					*p = float64(Undefined())
				} else if *p, err = strconv.ParseFloat(rec[1+i], 64); err != nil {
					fail(err)
					return
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}
