package forecast_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// Planted waves of two seasons and a trend are found again, with gaps in the past.
func TestHarmonicRecoversWaves(t *testing.T) {
	const day, week = 24, 168
	dayWave := func(i int) float64 {
		x := 2 * math.Pi * float64(i) / day
		return 10*math.Cos(x) - 4*math.Sin(x) + 2.5*math.Sin(3*x)
	}
	weekWave := func(i int) float64 {
		x := 2 * math.Pi * float64(i) / week
		return 6*math.Sin(x) + math.Cos(2*x)
	}
	truth := func(i int) float64 { return 100 + .01*float64(i) + dayWave(i) + weekWave(i) }
	past := generate(3*week+11, func(i int) float64 {
		if i%13 == 5 {
			return nan
		}
		return truth(i)
	})
	m := forecast.Harmonic{
		Seasons: []forecast.Waves{{Period: day, Pairs: 4}, {Period: week, Pairs: 3}},
		Order:   -1,
		Scale:   forecast.RawScale,
	}
	p := mustFit(t, m, hours(past...)).(*forecast.FittedHarmonic)
	checkNear(t, "day", p.Profile(0), generate(day, dayWave), 1e-6)
	checkNear(t, "week", p.Profile(1), generate(week, weekWave), 1e-6)
	if !near(p.Slope(), .01, 0, 1e-6) {
		t.Errorf("slope %v, want 0.01", p.Slope())
	}
	n := len(past)
	p.Update(nan)
	p.Update(truth(n + 1))
	checkNear(t, "forecast", predict(p, 2*week), generate(2*week, func(i int) float64 { return truth(n + 2 + i) }), 1e-6)
}

// On an autoregression the coefficients come back within three standard errors,
// which for AR(2) are sqrt((1-phi2^2)/n) (Box and Jenkins, 1976).
func TestHarmonicRecoversAutoregression(t *testing.T) {
	const n = 20000
	r := rand.New(rand.NewPCG(3, 1))
	phi := []float64{1.2, -.5}
	values := make([]float64, n)
	for i := 2; i < n; i++ {
		values[i] = phi[0]*values[i-1] + phi[1]*values[i-2] + r.NormFloat64()
	}
	for i := range values {
		values[i] += 500
		if i%50 == 7 {
			values[i] = nan
		}
	}
	p := mustFit(t, forecast.Harmonic{Order: 2, Scale: forecast.RawScale}, minutes(values...)).(*forecast.FittedHarmonic)
	bound := 3 * math.Sqrt((1-phi[1]*phi[1])/(.9*n)) // Some values are missing.
	for i, want := range phi {
		if got := p.AR()[i]; math.Abs(got-want) > bound {
			t.Errorf("coefficient %d is %v, want %v within %v", i+1, got, want, bound)
		}
	}
}

// With an AR(1) residual the forecast h steps ahead decays to the regression as
// phi^h.
func TestHarmonicAutoregressiveForecast(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	values := make([]float64, 4000)
	for i := 1; i < len(values); i++ {
		values[i] = .8*values[i-1] + r.NormFloat64()
	}
	for i := range values {
		values[i] += 300
	}
	p := mustFit(t, forecast.Harmonic{Order: 1, Scale: forecast.RawScale}, minutes(values...)).(*forecast.FittedHarmonic)
	p.Update(320)
	phi := p.AR()[0]
	got := predict(p, 400)
	mean := got[399] // Level and trend alone, the residual being forgotten.
	for h := range 20 {
		base := mean - p.Slope()*float64(399-h)
		now := base - p.Slope()*float64(h+1)
		if want := base + math.Pow(phi, float64(h+1))*(320-now); !near(got[h], want, 1, 1e-6) {
			t.Fatalf("%d ahead: %v, want %v", h+1, got[h], want)
		}
	}
}

// The scale follows the series: a season that grows with the level is multiplicative,
// one that does not is additive, and a negative value rules the logarithm out.
func TestHarmonicScale(t *testing.T) {
	const day = 24
	r := rand.New(rand.NewPCG(5, 1))
	wave := func(i int) float64 { return math.Sin(2 * math.Pi * float64(i) / day) }
	multiplicative := generate(30*day, func(i int) float64 {
		return math.Exp(3 + .004*float64(i) + 1.2*wave(i) + .05*r.NormFloat64())
	})
	additive := generate(30*day, func(i int) float64 { return 100 + 60*wave(i) + 8*r.NormFloat64() })
	negative := generate(30*day, func(i int) float64 { return 60 * wave(i) })
	m := forecast.Harmonic{Seasons: []forecast.Waves{{Period: day, Pairs: 2}}}
	for _, tt := range []struct {
		name   string
		values []float64
		want   forecast.Scale
	}{
		{"multiplicative", multiplicative, forecast.LogScale},
		{"additive", additive, forecast.RawScale},
		{"negative", negative, forecast.RawScale},
		{"all zero", make([]float64, 30*day), forecast.RawScale},
	} {
		if got := mustFit(t, m, hours(tt.values...)).(*forecast.FittedHarmonic).Scale(); got != tt.want {
			t.Errorf("%s: scale %v, want %v", tt.name, got, tt.want)
		}
	}
	m.Scale = forecast.LogScale
	if _, err := m.Fit(context.Background(), hours(negative...)); err == nil {
		t.Error("a negative series on a log scale gives no error")
	}
}

func TestHarmonicLeavesShortSeasonsOut(t *testing.T) {
	m := forecast.Harmonic{Seasons: []forecast.Waves{{Period: 24, Pairs: 2}, {Period: 168, Pairs: 2}}, Scale: forecast.RawScale}
	values := daily(5*24, 24, 9)
	p := mustFit(t, m, hours(values...))
	m.Seasons = m.Seasons[:1]
	checkNear(t, "forecast", predict(p, 48), predict(mustFit(t, m, hours(values...)), 48), 0)
}

func TestHarmonicBadWaves(t *testing.T) {
	for _, w := range []forecast.Waves{{Period: 0, Pairs: 1}, {Period: 1}, {Period: 6, Pairs: 4}} {
		m := forecast.Harmonic{Seasons: []forecast.Waves{w}}
		if _, err := m.Fit(context.Background(), hours(daily(100, 24, 1)...)); err == nil {
			t.Errorf("%+v gives no error", w)
		}
	}
}
