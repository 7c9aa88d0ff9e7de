package forecast_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// hardSeries are n values of each kind that a load may be, and some that it may not. Those
// that are extreme may break a model, which then falls back and says so; the others may not.
func hardSeries(n int) map[string]struct {
	values  []float64
	extreme bool
} {
	type series = struct {
		values  []float64
		extreme bool
	}
	random := rand.New(rand.NewPCG(11, 12))
	of := func(extreme bool, f func(i int) float64) series { return series{generate(n, f), extreme} }
	at := func(i int, v float64) func(int) float64 {
		return func(k int) float64 {
			if k == i {
				return v
			}
			return 100 + 10*math.Sin(float64(k)/5)
		}
	}
	return map[string]series{
		"zeros":         of(false, func(int) float64 { return 0 }),
		"constant":      of(false, func(int) float64 { return 42 }),
		"missing":       of(false, func(int) float64 { return nan }),
		"one observed":  of(false, func(i int) float64 { return map[bool]float64{true: 7, false: nan}[i == n/2] }),
		"every second":  of(false, func(i int) float64 { return map[bool]float64{true: 7 + float64(i%5), false: nan}[i%2 == 0] }),
		"a long gap":    of(false, func(i int) float64 { return map[bool]float64{true: nan, false: 5 + float64(i%7)}[i > n/4 && i < n-n/8] }),
		"sparse":        of(false, func(i int) float64 { return map[bool]float64{true: 3, false: 0}[i%97 == 5] }),
		"a spike":       of(false, at(n-3, 1e6)),
		"a first load":  of(false, func(i int) float64 { return max(0, float64(i-n+4)) }),
		"an end":        of(false, func(i int) float64 { return map[bool]float64{true: 50 + float64(i%9), false: 0}[i < n-20] }),
		"doubling":      of(false, func(i int) float64 { return math.Exp2(float64(i) / 60) }),
		"noise":         of(false, func(int) float64 { return 100 * random.ExpFloat64() }),
		"alternating":   of(false, func(i int) float64 { return float64(i%2) * 10 }),
		"negative":      of(false, func(i int) float64 { return -100 + 10*math.Sin(float64(i)/5) }),
		"around zero":   of(false, func(int) float64 { return random.NormFloat64() }),
		"infinite":      of(true, at(n-3, math.Inf(1))),
		"a huge spike":  of(true, at(n-3, 1e300)),
		"the largest":   of(true, at(n/2, math.MaxFloat64)),
		"all huge":      of(true, func(i int) float64 { return 1e300 * (1 + float64(i%3)) }),
		"close to it":   of(true, func(i int) float64 { return math.MaxFloat64 * (.5 + .5*math.Abs(math.Sin(7*float64(i)))) }),
		"off and on":    of(true, func(i int) float64 { return math.MaxFloat64 * float64(i/10%2) }),
		"denormal":      of(true, func(i int) float64 { return math.SmallestNonzeroFloat64 * float64(i%4) }),
		"tiny and huge": of(true, func(i int) float64 { return math.Pow(10, float64(i%7*90-270)) }),
	}
}

// Whatever the load, each model forecasts numbers, or names why it cannot: fitted to it at once,
// and to a part of it and moved on. Bands hold their like, and a load that cannot be negative has none below 0.
func TestHardSeries(t *testing.T) {
	t.Parallel()
	const longest = 300
	names := append(slices.Clone(forecast.Names()), "transformed:ses", "transformed:nlinear")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, all := range hardSeries(longest) {
				for _, length := range []int{0, 1, 2, 5, 30, longest - 20} {
					for _, step := range []time.Duration{time.Minute, time.Hour} {
						if length < longest-20 && step != time.Minute {
							continue
						}
						what := fmt.Sprintf("%s, fitted to %d steps of %v", kind, length, step)
						past, rest := all.values[:length], all.values[length:min(length+20, longest)]
						if err := checkHard(name, step, past, rest, all.extreme); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					}
				}
			}
		})
	}
}

// checkHard fits a model to the past and moves it on.
func checkHard(name string, step time.Duration, past, rest []float64, extreme bool) error {
	const near, far = 1, 12
	model, err := forecast.ByName(name, forecast.Settings{Step: step, Horizon: far})
	if err != nil {
		return err
	}
	series := minutes(past...)
	series.Step = step
	switch name { // As they are, they take a minute.
	case "lstm":
		model = forecast.LSTM{Hidden: 4, Window: 24, Batches: 5, Horizons: far}
	case "gru":
		model = forecast.GRU{Hidden: 4, Window: 24, Batches: 5, Horizons: far}
	}
	fallback, err := forecast.WithFallback(model).FitFallback(context.Background(), series)
	if errors.Is(err, forecast.ErrTooShort) {
		return nil
	}
	if err != nil {
		return err
	}
	bands := forecast.Conformal{Horizons: []int{near, far}}
	c, err := forecast.NewCalibrated(fallback, bands, bands)
	if err != nil {
		return err
	}
	levels := []float64{.025, .1, .25, .5, .75, .9, .975}
	for i, y := range rest {
		c.Update(y)
		for _, f := range predict(fallback, 3*far) {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Errorf("after %d updates: forecast %v", i+1, f)
			}
		}
		for _, h := range bands.Horizons {
			for kind, quantile := range map[string]func(int, float64) float64{"quantile": c.Intervals().Quantile, "peak": c.Peaks().Upper} {
				before := 0.0
				for _, q := range levels {
					v := quantile(h, q)
					if math.IsNaN(v) || math.IsInf(v, 0) || v < before {
						return fmt.Errorf("after %d updates, %d ahead: %s at %v is %v, at the one before %v", i+1, h, kind, q, v, before)
					}
					before = v
				}
			}
		}
	}
	if f := fallback.Failures(); f.Any() && !extreme {
		return fmt.Errorf("fell back: %+v", f)
	}
	return nil
}
