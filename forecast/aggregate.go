package forecast

import (
	"cmp"
	"math"
	"slices"
)

// An aggregation is a rule that weighs experts by how they did. Weights are of the
// experts awake, and add up to 1.
type aggregation interface {
	// weigh writes the weights of the experts, 0 for those asleep, whose forecast is NaN.
	weigh(dst, forecasts []float64)
	// settle takes the forecasts that had been given for what came, the combined one that
	// the rule had made of them, and the unit of errors at that time.
	settle(forecasts []float64, combined, actual, unit float64)
	// clone returns a copy that shares nothing.
	clone() aggregation
}

// fixedShare is the exponentially weighted average with fixed share (Herbster and
// Warmuth, Machine Learning 32, 1998), by the absolute loss of each expert: after T
// steps its loss exceeds that of the best sequence of experts with S switches by at most
// O(sqrt(T (S+1) ln(K T))), the rate being tuned to it. Time goes by what is at stake: where
// the forecasts differ by less than the unit, they share less, so that a night of zeros does
// not wipe out what the day has shown.
type fixedShare struct {
	rate, share float64
	weights     []float64
}

// newFixedShare returns a rule that begins with the weights of a prior, which add up to 1:
// they cost ln(1/prior) instead of ln K in the bound of each expert.
func newFixedShare(prior []float64, rate, share float64) *fixedShare {
	return &fixedShare{rate: rate, share: share, weights: slices.Clone(prior)}
}

func (a *fixedShare) weigh(dst, forecasts []float64) {
	copy(dst, a.weights)
	awake(dst, forecasts)
}

// settle moves weight among the experts that were awake; those asleep keep theirs, as
// specialists do (Freund, Schapire, Singer and Warmuth, STOC 1997).
func (a *fixedShare) settle(forecasts []float64, _, actual, unit float64) {
	least, most, before, n := math.Inf(1), 0.0, 0.0, 0.0
	for k, f := range forecasts {
		if l := math.Abs(f - actual); !math.IsNaN(l) {
			least, most = min(least, l), max(most, l)
			before += a.weights[k]
			n++
		}
	}
	if n == 0 {
		return
	}
	share := a.share * min(1, (most-least)/unit)
	after := 0.0
	for k, f := range forecasts {
		if l := math.Abs(f - actual); l > least {
			a.weights[k] *= math.Exp(-a.rate * min((l-least)/unit, maxLoss))
		}
		if !math.IsNaN(f) {
			after += a.weights[k]
		}
	}
	for k, f := range forecasts {
		if !math.IsNaN(f) {
			a.weights[k] = before * ((1-share)*a.weights[k]/after + share/n)
		}
	}
}

func (a *fixedShare) clone() aggregation {
	return &fixedShare{a.rate, a.share, slices.Clone(a.weights)}
}

// maxLoss bounds the loss of one step, in units of the usual error. It is high, as a
// nightly job is one step of a hundred and most of what there is to lose.
const maxLoss = 100

// polynomial is ML-Poly with the gradient of the absolute loss (Gaillard, Stoltz and van
// Erven, COLT 2014): each expert has a learning rate of its own and nothing is tuned. Its
// regret against the best convex combination of the experts is O(sqrt(T K)).
type polynomial struct {
	regret, inverse []float64 // of each expert: R, and 1/eta
}

func newPolynomial(experts int) *polynomial {
	return &polynomial{regret: make([]float64, experts), inverse: make([]float64, experts)}
}

func (a *polynomial) weigh(dst, forecasts []float64) {
	total := 0.0
	for k, r := range a.regret {
		dst[k] = 0
		if r > 0 && !math.IsNaN(forecasts[k]) {
			dst[k] = r / a.inverse[k]
			total += dst[k]
		}
	}
	if total == 0 {
		for k := range dst {
			dst[k] = 1
		}
	}
	awake(dst, forecasts)
}

func (a *polynomial) settle(forecasts []float64, combined, actual, unit float64) {
	slope := gradient(combined, actual)
	for k, f := range forecasts {
		if !math.IsNaN(f) {
			r := clamp(slope*(combined-f)/unit, -maxLoss, maxLoss)
			a.regret[k] += r
			a.inverse[k] += r * r
		}
	}
}

func (a *polynomial) clone() aggregation {
	return &polynomial{slices.Clone(a.regret), slices.Clone(a.inverse)}
}

// gradient is that of |combined - actual|.
func gradient(combined, actual float64) float64 {
	switch {
	case combined > actual:
		return 1
	case combined < actual:
		return -1
	default:
		return 0
	}
}

// bernstein is BOA, Bernstein online aggregation, with the gradient of the absolute loss
// (Wintenberger, Machine Learning 106, 2017).
type bernstein struct {
	variance, regret []float64
	forget, once     float64
}

// newBernstein returns a rule that forgets at a rate a step, and for which a loss is
// evidence once, in (0, 1], of what it says.
func newBernstein(experts int, forget, once float64) *bernstein {
	return &bernstein{variance: make([]float64, experts), regret: make([]float64, experts), forget: forget, once: once}
}

func (a *bernstein) weigh(dst, forecasts []float64) {
	highest := math.Inf(-1)
	for k := range dst {
		dst[k] = 0
		if v := a.variance[k]; v > 0 {
			dst[k] = a.regret[k]*math.Sqrt(a.once/v) - math.Log(v)/2
		}
		if !math.IsNaN(forecasts[k]) {
			highest = max(highest, dst[k])
		}
	}
	for k := range dst {
		dst[k] = math.Exp(min(dst[k]-highest, 0))
	}
	awake(dst, forecasts)
}

func (a *bernstein) settle(forecasts []float64, combined, actual, unit float64) {
	slope := gradient(combined, actual)
	for k, f := range forecasts {
		if !math.IsNaN(f) {
			r := clamp(slope*(combined-f)/unit, -maxLoss, maxLoss)
			a.variance[k] = a.forget*a.variance[k] + 2.2*r*r
			if a.variance[k] > 0 {
				a.regret[k] = a.forget*a.regret[k] + r - r*r/math.Sqrt(a.variance[k])
			}
		}
	}
}

func (a *bernstein) clone() aggregation {
	return &bernstein{slices.Clone(a.variance), slices.Clone(a.regret), a.forget, a.once}
}

// middle is the median of the experts.
type middle struct{ sorted []float64 }

func (a *middle) weigh(dst, forecasts []float64) {
	a.sorted = a.sorted[:0]
	for _, f := range forecasts {
		if !math.IsNaN(f) {
			a.sorted = append(a.sorted, f)
		}
	}
	clear(dst)
	if len(a.sorted) == 0 {
		return
	}
	slices.Sort(a.sorted)
	n := len(a.sorted)
	low, high := a.sorted[(n-1)/2], a.sorted[n/2]
	dst[slices.Index(forecasts, low)] += .5
	dst[slices.Index(forecasts, high)] += .5
}

func (*middle) settle([]float64, float64, float64, float64) {}

func (*middle) clone() aggregation { return &middle{} }

// weightedMiddle is the weighted median of the experts, by the weights of fixed share: of
// all forecasts the one with the least absolute loss, for one who believes the experts by
// these weights. Where they differ in kind, as when a burst goes on or is over, a mean of
// them is certain to be wrong.
type weightedMiddle struct {
	*fixedShare
	// part of all weight, in (0, 1], is averaged around the median: next to nothing of it is
	// the median itself, or the mean of two where they halve the weight, 1 the weighted mean.
	part  float64
	order []int
}

func (a *weightedMiddle) weigh(dst, forecasts []float64) {
	a.fixedShare.weigh(dst, forecasts)
	a.order = a.order[:0]
	for k, w := range dst {
		if w > 0 {
			a.order = append(a.order, k)
		}
	}
	slices.SortStableFunc(a.order, func(i, j int) int { return cmp.Compare(forecasts[i], forecasts[j]) })
	low, high, below := .5-a.part/2, .5+a.part/2, 0.0
	for _, k := range a.order {
		above := below + dst[k]
		dst[k] = max(min(above, high)-max(below, low), 0)
		below = above
	}
	awake(dst, forecasts)
}

func (a *weightedMiddle) clone() aggregation {
	return &weightedMiddle{fixedShare: a.fixedShare.clone().(*fixedShare), part: a.part}
}

// awake drops the weights of experts without a forecast and makes the rest add up to 1.
func awake(weights, forecasts []float64) {
	total := 0.0
	for k, f := range forecasts {
		if math.IsNaN(f) {
			weights[k] = 0
		}
		total += weights[k]
	}
	if total == 0 {
		return
	}
	for k := range weights {
		weights[k] /= total
	}
}

// combined returns the weighted mean of the forecasts, NaN where no weight is above 0.
func combined(weights, forecasts []float64) float64 {
	total, some := 0.0, false
	for k, w := range weights {
		if w > 0 {
			total += w * forecasts[k]
			some = true
		}
	}
	if !some {
		return math.NaN()
	}
	return total
}
