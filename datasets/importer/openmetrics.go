package importer

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"strings"

	"hindcast.dev/datasets"
)

// openMetrics is the text form of metrics with timestamps: OpenMetrics 1.0, with unix
// seconds, as promtool tsdb dump-openmetrics writes it, and the older text form of
// Prometheus, with milliseconds. Counters become rates. Series may be in any order, one
// after the other or all at each time.
func openMetrics() Format {
	return Format{
		Name:      "openmetrics",
		Title:     "OpenMetrics, or Prometheus text with timestamps; select series as in PromQL",
		minutes:   true,
		unordered: true,
		detect: func(h sample) bool {
			good := 0
			for _, l := range h.lines {
				if l[0] == '#' {
					if f := bytes.Fields(l); len(f) > 2 && (string(f[1]) == "TYPE" || string(f[1]) == "HELP" || string(f[1]) == "UNIT") {
						good++
					}
				} else if _, _, w := cutMetric(l); w == "" {
					good++
				}
			}
			return good > 0 && 2*good > len(h.lines)
		},
		open: func(s *sink) (decoder, error) {
			t, ok := s.state.(*metricsTable)
			if !ok {
				t = &metricsTable{types: make(map[string]string), columns: make(map[string]int)}
				var err error
				if t.selections, err = parseSelections(s.cfg.Select); err != nil {
					return nil, err
				}
				s.state = t
			}
			return &metricsDecoder{sink: s, metricsTable: t}, nil
		},
		closing: closeMetrics,
	}
}

const (
	noMetric    why = "there is no name of a metric"
	openLabels  why = "the labels are not closed"
	noValue     why = "there is no value"
	noStamp     why = "there is no timestamp"
	badValue    why = "the value is no number"
	negative    why = "the value is negative"
	badLabels   why = "the labels are not understood"
	mostMetrics     = 100
)

// A metricLine is one sample in text.
type metricLine struct {
	series       []byte // name and labels as they stand
	value, stamp []byte
}

// cutMetric finds the parts of a line without looking into the labels.
func cutMetric(b []byte) (m metricLine, name []byte, w why) {
	i := 0
	for i < len(b) && b[i] != '{' && b[i] != ' ' && b[i] != '\t' {
		if !nameByte(b[i]) {
			return m, nil, noMetric
		}
		i++
	}
	name = b[:i]
	if i < len(b) && b[i] == '{' {
		end := closingBrace(b, i)
		if end < 0 {
			return m, nil, openLabels
		}
		i = end + 1
	} else if i == 0 {
		return m, nil, noMetric
	}
	m.series = b[:i]
	m.value, b = word(b[i:])
	if len(m.value) == 0 {
		return m, nil, noValue
	}
	m.stamp, b = word(b)
	if len(m.stamp) == 0 || m.stamp[0] == '#' {
		return m, nil, noStamp
	}
	// An exemplar may follow.
	if rest, _ := word(b); len(rest) > 0 && rest[0] != '#' {
		return m, nil, "there is more after the timestamp"
	}
	return m, name, ""
}

func nameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == ':'
}

func word(b []byte) (w, rest []byte) {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	end := i
	for end < len(b) && b[end] != ' ' && b[end] != '\t' {
		end++
	}
	return b[i:end], b[end:]
}

// closingBrace returns where the labels that begin at i end, quotes heeded; -1: nowhere.
func closingBrace(b []byte, i int) int {
	quoted := false
	for ; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\':
			i++
		case b[i] == '"':
			quoted = !quoted
		case b[i] == '}' && !quoted:
			return i
		}
	}
	return -1
}

// A metricsTable is what is known of metrics across files.
type metricsTable struct {
	selections []selection
	types      map[string]string // of families
	columns    map[string]int
	metrics    []string // columns of whole metrics or selections, in order of appearance
	known      map[string]*metricSeries
	used       int
}

// A metricSeries is where the samples of a series go; nil: nowhere.
type metricSeries struct {
	levels *series
	values []float64
}

type metricsDecoder struct {
	*sink
	*metricsTable
}

func (d *metricsDecoder) decode(r *bufio.Reader) error {
	if d.known == nil {
		d.known = make(map[string]*metricSeries)
	}
	return d.eachLine(r, d.sampleLine)
}

func (d *metricsDecoder) sampleLine(line []byte) why {
	if line[0] == '#' {
		if f := bytes.Fields(line); len(f) == 4 && string(f[1]) == "TYPE" && len(d.types) < maxSeries {
			d.types[string(f[2])] = string(f[3])
		}
		return skipped
	}
	m, name, w := cutMetric(line)
	if w != "" {
		return w
	}
	one, known := d.known[string(m.series)]
	if !known {
		if len(d.known) >= maxSeries {
			d.err = d.fault(d.line, fmt.Sprintf("more than %d series", maxSeries), "cut the file up by metric")
			return skipped
		}
		if one, w = d.series(m.series, name); w != "" {
			return w
		}
		d.known[string(m.series)] = one
	}
	if one == nil {
		return skipped
	}
	at, w := unix(m.stamp)
	if w != "" {
		return w
	}
	v, ok := number(m.value)
	switch {
	case !ok && !bytes.EqualFold(m.value, []byte("nan")):
		return badValue
	case !ok:
		v = math.NaN()
	case v < 0:
		return negative
	}
	for i := range one.values {
		one.values[i] = v
	}
	if w := one.levels.push(at, one.values); w != "" {
		return w
	}
	d.saw(at)
	d.bound()
	return ""
}

// series decides where a series that appears for the first time goes.
func (d *metricsDecoder) series(text, name []byte) (*metricSeries, why) {
	labels, ok := parseLabels(text[len(name):])
	if !ok {
		return nil, badLabels
	}
	if len(name) == 0 {
		name = []byte(labels["__name__"])
	}
	if len(name) == 0 {
		return nil, noMetric
	}
	labels["__name__"] = string(name)
	column, first := d.selected(labels)
	if column == "" {
		return nil, ""
	}
	counter := d.counter(string(name))
	var columns []int
	if le, bucket := labels["le"]; bucket && bytes.HasSuffix(name, []byte("_bucket")) {
		if edge(le) == math.Inf(1) {
			columns = append(columns, d.column(column, true))
			le = "inf"
		}
		columns = append(columns, d.column("le_"+le, false))
	} else {
		columns = append(columns, d.column(column, true))
		if code := codeOf(labels); code != "" && first {
			columns = append(columns, d.column("code_"+code, false))
		}
	}
	if d.err != nil {
		return nil, ""
	}
	s := newSeries(d.table, columns, d.nominal)
	s.hold, s.counter, s.distances = leastHold, counter, d.distances
	d.sink.series[string(text)] = s
	d.used++
	return &metricSeries{levels: s, values: make([]float64, len(columns))}, ""
}

// selected returns the column of a series, and whether it is of the first selection;
// "" for a series that is left out.
func (d *metricsDecoder) selected(labels map[string]string) (column string, first bool) {
	name := labels["__name__"]
	for i, s := range d.selections {
		if s.matches(labels) {
			if s.column != "" {
				return s.column, i == 0
			}
			return name, i == 0
		}
	}
	_, quantile := labels["quantile"]
	if len(d.selections) > 0 || quantile || strings.HasSuffix(name, "_created") {
		return "", false
	}
	return name, true
}

// column returns the column of a name, made if need be.
func (d *metricsDecoder) column(name string, metric bool) int {
	if c, ok := d.columns[name]; ok {
		return c
	}
	if len(d.columns) >= mostMetrics && d.err == nil {
		d.err = d.fault(d.line, fmt.Sprintf("more than %d metrics", mostMetrics), `choose with --select 'name{label="value"}'`)
	}
	c := d.table.addColumn(column{name: name, kind: total})
	d.columns[name] = c
	if metric {
		d.metrics = append(d.metrics, name)
	}
	return c
}

// counter reports whether the samples of a metric count up.
func (d *metricsDecoder) counter(name string) bool {
	if t := d.types[name]; t != "" {
		return t == "counter"
	}
	for _, suffix := range []string{"_total", "_bucket", "_count", "_sum"} {
		if family, ok := strings.CutSuffix(name, suffix); ok {
			switch d.types[family] {
			case "counter", "histogram", "summary", "":
				return true
			}
			return false
		}
	}
	return false
}

// codeOf returns the status code among the labels.
func codeOf(labels map[string]string) string {
	for _, name := range []string{"code", "status", "status_code", "http_status_code"} {
		v := labels[name]
		if len(v) == 3 && digit(v[0]) && (digit(v[1]) && digit(v[2]) || strings.HasSuffix(v, "xx")) {
			return v
		}
	}
	return ""
}

// closeMetrics finds the metric that is the load.
func closeMetrics(s *sink) error {
	t := s.state.(*metricsTable)
	if len(t.metrics) == 0 {
		return s.nothing()
	}
	s.value = t.columns[t.metrics[0]]
	if len(t.selections) > 0 || s.cfg.Column != "" {
		for _, sel := range t.selections[:min(1, len(t.selections))] {
			if c, ok := t.columns[sel.name()]; ok {
				s.value = c
			}
		}
		s.note("%d series of %s", t.used, strings.Join(t.metrics, ", "))
		return nil
	}
	for _, known := range []string{"http_requests_total", "nginx_ingress_controller_requests"} {
		if c, ok := t.columns[known]; ok {
			s.value = c
			s.note("%d series of %s; other metrics may be chosen with --column", t.used, strings.Join(t.metrics, ", "))
			return nil
		}
	}
	if len(t.metrics) > 1 {
		shown := t.metrics[:min(len(t.metrics), 20)]
		return &datasets.ParseError{File: s.file, Msg: fmt.Sprintf("%d metrics: %s", len(t.metrics), strings.Join(shown, ", ")),
			Hint: `say which is the load with --select 'name{label="value"}'`}
	}
	s.note("%d series of %s", t.used, t.metrics[0])
	return nil
}
