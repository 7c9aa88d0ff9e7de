package sim

import (
	"math"
	"time"
)

// A FaultKind is what goes wrong in a world.
type FaultKind uint8

// The kinds of faults.
const (
	MetricsOutage FaultKind = iota + 1 // metrics-server is down
)

// A Fault goes wrong in a world at a time since its start.
type Fault struct {
	Kind FaultKind
	At   time.Duration
	For  time.Duration // of a MetricsOutage
}

// scheduleFaults lets the faults of the configuration happen.
func (w *World) scheduleFaults() {
	for _, f := range w.cfg.Faults {
		w.events.push(f.At, Move, func() {
			w.endSpan()
			switch f.Kind {
			case MetricsOutage:
				w.loseMetrics(f.At + f.For)
			}
			w.beginSpan()
		})
	}
}

// loseMetrics stops metrics-server until a time. It keeps what it knows in memory only: when it
// is back it needs two readings of a pod.
func (w *World) loseMetrics(until time.Duration) {
	w.noMetricsUntil = max(w.noMetricsUntil, until)
	w.events.push(until, Move, func() {
		if w.now < w.noMetricsUntil {
			return
		}
		for _, p := range w.pods {
			p.usage, p.lastRead = nil, time.Time{}
		}
	})
}

// MetricsServed reports whether metrics-server answers.
func (w *World) MetricsServed() bool { return w.now >= w.noMetricsUntil }

// RandomTimes draws the times within length of a Poisson process of perDay events a day: those
// of the n-th process of the name.
func RandomTimes(seed uint64, name string, n uint64, perDay float64, length time.Duration) []time.Duration {
	r := stream(seed, name, n)
	mean := float64(24*time.Hour) / perDay
	var times []time.Duration
	for at := 0.0; ; {
		at += mean * r.ExpFloat64()
		if at >= float64(length) {
			return times
		}
		times = append(times, time.Duration(math.Floor(at)))
	}
}
