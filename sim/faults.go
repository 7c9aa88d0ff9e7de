package sim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

// A FaultKind is what goes wrong in a world.
type FaultKind uint8

// The kinds of faults.
const (
	MetricsOutage FaultKind = iota + 1 // metrics-server is down
	PodRestart                         // containers of ready pods crash and start again
	NodeLoss                           // machines fail
	Rollout                            // the Deployment gets a new template
	SlowStart                          // pods take longer until they are ready
)

// A Fault goes wrong in a world at a time since its start.
type Fault struct {
	Kind FaultKind
	At   time.Duration
	For  time.Duration // of a MetricsOutage, a NodeLoss and a SlowStart
	// Share of what there is that is hit, rounded up, in [0,1]; 0: one. Of a SlowStart: of the nodes,
	// 0: all.
	Share float64
	// Factor is how many times as long a start takes, and Stage the part of it that does; 0: all.
	// Of a SlowStart.
	Factor float64
	Stage  Stage
}

// A Hit is what a fault met: nothing where there was nothing to hit.
type Hit struct {
	Fault int      // its place in Config.Faults
	Nodes []string // that failed, or on which starts were slow
	Pods  []string // that crashed, or were on the nodes, in order of creation
}

// Hits returns what the faults so far have met, in the order in which they happened. Faults that
// hit neither nodes nor pods are not among them.
func (w *World) Hits() []Hit { return slices.Clone(w.hits) }

// scheduleFaults lets the faults of the configuration happen.
func (w *World) scheduleFaults() {
	for i, f := range w.cfg.Faults {
		if f.Kind == SlowStart {
			// It changes only how long what begins takes.
			if f.Share > 0 {
				w.events.push(f.At, Move, func() {
					hit := Hit{Fault: i}
					for _, n := range w.slowNodes(i, f.Share) {
						hit.Nodes = append(hit.Nodes, w.nodes[n].name)
					}
					w.hits = append(w.hits, hit)
				})
			}
			continue
		}
		w.events.push(f.At, Move, func() {
			w.endSpan()
			switch f.Kind {
			case SlowStart: // never scheduled
			case MetricsOutage:
				w.loseMetrics(f.At + f.For)
			case PodRestart:
				w.crash(i, f.Share)
			case NodeLoss:
				w.loseNodes(i, f.Share, f.At+f.For)
			case Rollout:
				w.rollOut()
			}
			w.beginSpan()
		})
	}
}

// hit returns how many of n a share hits.
func hit(share float64, n int) int {
	if share == 0 {
		return min(1, n)
	}
	// 0.07 of 100 is 7.000000000000001 in binary.
	return min(int(math.Ceil(share*float64(n)-1e-9)), n)
}

// luck draws for a thing that the n-th fault may hit: the lowest draws are hit. What the policy
// did does not change the draw of a thing.
func (w *World) luck(fault, thing int) uint64 {
	return stream(w.cfg.Seed, "fault "+strconv.Itoa(fault), uint64(thing)).Uint64()
}

// unlucky keeps those of all things, given by their numbers, that the fault hits, in order.
func (w *World) unlucky(fault int, share float64, all []int) []int {
	n := hit(share, len(all))
	draws := make(map[int]uint64, len(all))
	for _, thing := range all {
		draws[thing] = w.luck(fault, thing)
	}
	slices.SortFunc(all, func(a, b int) int {
		return cmp.Or(cmp.Compare(draws[a], draws[b]), cmp.Compare(a, b))
	})
	all = all[:n]
	slices.Sort(all)
	return all
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
