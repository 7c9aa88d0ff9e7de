package forecast_test

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// On what a service has at first, windows of 60 to 1,000 steps of recorded loads, auto is in
// the mean ahead of the best in hindsight of four simple models, and far ahead of last value.
func TestAutoOnShortWindows(t *testing.T) {
	singles := []forecast.Model{forecast.Naive{}, forecast.SES{}, forecast.Median{Window: 60}, forecast.Holt{Damped: true}}
	windows, best, naive := 0., 0., 0.
	for _, load := range []struct {
		name string
		mean int // steps that make one
	}{
		{"alibaba2018_cluster_cpu", 6}, {"azure_functions_2019_day", 1}, {"bitbrains_vm871", 1}, {"bitbrains_vm997", 1},
		{"nab_asg_cpu", 1}, {"nab_nyc_taxi", 1}, {"nab_rds_cpu_e47b3b", 1}, {"nab_twitter_amzn", 1}, {"worldcup98", 1},
	} {
		s := blockMeans(trace(t, load.name), load.mean)
		h := 1
		if s.Step <= time.Minute {
			h = 5
		}
		for _, n := range []int{60, 150, 400, 1000} {
			for c := range 4 {
				from := c * (len(s.Values) - n) / 3
				w := forecast.Series{Start: s.Time(from), Step: s.Step, Values: s.Values[from : from+n : from+n]}
				e, err := forecast.Evaluate(t.Context(), w, append([]forecast.Model{forecast.Auto{Horizons: 2 * h}}, singles...),
					forecast.EvaluateOptions{Horizons: []int{h}, RefitEvery: 1440, RefitEarly: true})
				if err != nil {
					t.Fatalf("%s, %d from %d: %v", load.name, n, from, err)
				}
				least := math.Inf(1)
				for _, m := range e.Models[1:] {
					least = min(least, m.Horizons[0].WAPE)
				}
				if auto := e.Models[0].Horizons[0].WAPE; auto > 0 && least > 0 && !math.IsInf(least, 1) {
					windows++
					best += math.Log(auto / least)
					naive += math.Log(auto / e.Models[1].Horizons[0].WAPE)
				}
			}
		}
	}
	t.Logf("WAPE of auto on %v windows: %+.1f %% of the best in hindsight, %+.1f %% of last value",
		windows, 100*math.Expm1(best/windows), 100*math.Expm1(naive/windows))
	if windows < 120 {
		t.Errorf("only %v windows had load", windows)
	}
	if best > 0 || naive/windows > math.Log(.85) {
		t.Error("auto is behind")
	}
}
