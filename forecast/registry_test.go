package forecast_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

func TestEveryNameGivesAModelThatForecasts(t *testing.T) {
	values := make([]float64, 4*48)
	for i := range values {
		values[i] = float64(10 + i%48)
	}
	for _, name := range forecast.Names() {
		m, err := forecast.ByName(name, forecast.Settings{Step: 30 * time.Minute, Seasons: []int{48}, Horizon: 4})
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Fit(t.Context(), forecast.Series{Step: 30 * time.Minute, Values: values})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ahead := make([]float64, 4)
		p.Predict(ahead)
		for h, v := range ahead {
			if !(v >= 0 && v < 200) {
				t.Errorf("%s: %v steps ahead of a load between 10 and 57: %v", name, h+1, v)
			}
		}
	}
	if !slices.Contains(forecast.Names(), forecast.DefaultModel) {
		t.Errorf("%s is not among %v", forecast.DefaultModel, forecast.Names())
	}
	if _, err := forecast.ByName("rigde", forecast.Settings{}); !errors.Is(err, forecast.ErrUnknownModel) {
		t.Errorf("unknown name: %v", err)
	}
}
