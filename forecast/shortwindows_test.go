package forecast_test

import (
	"math"
	"path/filepath"
	"slices"
	"strconv"
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

// Functions are started by timers, queues and people: on eight hours of each that had work in an
// hour of them auto is in the mean ahead of every single model. Errors below a percent count as one.
func TestAutoOnFunctions(t *testing.T) {
	const h, warmUp = 5, 120
	models := []forecast.Model{
		forecast.Auto{Horizons: 2 * h}, forecast.Naive{}, forecast.SES{}, forecast.Median{Window: 60}, forecast.Holt{Damped: true},
		forecast.SeasonalNaive{Season: 15}, forecast.Ridge{Horizons: h}, forecast.NLinear{Horizons: h}, forecast.Theta{},
	}
	logs, functions := make([]float64, len(models)), 0.
	rows := recorded(t, filepath.Join("raw", "azure_functions_2019", "invocations_real_minutes_480-959_head.csv"))
	first := slices.Index(rows[0], "480")
	for _, row := range rows[1:] {
		s := forecast.Series{Start: time.Date(2019, 7, 15, 8, 0, 0, 0, time.UTC), Step: time.Minute}
		busy, scored := 0, 0.
		for minute, text := range row[first:] {
			y, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			s.Values = append(s.Values, y)
			if y > 0 {
				busy++
			}
			if minute >= warmUp+h {
				scored += y
			}
		}
		if busy < 60 || scored == 0 {
			continue
		}
		e, err := forecast.Evaluate(t.Context(), s, models,
			forecast.EvaluateOptions{WarmUp: warmUp, Horizons: []int{h}, RefitEvery: 1440, RefitEarly: true})
		if err != nil {
			t.Fatal(err)
		}
		functions++
		for i, m := range e.Models {
			logs[i] += math.Log(max(m.Horizons[0].WAPE, .01)) // Some timers are foreseen without error.
		}
	}
	for i, m := range models[1:] {
		less := math.Expm1((logs[0] - logs[i+1]) / functions)
		t.Logf("WAPE of auto on %v functions: %+.1f %% of that of %s", functions, 100*less, m.Name())
		if less > -.05 {
			t.Errorf("auto is %+.1f %% of %s", 100*less, m.Name())
		}
	}
	if functions < 50 {
		t.Errorf("only %v functions had load", functions)
	}
}
