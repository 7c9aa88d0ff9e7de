package importer

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
)

// bucketEdges are the upper edges of the histogram of response times in seconds, those
// that Prometheus clients have by default.
func bucketEdges() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.Inf(1)}
}

// observe puts one response time into the histogram of a step.
func (d *accessDecoder) observe(bin int64, seconds float64) {
	if d.durations == 0 {
		d.durations = d.table.addColumn(column{name: "duration_seconds", kind: rate})
		d.edges = bucketEdges()
		for _, e := range d.edges {
			c := column{name: "le_inf", kind: cumulative, from: d.durations + 1}
			if !math.IsInf(e, 1) {
				c.name = "le_" + strconv.FormatFloat(e, 'g', -1, 64)
			}
			d.table.addColumn(c)
		}
		d.note("%s", d.times.String())
	}
	d.table.add(bin, d.durations, seconds)
	i := 0
	for seconds > d.edges[i] {
		i++
	}
	d.table.add(bin, d.durations+1+i, 1)
}

// responseTimes finds the response time in the fields after the size of a line.
type responseTimes struct {
	off   bool
	field int    // from 1; 0: not known yet
	key   []byte // of key=value, with the =
	unit  float64
}

func newResponseTimes(where, unit string) (responseTimes, error) {
	t := responseTimes{unit: map[string]float64{"s": 1, "ms": 1e-3, "us": 1e-6}[unit]}
	if n, err := strconv.Atoi(where); err == nil {
		if n < 1 {
			return t, fmt.Errorf("field %d of response times: fields after the size are numbered from 1", n)
		}
		t.field = n
		return t, nil
	}
	switch {
	case where == "none":
		t.off = true
	case where == "" || where == "auto":
	case regexp.MustCompile(`^[A-Za-z_][\w.-]*$`).MatchString(where):
		t.key = []byte(where + "=")
	default:
		return t, fmt.Errorf("response times %q: neither auto, none, the number of a field nor the key of one", where)
	}
	return t, nil
}

func (t *responseTimes) String() string {
	where := fmt.Sprintf("field %d after the size", t.field)
	if t.key != nil {
		where = fmt.Sprintf("the field %s", t.key)
	}
	unit := map[float64]string{1: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds"}[t.unit]
	return fmt.Sprintf("response times are %s, in %s", where, unit)
}

// find returns the response time in seconds.
func (t *responseTimes) find(rest []byte) (float64, bool) {
	if t.off || len(rest) == 0 {
		return 0, false
	}
	if t.key == nil && t.field == 0 && !t.locate(rest) {
		return 0, false
	}
	for n := 1; len(rest) > 0; n++ {
		var field []byte
		field, rest = nextField(rest)
		if t.key != nil {
			if after, ok := bytes.CutPrefix(field, t.key); ok {
				return t.seconds(bytes.Trim(after, `"`))
			}
		} else if n == t.field {
			return t.seconds(field)
		}
	}
	return 0, false
}

// locate chooses the field from the first line that has one: one called rt or
// request_time; else the first number with a point, which nginx writes in seconds; else
// the first whole number, which Apache's %D writes in microseconds.
func (t *responseTimes) locate(rest []byte) bool {
	whole := 0
	for n := 1; len(rest) > 0; n++ {
		for len(rest) > 0 && rest[0] == ' ' {
			rest = rest[1:]
		}
		quoted := len(rest) > 0 && rest[0] == '"'
		var field []byte
		field, rest = nextField(rest)
		for _, key := range []string{"rt=", "request_time="} {
			if after, ok := bytes.CutPrefix(field, []byte(key)); ok {
				if _, ok := t.seconds(after); ok {
					t.key = []byte(key)
					return true
				}
			}
		}
		if quoted {
			continue
		}
		if _, ok := digits(field); ok {
			if whole == 0 {
				whole = n
			}
			continue
		}
		if unit := t.unit; bytes.ContainsAny(field, ".s") {
			if _, ok := t.seconds(field); ok {
				t.field = n
				return true
			}
			t.unit = unit
		}
	}
	if whole == 0 {
		return false
	}
	t.field = whole
	if t.unit == 0 {
		t.unit = 1e-6
	}
	return true
}

// seconds reads a time, with a unit behind or in the unit of the log.
func (t *responseTimes) seconds(field []byte) (float64, bool) {
	unit := 0.0
	for _, u := range [...]struct {
		suffix string
		unit   float64
	}{{"ms", 1e-3}, {"us", 1e-6}, {"µs", 1e-6}, {"s", 1}} {
		if n := len(field) - len(u.suffix); n > 0 && string(field[n:]) == u.suffix {
			field, unit = field[:n], u.unit
			break
		}
	}
	v, ok := number(field)
	if !ok || v < 0 || slices.Contains(field, 'x') {
		return 0, false
	}
	if t.unit == 0 {
		switch {
		case unit != 0:
			t.unit = unit
		case slices.Contains(field, '.'):
			t.unit = 1
		default:
			t.unit = 1e-6
		}
	}
	if unit == 0 {
		unit = t.unit
	}
	return v * unit, true
}
