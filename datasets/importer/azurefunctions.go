package importer

import (
	"bufio"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
)

// azureFunctions is the trace of 2019 (Shahrad et al., 2020): a row a function, and a
// column a minute of the day, by the number of the minute from 1. The day is in the
// name of the file, invocations_per_function_md.anon.d01.csv; without one it is the first.
// Minute columns are found by their names, since copies in circulation reorder and cut them.
func azureFunctions() Format {
	f := csvFormat(Format{
		Name:  "azure-functions",
		Title: "Azure Functions 2019, invocations a function and minute (a row a function)",
		spans: true,
		detect: func(h sample) bool {
			return len(h.lines) > 0 && len(minuteColumns(split(nil, h.lines[0], ','))) >= 10
		},
	}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"hashfunction"},
			columns:   []column{{name: "requests", kind: rate}},
		}
	})
	open := f.open
	f.open = func(s *sink) (decoder, error) {
		d, err := open(s)
		if err != nil {
			return nil, err
		}
		return &functionsDecoder{csvDecoder: d.(*csvDecoder), day: dayOfFile(s.file)}, nil
	}
	return f
}

var minuteName = regexp.MustCompile(`^(?:minute_)?(\d{1,4})(?:_minute)?$`)

// minuteColumns returns the minutes, from 1, by their columns.
func minuteColumns(header [][]byte) map[int]int {
	minutes := make(map[int]int)
	for i, name := range header {
		if m := minuteName.FindSubmatch(name); m != nil {
			if n, ok := digits(m[1]); ok && n >= 1 && n <= 1440 {
				minutes[i] = int(n)
			}
		}
	}
	return minutes
}

var dayName = regexp.MustCompile(`\.d(\d\d)\.csv`)

// dayOfFile returns the day of the trace, from 0.
func dayOfFile(file string) int64 {
	if m := dayName.FindStringSubmatch(filepath.Base(file)); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && n > 0 {
			return n - 1
		}
	}
	return 0
}

type functionsDecoder struct {
	*csvDecoder
	day     int64
	minutes []int64 // by column, the minute from 0; -1: no minute
	counts  []float64
}

func (d *functionsDecoder) decode(r *bufio.Reader) error { return d.eachLine(r, d.function) }

func (d *functionsDecoder) function(line []byte) why {
	d.row.fields = split(d.row.fields, line, ',')
	if d.width == 0 {
		d.begin()
		d.minutes = make([]int64, len(d.row.fields))
		d.counts = make([]float64, len(d.row.fields))
		minutes := minuteColumns(d.row.fields)
		for i := range d.minutes {
			d.minutes[i] = int64(minutes[i]) - 1
		}
		d.undated = true
		if d.err == nil && len(minutes) == 0 {
			d.err = d.fault(d.line, "the header has no column of a minute, such as 1 or minute_1", "check --format")
		}
		return skipped
	}
	if len(d.row.fields) != d.width {
		return "the line has more or fewer fields than the first one"
	}
	for _, m := range d.matchers {
		if !m.matches(d.row.fields[m.field]) {
			return skipped
		}
	}
	for i, m := range d.minutes {
		if m < 0 {
			continue
		}
		v, ok := number(d.row.fields[i])
		if w := positive(v, ok, "the invocations of a minute are no number of at least 0"); w != "" {
			return w
		}
		d.counts[i] = v
	}
	for i, m := range d.minutes {
		if m >= 0 {
			bin, w := d.event((d.day*1440 + m) * 60 * second)
			if w != "" {
				return w
			}
			d.sink.table.add(bin, d.table.columns[0], d.counts[i])
		}
	}
	return ""
}

// azureFunctions2021 is the trace of 2021: a row an invocation, unsorted, with its end
// and its duration in seconds since the start of the trace. An invocation counts when it began.
func azureFunctions2021() Format {
	return csvFormat(Format{
		Name:  "azure-functions-2021",
		Title: "Azure Functions 2021, a row an invocation",
	}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"end_timestamp", "duration", "func"},
			columns:   []column{{name: "requests", kind: rate}, {name: "duration_seconds", kind: rate}},
			row: func(r *csvRow) why {
				end, ok1 := r.float(0)
				duration, ok2 := r.float(1)
				if !ok1 || !ok2 || end < 0 || duration < 0 || end > firstAbsolute {
					return "the end or the duration is no number of seconds"
				}
				r.undated = true
				// What began before the trace counts from its start.
				r.at = int64(math.Round(max(0, end-duration)*1e6)) * 1000
				r.out[0], r.out[1] = 1, duration
				return ""
			},
		}
	})
}
