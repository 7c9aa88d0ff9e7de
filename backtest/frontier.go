package backtest

import (
	"cmp"
	"math"
	"slices"
)

// figures are what a comparison compares, of one run or of a point between two runs.
type figures struct {
	good      float64 // share of good requests
	thetaOver float64
	price     float64
	riseMean  float64 // seconds
	podHours  float64
}

func (t *tally) figures(p prices) figures {
	return figures{
		good:      float64(ratio(t.good, t.requests)),
		thetaOver: float64(ratio(t.over, t.demandTime)),
		price:     t.price(p),
		riseMean:  float64(ratio(t.riseSeconds, float64(t.rises))),
		podHours:  t.podSeconds / 3600,
	}
}

// A frontier holds the figures of one policy's runs that no other of its runs beats
// in both price and SLA, by rising SLA.
type frontier []figures

func newFrontier(runs []figures) frontier {
	sorted := slices.Clone(runs)
	sorted = slices.DeleteFunc(sorted, func(f figures) bool { return math.IsNaN(f.good) })
	slices.SortFunc(sorted, func(a, b figures) int {
		return cmp.Or(cmp.Compare(b.good, a.good), cmp.Compare(a.price, b.price))
	})
	var out frontier
	for _, f := range sorted {
		if n := len(out); n == 0 || f.price < out[n-1].price {
			out = append(out, f)
		}
	}
	slices.Reverse(out)
	return out
}

// best is the highest SLA of the frontier.
func (f frontier) best() float64 {
	if len(f) == 0 {
		return math.NaN()
	}
	return f[len(f)-1].good
}

// at returns the figures at an SLA of good, between the two runs around it, linearly
// in the logarithm of the share of bad requests. A frontier that lies above good
// altogether gives its cheapest run, whose SLA is higher than asked for; one that
// does not reach good gives none.
func (f frontier) at(good float64) (figures, bool) {
	i, found := slices.BinarySearchFunc(f, good, func(a figures, g float64) int { return cmp.Compare(a.good, g) })
	switch {
	case i == len(f):
		return figures{}, false
	case found || i == 0:
		return f[i], true
	}
	lo, hi := f[i-1], f[i]
	w := (badness(lo.good) - badness(good)) / (badness(lo.good) - badness(hi.good))
	mix := func(a, b float64) float64 { return a + w*(b-a) }
	return figures{
		good:      good,
		thetaOver: mix(lo.thetaOver, hi.thetaOver),
		price:     mix(lo.price, hi.price),
		riseMean:  mix(lo.riseMean, hi.riseMean),
		podHours:  mix(lo.podHours, hi.podHours),
	}, true
}

// badness is the scale on which SLAs are apart: ten times fewer bad requests are one
// unit. A run without a bad request counts as one in 1e9.
func badness(good float64) float64 { return math.Log10(1 - good + 1e-9) }

// equalSLA returns the figures of two frontiers at the objective, or at the best SLA
// that both reach, and reports which.
func equalSLA(candidate, baseline frontier, objective float64) (c, b figures, at float64, atObjective bool) {
	at = min(objective, candidate.best(), baseline.best())
	c, okC := candidate.at(at)
	b, okB := baseline.at(at)
	if !okC || !okB {
		nan := math.NaN()
		none := figures{nan, nan, nan, nan, nan}
		return none, none, nan, false
	}
	return c, b, at, at == objective
}
