package forecast_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// wape scores the forecasts of m at horizon h made from warmUp on.
func wape(t *testing.T, m forecast.Model, s forecast.Series, warmUp, h int) float64 {
	t.Helper()
	e, err := forecast.Evaluate(context.Background(), s, []forecast.Model{m},
		forecast.EvaluateOptions{Horizons: []int{h}, WarmUp: warmUp})
	if err != nil {
		t.Fatal(err)
	}
	return e.Models[0].Horizons[0].WAPE
}

// On an AR(1) around a mean the best forecast is known: mean + phi^h (y - mean), with
// an absolute error of sqrt(2/pi) sigma sqrt((1-phi^2h)/(1-phi^2)).
func TestRidgeLearnsAutoregression(t *testing.T) {
	const n, phi, mean, sigma = 20000, .7, 1000, 20
	r := rand.New(rand.NewPCG(6, 1))
	values := make([]float64, n)
	x := 0.0
	for i := range values {
		x = phi*x + sigma*r.NormFloat64()
		values[i] = mean + x
	}
	for _, h := range []int{1, 3, 10} {
		best := math.Sqrt(2/math.Pi) * sigma * math.Sqrt((1-math.Pow(phi, float64(2*h)))/(1-phi*phi)) / mean
		naive := wape(t, forecast.Naive{}, minutes(values...), n/4, h)
		got := wape(t, forecast.Ridge{}, minutes(values...), n/4, h)
		if got > 1.03*best || got > naive {
			t.Errorf("%d ahead: WAPE %v, the best possible is %v, naive %v", h, got, best, naive)
		}
	}
}

// A daily pulse cannot be seen in the recent values, only in those of yesterday.
func TestRidgeLearnsSeason(t *testing.T) {
	const day = 288
	r := rand.New(rand.NewPCG(7, 1))
	s := minutes(generate(20*day, func(i int) float64 {
		level := 100.0
		if phase := i % day; phase >= 60 && phase < 90 {
			level = 250
		}
		return level + 3*r.NormFloat64()
	})...)
	s.Step *= 5
	naive, got := wape(t, forecast.Naive{}, s, 8*day, 5), wape(t, forecast.Ridge{}, s, 8*day, 5)
	blind := wape(t, forecast.Ridge{Seasons: []int{}}, s, 8*day, 5)
	if got > .6*naive || got > .75*blind {
		t.Errorf("WAPE %v; naive %v, without seasons %v", got, naive, blind)
	}
}

// Recursive least squares in covariance form goes astray on growth by five decades
// with quiet nights; the Gram form must not.
func TestRidgeFiveDecadesOfGrowth(t *testing.T) {
	const day = 288
	r := rand.New(rand.NewPCG(8, 1))
	s := minutes(generate(60*day, func(i int) float64 {
		x := float64(i) / float64(60*day)
		level := math.Pow(10, 5*x) * math.Exp(1.5*math.Sin(2*math.Pi*float64(i)/day))
		return level * math.Exp(.03*r.NormFloat64())
	})...)
	s.Step *= 5
	for _, h := range []int{1, 5} {
		naive, got := wape(t, forecast.Naive{}, s, 5*day, h), wape(t, forecast.Ridge{}, s, 5*day, h)
		if got > naive {
			t.Errorf("%d ahead: WAPE %v, naive %v", h, got, naive)
		}
	}
}

// Before it has learnt anything the ridge is naive.
func TestRidgeStartsNaive(t *testing.T) {
	p := mustFit(t, forecast.Ridge{}, minutes(10, 12, 11))
	checkNear(t, "forecast", predict(p, 20), generate(20, func(int) float64 { return 11 }), 1e-12)
}

// Forecasts stay within [0.05, 3] levels, or 1.5 times the last value after a jump.
func TestRidgeStaysNearTheLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	p := mustFit(t, forecast.Ridge{}, minutes(daily(4000, 1440, 9)...))
	recent, highest := make([]float64, 15), 0.0
	for i := range 4000 {
		y := math.Exp(6 * r.NormFloat64()) // Nothing but spikes.
		p.Update(y)
		recent[i%15] = y
		highest = max(highest, y)
		level := .01 * highest // The day's mean is not above the highest value.
		for _, v := range recent {
			level += v / 15
		}
		for _, f := range predict(p, 15) {
			if !(f >= 0) || (i >= 15 && f > max(3*level, 1.5*y)*(1+1e-9)) {
				t.Fatalf("step %d: forecast %v after %v at level %v", i, f, y, level)
			}
		}
	}
}

// In a gap the forecast goes on along the last one made before it.
func TestRidgeInAGap(t *testing.T) {
	p := mustFit(t, forecast.Ridge{Horizons: 10}, minutes(daily(4000, 1440, 10)...))
	// The weights still move a little, as origins before the gap have targets yet.
	before := predict(p, 10)
	p.Update(nan)
	p.Update(nan)
	checkNear(t, "forecast", predict(p, 8), before[2:], 1e-3)
	p.Update(math.Inf(1)) // Not a number either.
	checkNear(t, "forecast", predict(p, 9), append(before[3:], before[9], before[9]), 1e-3)
	for range 10000 {
		p.Update(nan)
	}
	checkNear(t, "after a week", predict(p, 1), before[9:], 1e-3)
}

// Zero traffic, and its end.
func TestRidgeFromZero(t *testing.T) {
	p := mustFit(t, forecast.Ridge{}, minutes(make([]float64, 3000)...))
	checkNear(t, "nothing", predict(p, 5), make([]float64, 5), 0)
	for range 3 {
		p.Update(40)
	}
	for _, f := range predict(p, 15) {
		if f < 20 || f > 80 {
			t.Errorf("forecast %v after three minutes at 40", f)
		}
	}
}

// A quarter of an hour without traffic does not make the series one without traffic:
// what happened yesterday after such a quiet time is still forecast.
func TestRidgeSeesTheEndOfAQuietTime(t *testing.T) {
	const period = 288
	load := func(i int) float64 {
		if phase := i % period; phase >= 100 && phase < 140 {
			return 0
		}
		return 100
	}
	s := minutes(generate(20*period+138, load)...)
	s.Step *= 5
	p := mustFit(t, forecast.Ridge{}, s)
	got := predict(p, 10)
	if got[9] < 2*max(got[0], .01) {
		t.Errorf("forecast %v two steps before the traffic comes back every day", got)
	}
}

func TestRidgeRejectsNoStep(t *testing.T) {
	s := minutes(1, 2, 3)
	s.Step = 0
	if _, err := (forecast.Ridge{}).Fit(context.Background(), s); err == nil {
		t.Error("a series without a step gives no error")
	}
}

func TestRidgeOnWorldCup(t *testing.T) {
	s := trace(t, "worldcup98")
	warmUp := len(s.Values) / 5
	if got := wape(t, forecast.Naive{}, s, warmUp, 5); math.Abs(got-.0636) > .0001 {
		t.Fatalf("naive WAPE %.4f, was measured as 0.0636 independently: this is another series", got)
	}
	if got := wape(t, forecast.Ridge{}, s, warmUp, 5); got > .058 {
		t.Errorf("WAPE 5 minutes ahead is %.4f, want at most 0.058", got)
	}
	if got := wape(t, forecast.Ridge{}, blockMeans(s, 5), warmUp/5, 1); got > .0448 {
		t.Errorf("WAPE of the next 5-minute mean is %.4f, want at most 0.0448", got)
	}
}
