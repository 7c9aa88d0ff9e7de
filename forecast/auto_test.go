package forecast_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// wapeAt returns the WAPE of a model h steps ahead after a quarter of the values.
func wapeAt(t *testing.T, m forecast.Model, s forecast.Series, h, refit int) float64 {
	t.Helper()
	e, err := forecast.Evaluate(t.Context(), s, []forecast.Model{m}, forecast.EvaluateOptions{Horizons: []int{h}, RefitEvery: refit})
	if err != nil {
		t.Fatal(err)
	}
	return e.Models[0].Horizons[0].WAPE
}

// On loads of different kinds auto is near the best of the models that it is made of, or
// better.
func TestAutoIsNearTheBest(t *testing.T) {
	const day, n = 96, 20 * 96
	r := rand.New(rand.NewPCG(61, 1))
	walk := 1000.0
	loads := map[string][]float64{
		"daily": daily(n, day, 62),
		"walk": generate(n, func(int) float64 {
			walk = max(100, walk+20*r.NormFloat64())
			return walk
		}),
		"cron": generate(n, func(i int) float64 {
			if i%day == 30 || i%day == 31 {
				return 500 + 10*r.NormFloat64()
			}
			return 50 + 3*r.NormFloat64()
		}),
		"bursts": generate(n, func(int) float64 {
			if r.IntN(12) == 0 {
				return 100 * r.Float64()
			}
			return 0
		}),
	}
	singles := []forecast.Model{
		forecast.Naive{}, forecast.SeasonalNaive{Season: day}, forecast.SES{}, forecast.Ridge{Horizons: 4},
		forecast.Median{Window: 60}, forecast.Profile{Season: day}, forecast.NLinear{Horizons: 4, Seasons: []int{day}},
	}
	for name, values := range loads {
		s := forecast.Series{Step: 15 * time.Minute, Values: values}
		best, by := math.Inf(1), ""
		for _, m := range singles {
			if w := wapeAt(t, m, s, 2, 4*day); w < best {
				best, by = w, m.Name()
			}
		}
		if auto := wapeAt(t, forecast.Auto{Horizons: 4}, s, 2, 4*day); auto > 1.05*best {
			t.Errorf("%s: WAPE %.4f, that of %s is %.4f", name, auto, by, best)
		}
	}
}

// A refit keeps the weights, and leaves the predictor that it came from as it was.
func TestAutoRefit(t *testing.T) {
	values := daily(1200, 96, 63)
	s := forecast.Series{Step: 15 * time.Minute, Values: values[:1000]}
	m := forecast.Auto{Horizons: 4}
	old, twin := mustFit(t, m, s).(*forecast.AutoPredictor), mustFit(t, m, s)
	longer := s
	longer.Values = values[:1001]
	next, err := old.Refit(t.Context(), longer)
	if err != nil {
		t.Fatal(err)
	}
	before, after := old.Weights(), next.(*forecast.AutoPredictor).Weights()
	for k := range before {
		if before[k].Name != after[k].Name || math.Abs(before[k].Weight-after[k].Weight) > .2 {
			t.Errorf("weight %v became %v", before[k], after[k])
		}
	}
	for _, y := range values[1001:1100] {
		next.Update(y)
	}
	for _, y := range values[1000:1100] {
		old.Update(y)
		twin.Update(y)
	}
	if !slices.Equal(predict(old, 6), predict(twin, 6)) {
		t.Error("a refit changes the predictor that it was asked of")
	}
}

// unfittable cannot be fitted to anything.
type unfittable struct{ forecast.Naive }

var errUnfittable = errors.New("does not converge")

func (unfittable) Name() string { return "unfittable" }

func (unfittable) Fit(context.Context, forecast.Series) (forecast.Predictor, error) {
	return nil, errUnfittable
}

// An expert that fails sleeps, and says why.
func TestAutoExpertFails(t *testing.T) {
	m := forecast.Auto{Horizons: 2, Experts: []forecast.Expert{{Model: unfittable{}}, {Model: forecast.Naive{}}}}
	p := mustFit(t, m, minutes(daily(100, 50, 64)...)).(*forecast.AutoPredictor)
	if f := p.Failures(); len(f) != 1 || !errors.Is(f[0], errUnfittable) {
		t.Errorf("failures %v, want that of unfittable", f)
	}
	if w := p.Weights(); w[0].Weight != 0 || math.Abs(w[1].Weight-1) > 1e-12 {
		t.Errorf("weights %v, want all on naive", w)
	}
	p.Update(77)
	if got := predict(p, 3); got[0] != 77 || got[2] != 77 {
		t.Errorf("forecast %v, want 77", got)
	}
}

// After the level has shifted by any factor, intervals cover what they say again within
// 200 steps: the mean of 50 seeds over the two hundred steps after that.
func TestCoverageAfterALevelShift(t *testing.T) {
	const at, end = 1500, 1900
	for _, m := range []forecast.Model{forecast.Naive{}, forecast.Ridge{Horizons: 2}, forecast.Auto{Horizons: 2}} {
		factors := []float64{.3, 2, 5}
		if m.Name() == "auto" {
			factors = factors[1:2] // It takes a while.
		}
		for _, factor := range factors {
			in80, in95, n := 0.0, 0.0, 0.0
			for seed := range uint64(50) {
				r := rand.New(rand.NewPCG(seed, 65))
				values := generate(end, func(i int) float64 {
					y := 100 + 30*math.Sin(2*math.Pi*float64(i)/288) + 5*r.NormFloat64()
					if i >= at {
						y *= factor
					}
					return y
				})
				s := forecast.Series{Step: 5 * time.Minute, Values: values[:600]}
				c, err := forecast.NewCalibrated(mustFit(t, m, s), forecast.Conformal{Horizons: []int{1}}, forecast.Conformal{})
				if err != nil {
					t.Fatal(err)
				}
				for i := 600; i+1 < end; i++ {
					c.Update(values[i])
					if i < at+200 {
						continue
					}
					n++
					within := func(low, high float64) float64 {
						if iv, y := c.Intervals(), values[i+1]; iv.Quantile(1, low) <= y && y <= iv.Quantile(1, high) {
							return 1
						}
						return 0
					}
					in80 += within(.1, .9)
					in95 += within(.025, .975)
				}
			}
			if math.Abs(in80/n-.8) > .02 || math.Abs(in95/n-.95) > .02 {
				t.Errorf("%s, shift by %v: %.3f in the 80 %% interval, %.3f in that of 95 %%", m.Name(), factor, in80/n, in95/n)
			}
		}
	}
}

// The models that cost most take part only when somebody puts them among the experts; see
// docs/adr/0012-auto-and-intervals.md.
func TestAutoLeavesOutWhatDoesNotEarnItsCost(t *testing.T) {
	for _, horizon := range []int{4, 20} {
		p := mustFit(t, forecast.Auto{Horizons: horizon}, hours(daily(20*testDay, testDay, 12)...)).(*forecast.AutoPredictor)
		for _, w := range p.Weights() {
			for _, out := range []string{"lstm", "gru", "arima", "forest"} {
				if w.Name == out {
					t.Errorf("%d steps ahead %s is an expert", horizon, w.Name)
				}
			}
		}
	}
	with := forecast.Auto{Horizons: 4, Experts: []forecast.Expert{{Model: forecast.Naive{}}, {Model: forecast.GRU{Hidden: 4, Window: 24, Batches: 10}}}}
	p := mustFit(t, with, hours(daily(20*testDay, testDay, 3)...)).(*forecast.AutoPredictor)
	for _, w := range p.Weights() {
		if !(w.Weight > 0) {
			t.Errorf("%s, put among the experts, has weight %v", w.Name, w.Weight)
		}
	}
}

// A fit is charged for each of its experts, once for the trial and once for good, but not
// for those that have far too little to learn from and are left out.
func TestAutoFitOperations(t *testing.T) {
	trees := forecast.Expert{Model: forecast.Trees{Horizons: 5}, After: 1000}
	m := forecast.Auto{Horizons: 5, Experts: []forecast.Expert{{Model: forecast.Naive{}}, trees}}
	whole := trees.Model.(forecast.Coster).FitOperations
	const n = 4000 // The trial is of two fifths, 1600.
	if got, want := m.FitOperations(n), whole(n)+whole(n-1600); got < want || got > 1.5*want {
		t.Errorf("%.3g operations, want those of the trees, %.3g, and somewhat more", got, want)
	}
	if got, want := m.FitOperations(499), whole(499); got >= want {
		t.Errorf("%.3g operations for 499 steps: more than the trees, %.3g, which are left out", got, want)
	}
	if auto := (forecast.Auto{}); auto.FitOperations(n) <= whole(n) {
		t.Error("auto costs less than one of its experts")
	}
}
