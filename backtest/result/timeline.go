package result

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"
)

// A Row is a stretch of a timeline in which load, demand, desired and ready do not
// change; it lasts until the next row's Time. Rows also break at every full minute,
// so that minutes can be scored. The counts are those of the stretch.
type Row struct {
	Time      time.Time
	Load      float64 // offered, requests/s
	Demand    int32   // d(load)
	Desired   int32   // .spec.replicas
	Ready     int32
	Good      float64 // requests
	Bad       float64 // requests
	P99       float64 // seconds; NaN without requests
	PodHours  float64
	Errors    float64 // of Bad: 5xx, shed and connection failures
	NodeHours float64
}

// The names of the columns, in order.
var columns = []string{
	"time", "load", "demand", "desired", "ready", "good", "bad", "p99Seconds", "podHours", "errors", "nodeHours",
}

// A TimelineWriter writes rows as gzipped CSV; the same rows give the same bytes.
// A last row with zero counts marks the end.
type TimelineWriter struct {
	file io.WriteCloser
	gz   *gzip.Writer
	buf  *bufio.Writer
	line []byte
	err  error
}

// NewTimelineWriter writes the header to w, which Close closes.
func NewTimelineWriter(w io.WriteCloser) *TimelineWriter {
	gz, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	t := &TimelineWriter{file: w, gz: gz, buf: bufio.NewWriterSize(gz, 1<<16)}
	cw := csv.NewWriter(t.buf)
	t.err = cw.Write(columns)
	cw.Flush()
	return t
}

// Write appends one row; an error shows at Close.
func (t *TimelineWriter) Write(r Row) {
	if t.err != nil {
		return
	}
	b := t.line[:0]
	b = r.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = appendFloat(b, r.Load)
	for _, n := range [...]int32{r.Demand, r.Desired, r.Ready} {
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(n), 10)
	}
	for _, v := range [...]float64{r.Good, r.Bad, r.P99, r.PodHours, r.Errors, r.NodeHours} {
		b = appendFloat(b, v)
	}
	b = append(b, '\n')
	t.line = b
	_, t.err = t.buf.Write(b)
}

func appendFloat(b []byte, v float64) []byte {
	b = append(b, ',')
	if !Number(v).Defined() {
		return b
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// Close flushes and closes the file and returns the first error.
func (t *TimelineWriter) Close() error {
	return errors.Join(t.err, t.buf.Flush(), t.gz.Close(), t.file.Close())
}

// ReadTimeline yields the rows of a gzipped CSV timeline, and an error as the last
// pair where it cannot be read to its end. Columns after the known ones are ignored.
func ReadTimeline(r io.Reader) iter.Seq2[Row, error] {
	return readTable(r, "timeline", columns, parseRow)
}

func parseRow(rec []string) (Row, error) {
	t, err := time.Parse(time.RFC3339Nano, rec[0])
	if err != nil {
		return Row{}, err
	}
	row := Row{Time: t}
	for i, p := range [...]*int32{&row.Demand, &row.Desired, &row.Ready} {
		n, err := strconv.ParseInt(rec[2+i], 10, 32)
		if err != nil {
			return Row{}, err
		}
		*p = int32(n)
	}
	if row.Load, err = parseFloat(rec[1]); err != nil {
		return Row{}, err
	}
	for i, p := range [...]*float64{&row.Good, &row.Bad, &row.P99, &row.PodHours, &row.Errors, &row.NodeHours} {
		if *p, err = parseFloat(rec[5+i]); err != nil {
			return Row{}, err
		}
	}
	return row, nil
}
