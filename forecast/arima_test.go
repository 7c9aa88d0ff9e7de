package forecast_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// arimaGolden are the numbers of testdata/arima_golden.R.
type arimaGolden struct {
	Series map[string]struct {
		Season int
		Values []float64
	}
	Fixed, Waves []struct {
		Series           string
		Order, Seasonal  []int
		Constant         bool
		Pairs            int
		Missing          []int
		Coef             map[string]float64
		LogLik, Sigma2   float64
		Mean, Deviations []float64
	}
	Automatic []struct {
		Series          string
		Order, Seasonal []int
		Constant        bool
		AICc            float64
	}
}

func readARIMAGolden(t *testing.T) arimaGolden {
	t.Helper()
	data, err := os.ReadFile("testdata/arima_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden arimaGolden
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

// with returns the values of a series, some missing; R counts from 1.
func (g arimaGolden) with(name string, missing []int) []float64 {
	values := append([]float64(nil), g.Series[name].Values...)
	for _, i := range missing {
		values[i-1] = nan
	}
	return values
}

func arimaOrder(order, seasonal []int) forecast.ARIMAOrder {
	return forecast.ARIMAOrder{
		P: order[0], D: order[1], Q: order[2],
		SeasonalP: seasonal[0], SeasonalD: seasonal[1], SeasonalQ: seasonal[2],
	}
}

// checkCoefficients compares with the names that R gives to coefficients.
func checkCoefficients(t *testing.T, got forecast.ARIMACoefficients, want map[string]float64, tolerance float64) {
	t.Helper()
	check := func(name string, v, scale float64) {
		if w, ok := want[name]; !ok || !near(v, w, scale, tolerance) {
			t.Errorf("%s is %v, want %v", name, v, w)
		}
	}
	for i, name := range []string{"ar1", "ar2", "ar3"} {
		if i < len(got.AR) {
			check(name, got.AR[i], 1)
		}
	}
	for i, name := range []string{"ma1", "ma2", "ma3"} {
		if i < len(got.MA) {
			check(name, got.MA[i], 1)
		}
	}
	for i, name := range []string{"sar1", "sar2"} {
		if i < len(got.SeasonalAR) {
			check(name, got.SeasonalAR[i], 1)
		}
	}
	for i, name := range []string{"sma1", "sma2"} {
		if i < len(got.SeasonalMA) {
			check(name, got.SeasonalMA[i], 1)
		}
	}
	if w, ok := want["intercept"]; ok && got.Trend == 0 {
		check("intercept", got.Constant, math.Abs(w))
	}
	if _, ok := want["drift"]; ok {
		check("drift", got.Constant, .01)
	}
}

// Of series without gaps R starts the differences with a variance of 1e6 instead of
// taking them, which is 1e-5 of the likelihood.
func TestARIMAGolden(t *testing.T) {
	golden := readARIMAGolden(t)
	better := 0
	for _, c := range golden.Fixed {
		t.Run(c.Series, func(t *testing.T) {
			order := arimaOrder(c.Order, c.Seasonal)
			m := forecast.ARIMA{Season: golden.Series[c.Series].Season, Order: &order, Constant: c.Constant}
			p := mustFit(t, m, minutes(golden.with(c.Series, c.Missing)...)).(*forecast.FittedARIMA)
			if p.LogLikelihood() > c.LogLik+.01 {
				better++ // TestARIMALikelihoodAtRs shows that the likelihoods are the same.
				return
			}
			if !near(p.LogLikelihood(), c.LogLik, 1, 2e-5) {
				t.Errorf("log-likelihood %v, want %v", p.LogLikelihood(), c.LogLik)
			}
			checkCoefficients(t, p.Coefficients(), c.Coef, 1e-3)
			if !near(p.Sigma2(), c.Sigma2, 0, 2e-3) {
				t.Errorf("variance %v, want %v", p.Sigma2(), c.Sigma2)
			}
			point, upper := predict(p, len(c.Mean)), make([]float64, len(c.Mean))
			checkNear(t, "mean", point, c.Mean, 2e-4)
			p.PredictQuantile(upper, .9)
			for h := range upper {
				upper[h] = (upper[h] - point[h]) / 1.2815515655446004 / math.Sqrt(p.Sigma2())
			}
			checkNear(t, "deviation", upper, c.Deviations, 1e-3)
		})
	}
	if better > 1 {
		t.Errorf("%d of %d likelihoods are above those of R", better, len(golden.Fixed))
	}
}

func TestHarmonicARMAGolden(t *testing.T) {
	golden := readARIMAGolden(t)
	for _, c := range golden.Waves {
		t.Run(c.Series, func(t *testing.T) {
			m := forecast.HarmonicARMA{
				Seasons: []forecast.Waves{{Period: golden.Series[c.Series].Season, Pairs: c.Pairs}},
				Trend:   true, Order: &forecast.ARIMAOrder{P: c.Order[0], Q: c.Order[2]},
			}
			p := mustFit(t, m, minutes(golden.with(c.Series, c.Missing)...)).(*forecast.FittedARIMA)
			if !near(p.LogLikelihood(), c.LogLik, 1, 1e-6) {
				t.Errorf("log-likelihood %v, want %v", p.LogLikelihood(), c.LogLik)
			}
			checkCoefficients(t, p.Coefficients(), c.Coef, 2e-3)
			if !near(p.Coefficients().Trend, c.Coef["trend"], 0, 2e-3) {
				t.Errorf("trend %v, want %v", p.Coefficients().Trend, c.Coef["trend"])
			}
			if !near(p.Sigma2(), c.Sigma2, 0, 1e-3) {
				t.Errorf("variance %v, want %v", p.Sigma2(), c.Sigma2)
			}
			checkNear(t, "mean", predict(p, len(c.Mean)), c.Mean, 1e-4)
		})
	}
}

// The orders are those of R's auto.arima on most series, and nowhere is their AICc worse.
// It differs by what R's start of the differences does to the likelihood.
func TestARIMAOrdersGolden(t *testing.T) {
	golden := readARIMAGolden(t)
	same := 0
	for _, c := range golden.Automatic {
		s := golden.Series[c.Series]
		p := mustFit(t, forecast.ARIMA{Season: s.Season}, minutes(s.Values...)).(*forecast.FittedARIMA)
		if p.AICc() > c.AICc+.01 {
			t.Errorf("%s: AICc %.3f of %+v, R has %.3f of %v%v", c.Series, p.AICc(), p.Order(), c.AICc, c.Order, c.Seasonal)
		}
		if p.Order() == arimaOrder(c.Order, c.Seasonal) {
			same++
		}
	}
	if 3*same < 2*len(golden.Automatic) {
		t.Errorf("only %d of %d orders are those of R", same, len(golden.Automatic))
	}
}

func arma(n int, ar, ma []float64, mean float64, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	y, e := make([]float64, n+200), make([]float64, n+200)
	for t := range y {
		e[t] = r.NormFloat64()
		y[t] = e[t]
		for i, a := range ar {
			if t > i {
				y[t] += a * y[t-1-i]
			}
		}
		for i, b := range ma {
			if t > i {
				y[t] += b * e[t-1-i]
			}
		}
	}
	return generate(n, func(i int) float64 { return mean + y[i+200] })
}

// Estimates of a simulated process lie within four standard errors of 1/sqrt(n).
func TestARIMAFindsItsProcess(t *testing.T) {
	const n = 4000
	values := arma(n, []float64{.6, -.3}, []float64{.4}, 50, 41)
	for i := 0; i < n; i += 9 {
		values[i] = nan
	}
	p := mustFit(t, forecast.ARIMA{Order: &forecast.ARIMAOrder{P: 2, Q: 1}, Constant: true}, minutes(values...)).(*forecast.FittedARIMA)
	c := p.Coefficients()
	checkNear(t, "ar", c.AR, []float64{.6, -.3}, 4/math.Sqrt(n)/.6)
	checkNear(t, "ma", c.MA, []float64{.4}, 4/math.Sqrt(n)/.4)
	if math.Abs(c.Constant-50) > .3 || math.Abs(p.Sigma2()-1) > .1 {
		t.Errorf("mean %v and variance %v, want 50 and 1", c.Constant, p.Sigma2())
	}
}

// Waves that are in the series are found, those that are not are left out.
func TestHarmonicARMAFindsItsWaves(t *testing.T) {
	noise := arma(2000, []float64{.7}, nil, 0, 42)
	values := generate(len(noise), func(i int) float64 {
		day, week := 2*math.Pi*float64(i)/48, 2*math.Pi*float64(i)/336
		return 100 + 8*math.Sin(day) + 4*math.Cos(2*day) + 5*math.Cos(week) + noise[i]
	})
	m := forecast.HarmonicARMA{Seasons: []forecast.Waves{{Period: 48}, {Period: 336}}}
	p := mustFit(t, m, minutes(values...)).(*forecast.FittedARIMA)
	waves := p.Waves()
	if waves[0].Pairs < 2 || waves[0].Pairs > 4 || waves[1].Pairs < 1 || waves[1].Pairs > 3 {
		t.Errorf("waves %v, want 2 and 1", waves)
	}
	for i, v := range p.Profile(0) {
		day := 2 * math.Pi * float64(i) / 48
		if want := 8*math.Sin(day) + 4*math.Cos(2*day); math.Abs(v-want) > 1 {
			t.Fatalf("profile of the day at %d: %v, want %v", i, v, want)
		}
	}
}

// The share of values below their quantiles is the level, for a process that is known.
func TestARIMAQuantiles(t *testing.T) {
	const ahead = 5
	values := arma(6000, []float64{.8}, []float64{.3}, 100, 43)
	p := mustFit(t, forecast.ARIMA{Order: &forecast.ARIMAOrder{P: 1, Q: 1}, Constant: true}, minutes(values[:2000]...)).(forecast.QuantilePredictor)
	for _, q := range []float64{.1, .5, .95} {
		below := make([]float64, ahead)
		dst := make([]float64, ahead)
		n := 0.0
		fitted := mustFit(t, forecast.ARIMA{Order: &forecast.ARIMAOrder{P: 1, Q: 1}, Constant: true}, minutes(values[:2000]...)).(forecast.QuantilePredictor)
		for i := 2000; i+ahead < len(values); i++ {
			fitted.PredictQuantile(dst, q)
			for h, v := range dst {
				if values[i+h] <= v {
					below[h]++
				}
			}
			n++
			fitted.Update(values[i])
		}
		for h := range below {
			if share := below[h] / n; math.Abs(share-q) > .03 {
				t.Errorf("%d ahead: a share of %v below the quantile at %v", h+1, share, q)
			}
		}
	}
	// After a gap nothing is known that was not before, and the quantiles widen.
	narrow, wide := make([]float64, 1), make([]float64, 1)
	p.PredictQuantile(narrow, .9)
	before := narrow[0] - predict(p, 1)[0]
	p.Update(nan)
	p.Update(nan)
	p.PredictQuantile(wide, .9)
	if after := wide[0] - predict(p, 1)[0]; after < 1.2*before {
		t.Errorf("the quantile is %v above the forecast after a gap, %v before", after, before)
	}
}

func TestARIMARefuses(t *testing.T) {
	ctx := context.Background()
	values := daily(200, 24, 44)
	for name, m := range map[string]forecast.Model{
		"negative order":  forecast.ARIMA{Order: &forecast.ARIMAOrder{P: -1}},
		"three times":     forecast.ARIMA{Order: &forecast.ARIMAOrder{D: 3}},
		"season of none":  forecast.ARIMA{Order: &forecast.ARIMAOrder{SeasonalP: 1}},
		"differenced":     forecast.HarmonicARMA{Order: &forecast.ARIMAOrder{D: 1}},
		"too many waves":  forecast.HarmonicARMA{Seasons: []forecast.Waves{{Period: 24, Pairs: 13}}},
		"season of waves": forecast.ARIMA{Season: 90, Order: &forecast.ARIMAOrder{SeasonalP: 1}},
	} {
		if _, err := m.Fit(ctx, minutes(values...)); err == nil || errors.Is(err, forecast.ErrTooShort) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for _, m := range []forecast.Model{forecast.ARIMA{}, forecast.HarmonicARMA{}, forecast.ARIMA{Season: 100}} {
		if _, err := m.Fit(ctx, minutes(1, nan, 2)); !errors.Is(err, forecast.ErrTooShort) {
			t.Errorf("%s of two values: error %v", m.Name(), err)
		}
		for n := 3; n < 40; n++ {
			p, err := m.Fit(ctx, minutes(values[:n]...))
			if errors.Is(err, forecast.ErrTooShort) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range predict(p, 5) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s of %d values: %v", m.Name(), n, v)
				}
			}
		}
	}
}

// Loads that grow by five decades, stop, jump, or are mostly missing.
func TestARIMAOfHardSeries(t *testing.T) {
	r := rand.New(rand.NewPCG(45, 1))
	for name, values := range map[string][]float64{
		"decades": generate(600, func(i int) float64 { return math.Exp(float64(i)/52) * (1 + .1*r.Float64()) }),
		"zeros":   generate(400, func(int) float64 { return 0 }),
		"stops":   generate(400, func(i int) float64 { return float64(max(0, 300-i)) }),
		"steps":   generate(400, func(i int) float64 { return float64(10 + 90*(i/150%2)) }),
		"gap": generate(500, func(i int) float64 {
			if i > 100 && i < 400 {
				return nan
			}
			return 50 + 10*math.Sin(float64(i)/4) + r.Float64()
		}),
		"sparse": generate(600, func(i int) float64 {
			if i%10 != 0 {
				return nan
			}
			return 50 + r.Float64()
		}),
		"infinite": generate(300, func(i int) float64 {
			if i%50 == 7 {
				return math.Inf(1)
			}
			return 50 + r.Float64()
		}),
	} {
		for _, m := range []forecast.Model{
			forecast.ARIMA{}, forecast.ARIMA{Season: 24}, forecast.ARIMA{Season: 96},
			forecast.HarmonicARMA{Seasons: []forecast.Waves{{Period: 24}, {Period: 168}}},
		} {
			p := mustFit(t, m, minutes(values...)).(forecast.QuantilePredictor)
			p.Update(math.Inf(1))
			upper := make([]float64, 30)
			p.PredictQuantile(upper, .95)
			for h, v := range predict(p, 30) {
				if !(v >= 0 && v < 1e9) || !(upper[h] >= v-1e-9) || math.IsInf(upper[h], 0) {
					t.Errorf("%s of %s, %d ahead: %v, upper %v", m.Name(), name, h+1, v, upper[h])
					break
				}
			}
		}
	}
}

// A straight line goes on, as in R, whose auto.arima takes its slope for a drift.
func TestARIMAOfALine(t *testing.T) {
	for _, slope := range []float64{1, -.25, 1000} {
		line := generate(500, func(i int) float64 { return 5000 + slope*float64(i) })
		p := mustFit(t, forecast.ARIMA{}, minutes(line...))
		ahead := make([]float64, 5)
		p.Predict(ahead)
		checkNear(t, "line", ahead, generate(5, func(i int) float64 { return 5000 + slope*float64(500+i) }), 1e-6)
	}
}
