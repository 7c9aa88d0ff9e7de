package forecast_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// A line plus a season without noise is forecast exactly, whatever the parameters.
func TestHoltWintersExact(t *testing.T) {
	const season = 7
	shape := []float64{3, -1, 4, -1, 5, -9, -1} // Sums to 0.
	truth := func(i int) float64 { return 50 + .25*float64(i) + shape[i%season] }
	tests := map[string]forecast.HoltWinters{
		"fitted": {Season: season},
		"given":  {Season: season, Smoothing: &forecast.Smoothing{Alpha: .9, Beta: .5, Gamma: .05}},
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{2 * season, 5*season + 3} {
				p := mustFit(t, m, minutes(generate(n, truth)...))
				p.Update(truth(n))
				p.Update(nan) // Time passes all the same.
				want := generate(3*season, func(i int) float64 { return truth(n + 2 + i) })
				checkNear(t, "forecast", predict(p, 3*season), want, 1e-9)
			}
		})
	}
	line := generate(20, func(i int) float64 { return 5 - 3*float64(i) })
	checkNear(t, "line", predict(mustFit(t, forecast.HoltWinters{}, minutes(line...)), 3), []float64{-55, -58, -61}, 1e-9)
}

// The numbers are those of testdata/holtwinters_golden.py, from statsmodels.
func TestHoltWintersGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/holtwinters_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Values []float64
		Cases  []struct {
			Name     string
			Season   int
			Damped   bool
			Fixed    forecast.Smoothing
			Forecast []float64
			SSE      float64
			BestSSE  float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		t.Run(c.Name, func(t *testing.T) {
			m := forecast.HoltWinters{Season: c.Season, Damped: c.Damped, Smoothing: &c.Fixed}
			if m.Name() != c.Name {
				t.Errorf("name %q, want %q", m.Name(), c.Name)
			}
			p := mustFit(t, m, minutes(golden.Values...))
			checkNear(t, "forecast", predict(p, len(c.Forecast)), c.Forecast, 1e-9)
			if got := plainSSE(golden.Values, m.Season, m.Damped, c.Fixed); !near(got, c.SSE, 0, 1e-7) {
				t.Errorf("the recursion of this test gives %v, statsmodels %v", got, c.SSE)
			}

			m.Smoothing = nil
			fitted := mustFit(t, m, minutes(golden.Values...)).(*forecast.FittedHoltWinters).Smoothing()
			if got := plainSSE(golden.Values, m.Season, m.Damped, fitted); got > 1.002*c.BestSSE {
				t.Errorf("%+v has squared errors %v, statsmodels finds %v", fitted, got, c.BestSSE)
			}
		})
	}
}

// plainSSE is additive exponential smoothing in the component form of Hyndman et al.
// (2008), chapter 2, from the start that HoltWinters documents.
func plainSSE(y []float64, m int, damped bool, s forecast.Smoothing) float64 {
	span := 3 * m
	if m <= 1 {
		m, span = 1, 10
	}
	trend := 0.0
	for i := m; i < span; i++ {
		trend += (y[i] - y[i-m]) / float64(m) / float64(span-m)
	}
	season := make([]float64, len(y)+m)
	level := 0.0
	for i := range span {
		v := (y[i] - trend*float64(i)) / float64(span/m)
		season[i%m] += v
		level += v / float64(m)
	}
	for i := range m {
		season[i] -= level
	}
	level -= trend
	phi := 1.0
	if damped {
		phi = s.Phi
	}
	sse := 0.0
	for i, v := range y {
		e := v - level - phi*trend - season[i]
		sse += e * e
		before := level
		level = s.Alpha*(v-season[i]) + (1-s.Alpha)*(before+phi*trend)
		star := s.Beta / s.Alpha
		expected := before + phi*trend
		trend = star*(level-before) + (1-star)*phi*trend
		season[i+m] = season[i]
		if m > 1 {
			season[i+m] = s.Gamma*(v-expected) + (1-s.Gamma)*season[i]
		}
	}
	return sse
}

// The damped forecast is the level plus trend (phi + ... + phi^h).
func TestHoltDampedClosedForm(t *testing.T) {
	m := forecast.HoltWinters{Damped: true, Smoothing: &forecast.Smoothing{Alpha: .5, Beta: .1, Phi: .9}}
	p := mustFit(t, m, minutes(daily(60, 24, 1)...))
	got := predict(p, 200)
	step := got[1] - got[0]
	for h := 2; h < len(got); h++ {
		step *= .9
		if !near(got[h]-got[h-1], step, 1, 1e-9) {
			t.Fatalf("step %d: %v, want %v", h, got[h]-got[h-1], step)
		}
	}
	if limit := got[1] + (got[1]-got[0])*.9/(1-.9); math.Abs(got[199]-limit) > 1e-6 {
		t.Errorf("limit %v, want %v", got[199], limit)
	}
}
