package liveread

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/live/liveview"
	"hindcast.dev/live/promclient"
)

// A Source answers range queries. Each series has a value for every step from from up to
// to; the errors are those of promclient.
type Source interface {
	Series(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]promclient.Series, error)
}

// An Ask says of which scaler, when and how closely.
type Ask struct {
	Namespace, Name string
	Match           []promclient.Label // further labels that its series must have
	Server          string             // to be named in the view
	From, To        time.Time
	Step            time.Duration
	PerReplicaHour  float64 // a price; 0 or less: not known
}

// ErrNoData says that the server has not a single sample of the scaler.
var ErrNoData = errors.New("no data")

// Read asks for everything that the controller published of a scaler.
func Read(ctx context.Context, src Source, ask Ask) (*liveview.View, error) {
	r := &reading{ask: ask, src: src, steps: promclient.Steps(ask.From, ask.To, ask.Step), known: map[string]int{}}
	r.families = make(map[string][]*series)
	for _, namespaceLabel := range []string{"namespace", exported} {
		if err := r.fetch(ctx, namespaceLabel); err != nil {
			return nil, err
		}
		if len(r.processes) == 0 {
			continue
		}
		if namespaceLabel == exported {
			r.note("The label namespace of the scaler was renamed to %s when it was scraped; honor_labels: true in the scrape configuration keeps it.", exported)
		}
		r.reign()
		return r.view(), nil
	}
	return nil, fmt.Errorf("%w of PredictiveScaler %s/%s from %s to %s", ErrNoData, ask.Namespace, ask.Name,
		ask.From.UTC().Format(time.RFC3339), ask.To.UTC().Format(time.RFC3339))
}

// exported is what a scrape without honor_labels makes of the label namespace, where the
// target has one of its own.
const exported = "exported_namespace"

// A Scaler is one of which there are samples.
type Scaler struct{ Namespace, Name string }

// Scalers lists those that were seen within the hour before at, sorted.
func Scalers(ctx context.Context, src Source, match []promclient.Label, at time.Time) ([]Scaler, error) {
	expr := fmt.Sprintf("max by (namespace, %s, scaler) (last_over_time(%s%s[1h]))", exported, metricnames.ScalerMode, selector(match))
	all, err := src.Series(ctx, expr, at, at, time.Second)
	if err != nil {
		return nil, err
	}
	var found []Scaler
	for _, s := range all {
		labels := labelMap(s.Labels)
		namespace := labels["namespace"]
		if other := labels[exported]; other != "" {
			namespace = other
		}
		if one := (Scaler{namespace, labels["scaler"]}); one.Name != "" && !slices.Contains(found, one) {
			found = append(found, one)
		}
	}
	slices.SortFunc(found, func(a, b Scaler) int {
		return strings.Compare(a.Namespace+"\x00"+a.Name, b.Namespace+"\x00"+b.Name)
	})
	return found, nil
}

// A reading is one call of Read.
type reading struct {
	ask   Ask
	src   Source
	steps int

	families  map[string][]*series
	processes []*process
	known     map[string]int // processes by their labels
	first     int            // the first step at which anything of the scaler was seen
	chosen    []int          // whose values count, by step; -1: nobody's
	active    []bool         // whether that one was deciding
	windows   []window
	notes     []string
}

func (r *reading) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// A series is one series of a family.
type series struct {
	process *process
	own     map[string]string // the labels that the metric has of its own
	values  []float64         // NaN: no sample
}

// asked are the series that are read of each metric of the controller.
func asked(m metricnames.Metric) []string {
	if m.Type == metricnames.Histogram {
		return []string{m.Name + "_sum", m.Name + "_count"}
	}
	return []string{m.Name}
}

// fetch reads all families, and who published them.
func (r *reading) fetch(ctx context.Context, namespaceLabel string) error {
	match := append([]promclient.Label{{Name: namespaceLabel, Value: r.ask.Namespace}, {Name: "scaler", Value: r.ask.Name}}, r.ask.Match...)
	for _, m := range metricnames.All() {
		if m.Source != metricnames.Scaler {
			continue
		}
		for _, name := range asked(m) {
			all, err := r.src.Series(ctx, name+selector(match), r.ask.From, r.ask.To, r.ask.Step)
			if err != nil {
				return err
			}
			for _, s := range all {
				r.add(name, m.Labels, s)
			}
		}
	}
	r.first = r.steps
	for _, p := range r.processes {
		r.first = min(r.first, p.first)
	}
	return nil
}

func (r *reading) add(name string, ownLabels []string, s promclient.Series) {
	own := map[string]string{}
	var others []string
	for _, l := range s.Labels {
		switch {
		case l.Name == "__name__":
		case slices.Contains(ownLabels, l.Name) || l.Name == exported:
			own[l.Name] = l.Value
		default:
			others = append(others, l.Name+"="+strconv.Quote(l.Value))
		}
	}
	key := strings.Join(others, ", ")
	at, ok := r.known[key]
	if !ok {
		at = len(r.processes)
		r.known[key] = at
		r.processes = append(r.processes, &process{labels: key, first: r.steps, seen: make([]bool, r.steps)})
	}
	p := r.processes[at]
	for i, v := range s.Values {
		if !math.IsNaN(v) {
			p.seen[i] = true
			p.first = min(p.first, i)
		}
	}
	r.families[name] = append(r.families[name], &series{process: p, own: own, values: s.Values})
}

// selector writes label matchers.
func selector(match []promclient.Label) string {
	var b strings.Builder
	for i, l := range match {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(l.Name + "=" + strconv.Quote(l.Value))
	}
	return "{" + b.String() + "}"
}

func labelMap(labels []promclient.Label) map[string]string {
	m := make(map[string]string, len(labels))
	for _, l := range labels {
		m[l.Name] = l.Value
	}
	return m
}
