package liveread

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/live/liveview"
)

// metrics returns what is known of each metric of the scaler, by name.
func (r *reading) metrics() []liveview.Metric {
	names := map[string]bool{}
	for _, family := range []string{metricnames.ScalerObserved, metricnames.ScalerForecast} {
		for _, s := range r.families[family] {
			names[s.own["metric"]] = true
		}
	}
	var all []liveview.Metric
	for _, name := range slices.Sorted(maps.Keys(names)) {
		match := map[string]string{"metric": name}
		m := liveview.Metric{Name: name, Observed: r.one(metricnames.ScalerObserved, match)}
		m.Skill = r.rolling(r.one(metricnames.ScalerSkill, match))
		for _, ahead := range r.horizons(match) {
			m.Horizons = append(m.Horizons, r.horizon(m.Observed, name, ahead))
		}
		if known(m.Observed) > 0 || len(m.Horizons) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// one returns the gauge whose labels hold match.
func (r *reading) one(name string, match map[string]string) []float64 {
	for _, values := range r.gauges(name, "metric", deciding, match) {
		return values
	}
	return r.unknown()
}

// A horizonLabel is a horizon as the label has it, and as a time.
type horizonLabel struct {
	text  string
	ahead time.Duration
}

// horizons are those of the forecasts of a metric, the shortest first.
func (r *reading) horizons(match map[string]string) []horizonLabel {
	var all []horizonLabel
	for _, text := range slices.Sorted(maps.Keys(r.gauges(metricnames.ScalerForecast, "horizon", deciding, match))) {
		if d, err := time.ParseDuration(text); err == nil && d > 0 {
			all = append(all, horizonLabel{text, d})
		} else {
			r.note("A forecast has the horizon %q, which is no time; it is left out.", text)
		}
	}
	slices.SortStableFunc(all, func(a, b horizonLabel) int { return cmp.Compare(a.ahead, b.ahead) })
	return all
}

// horizon compares the forecasts of one horizon with what came.
func (r *reading) horizon(observed []float64, metric string, h horizonLabel) liveview.Horizon {
	match := map[string]string{"metric": metric, "horizon": h.text}
	out := liveview.Horizon{Ahead: h.ahead, Came: highest(r.news(observed), int(h.ahead/r.ask.Step))}
	out.Accuracy = r.rolling(r.one(metricnames.ScalerAccuracy, match))
	made := make([]bool, r.steps)
	byQuantile := r.gauges(metricnames.ScalerForecast, "quantile", deciding, match)
	for _, text := range slices.Sorted(maps.Keys(byQuantile)) {
		values := byQuantile[text]
		level, err := strconv.ParseFloat(text, 64)
		if err != nil || !(level > 0 && level < 1) {
			r.note("A forecast has the quantile %q, which is no number between 0 and 1; it is left out.", text)
			continue
		}
		q := liveview.Quantile{Level: level, Forecasts: values}
		held := 0
		for i, v := range values {
			if math.IsNaN(v) {
				continue
			}
			made[i] = true
			// A forecast that stands until the next decision counts once.
			if came := out.Came[i]; !math.IsNaN(came) && r.fresh(i) {
				q.Judged++
				if came <= v {
					held++
				}
			}
		}
		q.Held = float64(held) / float64(q.Judged)
		out.Quantiles = append(out.Quantiles, q)
	}
	slices.SortStableFunc(out.Quantiles, func(a, b liveview.Quantile) int { return cmp.Compare(a.Level, b.Level) })
	for i, ok := range made {
		if !ok {
			out.Came[i] = math.NaN()
		}
	}
	return out
}

// fresh says whether a decision was made since the step before.
func (r *reading) fresh(step int) bool {
	p := r.chosen[step]
	return p >= 0 && r.processes[p].decided[step] > 0
}

// news returns the values that are new with a decision; -Inf where none was made, and the
// value of the one before is still shown.
func (r *reading) news(values []float64) []float64 {
	out := slices.Clone(values)
	for i, v := range values {
		if !math.IsNaN(v) && !r.fresh(i) {
			out[i] = math.Inf(-1)
		}
	}
	return out
}

// highest returns for each step the highest of the next values, ahead of them, its own
// left out; NaN where one of them is missing, or lies beyond the end, or none is a value.
func highest(values []float64, ahead int) []float64 {
	out := make([]float64, len(values))
	var queue []int // steps within reach, their values falling
	gap := len(values)
	for i := len(values) - 1; i >= 0; i-- {
		for len(queue) > 0 && queue[0] > i+ahead {
			queue = queue[1:]
		}
		out[i] = math.NaN()
		if i+ahead < gap && len(queue) > 0 && !math.IsInf(values[queue[0]], -1) {
			out[i] = values[queue[0]]
		}
		if math.IsNaN(values[i]) {
			gap, queue = i, queue[:0]
			continue
		}
		for len(queue) > 0 && values[queue[len(queue)-1]] <= values[i] {
			queue = queue[:len(queue)-1]
		}
		queue = append(queue, i)
	}
	return out
}

// rolling describes a figure that the controller works out.
func (r *reading) rolling(values []float64) liveview.Rolling {
	out := liveview.Rolling{Values: values, Last: math.NaN(), Mean: math.NaN(), Lowest: math.NaN(), BelowZero: math.NaN()}
	n, total, below := 0, 0.0, 0
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if n == 0 || v < out.Lowest {
			out.Lowest = v
		}
		if v < 0 {
			below++
		}
		out.Last = v
		total += v
		n++
	}
	if n > 0 {
		out.Mean, out.BelowZero = total/float64(n), float64(below)/float64(n)
	}
	out.KnownSeconds = float64(n) * r.ask.Step.Seconds()
	return out
}
