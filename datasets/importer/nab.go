package importer

import "math"

// nab is a time and a value a row, as in the Numenta Anomaly Benchmark: levels that may
// come off their grid, out of order and in the clock of a time zone.
func nab() Format {
	return csvFormat(Format{Name: "nab", Title: "a time and a value a row (Numenta Anomaly Benchmark and others), off its grid or out of order", sorted: true}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"timestamp|time|datetime|date|ts", "value|load|rps"},
			columns:   []column{{name: "level", kind: total}},
			row: func(r *csvRow) why {
				at, w := r.time(r.field(0))
				if w != "" {
					return w
				}
				r.at = at
				if len(r.field(1)) == 0 {
					r.out[0] = math.NaN()
					return ""
				}
				v, ok := r.float(1)
				r.out[0] = v
				return positive(v, ok, "the value is no number of at least 0")
			},
		}
	})
}

// counts is a time and the events of the minute that begins there, a row a minute with
// events: the World Cup of 1998 as CSV. Rows of the same minute are added up, since the
// parts of a day overlap at their edges.
func counts() Format {
	f := csvFormat(Format{Name: "counts", Title: "a time and a count a row, those of the same time added up (World Cup 1998 as CSV)", spans: true}, func() csvSpec {
		return csvSpec{
			separator: ',',
			order:     []string{"period", "count"},
			names:     []string{"period|time|timestamp", "count|requests"},
			columns:   []column{{name: "requests", kind: rate}},
			row: func(r *csvRow) why {
				at, w := r.time(r.field(0))
				if w != "" {
					return w
				}
				v, ok := r.float(1)
				r.at, r.out[0] = at, v
				return positive(v, ok, "the count is no number of at least 0")
			},
		}
	})
	byHeader := f.detect
	f.detect = func(h sample) bool {
		counted := func(line []byte) bool {
			f := split(nil, line, ',')
			if len(f) != 2 {
				return false
			}
			_, _, _, w := date(f[0])
			_, whole := digits(f[1])
			return w == "" && whole
		}
		return byHeader(h) || len(h.lines) > 0 && counted(h.lines[0]) && h.most(counted)
	}
	return f
}

// time reads unix seconds or milliseconds, or a date; small numbers count from an
// unknown origin.
func (r *csvRow) time(b []byte) (int64, why) {
	r.origin = dated
	if len(b) > 4 && b[4] == '-' {
		return r.zone.parse(b)
	}
	at, w := unix(b)
	if w == "" && at < firstAbsolute*second {
		r.origin = undated
	}
	return at, w
}
