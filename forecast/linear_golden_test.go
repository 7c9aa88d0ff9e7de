package forecast_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// Against scikit-learn's Ridge on features made by testdata/linear_golden.py: penalty and
// base are chosen and the rows weighed as there, so that forecasts are equal but for
// rounding. DLinear has twice our features there.
func TestLinearMapsAgreeWithScikitLearn(t *testing.T) {
	data, err := os.ReadFile("testdata/linear_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Name                     string
			Values, Forecast         []float64
			Window, Horizons, Kernel int
			Seasons                  []int
			Chosen                   struct{ Season int }
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	bases := map[bool]int{}
	for _, c := range golden.Cases {
		var m forecast.Model = forecast.NLinear{Horizons: c.Horizons, Window: c.Window, Seasons: c.Seasons}
		if c.Kernel > 0 {
			m = forecast.DLinear{Horizons: c.Horizons, Window: c.Window, Kernel: c.Kernel}
		} else {
			bases[c.Chosen.Season > 1]++
		}
		got := predict(mustFit(t, m, hours(c.Values...)), c.Horizons)
		checkNear(t, fmt.Sprintf("%s of %s", m.Name(), c.Name), got, c.Forecast, 1e-7)
	}
	if bases[false] == 0 || bases[true] == 0 {
		t.Errorf("the cases of NLinear take last value and seasonal naive %v times: both must occur", bases)
	}
}
