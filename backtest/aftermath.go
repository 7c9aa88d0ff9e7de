package backtest

import (
	"math"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/sim"
)

// aftermath is how long after its end a fault still counts: an eviction comes minutes after a node
// is lost, and what was refused or not seen is made up for by the next decisions.
const aftermath = 10 * time.Minute

// A toll is how well requests were served during faults and shortly after, in the scored part.
type toll struct {
	scoredFrom time.Time
	faults     []window // in order of their start
	next       int      // the first that has not begun
	now        []int    // those that go on
}

type window struct {
	from, until time.Time
	good, all   float64
}

func (e *env) tollOf(all []fault) *toll {
	t := &toll{scoredFrom: e.scoredFrom}
	for _, f := range all {
		t.faults = append(t.faults, window{from: e.load.Start.Add(f.at), until: e.load.Start.Add(f.end + aftermath)})
	}
	return t
}

// add counts the requests of a span, as evenly over it as its load is. Spans come in order.
func (t *toll) add(sp *sim.Span) {
	for ; t.next < len(t.faults) && t.faults[t.next].from.Before(sp.To); t.next++ {
		t.now = append(t.now, t.next)
	}
	on := t.now[:0]
	for _, i := range t.now {
		w := &t.faults[i]
		if !sp.From.Before(w.until) {
			continue
		}
		on = append(on, i)
		from, until := later(sp.From, w.from), sp.To
		if w.until.Before(until) {
			until = w.until
		}
		if sp.Gap || w.from.Before(t.scoredFrom) || !until.After(from) {
			continue
		}
		o, part := outcomeOf(sp), float64(until.Sub(from))/float64(sp.To.Sub(sp.From))
		w.good += part * o.good
		w.all += part * (o.good + o.bad)
	}
	t.now = on
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shares are those of good requests, fault by fault; undefined where there were no requests, or
// where a fault began before the scored part.
func (t *toll) shares() []result.Number {
	out := make([]result.Number, len(t.faults))
	for i, w := range t.faults {
		out[i] = ratio(w.good, w.all)
	}
	return out
}

// served are the faults of the n-th seed, and how each policy served during them.
func (b *bench) served(n int) []result.Fault {
	faults := b.env.shown(b.runner.seeds[n])
	for i := range faults {
		good := map[string]result.Number{}
		for name, p := range b.contest.asIs {
			if shares := p.outputs[n].faults; i < len(shares) && !math.IsNaN(float64(shares[i])) {
				good[name] = shares[i]
			}
		}
		if len(good) > 0 {
			faults[i].RequestsGood = good
		}
	}
	return faults
}
