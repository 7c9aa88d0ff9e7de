package datasets

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An M4Series is one row of a file in the layout of the M4 competition.
type M4Series struct {
	ID     string
	Values []float64 // finite, at least one; of any sign
	Line   int       // in the file, from 1
}

// An M4Reader reads a file in the layout of the M4 competition (Makridakis, Spiliotis
// and Assimakopoulos, International Journal of Forecasting 36, 2020) row by row: a
// series a row, its id and then its values. A first row without a number behind its
// first field is a header. Rows may end in empty fields, or earlier than others.
type M4Reader struct {
	csv    csvReader
	closer io.Closer
	begun  bool
}

// OpenM4 opens the file at path, plain or gzip. A file that is missing or unreadable
// is a *[ParseError].
func OpenM4(path string) (*M4Reader, error) {
	f, err := openFile(path, "check the path")
	if err != nil {
		return nil, err
	}
	r, err := NewM4Reader(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	return r, nil
}

// NewM4Reader returns a reader of text, plain or gzip, that errors call name.
func NewM4Reader(r io.Reader, name string) (*M4Reader, error) {
	m := &M4Reader{csv: csvReader{file: name}}
	if err := m.csv.open(r); err != nil {
		return nil, err
	}
	return m, nil
}

// Close closes the file of OpenM4.
func (r *M4Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Next returns the next series, io.EOF after the last, or a *[ParseError]. A file
// without a series is an error too.
func (r *M4Reader) Next() (M4Series, error) {
	for {
		fields, err := r.csv.csv.Read()
		if errors.Is(err, io.EOF) {
			if !r.begun {
				return M4Series{}, r.csv.fault(0, "no series in this file", "write an id and values per row", nil)
			}
			return M4Series{}, io.EOF
		}
		if err != nil {
			return M4Series{}, r.csv.readFault(err)
		}
		line, _ := r.csv.csv.FieldPos(0)
		for i, f := range fields {
			fields[i] = strings.TrimSpace(f)
		}
		for len(fields) > 0 && fields[len(fields)-1] == "" {
			fields = fields[:len(fields)-1]
		}
		first := r.csv.columns == 0
		r.csv.columns = max(1, len(fields))
		if len(fields) == 0 || first && isM4Header(fields) {
			continue
		}
		r.begun = true
		return r.series(fields, line)
	}
}

// isM4Header reports whether a first row names columns.
func isM4Header(fields []string) bool {
	return len(fields) > 1 && !slices.ContainsFunc(fields[1:], func(f string) bool {
		_, err := strconv.ParseFloat(decimalPoint(f), 64)
		return err == nil
	})
}

func (r *M4Reader) series(fields []string, line int) (M4Series, error) {
	s := M4Series{ID: strings.Clone(fields[0]), Line: line}
	fault := func(msg, hint string) (M4Series, error) {
		return M4Series{}, r.csv.fault(line, msg, hint, nil)
	}
	switch {
	case s.ID == "":
		return fault("a row without an id", "begin each row with the id of the series")
	case len(fields) == 1:
		return fault(fmt.Sprintf("series %s has no value", quote(s.ID)), "write its values behind the id, separated by commas")
	}
	s.Values = make([]float64, len(fields)-1)
	for i, field := range fields[1:] {
		if r.csv.separator == ';' {
			field = decimalPoint(field)
		}
		v, err := strconv.ParseFloat(field, 64)
		switch {
		case field == "":
			return fault(fmt.Sprintf("value %d of series %s is missing", i+1, quote(s.ID)), "series have no gaps here; fill it or leave the series out")
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return fault(fmt.Sprintf("value %s of series %s is not a number", quote(field), quote(s.ID)), "write an id and then numbers per row")
		case math.IsNaN(v) || math.IsInf(v, 0):
			return fault(fmt.Sprintf("value %s of series %s is not finite", quote(field), quote(s.ID)), "series have no gaps here; leave the series out")
		case math.Abs(v) > HighestLoad:
			return fault(fmt.Sprintf("value %s of series %s is beyond %g", quote(field), quote(s.ID), HighestLoad), "write the series in a larger unit")
		}
		s.Values[i] = v
	}
	return s, nil
}
