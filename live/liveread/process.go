package liveread

import (
	"math"
	"time"

	"hindcast.dev/internal/metricnames"
)

// A process is one that published series of the scaler: a controller, or one of two
// copies of the same series.
type process struct {
	labels  string // those of its scrape
	first   int    // step at which it was first seen
	seen    []bool
	decided []float64 // decisions since the step before
	anew    []bool    // counters began anew since the step before; nil: not known
}

// quiet is how long a process may go without a decision before another one that decides is
// believed: three turns of the loop.
const quiet = 90 * time.Second

// A window is a stretch of steps, after from up to and including to, whose increases of
// one process count at step at.
type window struct {
	process, from, to, at int
}

// reign finds out whose series count at each step. Of the processes of a controller one
// decides, so it is the one whose decisions grow. That one stays for as long as it is seen
// and decides; where it falls silent, the one that decided last takes over, and what that
// one counted since the other's last decision counts too. So a change of leader loses
// nothing, and two copies of one series are not counted twice.
func (r *reading) reign() {
	r.begins()
	decisions := r.families[metricnames.ScalerDecisions]
	for _, p := range r.processes {
		p.decided = make([]float64, r.steps)
		if len(decisions) == 0 {
			for i, ok := range p.seen {
				if ok {
					p.decided[i] = 1 // Nobody says who decides: to be seen will do.
				}
			}
		}
	}
	for _, s := range decisions {
		for i, v := range r.rises(s) {
			s.process.decided[i] += v
		}
	}
	patience := r.stepsOf(quiet)
	r.chosen = make([]int, r.steps)
	last := make([]int, len(r.processes)) // step of the last decision
	for p := range last {
		last[p] = -1
	}
	current := -1
	both := make([]int, len(r.processes))
	for i := range r.chosen {
		for p, proc := range r.processes {
			if proc.decided[i] > 0 || last[p] < 0 && proc.seen[i] {
				last[p] = i
			}
		}
		best := -1
		for p, proc := range r.processes {
			if proc.seen[i] && (best < 0 || last[p] > last[best] || last[p] == last[best] && proc.first > r.processes[best].first) {
				best = p
			}
		}
		if current >= 0 && r.processes[current].seen[i] && (i-last[current] <= patience || last[best] <= last[current]) {
			best = current
		}
		r.chosen[i] = best
		if best < 0 {
			continue
		}
		switch from := i - 1; {
		case best == current || current < 0:
			r.windows = append(r.windows, window{best, from, i, i})
		default:
			r.windows = append(r.windows, window{best, min(last[current], from), i, i})
		}
		current = best
		for p, proc := range r.processes {
			if p != best && proc.decided[i] > 0 && i-last[best] <= patience {
				both[p]++
			}
		}
	}
	r.watch(patience)
	for p, n := range both {
		if n >= 10 {
			r.note("Another process published decisions of this scaler at the same time (%s). It is left out; choose one with --match LABEL=VALUE.",
				orNone(r.processes[p].labels))
		}
	}
}

// watch finds the steps at which the chosen process was deciding: one decision is no
// further away than patience. A gauge of one that rests is old, whatever it says.
func (r *reading) watch(patience int) {
	r.active = make([]bool, r.steps)
	near := make([][]int, len(r.processes)) // decisions up to each step, counted
	for p, proc := range r.processes {
		near[p] = make([]int, r.steps+1)
		for i, d := range proc.decided {
			near[p][i+1] = near[p][i]
			if d > 0 {
				near[p][i+1]++
			}
		}
	}
	for i, p := range r.chosen {
		if p >= 0 {
			r.active[i] = near[p][min(i+patience+1, r.steps)] > near[p][max(i-patience, 0)]
		}
	}
}

func orNone(labels string) string {
	if labels == "" {
		return "without labels of its own"
	}
	return labels
}

func (r *reading) stepsOf(d time.Duration) int { return int((d + r.ask.Step - 1) / r.ask.Step) }

// begins finds the steps by which the counters of each process had begun anew at 0, which
// they do together. The count of all decisions shows that: it falls, where one of decisions
// by a reason may soon be above what it was.
func (r *reading) begins() {
	for _, s := range r.families[metricnames.ScalerDecisionDuration+"_count"] {
		s.process.anew = make([]bool, r.steps)
		before := math.NaN()
		for i, v := range s.values {
			if !math.IsNaN(v) {
				s.process.anew[i] = v < before
				before = v
			}
		}
	}
}

// rises returns how much a counter rose up to each step since the one before at which it
// had a sample. A value below the one before is a counter that began anew at 0, and so is
// one that came or changed since its process began anew. A series that appears after others
// of the scaler did began at 0 too: a process that is new, or something that happened for
// the first time. What those had counted that were there from the start was before.
func (r *reading) rises(s *series) []float64 {
	out := make([]float64, r.steps)
	before, anew, gap := math.NaN(), false, false
	for i, v := range s.values {
		anew = anew || s.process.anew != nil && s.process.anew[i]
		if math.IsNaN(v) {
			gap = true
			continue
		}
		switch {
		case math.IsNaN(before):
			if i > r.first {
				out[i] = v
			}
		case anew && !gap && v == before:
			continue // Of the life before: without staleness markers it stays for some time.
		case anew || v < before:
			out[i] = v
		default:
			out[i] = v - before
		}
		before, anew, gap = v, false, false
	}
	return out
}
