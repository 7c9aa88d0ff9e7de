package live

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/policy"
)

// TestForecastStatusIsOfItsMetric: two metrics that were seen at the same value keep their own
// figures, and those stay where the value is too old to be shown.
func TestForecastStatusIsOfItsMetric(t *testing.T) {
	t.Parallel()
	status := func(metric string, observed, accuracy, skill float64) policy.V3Status {
		return policy.V3Status{Metric: metric, Observed: observed, Skill: skill, Horizons: []policy.V3Horizon{{Horizon: time.Minute, Accuracy: accuracy}}}
	}
	for _, observed := range []float64{0, math.NaN()} {
		all := []policy.V3Status{status("requests", observed, 0.5, 0.1), status("queue", observed, 0.75, 0.2)}
		got := forecastStatus(&policy.Forecast{Metric: "queue", Model: "ridge"}, all)
		if got.Metric != "queue" || got.Accuracy != "0.75" || got.Skill != "0.2" {
			t.Errorf("observed %v: %+v, want the figures of queue", observed, got)
		}
	}
}
