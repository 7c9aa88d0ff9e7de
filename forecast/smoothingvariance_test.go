package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

// On series of the kind that every model of smoothing is right for, its 80 % intervals
// cover as many of the values that follow.
func TestSmoothingCoverage(t *testing.T) {
	const n, series, season = 120, 300, 6
	horizons := []int{1, 8}
	for _, m := range []forecast.Model{
		forecast.SES{}, forecast.Theta{}, forecast.DOTM{}, forecast.HoltWinters{Damped: true}, forecast.ETS{},
		forecast.MSTL{Seasons: []int{season}},
	} {
		_, seasonal := m.(forecast.MSTL)
		r := rand.New(rand.NewPCG(1, 11))
		inside := make([]int, len(horizons))
		for range series {
			level := 500.0
			values := generate(n+horizons[1], func(i int) float64 {
				level += 2 * r.NormFloat64()
				y := level + 4*r.NormFloat64()
				if seasonal {
					y += 30 * math.Sin(2*math.Pi*float64(i)/season)
				}
				return y
			})
			p := mustFit(t, m, minutes(values[:n]...)).(forecast.QuantilePredictor)
			low, high := make([]float64, horizons[1]), make([]float64, horizons[1])
			p.PredictQuantile(low, .1)
			p.PredictQuantile(high, .9)
			for i, h := range horizons {
				if y := values[n+h-1]; y > low[h-1] && y < high[h-1] {
					inside[i]++
				}
			}
		}
		for i, h := range horizons {
			// Two standard errors are 5 points; that parameters count as known costs some,
			// and seasons more.
			least := .71
			if seasonal {
				least = .65
			}
			if got := float64(inside[i]) / series; got < least || got > .87 {
				t.Errorf("%s, %d ahead: %v are within the 80 %% interval", m.Name(), h, got)
			}
		}
	}
}

// The median is the forecast, and quantiles do not cross, with a season on top too.
func TestQuantilesInOrder(t *testing.T) {
	const season, ahead = 24, 50
	past := hours(daily(12*season, season, 12)...)
	for _, m := range allModels() {
		if !isSmoothing(m) {
			continue
		}
		p := mustFit(t, m, past).(forecast.QuantilePredictor)
		point := predict(p, ahead)
		last := slices.Repeat([]float64{math.Inf(-1)}, ahead)
		for _, q := range []float64{.01, .25, .5, .9, .999} {
			got := make([]float64, ahead)
			p.PredictQuantile(got, q)
			for h, v := range got {
				if !(v >= last[h]) || q == .5 && !near(v, point[h], 1, 1e-12) {
					t.Fatalf("%s, quantile %v, %d ahead: %v after %v; forecast %v", m.Name(), q, h+1, v, last[h], point[h])
				}
			}
			last = got
		}
		if !slices.Equal(predict(p, ahead), point) {
			t.Errorf("%s: quantiles change the forecast", m.Name())
		}
	}
}

// isSmoothing reports whether the quantiles of a model are those of normal distributions.
func isSmoothing(m forecast.Model) bool {
	switch m.(type) {
	case forecast.SES, forecast.Theta, forecast.DOTM, forecast.Holt, forecast.HoltWinters, forecast.ETS, forecast.MSTL:
		return true
	}
	return false
}
