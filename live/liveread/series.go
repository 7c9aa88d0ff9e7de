package liveread

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"hindcast.dev/live/liveview"
)

// A when says which values of a gauge count.
type when bool

const (
	deciding when = true  // while its process decides
	always   when = false // as long as it is there
)

// gauges returns the values of a gauge by a label of its own, of the process whose values
// count, each with NaN where there is none.
func (r *reading) gauges(name, label string, w when, match map[string]string) map[string][]float64 {
	out := map[string][]float64{}
	for _, s := range r.families[name] {
		if !holds(s.own, match) {
			continue
		}
		key := s.own[label]
		values, ok := out[key]
		if !ok {
			values = r.unknown()
			out[key] = values
		}
		for i, p := range r.chosen {
			if p >= 0 && r.processes[p] == s.process && !math.IsNaN(s.values[i]) && (w == always || r.active[i]) {
				values[i] = s.values[i]
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, values []float64) bool { return known(values) == 0 })
	return out
}

// gauge returns a gauge without labels that tell several apart.
func (r *reading) gauge(name string) []float64 {
	if values, ok := r.gauges(name, "", deciding, nil)[""]; ok {
		return values
	}
	return r.unknown()
}

func (r *reading) unknown() []float64 {
	values := make([]float64, r.steps)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

func holds(labels, match map[string]string) bool {
	for name, value := range match {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// known is how many values there are.
func known(values []float64) int {
	n := 0
	for _, v := range values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return n
}

// events returns how a counter rose, by a label of its own; the most frequent first.
func (r *reading) events(name, label string) []liveview.Events {
	byLabel := map[string][]float64{}
	for _, s := range r.families[name] {
		out, ok := byLabel[s.own[label]]
		if !ok {
			out = make([]float64, r.steps)
			byLabel[s.own[label]] = out
		}
		rises := r.rises(s)
		for _, w := range r.windows {
			if r.processes[w.process] != s.process {
				continue
			}
			for i := w.from + 1; i <= w.to; i++ {
				out[w.at] += rises[i]
			}
		}
	}
	var all []liveview.Events
	for _, key := range slices.Sorted(maps.Keys(byLabel)) {
		all = append(all, liveview.Events{Name: key, Rises: byLabel[key], Total: sum(byLabel[key])})
	}
	slices.SortStableFunc(all, func(a, b liveview.Events) int { return cmp.Compare(b.Total, a.Total) })
	return all
}

// counter returns how a counter rose that has no labels to tell several apart, or those of
// one value of a label; its total is NaN where there is none.
func (r *reading) counter(name, label, value string) liveview.Events {
	for _, e := range r.events(name, label) {
		if e.Name == value {
			return e
		}
	}
	return liveview.Events{Name: value, Total: math.NaN()}
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
