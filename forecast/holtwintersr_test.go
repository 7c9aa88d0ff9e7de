package forecast_test

import (
	"encoding/json"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// The numbers are those of testdata/holtwintersr_golden.R, from R, on ten public series, each with
// and without damping. With R's smoothing, the squared errors and the forecasts are R's; and the
// search finds R's smoothing.
func TestHoltWintersAgainstR(t *testing.T) {
	data, err := os.ReadFile("testdata/holtwintersr_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Series map[string][]float64
		Cases  []struct {
			Series    string
			Season    int
			Damped    bool
			Smoothing forecast.Smoothing
			SSE       float64
			Forecast  []float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) != 20 {
		t.Fatalf("%d cases, want 20", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		m := forecast.HoltWinters{Season: c.Season, Damped: c.Damped, Smoothing: &c.Smoothing}
		t.Run(m.Name()+"/"+c.Series, func(t *testing.T) {
			values := golden.Series[c.Series]
			p := mustFit(t, m, minutes(values...))
			checkNear(t, "forecast", predict(p, len(c.Forecast)), c.Forecast, 1e-9)
			if got := plainSSE(values, m.Season, m.Damped, c.Smoothing); !near(got, c.SSE, 0, 1e-9) {
				t.Errorf("with R's smoothing squared errors of %v, R has %v", got, c.SSE)
			}

			m.Smoothing = nil
			p = mustFit(t, m, minutes(values...))
			fitted := p.(*forecast.FittedHoltWinters).Smoothing()
			// R's undamped alpha may be 1, ours 0.9999, which costs up to 1.3e-4.
			if got := plainSSE(values, m.Season, m.Damped, fitted); got > (1+1.5e-4)*c.SSE {
				t.Errorf("%+v has squared errors %v, R finds %v with %+v", fitted, got, c.SSE, c.Smoothing)
			}
			for _, parameter := range [][2]float64{
				{fitted.Alpha, c.Smoothing.Alpha}, {fitted.Beta, c.Smoothing.Beta},
				{fitted.Gamma, c.Smoothing.Gamma}, {fitted.Phi, c.Smoothing.Phi},
			} {
				if !near(parameter[0], parameter[1], 1, 2e-4) {
					t.Errorf("%+v, R finds %+v", fitted, c.Smoothing)
					break
				}
			}
			checkNear(t, "forecast of the fitted", predict(p, len(c.Forecast)), c.Forecast, 1e-3)
		})
	}
}
