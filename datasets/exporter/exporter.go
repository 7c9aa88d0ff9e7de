// Package exporter turns a load into the samples that a Prometheus server would have
// scraped from it, so that dashboards, rules and scalers can ask for it as they do in
// production.
//
// It opens nothing and stores nothing: it writes OpenMetrics text, or hands the samples
// to a database that somebody else opened. What a gap hides has no samples.
package exporter

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hindcast.dev/datasets"
)

// A Kind is a type of metric.
type Kind string

// The kinds of metrics.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// A Label is a name and a value of a series.
type Label struct{ Name, Value string }

// Config says how a load is exported; the zero value is enough for a load of requests.
type Config struct {
	// Metric is the name of the load; empty: by its unit, http_requests_total for
	// requests, container_cpu_usage_seconds_total for cores, hindcast_load_percent.
	Metric string
	// Kind is counter or gauge; empty: counter where the name of the load ends in _total.
	Kind Kind
	// Labels are added to every series.
	Labels []Label
	// Interval is the distance of the samples; 0: 15 s, or the step if that is shorter.
	Interval time.Duration
	// Start dates a load without dates.
	Start time.Time
}

const scrape = 15 * time.Second

// A Series is one series with its samples to come.
type Series struct {
	Name   string // of the series, such as http_request_duration_seconds_bucket
	Family string // of the metric, such as http_request_duration_seconds
	Kind   Kind
	Labels []Label // sorted by name
	// values are the rate of a counter, or the level of a gauge, by step; NaN is a gap.
	values []float64
	// counts are what a counter has counted at the beginning of each step, and at the end.
	counts []float64
}

// An Export is a load as series.
type Export struct {
	Series   []Series // those of one family together
	Start    time.Time
	Step     time.Duration
	Interval time.Duration
	steps    int
}

// New plans the export of a table. A column whose meaning is known gets the name that a
// real exporter gives it: code_200 is http_requests_total{code="200"}, le_0.5 a bucket of
// http_request_duration_seconds, memory_bytes container_memory_working_set_bytes.
func New(t datasets.Table, cfg Config) (*Export, error) {
	e := &Export{Start: t.Start, Step: t.Step, Interval: cfg.Interval, steps: len(t.Values)}
	if e.Interval == 0 {
		e.Interval = min(scrape, t.Step)
	}
	if err := cfg.validate(t); err != nil {
		return nil, err
	}
	if t.Relative {
		e.Start = cfg.Start.Add(time.Duration(t.Start.UnixNano()))
	}
	if !codesAreTheLoad(t) {
		name, kind := cfg.load(t.Unit)
		values := t.Values
		if t.Unit == datasets.CountPerStep {
			values = perSecond(values, t.Step)
		}
		e.add(name, kind, values, cfg.Labels)
	}
	for _, c := range t.Columns {
		name, kind, extra := meaning(c.Name)
		e.add(name, kind, c.Values, append(slices.Clone(cfg.Labels), extra...))
		if c.Name == "le_inf" {
			e.add(durationFamily+"_count", Histogram, c.Values, cfg.Labels)
		}
	}
	slices.SortStableFunc(e.Series, func(a, b Series) int { return strings.Compare(a.Family, b.Family) })
	for i, s := range e.Series {
		for _, other := range e.Series[:i] {
			if s.Name == other.Name && slices.Equal(s.Labels, other.Labels) {
				return nil, fmt.Errorf("two columns become the series %s; name the load otherwise with --metric", s)
			}
		}
	}
	return e, nil
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

func (c Config) validate(t datasets.Table) error {
	var faults []error
	if c.Metric != "" && !metricName.MatchString(c.Metric) {
		faults = append(faults, fmt.Errorf("metric %q: a name has letters, digits, _ and :, and no digit first", c.Metric))
	}
	if c.Kind != "" && c.Kind != Counter && c.Kind != Gauge {
		faults = append(faults, fmt.Errorf("kind %q is neither counter nor gauge", c.Kind))
	}
	if c.Kind == Counter && c.Metric != "" && !strings.HasSuffix(c.Metric, "_total") {
		faults = append(faults, fmt.Errorf("metric %q: the name of a counter ends in _total", c.Metric))
	}
	for i, l := range c.Labels {
		switch {
		case !labelName.MatchString(l.Name) || l.Name == "__name__":
			faults = append(faults, fmt.Errorf("label %q: a name has letters, digits and _, and no digit first", l.Name))
		case l.Name == "le" || l.Name == "code":
			faults = append(faults, fmt.Errorf("label %q: the export sets it itself", l.Name))
		case slices.ContainsFunc(c.Labels[:i], func(o Label) bool { return o.Name == l.Name }):
			faults = append(faults, fmt.Errorf("label %q is there twice", l.Name))
		}
	}
	if c.Interval < 0 || c.Interval != 0 && c.Interval < time.Millisecond {
		faults = append(faults, fmt.Errorf("interval %v is less than a millisecond", c.Interval))
	}
	if t.Relative && c.Start.IsZero() {
		faults = append(faults, errors.New("the load has no dates, and a database needs them; say when it began with --start"))
	}
	return errors.Join(faults...)
}

// load names the load.
func (c Config) load(u datasets.Unit) (string, Kind) {
	name := c.Metric
	if name == "" {
		name = map[datasets.Unit]string{
			datasets.RPS: requests, datasets.CountPerStep: requests, datasets.Cores: "container_cpu_usage_seconds_total",
			datasets.Percent: "hindcast_load_percent",
		}[u]
	}
	kind := c.Kind
	if kind == "" {
		kind = Gauge
		if strings.HasSuffix(name, "_total") {
			kind = Counter
		}
	}
	return name, kind
}

const (
	requests       = "http_requests_total"
	durationFamily = "http_request_duration_seconds"
)

// meaning returns the series that a column becomes.
func meaning(column string) (name string, kind Kind, labels []Label) {
	if code, ok := strings.CutPrefix(column, "code_"); ok {
		return requests, Counter, []Label{{"code", code}}
	}
	if le, ok := strings.CutPrefix(column, "le_"); ok {
		return durationFamily + "_bucket", Histogram, []Label{{"le", edge(le)}}
	}
	switch column {
	case "duration_seconds":
		return durationFamily + "_sum", Histogram, nil
	case "bytes":
		return "http_response_bytes_total", Counter, nil
	case "errors":
		return "http_errors_total", Counter, nil
	case "context_tokens", "generated_tokens", "request_tokens", "response_tokens":
		return column + "_total", Counter, nil
	case "cpu_cores":
		return "container_cpu_usage_seconds_total", Counter, nil
	case "memory_bytes":
		return "container_memory_working_set_bytes", Gauge, nil
	case "network_receive_bytes", "network_transmit_bytes":
		return "container_" + column + "_total", Counter, nil
	case "disk_read_bytes":
		return "container_fs_reads_bytes_total", Counter, nil
	case "disk_write_bytes":
		return "container_fs_writes_bytes_total", Counter, nil
	}
	return "hindcast_" + notInName.ReplaceAllString(column, "_"), Gauge, nil
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// edge writes the upper edge of a bucket as Prometheus does since version 3: 1.0, +Inf.
func edge(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return text
	case math.IsInf(v, 1):
		return "+Inf"
	}
	text = strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// codesAreTheLoad reports whether the requests by status code add up to the load, which
// then must not be exported a second time.
func codesAreTheLoad(t datasets.Table) bool {
	if t.Unit != datasets.RPS {
		return false
	}
	byCode := false
	for i, v := range t.Values {
		total := 0.0
		for _, c := range t.Columns {
			if strings.HasPrefix(c.Name, "code_") {
				byCode = true
				if !math.IsNaN(c.Values[i]) {
					total += c.Values[i]
				}
			}
		}
		if !math.IsNaN(v) && math.Abs(total-v) > 1e-6*(1+v) {
			return false
		}
	}
	return byCode
}

func perSecond(values []float64, step time.Duration) []float64 {
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = v / step.Seconds()
	}
	return all
}

// add adds a series.
func (e *Export) add(name string, kind Kind, values []float64, labels []Label) {
	s := Series{Name: name, Family: name, Kind: kind, values: values, Labels: slices.Clone(labels)}
	slices.SortFunc(s.Labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	switch kind {
	case Counter:
		s.Family = strings.TrimSuffix(name, "_total")
	case Histogram:
		s.Family = durationFamily
	case Gauge:
	}
	if kind != Gauge {
		s.counts = make([]float64, len(values)+1)
		for i, v := range values {
			s.counts[i+1] = s.counts[i]
			if !math.IsNaN(v) {
				s.counts[i+1] += v * e.Step.Seconds()
			}
		}
	}
	e.Series = append(e.Series, s)
}

// String returns the series in PromQL notation.
func (s Series) String() string {
	var b strings.Builder
	b.WriteString(s.Name)
	for i, l := range s.Labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(l.Name + `="` + escaper.Replace(l.Value) + `"`)
	}
	if len(s.Labels) > 0 {
		b.WriteByte('}')
	}
	return b.String()
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
