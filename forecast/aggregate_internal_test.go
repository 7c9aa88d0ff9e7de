package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func rules(experts int) map[string]aggregation {
	return map[string]aggregation{
		"fixed share": newFixedShare(equal(experts), .3, .01),
		"ml-poly":     newPolynomial(experts),
		"boa":         newBernstein(experts, 1, 1),
		"median":      &middle{},
		"weighted":    &weightedMiddle{fixedShare: newFixedShare(equal(experts), .3, .01), part: medianPart},
	}
}

// Two experts, errors of 1 and 3 units: by hand.
func TestFixedShareByHand(t *testing.T) {
	a := newFixedShare(equal(2), .5, .1)
	a.settle([]float64{11, 13}, 12, 10, 1)
	worse := math.Exp(-.5 * 2) // of the second, relative to the first
	want := []float64{.9/(1+worse) + .05, .9*worse/(1+worse) + .05}
	got := make([]float64, 2)
	a.weigh(got, []float64{0, 0})
	for k := range want {
		if math.Abs(got[k]-want[k]) > 1e-12 {
			t.Fatalf("weights %v, want %v", got, want)
		}
	}
}

// Where nothing is at stake nothing is forgotten: as forecasts that differ by a hundredth of
// the unit share a hundredth as much.
func TestFixedShareForgetsByWhatIsAtStake(t *testing.T) {
	a := newFixedShare([]float64{.9, .1}, .5, .1)
	for range 1000 {
		a.settle([]float64{0, 0}, 0, 0, 1)
	}
	if a.weights[0] != .9 {
		t.Errorf("weights %v after a calm, were 0.9 and 0.1", a.weights)
	}
	a.settle([]float64{.01, 0}, 0, .005, 1) // as wrong as each other
	a.settle([]float64{.01, 0}, 0, 0, 1)
	worse := .9 * math.Exp(-.5*.01)
	want := .999*worse/(worse+.1) + .001*.5
	if math.Abs(a.weights[0]-want) > 1e-12 {
		t.Errorf("weight %v, want %v", a.weights[0], want)
	}
}

// An expert that sleeps keeps its weight, and what is awake shares the rest.
func TestSleepingExpertKeepsItsWeight(t *testing.T) {
	a := newFixedShare(equal(3), .5, .01)
	for range 50 {
		a.settle([]float64{1, 5, math.NaN()}, 3, 1, 1)
	}
	if w := a.weights[2]; math.Abs(w-1./3) > 1e-9 {
		t.Errorf("weight %v after sleeping, want 1/3", w)
	}
	if w := a.weights[0]; w < .6 {
		t.Errorf("the expert that is right has %v of 2/3", w)
	}
}

func TestWeightsAreOfThoseAwake(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for name, a := range rules(5) {
		forecasts, weights := make([]float64, 5), make([]float64, 5)
		for range 500 {
			for k := range forecasts {
				forecasts[k] = r.NormFloat64() + float64(k)
				if r.IntN(4) == 0 {
					forecasts[k] = math.NaN()
				}
			}
			a.weigh(weights, forecasts)
			total := 0.0
			for k, w := range weights {
				total += w
				if !(w >= 0) || math.IsNaN(forecasts[k]) && w != 0 {
					t.Fatalf("%s: weights %v of %v", name, weights, forecasts)
				}
			}
			all := !slices.ContainsFunc(forecasts, func(f float64) bool { return !math.IsNaN(f) })
			if want := 1.0; !all && math.Abs(total-want) > 1e-9 {
				t.Fatalf("%s: weights add up to %v", name, total)
			}
			a.settle(forecasts, combined(weights, forecasts), r.NormFloat64(), 1)
		}
	}
}

// The regret against the best expert grows like the square root of time: with losses of
// at most a few units, 20000 steps and 8 experts, all rules that learn stay below
// 4 sqrt(T ln K), whether experts are good for long or for an instant.
func TestRegretIsSublinear(t *testing.T) {
	const steps, experts = 20000, 8
	for name, a := range rules(experts) {
		if name == "median" {
			continue
		}
		for seed := range uint64(3) {
			r := rand.New(rand.NewPCG(seed, 8))
			losses, own := make([]float64, experts), 0.0
			forecasts, weights := make([]float64, experts), make([]float64, experts)
			for range steps {
				y := 2*r.Float64() - 1
				for k := range forecasts {
					// Expert 3 is a little better than the others.
					noise := 1.0
					if k == 3 {
						noise = .8
					}
					forecasts[k] = y + noise*(2*r.Float64()-1)
				}
				a.weigh(weights, forecasts)
				f := combined(weights, forecasts)
				own += math.Abs(f - y)
				for k := range losses {
					losses[k] += math.Abs(forecasts[k] - y)
				}
				a.settle(forecasts, f, y, 1)
			}
			if regret, bound := own-slices.Min(losses), 4*math.Sqrt(steps*math.Log(experts)); regret > bound {
				t.Errorf("%s, seed %d: regret %.0f, want at most %.0f", name, seed, regret, bound)
			}
			a = rules(experts)[name]
		}
	}
}

// The forecast is judged when its instant comes: with a horizon of 3, an expert that
// was right only about now gains nothing.
func TestMixtureFeedbackIsDelayed(t *testing.T) {
	m := newMixture(3, equal(2))
	for i := range 300 {
		y := float64(i % 7)
		m.settle(y)
		// The first knows the value three steps ahead, the second that of now.
		m.issue([]float64{float64((i + 3) % 7), y})
	}
	if m.weights[0] < .95 {
		t.Errorf("weights %v, want nearly all on the first", m.weights)
	}
}

// Where one expert is right and later another, the mixture is near the one that is, and
// far better than each alone.
func TestMixtureFollowsTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	m := newMixture(1, equal(3))
	own, alone := 0.0, make([]float64, 3)
	forecasts := make([]float64, 3)
	for i := range 6000 {
		y := 10 * r.NormFloat64()
		for k := range forecasts {
			forecasts[k] = 30
			if (i/1000)%3 == k {
				forecasts[k] = y + .1*r.NormFloat64()
			}
			alone[k] += math.Abs(forecasts[k] - y)
		}
		m.issue(forecasts)
		own += math.Abs(m.issued[0].combined - y)
		m.settle(y)
	}
	if best := slices.Min(alone); own > .05*best {
		t.Errorf("loss %.0f, the best expert alone %.0f", own, best)
	}
}

func TestMixtureCloneSharesNothing(t *testing.T) {
	a := newMixture(2, equal(3))
	step := func(m *mixture, y float64) {
		m.settle(y)
		m.issue([]float64{y, y + 1, y - 2})
	}
	for i := range 50 {
		step(a, float64(i%5))
	}
	b := a.clone()
	for i := range 50 {
		step(b, float64(i%3))
	}
	c := a.clone()
	for i := range 20 {
		step(a, float64(i%4))
		step(c, float64(i%4))
	}
	if !slices.Equal(a.weights, c.weights) {
		t.Errorf("weights %v and %v after the same values", a.weights, c.weights)
	}
}

// The weighted median is, of all forecasts of experts awake, the one with the least
// absolute loss by their weights: searched for one by one.
func TestWeightedMiddleIsTheLeastLoss(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 300 {
		a := &weightedMiddle{fixedShare: newFixedShare(equal(6), .5, .02), part: 1e-12}
		forecasts, weights := make([]float64, 6), make([]float64, 6)
		for range 5 {
			for k := range forecasts {
				forecasts[k] = float64(r.IntN(8)) // some alike
				if r.IntN(5) == 0 {
					forecasts[k] = math.NaN()
				}
			}
			a.settle(forecasts, 0, float64(r.IntN(8)), 2)
		}
		by := make([]float64, 6)
		a.fixedShare.weigh(by, forecasts)
		loss := func(at float64) (total float64) {
			for k, f := range forecasts {
				if !math.IsNaN(f) {
					total += by[k] * math.Abs(f-at)
				}
			}
			return total
		}
		least := math.Inf(1)
		for _, f := range forecasts {
			if !math.IsNaN(f) {
				least = min(least, loss(f))
			}
		}
		a.weigh(weights, forecasts)
		got := combined(weights, forecasts)
		if math.IsInf(least, 1) {
			if !math.IsNaN(got) {
				t.Fatalf("%v of nobody", got)
			}
			continue
		}
		if loss(got) > least+1e-12 {
			t.Fatalf("%v of %v by %v loses %v, the best %v", got, forecasts, by, loss(got), least)
		}
	}
}

// The part that is averaged goes from the median to the weighted mean, and is of two
// forecasts that halve the weight the mean.
func TestCentralPartByHand(t *testing.T) {
	forecasts := []float64{7, 1, 2, 100}
	for _, c := range []struct{ part, want float64 }{
		{1e-9, 2},                            // below 2 is .3, up to it .6
		{1, .3*7 + .3*1 + .3*2 + .1*100},     // all
		{.4, (.3*2 + .1*7) / .4},             // from .3 to .7
		{.6, (.1*1 + .3*2 + .2*7) / .6},      // from .2 to .8
		{.9, (.25*1 + .3*2 + .3*7 + 5) / .9}, // .05 of the last
	} {
		a := &weightedMiddle{fixedShare: newFixedShare([]float64{.3, .3, .3, .1}, .5, .1), part: c.part}
		weights := make([]float64, 4)
		a.weigh(weights, forecasts)
		if got := combined(weights, forecasts); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("part %v: %v, want %v", c.part, got, c.want)
		}
	}
	a := &weightedMiddle{fixedShare: newFixedShare(equal(2), .5, .1), part: medianPart}
	weights := make([]float64, 2)
	if a.weigh(weights, []float64{3, 5}); combined(weights, []float64{3, 5}) != 4 {
		t.Errorf("weights %v of two halves", weights)
	}
}

// A prior is what an expert weighs before anything is known; it costs little in the end.
func TestPriorsOfExperts(t *testing.T) {
	prior := priors([]Expert{{Model: Naive{}}, {Model: SES{}, Prior: 1. / 4}, {Model: Trees{}, Prior: 3. / 4}})
	if want := []float64{.5, .125, .375}; !slices.Equal(prior, want) {
		t.Errorf("priors %v, want %v", prior, want)
	}
	m := newMixture(1, []float64{.999, .001})
	m.issue([]float64{10, 0})
	if m.weights[0] < .8 {
		t.Errorf("weights %v before anything is known", m.weights)
	}
	for range 60 {
		m.settle(0)
		m.issue([]float64{10, 0})
	}
	if m.weights[1] < .9 {
		t.Errorf("weights %v when the unlikely one was right all the time", m.weights)
	}
}
