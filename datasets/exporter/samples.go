package exporter

import (
	"math"
	"time"
)

// Times returns how many instants have samples; the k-th is [Export.Time] of k.
func (e *Export) Times() int {
	return int(time.Duration(e.steps)*e.Step/e.Interval) + 1
}

// Time returns the k-th instant.
func (e *Export) Time(k int) time.Time { return e.Start.Add(time.Duration(k) * e.Interval) }

// Sample returns what a series shows at the k-th instant; ok is false in a gap. A gauge
// shows the level of the step that begins there or has begun, and the last one at the end;
// a counter what was counted until then, evenly within a step, to a millionth.
func (e *Export) Sample(s *Series, k int) (v float64, ok bool) {
	since := time.Duration(k) * e.Interval
	i := int(since / e.Step)
	within := since - time.Duration(i)*e.Step
	observed := i < e.steps && !math.IsNaN(s.values[i])
	if s.Kind == Gauge {
		if i == e.steps {
			i, observed = i-1, !math.IsNaN(s.values[i-1])
		}
		if !observed {
			return 0, false
		}
		return s.values[i], true
	}
	// At the beginning of a gap the counter still shows what the step before it ended with.
	if !observed && (within > 0 || i == 0 || math.IsNaN(s.values[i-1])) {
		return 0, false
	}
	v = s.counts[i]
	if within > 0 {
		v += s.values[i] * within.Seconds()
	}
	return math.Round(v*1e6) / 1e6, true
}
