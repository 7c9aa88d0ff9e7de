package result

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"iter"
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

// ReadForecasts yields what WriteForecasts wrote, and an error as the last pair where
// it cannot be read to its end.
func ReadForecasts(r io.Reader) iter.Seq2[ForecastRow, error] {
	return readTable(r, "forecasts", forecastColumns, parseForecastRow)
}

func parseForecastRow(rec []string) (ForecastRow, error) {
	t, err := time.Parse(time.RFC3339Nano, rec[0])
	if err != nil {
		return ForecastRow{}, err
	}
	row := ForecastRow{Time: t}
	for i, p := range [...]*float64{&row.Actual, &row.Point, &row.Lower80, &row.Upper80, &row.Lower95, &row.Upper95} {
		if *p, err = parseFloat(rec[1+i]); err != nil {
			return ForecastRow{}, err
		}
	}
	return row, nil
}
