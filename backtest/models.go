package backtest

import (
	"fmt"
	"strings"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/forecast"
	"hindcast.dev/internal/suggest"
)

// newModel builds the model of an id for a series of the given step. Seasons are in
// steps, shortest first, nil where they are left to the model; a model with one
// season takes the shortest, which is the day where there is one.
func newModel(id string, step time.Duration, seasons []int, horizons int) (forecast.Model, error) {
	first := 0
	if len(seasons) > 0 {
		first = seasons[0]
	}
	switch id {
	case "naive":
		return forecast.Naive{}, nil
	case "seasonal-naive":
		return forecast.SeasonalNaive{Season: first}, nil
	case "holt-winters":
		return forecast.HoltWinters{Season: first, Damped: true}, nil
	case "harmonic":
		waves := make([]forecast.Waves, len(seasons))
		for i, s := range seasons {
			waves[i].Period = s
		}
		return forecast.Harmonic{Seasons: waves}, nil
	case "ridge":
		return forecast.Ridge{Horizons: max(horizons, 1), HalfLife: max(int(day/step), 300), Seasons: seasons}, nil
	}
	if near := suggest.Nearest(id, v1alpha1.Models()); near != "" {
		return nil, fmt.Errorf("unknown model %q; did you mean %q?", id, near)
	}
	return nil, fmt.Errorf("unknown model %q; known: %s", id, strings.Join(v1alpha1.Models(), ", "))
}
