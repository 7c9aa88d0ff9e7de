package datasets

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// WriteCSV writes s as timestamp,value with times in RFC 3339, or in unix
// seconds if s is Relative. A gap has no row, except at the ends; but if most
// neighbours of the remaining rows were further apart than the step, so that
// [ReadCSV] would not find it again, all gaps have a row with an empty value.
// The unit is not written. Negative and infinite values are an error.
func WriteCSV(w io.Writer, s Series) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	bw := bufio.NewWriter(w)
	if _, err := bw.WriteString("timestamp,value\n"); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	sparse := isSparse(s.Values)
	var line []byte
	for i, v := range s.Values {
		gap := math.IsNaN(v)
		if gap && !sparse && i > 0 && i < len(s.Values)-1 {
			continue
		}
		line = appendTime(line[:0], s.Start.Add(time.Duration(i)*s.Step), s.Relative)
		line = append(line, ',')
		if !gap {
			line = strconv.AppendFloat(line, v, 'g', -1, 64)
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

func appendTime(line []byte, t time.Time, relative bool) []byte {
	if relative {
		return append(line, formatSeconds(t.UnixNano())...)
	}
	return t.UTC().AppendFormat(line, time.RFC3339Nano)
}

// isSparse reports whether rows without the gaps would hide the step.
func isSparse(values []float64) bool {
	var distances []int64
	last := 0
	for i := 1; i < len(values); i++ {
		if i == len(values)-1 || !math.IsNaN(values[i]) {
			distances = append(distances, int64(i-last))
			last = i
		}
	}
	commonest, _, _ := commonestOf(distances)
	return commonest > 1
}
