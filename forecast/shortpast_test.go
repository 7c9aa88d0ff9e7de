package forecast_test

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// TestShortPast is the arithmetic behind a table of docs/live.md: the margins of models that
// were fitted to the first half of a past and judged on the second, as a controller does that
// starts, on a load of which a period takes 24 of its minutes. After six hours ridge, which
// has to learn the wave from few periods, has a margin that is more than the whole wave; after
// twice that it has not. A model that finds the period needs next to none.
func TestShortPast(t *testing.T) {
	const mean, swing, period = 85.0, 65.0, 24
	value := func(i int) float64 { return mean + swing*math.Sin(2*math.Pi*float64(i)/period) }
	margins := func(m forecast.Model, hours int) (up, down float64) {
		var values []float64
		for i := range 60 * hours {
			values = append(values, value(i))
		}
		half := len(values) / 2
		p, err := m.Fit(t.Context(), forecast.Series{Step: time.Minute, Values: values[:half]})
		if err != nil {
			t.Fatal(err)
		}
		peaks, err := forecast.NewPeaks(forecast.Conformal{Horizons: []int{3, 11}})
		if err != nil {
			t.Fatal(err)
		}
		point := make([]float64, 11)
		for _, y := range values[half:] {
			p.Update(y)
			p.Predict(point)
			peaks.Step(y, point)
		}
		return peaks.Upper(3, .99) - peaks.Point(3), peaks.Upper(11, .99) - peaks.Point(11)
	}
	for _, hours := range []int{6, 12, 24, 48} {
		up, ridge := margins(forecast.Ridge{Horizons: 11}, hours)
		_, told := margins(forecast.Ridge{Horizons: 11, Seasons: []int{period}}, hours)
		_, auto := margins(forecast.Auto{Horizons: 11}, hours)
		t.Logf("%2d h: ridge %.0f over 3 min, %.0f over 11 min; told the season %.0f; auto %.0f", hours, up, ridge, told, auto)
		if deep := ridge > 2*swing; deep != (hours == 6) {
			t.Errorf("%d h: the margin of ridge is %.0f, and the wave is %.0f from trough to top", hours, ridge, 2*swing)
		}
		if hours <= 24 && told >= ridge {
			t.Errorf("%d h: the margin of ridge that is told the season is %.0f, without it %.0f", hours, told, ridge)
		}
		if auto > .01*swing {
			t.Errorf("%d h: the margin of auto is %.2f", hours, auto)
		}
	}
}
