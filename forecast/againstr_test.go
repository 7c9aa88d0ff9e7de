package forecast_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// A caseOfR is what R's forecast package makes of a series, by testdata/againstr_golden.R.
type caseOfR struct {
	Model, Series, Method string
	Seasons               []int
	AICc                  float64 // 0 where the model has none
	Forecast              []float64
}

// casesOfR returns the cases and their series.
func casesOfR(t testing.TB) (cases []caseOfR, series map[string][]float64) {
	t.Helper()
	data, err := os.ReadFile("testdata/againstr_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Series map[string][]float64
		Sums   map[string]float64
		Cases  []caseOfR
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	golden.Series["day"], golden.Series["week"] = madeUpMinutes(1440), madeUpMinutes(7*1440)
	for name, want := range golden.Sums {
		got := 0.0
		for _, y := range golden.Series[name] {
			got += y
		}
		if math.Abs(got-want) > 1e-6 {
			t.Fatalf("the sum of %s is %v, in R %v", name, got, want)
		}
	}
	return golden.Cases, golden.Series
}

// madeUpMinutes is a load of a day of minutes, by a linear congruential generator (Lehmer,
// 1951) and rounded, so that R makes the same.
func madeUpMinutes(n int) []float64 {
	state := 42
	draw := func() float64 {
		state = state * 48271 % 2147483647
		return float64(state)/2147483647 - .5
	}
	return generate(n, func(t int) float64 {
		noise := draw() + draw() + draw()
		return math.RoundToEven(1000*(100+40*math.Sin(2*math.Pi*float64(t)/1440)+10*noise)) / 1000
	})
}

func (c caseOfR) model(t testing.TB) forecast.Model {
	t.Helper()
	m, err := forecast.ByName(c.Model, forecast.Settings{Step: time.Minute, Seasons: c.Seasons, Horizon: len(c.Forecast)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// distance returns the mean absolute difference of the forecasts, relative to their mean.
func (c caseOfR) distance(p forecast.Predictor) float64 {
	total, scale := 0.0, 0.0
	for h, f := range predict(p, len(c.Forecast)) {
		total += math.Abs(f - c.Forecast[h])
		scale += math.Abs(c.Forecast[h])
	}
	return total / scale
}

// Smoothing does not make anything worse of a series than R does, and nothing very
// different: where the forecasts are apart, the AICc is lower.
func TestAgainstR(t *testing.T) {
	cases, series := casesOfR(t)
	for _, c := range cases {
		if c.Model == "arima" {
			continue // See TestARIMASearch.
		}
		t.Run(c.Model+"/"+c.Series, func(t *testing.T) {
			p := mustFit(t, c.model(t), minutes(series[c.Series]...))
			tolerance := .001
			if c.AICc != 0 {
				tolerance = .1
			}
			if d := c.distance(p); d > tolerance {
				t.Errorf("%s: forecasts differ by %v", c.Method, d)
			}
			if ets, ok := p.(*forecast.FittedETS); ok && ets.AICc() > c.AICc+.1 {
				t.Errorf("%s has AICc %v, R finds %s with %v", ets.Form(), ets.AICc(), c.Method, c.AICc)
			}
		})
	}
}
