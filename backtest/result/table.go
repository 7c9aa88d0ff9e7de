package result

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
)

// readTable yields the rows of a gzipped CSV file whose header starts with columns;
// later versions may have added some. Errors say which file and line.
func readTable[T any](r io.Reader, what string, columns []string, parse func([]string) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		fail := func(err error) {
			var none T
			yield(none, fmt.Errorf("read %s: %w", what, err))
		}
		gz, err := gzip.NewReader(r)
		if err != nil {
			fail(err)
			return
		}
		cr := csv.NewReader(bufio.NewReaderSize(gz, 1<<16))
		cr.ReuseRecord = true
		header, err := cr.Read()
		switch {
		case errors.Is(err, io.EOF):
			fail(errors.New("empty file"))
			return
		case err != nil:
			fail(err)
			return
		case len(header) < len(columns) || !slices.Equal(header[:len(columns)], columns):
			fail(fmt.Errorf("columns %q, want %q", header, columns))
			return
		}
		for line := 2; ; line++ {
			rec, err := cr.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if errors.Is(err, io.ErrUnexpectedEOF) { // it is cut off, which csv says of no line
				err = fmt.Errorf("line %d: %w", line, err)
			}
			if err != nil {
				fail(err)
				return
			}
			row, err := parse(rec)
			if err != nil {
				line, _ := cr.FieldPos(0)
				fail(fmt.Errorf("line %d: %w", line, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// parseFloat reads what appendFloat wrote: nothing stands for a missing value.
func parseFloat(s string) (float64, error) {
	if s == "" {
		return float64(Undefined()), nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, err
	}
	if !Number(v).Defined() {
		return 0, fmt.Errorf("value %q is not a finite number", s)
	}
	return v, nil
}
