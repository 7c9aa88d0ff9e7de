package forecast

import (
	"math"
	"slices"
)

// A mixture combines the forecasts of experts for one horizon by several rules at once,
// and the rules by how they did: no rate of forgetting is best on every load, and which
// one is shows soon. By the bounds of the rules (see fixedShare, polynomial and
// bernstein) its loss exceeds that of the best of them, and theirs that of the best
// expert, by O(sqrt(T ln K)) after T steps.
type mixture struct {
	horizon int
	rules   []aggregation
	above   aggregation // weighs the rules
	recent  float64     // running mean absolute error of the combined forecast
	long    float64     // the same over a longer time
	settled float64

	weights []float64   // of the experts, now
	byRule  [][]float64 // of the experts by each rule, now
	shares  []float64   // of the rules, now
	issued  []mixed     // the last horizon forecasts, by time modulo horizon
	time    int
}

const (
	// mixtureOverlap is the horizon, in steps, up to which errors count in full.
	mixtureOverlap = 5
	// mixtureRecent and mixtureLong are the rates of the running mean errors. Losses are
	// counted in units of the higher one: by the newest alone the first step of a burst,
	// after a calm, would be a hundred of what has just been usual and decide everything.
	mixtureRecent, mixtureLong = .02, .0005
	// medianPart is the part of the weight around a median that is averaged.
	medianPart = .02
	// centralPart is that of the rules. Where they are of two minds the mean is certain to be
	// wrong, and where they are near each other it is better than each.
	centralPart = .3
	// medianPrior is how much more a weighted median is believed at first than other rules:
	// of its own accord it has the least absolute loss, which is what counts.
	medianPrior = 2
)

// A mixed is what was forecast at one instant.
type mixed struct {
	experts  []float64
	rules    []float64 // the combined forecast of each rule
	combined float64
	known    bool
}

// newMixture returns a mixture of as many experts as the prior has weights, which add up
// to 1.
func newMixture(horizon int, prior []float64) *mixture {
	experts := len(prior)
	// Errors h steps ahead overlap: what they say of an expert they say h times over.
	once := min(1, mixtureOverlap/float64(horizon))
	median := func(rate, share float64) aggregation {
		return &weightedMiddle{fixedShare: newFixedShare(prior, rate*once, share), part: medianPart}
	}
	m := &mixture{
		horizon: horizon,
		rules: []aggregation{
			newFixedShare(prior, once, .02),
			newFixedShare(prior, .3*once, .01),
			newFixedShare(prior, .1*once, .01),
			newFixedShare(prior, .1*once, .001),
			newPolynomial(experts),
			newBernstein(experts, .999, once),
			&middle{},
			median(1, .02),
			median(.3, .01),
			median(.1, .001),
		},
		weights: make([]float64, experts),
		issued:  make([]mixed, horizon),
	}
	m.above = &weightedMiddle{fixedShare: newFixedShare(rulePriors(m.rules), .1*once, .005), part: centralPart}
	m.shares = make([]float64, len(m.rules))
	for range m.rules {
		m.byRule = append(m.byRule, make([]float64, experts))
	}
	for i := range m.issued {
		m.issued[i] = mixed{experts: make([]float64, experts), rules: make([]float64, len(m.rules))}
	}
	return m
}

// equal returns n equal weights.
func equal(n int) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1 / float64(n)
	}
	return weights
}

// rulePriors returns the weights of rules before anything is known of them.
func rulePriors(rules []aggregation) []float64 {
	weights := equal(len(rules))
	total := 0.0
	for i, r := range rules {
		if _, ok := r.(*weightedMiddle); ok {
			weights[i] *= medianPrior
		}
		total += weights[i]
	}
	for i := range weights {
		weights[i] /= total
	}
	return weights
}

// settle judges the forecasts made horizon steps ago by what came; NaN says that it is
// not known.
func (m *mixture) settle(actual float64) {
	was := &m.issued[m.time%m.horizon]
	if !was.known || math.IsNaN(actual) {
		return
	}
	m.settled++
	size := math.Abs(actual - was.combined)
	m.recent += max(mixtureRecent, 1/m.settled) * (size - m.recent)
	m.long += max(mixtureLong, 1/m.settled) * (size - m.long)
	unit := max(m.recent, m.long)
	if unit <= 0 {
		return
	}
	for i, r := range m.rules {
		r.settle(was.experts, was.rules[i], actual, unit)
	}
	m.above.settle(was.rules, was.combined, actual, unit)
}

// issue takes the forecasts made now, NaN of experts that are asleep, and sets the
// weights. Where all are asleep there are none.
func (m *mixture) issue(forecasts []float64) {
	now := &m.issued[m.time%m.horizon]
	m.time++
	copy(now.experts, forecasts)
	for i, r := range m.rules {
		r.weigh(m.byRule[i], forecasts)
		now.rules[i] = combined(m.byRule[i], forecasts)
	}
	m.above.weigh(m.shares, now.rules)
	clear(m.weights)
	for i, byRule := range m.byRule {
		for k, w := range byRule {
			m.weights[k] += m.shares[i] * w
		}
	}
	now.combined = combined(m.weights, forecasts)
	now.known = !math.IsNaN(now.combined)
}

// clone returns a copy that shares nothing with m.
func (m *mixture) clone() *mixture {
	next := *m
	next.rules = make([]aggregation, len(m.rules))
	next.byRule = make([][]float64, len(m.byRule))
	for i, r := range m.rules {
		next.rules[i] = r.clone()
		next.byRule[i] = slices.Clone(m.byRule[i])
	}
	next.above = m.above.clone()
	next.weights, next.shares = slices.Clone(m.weights), slices.Clone(m.shares)
	next.issued = slices.Clone(m.issued)
	for i := range next.issued {
		was := &next.issued[i]
		was.experts, was.rules = slices.Clone(was.experts), slices.Clone(was.rules)
	}
	return &next
}
