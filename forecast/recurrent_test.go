package forecast_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hindcast.dev/forecast"
)

// recurrents are small networks of both kinds, quick to train.
func recurrents(m forecast.Recurrent) []forecast.Model {
	if m.Hidden == 0 {
		m.Hidden, m.Window, m.Batches = 8, 24, 20
	}
	return []forecast.Model{forecast.LSTM(m), forecast.GRU(m)}
}

// logisticGrowth is a load whose growth from step to step follows the logistic map: each
// change determines the next, but is not correlated with it, nor with any later one, so
// that a linear model sees a random walk. A little pull keeps it near 100.
func logisticGrowth(n int) []float64 {
	x, level := .3, math.Log(100)
	return generate(n, func(int) float64 {
		x = 4 * x * (1 - x)
		level += .2*(x-.5) - .02*(level-math.Log(100))
		return math.Exp(level)
	})
}

// bestLinear returns the forecasts of one step ahead of a least squares regression of the
// change of the logarithm on the newest 20 changes and the level, fitted to past.
func bestLinear(values []float64, split int) []float64 {
	const lags = 20
	logs := generate(len(values), func(i int) float64 { return math.Log(values[i]) })
	features := func(i int) []float64 {
		x := []float64{1, logs[i]}
		for l := range lags {
			x = append(x, logs[i-l]-logs[i-l-1])
		}
		return x
	}
	const k = lags + 2
	var a [k][k + 1]float64 // normal equations
	for i := lags; i+1 < split; i++ {
		x := features(i)
		for r := range k {
			for c := range k {
				a[r][c] += x[r] * x[c]
			}
			a[r][k] += x[r] * (logs[i+1] - logs[i])
		}
	}
	for p := range k { // Gauss and Jordan
		best := p
		for r := p; r < k; r++ {
			if math.Abs(a[r][p]) > math.Abs(a[best][p]) {
				best = r
			}
		}
		a[p], a[best] = a[best], a[p]
		for r := range k {
			if r == p {
				continue
			}
			f := a[r][p] / a[p][p]
			for c := p; c <= k; c++ {
				a[r][c] -= f * a[p][c]
			}
		}
	}
	var out []float64
	for i := split - 1; i+1 < len(values); i++ {
		change := 0.0
		for j, v := range features(i) {
			change += v * a[j][k] / a[j][j]
		}
		out = append(out, values[i]*math.Exp(change))
	}
	return out
}

// nextForecasts returns the forecasts of values[split:], each from all before it.
func nextForecasts(t *testing.T, m forecast.Model, values []float64, split int) []float64 {
	p := mustFit(t, m, minutes(values[:split]...))
	var out []float64
	for _, y := range values[split:] {
		out = append(out, predict(p, 1)[0])
		p.Update(y)
	}
	return out
}

func wapeOf(forecasts, values []float64) float64 {
	miss, size := 0.0, 0.0
	for i, y := range values {
		miss += math.Abs(forecasts[i] - y)
		size += y
	}
	return miss / size
}

// Networks learn a rule that no linear model can.
func TestRecurrentLearnsWhatLinearModelsCannot(t *testing.T) {
	const split = 2500
	values := logisticGrowth(3000)
	score := func(f []float64) float64 { return wapeOf(f, values[split:]) }
	naive := score(nextForecasts(t, forecast.Naive{}, values, split))
	ridge := score(nextForecasts(t, forecast.Ridge{Horizons: 1}, values, split))
	linear := score(bestLinear(values, split))
	best := min(naive, ridge, linear)
	if best < .9*naive {
		t.Fatalf("a linear model gains: naive %.4f, ridge %.4f, least squares %.4f", naive, ridge, linear)
	}
	for _, m := range recurrents(forecast.Recurrent{Horizons: 1, Hidden: 16, Window: 8, Batches: 600, Epochs: 40, Seasons: []int{}}) {
		got := score(nextForecasts(t, m, values, split))
		t.Logf("%s: WAPE %.4f; naive %.4f, ridge %.4f, least squares %.4f", m.Name(), got, naive, ridge, linear)
		if got > best/3 {
			t.Errorf("%s: WAPE %.4f, the best linear model has %.4f", m.Name(), got, best)
		}
	}
}

// begun is a model that is fitted to the first values and fitted anew to all.
type begun struct {
	forecast.Model
	first int
}

func (m begun) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	all := past.Values
	past.Values = all[:m.first]
	p, err := m.Model.Fit(ctx, past)
	if err != nil {
		return nil, err
	}
	past.Values = all
	return p.(forecast.Refitter).Refit(ctx, past)
}

// A refit goes on from the weights in force: with a fifth of the batches at half the rate
// it forecasts far better than a fit of its own of so many. Where the past is another,
// twice as long or of changes of another size, it is a fit. It leaves the predictor that it came from
// as it was.
func TestRecurrentRefit(t *testing.T) {
	const split = 2500
	values := logisticGrowth(3000)
	settings := forecast.Recurrent{Horizons: 1, Hidden: 16, Window: 8, Batches: 600, Epochs: 40, Rate: .01, Seasons: []int{}}
	small := settings
	small.Batches, small.Rate = 600/5, .005
	for i, m := range recurrents(settings) {
		score := func(m forecast.Model) float64 { return wapeOf(nextForecasts(t, m, values, split), values[split:]) }
		refitted, fresh := score(begun{m, 2000}), score(recurrents(small)[i])
		t.Logf("%s: WAPE %.4f of a refit, %.4f of a fit with as many batches", m.Name(), refitted, fresh)
		if refitted > fresh/2 {
			t.Errorf("%s: WAPE %.4f of a refit, %.4f of a fit with as many batches", m.Name(), refitted, fresh)
		}
		wilder := slices.Clone(values[:2000])
		for k, v := range wilder {
			wilder[k] = v * v * v // its changes in logarithms, which the network sees, are three times as large
		}
		for name, c := range map[string]struct{ first, past []float64 }{
			"twice as long": {values[:1000], values[:split]}, "larger changes": {values[:2000], wilder},
		} {
			q, err := mustFit(t, m, minutes(c.first...)).(forecast.Refitter).Refit(t.Context(), minutes(c.past...))
			if err != nil {
				t.Fatal(err)
			}
			if a, b := predict(q, 1), predict(mustFit(t, m, minutes(c.past...)), 1); !slices.Equal(a, b) {
				t.Errorf("%s, %s: %v of a refit, %v of a fit", m.Name(), name, a, b)
			}
		}
		p := mustFit(t, m, minutes(values[:2000]...))
		before := predict(p, 1)
		if _, err := p.(forecast.Refitter).Refit(t.Context(), minutes(values[:split]...)); err != nil {
			t.Fatal(err)
		}
		if after := predict(p, 1); !slices.Equal(before, after) {
			t.Errorf("%s: a refit changed the forecast of the predictor in force from %v to %v", m.Name(), before, after)
		}
	}
}

// On noise around a level the quantiles hold what they say and do not cross.
func TestRecurrentQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	values := generate(3000, func(int) float64 { return 100 + 10*r.NormFloat64() })
	const split = 2000
	levels := []float64{.01, .05, .1, .3, .5, .8, .95, .99}
	for _, m := range recurrents(forecast.Recurrent{Horizons: 3, Hidden: 8, Window: 16, Batches: 300, Epochs: 40}) {
		p := mustFit(t, m, minutes(values[:split]...)).(forecast.QuantilePredictor)
		below := make([]float64, len(levels))
		for _, y := range values[split:] {
			last, dst := math.Inf(-1), make([]float64, 1)
			for i, q := range levels {
				p.PredictQuantile(dst, q)
				if dst[0] < last {
					t.Fatalf("%s: the quantile at %v is %v, below the one before, %v", m.Name(), q, dst[0], last)
				}
				if last = dst[0]; y <= last {
					below[i] += 1. / float64(len(values)-split)
				}
			}
			p.PredictQuantile(dst, .5)
			if median := predict(p, 1)[0]; !near(dst[0], median, median, 1e-12) {
				t.Fatalf("%s: the quantile at 0.5 is %v, the forecast %v", m.Name(), dst[0], median)
			}
			p.Update(y)
		}
		for i, q := range levels {
			// Four standard errors of the share, and what the fit may be off.
			if bound := 4*math.Sqrt(q*(1-q)/1000) + .03; math.Abs(below[i]-q) > bound {
				t.Errorf("%s: %.3f of the values lie below the quantile at %v", m.Name(), below[i], q)
			}
		}
	}
}

func TestRecurrentSeed(t *testing.T) {
	values := minutes(daily(600, 120, 30)...)
	for i := range 2 {
		fit := func(seed uint64) []float64 {
			return predict(mustFit(t, recurrents(forecast.Recurrent{Seed: seed})[i], values), 20)
		}
		if a, b := fit(1), fit(1); !slices.Equal(a, b) {
			t.Errorf("two fits by one seed differ: %v and %v", a, b)
		}
		if a, b := fit(1), fit(2); slices.Equal(a, b) {
			t.Errorf("the seed has no effect: %v", a)
		}
	}
}

// In a gap the forecast goes on from the newest value: h steps ahead after a gap of g it
// is that of h+g before.
func TestRecurrentGap(t *testing.T) {
	for _, m := range recurrents(forecast.Recurrent{}) {
		past := daily(800, 120, 31)
		p := mustFit(t, m, minutes(past...))
		before := predict(p, 40)
		for range 5 {
			p.Update(nan)
		}
		p.Update(math.Inf(1))
		if got := predict(p, 34); !slices.Equal(got, before[6:]) {
			t.Errorf("%s after a gap: %v, before it %v", m.Name(), got, before[6:])
		}
		// The same gap at the end of the past of a fit.
		withGap := append(slices.Clone(past), nan, nan, math.Inf(1))
		if got := predict(mustFit(t, m, minutes(withGap...)), 37); !near(got[0], before[3], 100, .05) {
			t.Errorf("%s fitted with a gap: %v, without it %v", m.Name(), got[0], before[3])
		}
	}
}

// Whatever the load, forecasts are finite.
func TestRecurrentFinite(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	tests := map[string]func(i int) float64{
		"zero":     func(int) float64 { return 0 },
		"step":     func(i int) float64 { return float64(1 + 1e4*float64(i/300)) },
		"growth":   func(i int) float64 { return math.Exp(float64(i) / 40) },
		"negative": func(int) float64 { return -5 + r.NormFloat64() },
		"bursts":   func(i int) float64 { return float64(i%50/49) * 1e6 },
		"tiny":     func(int) float64 { return 1e-300 * r.Float64() },
		"huge":     func(int) float64 { return 1e300 * r.Float64() },
		"sparse": func(i int) float64 {
			if i%3 > 0 || i > 250 && i < 450 {
				return nan
			}
			return 10 * r.Float64()
		},
	}
	for name, f := range tests {
		values := generate(700, f)
		for _, m := range recurrents(forecast.Recurrent{}) {
			p := mustFit(t, m, minutes(values[:500]...)).(forecast.QuantilePredictor)
			dst := make([]float64, 30)
			for _, y := range values[500:] {
				p.Update(y)
				for _, q := range []float64{.001, .5, .999} {
					p.PredictQuantile(dst, q)
					if slices.ContainsFunc(dst, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
						t.Fatalf("%s, %s: forecast %v", name, m.Name(), dst)
					}
				}
			}
		}
	}
}

func TestRecurrentErrors(t *testing.T) {
	for _, m := range recurrents(forecast.Recurrent{}) {
		for name, values := range map[string][]float64{
			"empty": {}, "missing": generate(500, func(int) float64 { return nan }), "short": daily(70, 24, 1),
		} {
			if _, err := m.Fit(t.Context(), minutes(values...)); !errors.Is(err, forecast.ErrTooShort) {
				t.Errorf("%s, %s: error %v, want ErrTooShort", m.Name(), name, err)
			}
		}
		if _, err := m.Fit(t.Context(), forecast.Series{Values: daily(500, 24, 1)}); err == nil {
			t.Errorf("%s: no error for a series without step", m.Name())
		}
	}
	// Steps beyond any float32.
	for _, m := range recurrents(forecast.Recurrent{Rate: 1e39}) {
		_, err := m.Fit(t.Context(), minutes(daily(500, 24, 1)...))
		if err == nil || !strings.Contains(err.Error(), "diverged") {
			t.Errorf("%s: error %v, want that training diverged", m.Name(), err)
		}
	}
}

// A fit that is cancelled half-way ends.
func TestRecurrentCancelled(t *testing.T) {
	for _, m := range recurrents(forecast.Recurrent{Hidden: 8, Window: 24, Batches: 1 << 40, Epochs: 1 << 40}) {
		ctx := &countdown{Context: t.Context(), looks: 200}
		if _, err := m.Fit(ctx, minutes(daily(500, 24, 1)...)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", m.Name(), err)
		}
	}
}

// A countdown is a context that is done after so many looks at it.
type countdown struct {
	context.Context
	looks int
}

func (c *countdown) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// What a fit costs grows with the past until the work is bounded.
func TestRecurrentOperations(t *testing.T) {
	for _, m := range []forecast.Coster{forecast.LSTM{}, forecast.GRU{}} {
		hours, month, year := m.FitOperations(300), m.FitOperations(28*1440), m.FitOperations(365*1440)
		if !(hours > 0 && month > hours && year == month) {
			t.Errorf("%T: %g operations for five hours of minutes, %g for 28 days, %g for a year", m, hours, month, year)
		}
	}
}
