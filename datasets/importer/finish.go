package importer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/internal/suggest"
)

// finish makes the result of what was read.
func (s *sink) finish(file string) (*Result, error) {
	s.file = file
	// In a fixed order: sums of floating-point numbers depend on it.
	for _, key := range sortedKeys(s.series) {
		s.series[key].finish()
	}
	if s.bound(); s.err != nil {
		return nil, s.err
	}
	r := &s.report
	if s.tooMalformed() {
		return nil, &datasets.ParseError{File: r.Faults[0].File, Line: int(r.Faults[0].Line),
			Msg:  fmt.Sprintf("%d of %d lines are malformed, such as this: %s: %q", r.Malformed, r.Lines, r.Faults[0].Why, r.Faults[0].Text),
			Hint: "check --format, or raise --max-malformed to leave them out"}
	}
	if r.Accepted == 0 || s.table.low > s.table.high {
		return nil, s.nothing()
	}
	if s.format.closing != nil {
		if err := s.format.closing(s); err != nil {
			return nil, err
		}
	}
	if err := s.chosen(); err != nil {
		return nil, err
	}
	steps := s.table.high - s.table.low + 1
	var shown []int
	for i, c := range s.table.columns {
		if c.kind != hidden && i != s.value {
			shown = append(shown, i)
		}
	}
	if steps > int64(s.cfg.MaxValues)/int64(1+len(shown)) {
		return nil, s.fault(0, fmt.Sprintf("the recording spans %d steps of %s from %s to %s", steps, time.Duration(s.table.step),
			s.clock(s.earliest), s.clock(s.latest)), "take a longer --step, or take out the line with the wrong time")
	}
	if steps == 1 {
		hint := "take a shorter --step, or a longer recording"
		msg := fmt.Sprintf("everything is within one step of %s from %s", time.Duration(s.table.step), s.clock(s.table.begin(s.table.low)))
		if r.Malformed > 0 {
			msg += fmt.Sprintf("; lines that are malformed: %d, such as %s", r.Malformed, r.Faults[0])
			hint = "correct them, or " + hint
		}
		return nil, s.fault(0, msg, hint)
	}
	slices.SortStableFunc(shown, func(a, b int) int { return compareNames(s.table.columns[a].name, s.table.columns[b].name) })
	res := &Result{Report: *r}
	res.Series = datasets.Series{
		Unit: unitOf(s.table.columns[s.value].name), Step: time.Duration(s.table.step), Relative: s.undated && s.cfg.Start.IsZero(),
		Start:  time.Unix(0, s.table.begin(s.table.low)).UTC(),
		Values: s.values(s.value),
	}
	if s.undated && !s.cfg.Start.IsZero() {
		res.Start = s.cfg.Start.UTC().Add(time.Duration(s.table.begin(s.table.low)))
	}
	for _, c := range shown {
		values := s.values(c)
		if slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) }) {
			res.Columns = append(res.Columns, datasets.Column{Name: safeName(s.table.columns[c].name), Values: values})
		}
	}
	s.closing(res)
	return res, nil
}

// tooMalformed reports whether too many lines are malformed. Where nobody said what share
// may be, a few may be more than a tenth of a short file.
func (s *sink) tooMalformed() bool {
	r, share := &s.report, s.cfg.MaxMalformed
	if share == 0 {
		if r.Malformed <= fewMalformed {
			return false
		}
		share = maxMalformed
	}
	return float64(r.Malformed) > share*float64(r.Lines)
}

// unitOf returns the unit of a column, by its name.
func unitOf(name string) datasets.Unit {
	switch {
	case strings.HasSuffix(name, "_cores"), strings.HasPrefix(name, "container_cpu_usage_seconds"):
		return datasets.Cores
	case strings.Contains(name, "_percent"):
		return datasets.Percent
	default:
		return datasets.RPS
	}
}

// nothing says why there is no load.
func (s *sink) nothing() error {
	r := s.report
	switch {
	case r.Malformed > 0:
		return &datasets.ParseError{File: r.Faults[0].File, Line: int(r.Faults[0].Line), Msg: fmt.Sprintf("no line is understood as %s; this one: %s", r.Format, r.Faults[0].Why), Hint: "check --format"}
	case len(s.cfg.Select) > 0:
		return s.fault(0, "no line meets "+strings.Join(s.cfg.Select, " "), "check --select")
	default:
		return s.fault(0, "no data", "name a file with a recording")
	}
}

// chosen finds the column that is the load.
func (s *sink) chosen() error {
	if s.cfg.Column == "" {
		return nil
	}
	var names []string
	for i, c := range s.table.columns {
		if c.kind == hidden {
			continue
		}
		if c.name == s.cfg.Column {
			s.value = i
			return nil
		}
		names = append(names, c.name)
	}
	return fmt.Errorf("column: %s has no column %q%s", s.report.Format, s.cfg.Column, suggest.Hint(s.cfg.Column, names))
}

// values returns a column, with gaps where nothing was observed.
func (s *sink) values(c int) []float64 {
	t := s.table
	all := make([]float64, t.high-t.low+1)
	for i := range all {
		all[i] = t.value(t.low+int64(i), c)
	}
	if gap := int64(s.cfg.GapAfter); gap > 0 && (t.columns[c].kind == rate || t.columns[c].kind == cumulative) {
		s.silences(all, gap)
	}
	return all
}

// silences turns runs of steps without any event into gaps where they are long.
func (s *sink) silences(values []float64, gap int64) {
	t := s.table
	begin := -1
	for i := range len(values) + 1 {
		if i < len(values) && !t.any(t.low+int64(i)) {
			if begin < 0 {
				begin = i
			}
			continue
		}
		if begin >= 0 && int64(i-begin)*t.step >= gap {
			for j := begin; j < i; j++ {
				values[j] = math.NaN()
			}
		}
		begin = -1
	}
}

// any reports whether a step has an event in any column.
func (t *table) any(bin int64) bool {
	for c := range t.columns {
		if t.at(bin, c) != 0 {
			return true
		}
	}
	return false
}

// closing adds what a reader of the report should know.
func (s *sink) closing(res *Result) {
	name := s.table.columns[s.value].name
	note := func(format string, args ...any) {
		res.Report.Notes = append(res.Report.Notes, fmt.Sprintf(format, args...))
	}
	switch s.table.columns[s.value].kind {
	case rate:
		note("the load is %s a second", name)
		quiet := s.silence[1] - s.silence[0]
		if s.cfg.GapAfter == 0 && quiet > 10*s.table.step && quiet > s.table.step*int64(len(res.Values))/20 {
			note("nothing happened from %s to %s; if the recording was interrupted, --gap-after makes it a gap", s.clock(s.silence[0]), s.clock(s.silence[1]))
		}
		if !s.format.spans && s.earliest > s.table.begin(s.table.low) {
			note("the first and the last step may have been recorded in part only")
		}
	default:
		note("the load is %s", name)
	}
	if res.Unit != datasets.RPS {
		note("its unit is %s, which the file cannot say: pass --unit %s where you use it", res.Unit, res.Unit)
	}
	if s.undated && s.cfg.Start.IsZero() {
		note("the recording has no dates: times count from its start, --start dates them")
	}
}

func (s *sink) clock(at int64) string {
	if s.undated {
		return datasets.Duration(at).String()
	}
	return time.Unix(0, at).UTC().Format(time.RFC3339)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// safeName keeps a column from being taken for the time or the load when the file is
// read again.
func safeName(name string) string {
	switch name {
	case "requests", "count", "load", "rps", "value", "time", "timestamp", "date", "ts", "period", "datetime":
		return name + "_column"
	}
	return name
}

// compareNames sorts le_0.5 before le_10 and le_inf last.
func compareNames(a, b string) int {
	x, y, ok := edges(a, b)
	if ok && x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func edges(a, b string) (x, y float64, ok bool) {
	a, ok1 := strings.CutPrefix(a, "le_")
	b, ok2 := strings.CutPrefix(b, "le_")
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	return edge(a), edge(b), true
}

func edge(text string) float64 {
	if v, ok := number([]byte(text)); ok {
		return v
	}
	return math.Inf(1)
}
