package forecast_test

import (
	"errors"
	"math"
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
	var names []string
	for _, name := range forecast.Names() {
		names = append(names, name, forecast.TransformedPrefix+name)
	}
	for _, name := range names {
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
	for _, name := range []string{"rigde", "", "transformed:", "transformed:rigde", "transformed:transformed:ets", "transformed: ets", "log:ets"} {
		if _, err := forecast.ByName(name, forecast.Settings{}); !errors.Is(err, forecast.ErrUnknownModel) || forecast.Known(name) {
			t.Errorf("unknown name %q: %v", name, err)
		}
	}
}

// On a load that grows by a factor a model by its prefixed name sees logarithms, with the
// season that it is told.
func TestTransformedByName(t *testing.T) {
	const day = 24
	values := generate(20*day, func(i int) float64 {
		return 50 * math.Exp(3*float64(i)/(20*day)) * (2 + math.Sin(2*math.Pi*float64(i)/day))
	})
	ahead := func(name string) float64 {
		m, err := forecast.ByName(name, forecast.Settings{Step: time.Hour, Seasons: []int{day}, Horizon: day})
		if err != nil {
			t.Fatal(err)
		}
		if m.Name() != name {
			t.Errorf("%s has the name %s", name, m.Name())
		}
		total := 0.0
		for i, f := range predict(mustFit(t, m, hours(values[:19*day]...)), day) {
			total += math.Abs(f - values[19*day+i])
		}
		return total
	}
	if plain, scaled := ahead("mstl"), ahead("transformed:mstl"); !(scaled < .5*plain) {
		t.Errorf("errors of the last day %v, plain %v", scaled, plain)
	}
}
