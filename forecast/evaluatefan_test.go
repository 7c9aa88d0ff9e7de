package forecast_test

import (
	"context"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

// Fans hold what was forecast after the observation of their origin, at all horizons in
// their order, whatever order they were asked for in.
func TestEvaluateFans(t *testing.T) {
	values := daily(300, 24, 5)
	run := func(values []float64) []forecast.Fan {
		e, err := forecast.Evaluate(context.Background(), hours(values...), []forecast.Model{forecast.Naive{}},
			forecast.EvaluateOptions{Horizons: []int{3, 1}, WarmUp: 200, FanOrigins: []int{250, 299, 100}})
		if err != nil {
			t.Fatal(err)
		}
		return e.Models[0].Fans
	}
	fans := run(values)
	if len(fans) != 2 { // Step 100 is in the warm-up.
		t.Fatalf("%d fans, want 2", len(fans))
	}
	for i, at := range []int{250, 299} {
		f := fans[i]
		if !f.Origin.Equal(hours(values...).Time(at)) || f.Last != values[at] || !slices.Equal(f.Horizon, []int{1, 3}) {
			t.Errorf("fan %d: %+v", i, f)
		}
		for k := range f.Horizon {
			// The last value is the forecast of all horizons, and quantiles do not cross.
			bounds := []float64{f.Lower95[k], f.Lower80[k], f.Lower50[k], f.Upper50[k], f.Upper80[k], f.Upper95[k]}
			if f.Point[k] != values[at] || !slices.IsSorted(bounds) || bounds[0] == bounds[5] {
				t.Errorf("fan %d at horizon %d: %v within %v", i, f.Horizon[k], f.Point[k], bounds)
			}
		}
	}
	// What comes later changes nothing.
	later := slices.Clone(values)
	later[251] *= 100
	if again := run(later); !slices.Equal(again[0].Upper95, fans[0].Upper95) || slices.Equal(again[1].Upper95, fans[1].Upper95) {
		t.Error("a fan knows what came later, or the poison was none")
	}
}
