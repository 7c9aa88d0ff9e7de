package forecast_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

// checkCoverage fails if hits of n trials are further than four standard errors of
// a binomial share from level. Errors h steps ahead overlap, so that n trials count as
// n/h, and a quantile of 1000 scores is itself off by as much as 1000 trials are.
func checkCoverage(t *testing.T, what string, hits, n, h int, level float64) {
	t.Helper()
	share := float64(hits) / float64(n)
	variance := level * (1 - level)
	bound := 4 * math.Sqrt(variance*float64(h)*(1/float64(n)+1/float64(max(n, 1000))))
	if math.Abs(share-level) > bound {
		t.Errorf("%s: coverage %.4f, want %.4f within %.4f", what, share, level, bound)
	}
}

// The errors of a random walk forecast by its last value are heteroscedastic here:
// their size doubles and halves over time.
func walk(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	y := 5000.0
	return generate(n, func(i int) float64 {
		y += r.NormFloat64() * math.Exp2(math.Sin(float64(i)/2000))
		return y
	})
}

func TestConformalCoverage(t *testing.T) {
	levels := []float64{.025, .1, .5, .9, .95, .99}
	horizons := []int{1, 5}
	values := walk(40000, 12)
	calibrated, err := forecast.NewCalibrated(
		mustFit(t, forecast.Naive{}, minutes(values[0])),
		forecast.Conformal{Horizons: horizons}, forecast.Conformal{Horizons: horizons})
	if err != nil {
		t.Fatal(err)
	}
	hits, peakHits := map[string]int{}, map[string]int{}
	n := 0
	for i := 1; i+5 < len(values); i++ {
		calibrated.Update(values[i])
		if i < 1100 {
			continue // The window fills.
		}
		n++
		for _, h := range horizons {
			for _, q := range levels {
				key := fmt.Sprint(h, " ", q)
				if values[i+h] <= calibrated.Intervals().Quantile(h, q) {
					hits[key]++
				}
				if slices.Max(values[i+1:i+1+h]) <= calibrated.Peaks().Upper(h, q) {
					peakHits[key]++
				}
			}
		}
	}
	for _, h := range horizons {
		for _, q := range levels {
			key := fmt.Sprint(h, " ", q)
			checkCoverage(t, "step "+key, hits[key], n, h, q)
			checkCoverage(t, "peak "+key, peakHits[key], n, h, q)
		}
		if got := calibrated.Intervals().Scores(h); got != 1000 {
			t.Errorf("%d scores at horizon %d, want the window of 1000", got, h)
		}
	}
}

// A forecast made at t for t+h is judged when t+h comes: not before, and by the value
// of t+h.
func TestConformalFeedbackIsDelayed(t *testing.T) {
	iv, err := forecast.NewIntervals(forecast.Conformal{Horizons: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	if q := iv.Quantile(2, .9); !math.IsNaN(q) {
		t.Errorf("before the first forecast the quantile is %v", q)
	}
	// The forecasts are of 2 steps ahead. That of 110 is judged by 114, that of 130 never
	// and that of 150 by 148.
	for i, step := range []struct{ y, point, scores float64 }{{100, 110, 0}, {100, 130, 0}, {114, 150, 1}, {nan, 160, 1}, {148, 170, 2}} {
		iv.Step(step.y, []float64{nan, step.point})
		if n := iv.Scores(2); n != int(step.scores) {
			t.Errorf("step %d: %d scores, want %v", i, n, step.scores)
		}
	}
	if q := iv.Quantile(3, .9); !math.IsNaN(q) {
		t.Errorf("a horizon that is not calibrated has the quantile %v", q)
	}
}

// Where values are drawn anew at each step the last of them says nothing, and the best 80 %
// interval is that of the values: of uniform ones 80 % of their range, where the errors of
// the last value, which are triangular, would have 95 %. Of a random walk it is that of its
// steps, and the values say nothing.
func TestIntervalsFindTheBetterSource(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 1))
	level := 1000.0
	for _, load := range []struct {
		name string
		next func() float64
		want float64 // width of the 80 % interval
	}{
		{"drawn", func() float64 { return 100 * r.Float64() }, 80},
		{"walk", func() float64 { level += r.NormFloat64(); return level }, 2 * 1.2816},
	} {
		c, err := forecast.NewCalibrated(mustFit(t, forecast.Naive{}, minutes(load.next())),
			forecast.Conformal{Horizons: []int{1}}, forecast.Conformal{})
		if err != nil {
			t.Fatal(err)
		}
		width, hits, n := 0.0, 0, 0
		for i := range 11000 {
			y := load.next()
			if i >= 1000 {
				low, high := c.Intervals().Quantile(1, .1), c.Intervals().Quantile(1, .9)
				width += high - low
				n++
				if low <= y && y <= high {
					hits++
				}
			}
			c.Update(y)
		}
		checkCoverage(t, load.name, hits, n, 1, .8)
		if got := width / float64(n); math.Abs(got/load.want-1) > .05 {
			t.Errorf("%s: the 80 %% interval is %.3f wide, want %.3f within 5 %%", load.name, got, load.want)
		}
	}
}

// Intervals of forecasts that are right, or all but right, are right too: what the newest values
// say otherwise is soon forgotten.
func TestIntervalsOfExactForecasts(t *testing.T) {
	for _, off := range []float64{0, 1e-12} {
		iv, err := forecast.NewIntervals(forecast.Conformal{Horizons: []int{1}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 500 {
			y := 1000 + float64(i)
			low, high := iv.Quantile(1, .1), iv.Quantile(1, .9)
			if i > 20 && !(math.Abs(low-y) < 1e-6 && math.Abs(high-y) < 1e-6) {
				t.Fatalf("errors of %v: %v is in [%v, %v]", off, y, low, high)
			}
			iv.Step(y, []float64{y + 1 + off*float64(i%7-3)})
		}
	}
}

// Nothing for ten hours teaches nothing about what comes then: the quantiles of a load that
// begins hold within the hour, if rather wide, and are not those of a median.
func TestLoadThatBegins(t *testing.T) {
	const nothing, loads, from, until, h = 600, 60, 60, 240, 5
	hits := map[string]int{}
	for seed := range uint64(loads) {
		r := rand.New(rand.NewPCG(seed, 5))
		horizons := forecast.Conformal{Horizons: []int{h}}
		c, err := forecast.NewCalibrated(mustFit(t, forecast.SES{}, minutes(make([]float64, 60)...)), horizons, horizons)
		if err != nil {
			t.Fatal(err)
		}
		values := generate(nothing+until+h, func(i int) float64 {
			if i < nothing {
				return 0
			}
			return 100 + 10*r.NormFloat64()
		})
		count := func(what string, hit bool) {
			if hit {
				hits[what]++
			}
		}
		for i, y := range values[:nothing+until] {
			c.Update(y)
			if i < nothing+from {
				continue
			}
			came := values[i+h]
			count(".8", c.Intervals().Quantile(h, .1) <= came && came <= c.Intervals().Quantile(h, .9))
			count(".95", c.Intervals().Quantile(h, .025) <= came && came <= c.Intervals().Quantile(h, .975))
			count("peak .9", slices.Max(values[i+1:i+1+h]) <= c.Peaks().Upper(h, .9))
		}
	}
	for what, level := range map[string]float64{".8": .8, ".95": .95, "peak .9": .9} {
		got := float64(hits[what]) / (loads * (until - from))
		if got < level-.02 || got > level+.12 {
			t.Errorf("from %d to %d minutes after the load began %.1f %% lie within %s", from, until, 100*got, what)
		}
	}
}

// Where a load has ended the forecasts of a mixture fade and never get to 0. Nothing lies within
// their intervals all the same.
func TestIntervalsOfFadingForecasts(t *testing.T) {
	iv, err := forecast.NewIntervals(forecast.Conformal{Horizons: []int{5}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(6, 1))
	point := make([]float64, 5)
	for range 200 {
		point[4] = 100
		iv.Step(100+10*r.NormFloat64(), point)
	}
	missed, n := 0, 0
	for i := range 600 {
		point[4] = 100 * math.Pow(.9, float64(i)) * (1 + .1*r.Float64())
		iv.Step(0, point)
		if point[4] > 1e-6 {
			continue
		}
		n++
		if iv.Quantile(5, .1) > 0 {
			missed++
		}
	}
	if n < 400 || missed > n/20 {
		t.Errorf("%d of %d times nothing lies below the 80 %% interval", missed, n)
	}
}

func TestQuantilesNeitherCrossNorFallBelowZero(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 1))
	c, err := forecast.NewCalibrated(mustFit(t, forecast.Naive{}, minutes(1)),
		forecast.Conformal{Horizons: []int{1, 3}, Window: 50}, forecast.Conformal{Horizons: []int{3}, Window: 50})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		y := math.Exp(2 * r.NormFloat64())
		if i%10 == 0 {
			y = nan
		}
		c.Update(y)
		for _, h := range []int{1, 3} {
			last := 0.0
			for q := .005; q < 1; q += .005 {
				v := c.Intervals().Quantile(h, q)
				if v < last {
					t.Fatalf("step %d, %d ahead: quantile %v at %v is below %v", i, h, v, q, last)
				}
				last = v
			}
		}
	}
}

// After a long calm, one jump may not blow the quantiles up for a whole window.
func TestConformalAfterACalm(t *testing.T) {
	c, err := forecast.NewCalibrated(mustFit(t, forecast.Naive{}, minutes(100)), forecast.Conformal{Horizons: []int{1}}, forecast.Conformal{})
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		c.Update(100)
	}
	if q := c.Intervals().Quantile(1, .99); q != 100 {
		t.Errorf("the quantile of a constant is %v", q)
	}
	for range 20 {
		c.Update(200)
	}
	if q := c.Intervals().Quantile(1, .99); math.Abs(q-200) > 1 {
		t.Errorf("after one error in 5000 the 0.99 quantile is %v, want 200 within 1", q)
	}
	// At any level the margin is at most 1.5 times the error itself.
	if q := c.Intervals().Quantile(1, .9999); q > 200+1.5*100 {
		t.Errorf("after a jump by 100 the 0.9999 quantile is %v", q)
	}
}

// The quantile of the maximum lies above that of the last step of the window, and
// grows with the window: on average, as only the levels of steps are corrected.
func TestPeaksExceedSteps(t *testing.T) {
	values := walk(6000, 14)
	horizons := []int{1, 2, 5, 10}
	c, err := forecast.NewCalibrated(mustFit(t, forecast.Naive{}, minutes(values[0])),
		forecast.Conformal{Horizons: horizons}, forecast.Conformal{Horizons: horizons})
	if err != nil {
		t.Fatal(err)
	}
	peaks, steps := make([]float64, len(horizons)), make([]float64, len(horizons))
	for i, y := range values {
		c.Update(y)
		if i < 2000 {
			continue
		}
		for j, h := range horizons {
			peaks[j] += c.Peaks().Upper(h, .9) - y
			steps[j] += c.Intervals().Quantile(h, .9) - y
		}
	}
	last := 0.0
	for j, h := range horizons {
		// A window of one step is the step, calibrated otherwise.
		if peaks[j] < .97*steps[j] || h > 1 && peaks[j] < steps[j] || peaks[j] <= last {
			t.Errorf("window of %d: peak %v, its last step %v, shorter window %v", h, peaks[j], steps[j], last)
		}
		last = peaks[j]
	}
	if v := c.Peaks().Upper(3, .9); !math.IsNaN(v) {
		t.Errorf("a window that is not calibrated has the quantile %v", v)
	}
}

// A window with few missing values is scored by those that came, one with many is
// not.
func TestPeaksWithGaps(t *testing.T) {
	p, err := forecast.NewPeaks(forecast.Conformal{Horizons: []int{4}})
	if err != nil {
		t.Fatal(err)
	}
	point := []float64{1, 5, 2, 1}
	for _, y := range []float64{0, 3, nan, 7, 1} { // The first window: 3, nan, 7, 1.
		p.Step(y, point)
	}
	if p.Point(4) != 5 || p.Scores(4) != 1 {
		t.Fatalf("point %v with %d scores, want 5 with 1", p.Point(4), p.Scores(4))
	}
	for _, y := range []float64{nan, nan} { // Windows nan, 7, 1, nan and 7, 1, nan, nan.
		p.Step(y, point)
	}
	if p.Scores(4) != 1 {
		t.Errorf("%d scores, want 1: half of the windows was missing", p.Scores(4))
	}
}

func TestConformalValidate(t *testing.T) {
	bad := forecast.Conformal{Horizons: []int{0, 2, 2}, Window: -1, Rate: 1}
	err := bad.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	want := "horizon 0 is not at least 1 step\nhorizon 2 is given twice\nwindow -1 is negative\nrate 1 is not in [0, 1)"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if _, err := forecast.NewIntervals(bad); err == nil {
		t.Error("NewIntervals takes it")
	}
	if _, err := forecast.NewPeaks(bad); err == nil {
		t.Error("NewPeaks takes it")
	}
	if _, err := forecast.NewCalibrated(nil, forecast.Conformal{}, forecast.Conformal{}); err == nil {
		t.Error("NewCalibrated takes no horizon at all")
	}
}

// On recorded load the shares are not exact, but near.
func TestConformalCoverageOnWorldCup(t *testing.T) {
	values := trace(t, "worldcup98").Values
	const warmUp = 25000
	for _, m := range []forecast.Model{forecast.Naive{}, forecast.Ridge{}} {
		s := minutes(values[:warmUp]...)
		c, err := forecast.NewCalibrated(mustFit(t, m, s), forecast.Conformal{Horizons: []int{5}}, forecast.Conformal{Horizons: []int{5}})
		if err != nil {
			t.Fatal(err)
		}
		hits, peaks := map[float64]int{}, map[float64]int{}
		n, levels := 0, []float64{.5, .9, .95, .99}
		for i := warmUp; i+5 < len(values); i++ {
			c.Update(values[i])
			if i < warmUp+1100 || math.IsNaN(values[i+5]) {
				continue
			}
			n++
			highest := math.Inf(-1)
			for _, v := range values[i+1 : i+6] {
				if !math.IsNaN(v) {
					highest = max(highest, v)
				}
			}
			for _, q := range levels {
				if values[i+5] <= c.Intervals().Quantile(5, q) {
					hits[q]++
				}
				if highest <= c.Peaks().Upper(5, q) {
					peaks[q]++
				}
			}
		}
		for _, q := range levels {
			step, peak := float64(hits[q])/float64(n), float64(peaks[q])/float64(n)
			t.Logf("%s: nominal %v, step %.4f, peak %.4f", m.Name(), q, step, peak)
			if math.Abs(step-q) > .015 || math.Abs(peak-q) > .015 {
				t.Errorf("%s: coverage of the 5th step %.4f and of the peak %.4f, want %v within 0.015", m.Name(), step, peak, q)
			}
		}
	}
}
