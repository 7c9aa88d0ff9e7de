package importer

import (
	"bytes"
	"math"
	"strconv"
)

// split cuts a line at every separator outside quotes into dst, blanks around and
// quotes about a whole field removed. A doubled quote stays doubled.
func split(dst [][]byte, line []byte, sep byte) [][]byte {
	dst = dst[:0]
	if bytes.IndexByte(line, '"') < 0 {
		for {
			i := bytes.IndexByte(line, sep)
			if i < 0 {
				return append(dst, bytes.TrimSpace(line))
			}
			dst = append(dst, bytes.TrimSpace(line[:i]))
			line = line[i+1:]
		}
	}
	start, quoted := 0, false
	for i, b := range line {
		switch {
		case b == '"':
			quoted = !quoted
		case b == sep && !quoted:
			dst = append(dst, unquote(line[start:i]))
			start = i + 1
		}
	}
	return append(dst, unquote(line[start:]))
}

func unquote(field []byte) []byte {
	field = bytes.TrimSpace(field)
	if n := len(field); n >= 2 && field[0] == '"' && field[n-1] == '"' {
		return field[1 : n-1]
	}
	return field
}

// number reads a finite number; short ones without an allocation.
func number(field []byte) (float64, bool) {
	if n, ok := digits(field); ok {
		return float64(n), true
	}
	v, err := strconv.ParseFloat(string(field), 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// digits reads a whole number of at most 18 digits and no sign.
func digits(field []byte) (int64, bool) {
	if len(field) == 0 || len(field) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, b := range field {
		d := b - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + int64(d)
	}
	return n, true
}
