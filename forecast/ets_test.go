package forecast_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// The numbers are those of testdata/ets_golden.R, from R's forecast package. The
// likelihood has many maxima, so that the two searches end at different ones: the
// AICc may be lower than R's but not higher, and the forecasts are alike.
func TestETSGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/ets_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Selected []struct {
			Name     string
			Season   int
			Values   []float64
			Form     string
			AICc     float64
			Forecast []float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Selected {
		t.Run(c.Name, func(t *testing.T) {
			p := mustFit(t, forecast.ETS{Season: c.Season}, minutes(c.Values...)).(*forecast.FittedETS)
			if p.AICc() > c.AICc+.01 {
				t.Errorf("%s has AICc %v, R finds %s with %v", p.Form(), p.AICc(), c.Form, c.AICc)
			}
			checkNear(t, "forecast", predict(p, len(c.Forecast)), c.Forecast, .1)
		})
	}
}

// The kind of season is told from how it goes with the level.
func TestETSForm(t *testing.T) {
	shape := []float64{-3, 0, 4, -1}
	for want, truth := range map[string]func(i int) float64{
		"A": func(i int) float64 { return 20 + .5*float64(i) + shape[i%4] },
		"M": func(i int) float64 { return (20 + .5*float64(i)) * (1 + .1*shape[i%4]) },
		"N": func(i int) float64 { return 20 + .5*float64(i) },
	} {
		r := rand.New(rand.NewPCG(1, 3))
		values := generate(120, func(i int) float64 { return truth(i) + .3*r.NormFloat64() })
		form := mustFit(t, forecast.ETS{Season: 4}, minutes(values...)).(*forecast.FittedETS).Form()
		if form[len(form)-1:] != want {
			t.Errorf("season %s: form %s", want, form)
		}
	}
}

// A level of 0 for days neither stops the forecasts nor makes them huge after it.
func TestETSZeros(t *testing.T) {
	values := generate(240, func(i int) float64 { return 100 + 10*float64(i%24) })
	p := mustFit(t, forecast.ETS{Season: 24}, hours(values...))
	for range 20 * 24 {
		p.Update(0)
	}
	for i := range 20 * 24 {
		p.Update(values[i%len(values)])
		for _, f := range predict(p, 24) {
			if !(f > -4000 && f < 4000) {
				t.Fatalf("%v steps after the zeros: forecast %v of a load within 100 and 330", i, f)
			}
		}
	}
}
