package forecast_test

import (
	"context"
	"errors"
	"testing"

	"hindcast.dev/forecast"
)

func TestNaiveRules(t *testing.T) {
	tests := []struct {
		name    string
		model   forecast.Model
		past    []float64
		updates []float64
		want    []float64 // 1.. steps ahead
	}{
		{"last value", forecast.Naive{}, []float64{1, 5}, nil, []float64{5, 5, 5}},
		{"missing end", forecast.Naive{}, []float64{1, 5, nan}, []float64{nan}, []float64{5}},
		{"update", forecast.Naive{}, []float64{1}, []float64{7, nan}, []float64{7, 7}},
		{"zero is a value", forecast.Naive{}, []float64{1, 0}, nil, []float64{0}},

		{"season", forecast.SeasonalNaive{Season: 3}, []float64{1, 2, 3}, nil, []float64{1, 2, 3, 1}},
		{"newest season", forecast.SeasonalNaive{Season: 3}, []float64{1, 2, 3, 4, 5, 6}, nil, []float64{4, 5, 6, 4}},
		{"phase moves on", forecast.SeasonalNaive{Season: 3}, []float64{1, 2, 3}, []float64{4}, []float64{2, 3, 4, 2}},
		{"missing: season before", forecast.SeasonalNaive{Season: 3}, []float64{1, 2, 3, 4, nan, 6}, nil, []float64{4, 2, 6}},
		{"missing in update", forecast.SeasonalNaive{Season: 2}, []float64{1, 2}, []float64{nan}, []float64{2, 1, 2}},
		{"never seen: last value", forecast.SeasonalNaive{Season: 3}, []float64{1, nan, 3}, nil, []float64{1, 3, 3}},
		{"shorter than a season", forecast.SeasonalNaive{Season: 4}, []float64{1, 2}, nil, []float64{2, 2, 1, 2}},
		{"no season", forecast.SeasonalNaive{}, []float64{1, 2}, []float64{9}, []float64{9, 9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustFit(t, tt.model, minutes(tt.past...))
			for _, y := range tt.updates {
				p.Update(y)
			}
			checkNear(t, "forecast", predict(p, len(tt.want)), tt.want, 0)
		})
	}
}

func TestTooShort(t *testing.T) {
	tests := []struct {
		model forecast.Model
		past  []float64
	}{
		{forecast.Naive{}, nil},
		{forecast.Naive{}, []float64{nan, nan}},
		{forecast.SeasonalNaive{Season: 2}, []float64{nan}},
		{forecast.Ridge{}, []float64{nan, nan, nan}},
		{forecast.Naive2{Season: 2}, []float64{nan, nan}},
		{forecast.SES{}, nil},
		{forecast.SES{Season: 2}, []float64{nan, nan, nan, nan, nan, nan}},
		{forecast.Theta{}, []float64{nan}},
		{forecast.ETS{}, []float64{1, 2, nan, 3, nan}},
		{forecast.HoltWinters{Season: 4}, []float64{1, 2, 3, 4, 5, 6, 7}},
		{forecast.HoltWinters{Season: 2}, []float64{1, nan, nan, 4, 5, nan}},
		{forecast.HoltWinters{}, []float64{1}},
		{forecast.Harmonic{}, []float64{1}},
		{forecast.Harmonic{Seasons: []forecast.Waves{{Period: 4, Pairs: 2}}}, []float64{1, 2, 3, 4, 5, nan, nan, nan}},
	}
	for _, tt := range tests {
		if _, err := tt.model.Fit(context.Background(), minutes(tt.past...)); !errors.Is(err, forecast.ErrTooShort) {
			t.Errorf("%s on %v: error %v, want ErrTooShort", tt.model.Name(), tt.past, err)
		}
	}
}
