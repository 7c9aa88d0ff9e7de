package datasets

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// A Table is a load with what was recorded beside it, on the same steps.
type Table struct {
	Series
	Columns []Column
}

// A Column is one recording beside a load, such as the requests of one status code.
type Column struct {
	Name   string
	Values []float64 // as many as the load has; NaN is a gap
}

// WriteTable writes t as timestamp, value and the other columns, in the form that
// [ReadCSV] reads, which sees the load only. Without other columns it is [WriteCSV].
// With them every step has a row, and a gap is an empty field.
func WriteTable(w io.Writer, t Table) error {
	if len(t.Columns) == 0 {
		return WriteCSV(w, t.Series)
	}
	if err := t.check(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	bw := bufio.NewWriter(w)
	head := []string{"timestamp", "value"}
	for _, c := range t.Columns {
		if len(c.Values) != len(t.Values) {
			return fmt.Errorf("write CSV: column %s has %d values, the load %d", quote(c.Name), len(c.Values), len(t.Values))
		}
		head = append(head, c.Name)
	}
	names := csv.NewWriter(bw)
	if err := names.Write(head); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	names.Flush()
	if err := names.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	var line []byte
	for i, v := range t.Values {
		line = appendTime(line[:0], t.Start.Add(time.Duration(i)*t.Step), t.Relative)
		line = appendValue(line, v)
		for _, c := range t.Columns {
			line = appendValue(line, c.Values[i])
		}
		if _, err := bw.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func appendValue(line []byte, v float64) []byte {
	line = append(line, ',')
	if math.IsNaN(v) {
		return line
	}
	return strconv.AppendFloat(line, v, 'g', -1, 64)
}
