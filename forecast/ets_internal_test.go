package forecast

import (
	"encoding/json"
	"math"
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
			if got := newETSFit(form, values).likelihood(p); math.Abs(got-c.Minus2LogLik) > 1e-8*c.Minus2LogLik {
				t.Errorf("likelihood %v, want %v", got, c.Minus2LogLik)
			}
			got := make([]float64, len(c.Forecast))
			p.Predict(got)
			for h, want := range c.Forecast {
				if math.Abs(got[h]-want) > 1e-8*want {
					t.Errorf("%d ahead: %v, want %v", h+1, got[h], want)
				}
			}

			fitted, err := fitETS(t.Context(), form, values, season)
			if err != nil {
				t.Fatal(err)
			}
			if fitted.aicc > c.AICc+.01 {
				t.Errorf("AICc %v, R reaches %v", fitted.aicc, c.AICc)
			}
		})
	}
}
