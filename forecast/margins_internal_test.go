package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Scores by hand.
func TestMargins(t *testing.T) {
	m := newMargins(.04, 10, nil)
	m.settle(4, 0) // The scale is now 4, and the score 1.
	// One score cannot tell the 0.9 quantile: it is stretched by half.
	if got := m.around(150, .9); math.Abs(got-156) > 1e-12 {
		t.Errorf("upper quantile %v, want 150 + 1.5 * 1 * 4", got)
	}
	m.settle(-2, 4) // Score -0.5, and the scale is (4 + 2)/2.
	if got := m.around(170, .1); math.Abs(got-167.75) > 1e-12 {
		t.Errorf("lower quantile %v, want 170 - 1.5 * 0.5 * 3", got)
	}
	if got := m.around(1, .1); got != 0 {
		t.Errorf("a quantile is %v, below 0", got)
	}
	if m.count() != 2 {
		t.Errorf("%d scores, want 2", m.count())
	}
}

// Made-up scores have the quantiles of Laplace's distribution, leave first, and are not
// counted.
func TestLaplacePriors(t *testing.T) {
	m := newMargins(.04, 30, laplaceQuantile)
	m.scale = 1
	// Of 20 scores the 0.9 quantile is the 19th, the middle of the 19th twentieth.
	if got, want := m.around(100, .9), 100-math.Log(2*(1-18.5/20)); math.Abs(got-want) > 1e-12 {
		t.Errorf("upper quantile %v, want %v", got, want)
	}
	if m.count() != 0 {
		t.Errorf("%d scores of none", m.count())
	}
	for range 100 {
		m.settle(1, 1)
	}
	if got := m.around(100, .01); math.Abs(got-101) > 1e-9 {
		t.Errorf("quantile %v of 30 scores of 1, want 101", got)
	}
	if m.count() != 30 {
		t.Errorf("%d scores, want the window of 30", m.count())
	}
}

// Where values lie around 5, what is beyond the highest of them is further from 5; where
// all are 5, so are all quantiles.
func TestQuantilesAroundACenter(t *testing.T) {
	r := newRollingQuantile(10)
	for range 3 {
		r.push(5)
	}
	if low, high := r.around(r.median(), .01), r.around(r.median(), .99); low != 5 || high != 5 {
		t.Errorf("quantiles of a constant 5 are %v and %v", low, high)
	}
	r.push(9)
	if got := r.around(r.median(), .99); got != 11 {
		t.Errorf("beyond 9 of values around 5 is %v, want half as far again, 11", got)
	}
}

// The quantile of the higher of two is that of 200,000 pairs drawn, whose mean size is 1.
func TestHighestOfTwo(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	highest, size := make([]float64, 200_000), 0.0
	for i := range highest {
		highest[i] = max(laplaceQuantile(r.Float64()), laplaceQuantile(r.Float64()))
		size += math.Abs(highest[i]) / float64(len(highest))
	}
	slices.Sort(highest)
	if math.Abs(size-1) > .01 {
		t.Errorf("the mean size is %v, want 1", size)
	}
	for _, q := range []float64{.05, .25, .5, .9, .99} {
		if got, want := highestOfTwo(q), highest[int(q*float64(len(highest)))]; math.Abs(got-want) > .05 {
			t.Errorf("quantile at %v: %v, want %v of those drawn", q, got, want)
		}
	}
}

// After a calm the first errors count as the first ever did: their mean is theirs alone.
func TestMarginsAfterACalm(t *testing.T) {
	m := newMargins(.04, 100, nil)
	for range 50 {
		m.settle(0, 0)
	}
	m.settle(8, 0)
	m.settle(4, 0)
	if m.scale != 6 || m.count() != 52 {
		t.Errorf("scale %v after %d errors, want 6 after 52", m.scale, m.count())
	}
}

// Few windows are known of a short load: their quantiles hold all the same, as scores are made up.
func TestPeaksOfShortLoads(t *testing.T) {
	const h, level = 11, .95
	hits, n := 0.0, 0.0
	for _, load := range shortLoads(100, 6) {
		if load.kind != "walk" && load.kind != "autoregression" && load.kind != "poisson-wave" {
			continue
		}
		warmUp := len(load.Values) / 4
		past := load.Series
		past.Values = past.Values[:warmUp]
		p, err := SES{}.Fit(t.Context(), past)
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewCalibrated(p, Conformal{}, Conformal{Horizons: []int{h}})
		if err != nil {
			t.Fatal(err)
		}
		held, judged := 0.0, 0.0
		for i := warmUp; i+h < len(load.Values); i++ {
			c.Update(load.Values[i])
			if c.Peaks().Scores(h) < 20 {
				continue
			}
			judged++
			if maximum(load.Values[i+1:i+1+h]) <= c.Peaks().Upper(h, level) {
				held++
			}
		}
		if judged > 0 {
			hits += held / judged
			n++
		}
	}
	if got := hits / n; math.Abs(got-level) > .02 {
		t.Errorf("%.1f %% of the highest of %d steps are below their %v quantile, in the mean of %v loads", 100*got, h, level, n)
	}
}
