package forecast

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// The numbers are those of testdata/ets_golden.R, from R's forecast package. With its
// parameters and first states each form has the same likelihood and forecasts; the
// search here ends at least where R's does.
func TestETSForms(t *testing.T) {
	data, err := os.ReadFile("testdata/ets_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Selected []struct{ Values []float64 }
		Forms    []struct {
			Form               string
			Smoothing          Smoothing
			States             []float64
			Minus2LogLik, AICc float64
			Forecast           []float64
			Sigma2             float64
			Upper80            []float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	const season = 12
	values := golden.Selected[0].Values
	forms := make(map[string]etsForm)
	for _, form := range etsForms(true, true) {
		forms[form.String()] = form
	}
	if len(forms) != 15 || len(golden.Forms) != 15 {
		t.Fatalf("%d forms, R has %d, want 15", len(forms), len(golden.Forms))
	}
	for _, c := range golden.Forms {
		t.Run(c.Form, func(t *testing.T) {
			form, ok := forms[c.Form]
			if !ok {
				t.Fatal("no such form")
			}
			p := &FittedETS{form: form, smoothing: c.Smoothing, level: c.States[0], seasonal: []float64{0}}
			if !form.damped {
				p.smoothing.Phi = 1
			}
			states := c.States[1:]
			if form.trend {
				p.trend, states = states[0], states[1:]
			}
			if form.seasonal {
				p.seasonal = make([]float64, season)
				for i := range states {
					p.seasonal[season-1-i] = states[i]
				}
			}
			path := newETSPath(form, values)
			if got := path.likelihood(p); math.Abs(got-c.Minus2LogLik) > 1e-8*c.Minus2LogLik {
				t.Errorf("likelihood %v, want %v", got, c.Minus2LogLik)
			}
			estimated := len(c.States) // One of a season follows from the others; gamma makes up for it.
			for _, used := range []bool{true, form.trend, form.damped} {
				if used {
					estimated++
				}
			}
			p.variance = path.squares / float64(len(values)-estimated)
			if math.Abs(p.variance-c.Sigma2) > 1e-8*c.Sigma2 {
				t.Errorf("variance %v, want %v", p.variance, c.Sigma2)
			}
			got := make([]float64, len(c.Forecast))
			p.Predict(got)
			for h, want := range c.Forecast {
				if math.Abs(got[h]-want) > 1e-8*want {
					t.Errorf("%d ahead: %v, want %v", h+1, got[h], want)
				}
			}

			got = make([]float64, len(c.Upper80))
			p.PredictQuantile(got, .9)
			for h, want := range c.Upper80 {
				if math.Abs(got[h]-want) > 1e-8*want {
					t.Errorf("quantile 0.9, %d ahead: %v, want %v", h+1, got[h], want)
				}
			}

			fitted, err := fitETS(t.Context(), form, values, season, math.Inf(1))
			if err != nil {
				t.Fatal(err)
			}
			if fitted.aicc > c.AICc+.01 {
				t.Errorf("AICc %v, R reaches %v", fitted.aicc, c.AICc)
			}
		})
	}
}

// The variance of each form is that of many futures drawn from it; with a multiplicative
// season it is exact within the first season only.
func TestETSVariances(t *testing.T) {
	const season, ahead, futures = 4, 10, 40000
	for _, form := range etsForms(true, true) {
		p := &FittedETS{
			form: form, level: 100, seasonal: []float64{0}, variance: .0004,
			smoothing: Smoothing{Alpha: .4, Phi: 1},
		}
		if form.trend {
			p.trend, p.smoothing.Beta = 2, .1
		}
		if form.damped {
			p.smoothing.Phi = .9
		}
		tolerance := .03
		switch {
		case form.multiplicativeSeason:
			p.seasonal, p.smoothing.Gamma = []float64{.8, 1, 1.3, .9}, .3
			tolerance = .06
		case form.seasonal:
			p.seasonal, p.smoothing.Gamma = []float64{-20, 0, 30, -10}, .3
		}
		if !form.multiplicativeError {
			p.variance = 4
		}
		means := make([]float64, ahead)
		p.Predict(means)
		want := make([]variance, ahead)
		r := rand.New(rand.NewPCG(1, 9))
		for range futures {
			f := *p
			f.seasonal = append([]float64(nil), p.seasonal...)
			next := make([]float64, 1)
			for h := range want {
				f.Predict(next)
				e := math.Sqrt(p.variance) * r.NormFloat64()
				y := next[0] + e
				if form.multiplicativeError {
					y = next[0] * (1 + e)
				}
				want[h].add(y)
				f.Update(y)
			}
		}
		for h, got := range p.variances(means) {
			drawn := want[h].squares / (futures - 1)
			if math.Abs(got-drawn) > tolerance*drawn {
				t.Errorf("%s, %d ahead: variance %v, of the futures drawn %v", form, h+1, got, drawn)
			}
		}
	}
}

// The gradient is that of finite differences, with gaps and with the floor of a factor
// out of reach.
func TestETSGradient(t *testing.T) {
	const season = 4
	values := make([]float64, 60)
	r := rand.New(rand.NewPCG(1, 10))
	for i := range values {
		values[i] = (50 + .3*float64(i)) * (1 + .2*math.Sin(float64(i)*math.Pi/2)) * (1 + .05*r.NormFloat64())
	}
	values[7], values[30], values[31] = math.NaN(), math.NaN(), math.NaN()
	for i, form := range append(etsForms(true, true), etsForms(true, true)...) {
		if i == 15 { // Without gaps there is a faster way for some forms.
			values[7], values[30], values[31] = 40, 60, 70
		}
		f := &etsFit{form: form, path: newETSPath(form, values)}
		period := season
		if !form.seasonal {
			period = 1
		}
		if !f.begin(period) {
			t.Fatal("no start")
		}
		n := period + 1
		for _, used := range []bool{form.trend, form.trend, form.damped, form.seasonal} {
			if used {
				n++
			}
		}
		x := make([]float64, n)
		for i := range x {
			x[i] = .3 * r.NormFloat64()
		}
		f.value(x)
		g := make([]float64, n)
		f.gradient(g)
		for i := range x {
			const d = 1e-5
			x[i] += d
			above := f.value(x)
			x[i] -= 2 * d
			below := f.value(x)
			x[i] += d
			if want := (above - below) / (2 * d); math.Abs(g[i]-want) > 1e-5*max(math.Abs(want), 1) {
				t.Errorf("%s: slope %d is %v, by differences %v", form, i, g[i], want)
			}
		}
	}
}
