package forecast_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// The table of docs/forecasting.md of what a changed clock costs: the errors of models in the week after, 5 minutes and an
// hour ahead, on loads that go by the clock of Berlin, in the mean of forward and back. First those on the same load by a clock that is
// left alone, then by the changed one, then by that where the models are told.
func BenchmarkClockChange(b *testing.B) {
	const step, day, before = 5 * time.Minute, 288, 21 * 288
	names := []string{"naive", "seasonal-naive", "profile", "jumps", "mstl", "holt-winters", "harmonic", "nlinear", "trees", "forest", "ridge", "prophet", "auto"}
	shapes := []string{"office", "people", "jobs"}
	horizons := []int{1, 12}
	wapes := func(shape string, c clockChange, changed bool, location *time.Location) [][]float64 {
		models := make([]forecast.Model, len(names))
		for i, name := range names {
			settings := forecast.Settings{Step: step, Seasons: []int{day, 7 * day}, Season: 7 * day, Horizon: horizons[len(horizons)-1], Location: location}
			if name == "holt-winters" {
				settings.Season = day // Its season of a week takes longer to learn.
			}
			var err error
			if models[i], err = forecast.ByName(name, settings); err != nil {
				b.Fatal(err)
			}
		}
		e, err := forecast.Evaluate(context.Background(), c.load(shape, changed, step, before, 7*day, .02), models, forecast.EvaluateOptions{
			Horizons: horizons, WarmUp: before, RefitEvery: day,
		})
		if err != nil {
			b.Fatal(err)
		}
		all := make([][]float64, len(names))
		for i, m := range e.Models {
			for _, h := range m.Horizons {
				all[i] = append(all[i], 100*h.WAPE)
			}
		}
		return all
	}
	for b.Loop() {
		rows := make([]string, len(names))
		for _, shape := range shapes {
			var alone, untold, told [2][][]float64
			for k, c := range clockChanges(b)[:2] {
				alone[k], untold[k], told[k] = wapes(shape, c, false, nil), wapes(shape, c, true, nil), wapes(shape, c, true, c.zone)
			}
			for i := range names {
				for h := range horizons {
					mean := func(w [2][][]float64) float64 { return (w[0][i][h] + w[1][i][h]) / 2 }
					rows[i] += fmt.Sprintf(" %.1f / %.1f / %.1f |", mean(alone), mean(untold), mean(told))
				}
			}
		}
		for i, name := range names {
			fmt.Printf("| `%s` |%s\n", name, rows[i])
		}
	}
}
