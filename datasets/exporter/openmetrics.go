package exporter

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// WriteOpenMetrics writes all samples as OpenMetrics text, version 1.0, series after
// series, as promtool tsdb create-blocks-from openmetrics reads it.
func (e *Export) WriteOpenMetrics(w io.Writer) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	family := ""
	var line []byte
	for i := range e.Series {
		s := &e.Series[i]
		if s.Family != family {
			family = s.Family
			fmt.Fprintf(bw, "# HELP %s %s\n# TYPE %s %s\n", family, help(s.Kind), family, s.Kind)
		}
		head := s.String() + " "
		for k := range e.Times() {
			v, ok := e.Sample(s, k)
			if !ok {
				continue
			}
			line = append(line[:0], head...)
			line = strconv.AppendFloat(line, v, 'f', -1, 64)
			line = append(line, ' ')
			line = appendSeconds(line, e.Time(k).UnixMilli())
			if _, err := bw.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("write OpenMetrics: %w", err)
			}
		}
	}
	if _, err := bw.WriteString("# EOF\n"); err != nil {
		return fmt.Errorf("write OpenMetrics: %w", err)
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write OpenMetrics: %w", err)
	}
	return nil
}

func help(k Kind) string {
	switch k {
	case Counter:
		return "Counted up from a load at the even pace of each of its steps."
	case Histogram:
		return "Counted up from the histogram recorded beside a load."
	default:
		return "The level of each step of a load."
	}
}

// appendSeconds writes milliseconds as seconds, exactly.
func appendSeconds(line []byte, millis int64) []byte {
	line = strconv.AppendInt(line, millis/1000, 10)
	if rest := millis % 1000; rest != 0 {
		line = append(line, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return line
}
