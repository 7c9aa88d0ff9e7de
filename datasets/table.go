package datasets

import (
	"bufio"
	"bytes"
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

// OpenTable reads the CSV file at path as [ReadTable] does, and names it as [Open] does.
func OpenTable(path string) (Table, error) {
	f, err := openFile(path, "check the path, or name a scenario")
	if err != nil {
		return Table{}, err
	}
	defer f.Close()
	return readTable(f, path, seriesName(path))
}

// ColumnNames returns the columns beside the load of the CSV file at path, without a look at
// their values.
func ColumnNames(path string) ([]string, error) {
	f, err := openFile(path, "check the path, or name a scenario")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := csvReader{file: path}
	if err := c.open(f); err != nil {
		return nil, err
	}
	fields, err := c.csv.Read()
	if err != nil {
		return nil, c.readFault(err)
	}
	if _, err := c.layout(fields, 1); err != nil {
		return nil, err
	}
	var names []string
	for i, name := range c.header {
		if i != c.timeCol && i != c.valueCol {
			names = append(names, name)
		}
	}
	return names, nil
}

// ReadTable reads a load as [ReadCSV] does, and the other columns of its file beside it,
// which must be numbers of at least 0 too. They need a header that names the time and the load.
func ReadTable(r io.Reader, name string) (Table, error) { return readTable(r, name, name) }

func readTable(r io.Reader, file, name string) (Table, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return Table{}, &ParseError{File: file, Msg: "reading: " + err.Error(), Err: err}
	}
	read := func(beside string) (Series, []string, error) {
		c := csvReader{file: file, beside: beside}
		if err := c.open(bytes.NewReader(data)); err != nil {
			return Series{}, nil, err
		}
		if err := c.readRows(); err != nil {
			return Series{}, nil, err
		}
		step, err := c.step()
		if err != nil {
			return Series{}, nil, err
		}
		return c.series(name, step), c.header, nil
	}
	load, header, err := read("")
	if err != nil {
		return Table{}, err
	}
	t := Table{Series: load}
	if len(header) <= 2 {
		return t, nil
	}
	loadCol := columnsNamed(header, loadNames()...)[0]
	timeCol := columnsNamed(header, timeNames()...)[0]
	for i, column := range header {
		if i == loadCol || i == timeCol || column == "" {
			continue
		}
		s, _, err := read(column)
		if err != nil {
			return Table{}, err
		}
		t.Columns = append(t.Columns, Column{Name: column, Values: s.Values})
	}
	return t, nil
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
