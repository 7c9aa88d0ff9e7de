package forecast

import (
	"math"
	"testing"
)

// Scores by hand.
func TestMargins(t *testing.T) {
	m := newMargins(.04, 10, 0)
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
	m := newMargins(.04, 30, 20)
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
