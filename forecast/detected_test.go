package forecast_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

func TestDetected(t *testing.T) {
	var built forecast.Settings
	m := forecast.Detected{
		Build: func(s forecast.Settings) forecast.Model {
			built = s
			return forecast.SeasonalNaive{Season: s.Season}
		},
		Settings: forecast.Settings{Horizon: 3},
	}
	if m.Name() != "seasonal-naive" {
		t.Errorf("name %q", m.Name())
	}
	past := hours(daily(20*24, 24, 51)...)
	got := predict(mustFit(t, m, past), 30)
	if !slices.Equal(built.Seasons, []int{24}) || built.Season != 24 || built.Horizon != 3 {
		t.Errorf("built for %+v, want a season of 24", built)
	}
	checkNear(t, "forecast", got, predict(mustFit(t, forecast.SeasonalNaive{Season: 24}, past), 30), 0)

	mustFit(t, m, hours(generate(100, func(int) float64 { return 3 })...))
	if built.Seasons == nil || len(built.Seasons) > 0 || built.Season != 0 {
		t.Errorf("built for %+v of a constant, want none", built)
	}
	m.Settings.Seasons = []int{5}
	mustFit(t, m, past)
	if !slices.Equal(built.Seasons, []int{5}) {
		t.Errorf("built for %v, want what it was told", built.Seasons)
	}
	if _, err := m.Fit(t.Context(), hours(nan)); !errors.Is(err, forecast.ErrTooShort) {
		t.Errorf("nothing observed: %v", err)
	}
	m.Settings.Seasons = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Fit(ctx, past); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
