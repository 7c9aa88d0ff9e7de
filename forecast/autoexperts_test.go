package forecast_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// autoWith is Auto with others than the experts that suit the series.
type autoWith struct {
	forecast.Auto
	change func([]forecast.Expert) []forecast.Expert
}

func (m autoWith) on(past forecast.Series) forecast.Auto {
	changed := m.Auto
	changed.Experts = m.change(forecast.ExpertsOf(m.Auto, past))
	return changed
}

func (m autoWith) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	return m.on(past).Fit(ctx, past)
}

func (m autoWith) usual() forecast.Auto { return m.on(forecast.Series{Step: time.Minute}) }

func (m autoWith) FitOperations(steps int) float64   { return m.usual().FitOperations(steps) }
func (m autoWith) RefitOperations(steps int) float64 { return m.usual().RefitOperations(steps) }

// withoutJumps leaves Jumps out.
func withoutJumps(experts []forecast.Expert) []forecast.Expert {
	return slices.DeleteFunc(experts, func(e forecast.Expert) bool { return strings.HasPrefix(e.Name(), "jumps-") })
}

// withRecurrent adds LSTM and GRU, with the prior of models of many coefficients.
func withRecurrent(horizons int) func([]forecast.Expert) []forecast.Expert {
	return func(experts []forecast.Expert) []forecast.Expert {
		return append(experts,
			forecast.Expert{Model: forecast.LSTM{Horizons: horizons}, Prior: 1. / 16, After: 300},
			forecast.Expert{Model: forecast.GRU{Horizons: horizons}, Prior: 1. / 16, After: 300})
	}
}

// What LSTM and GRU would earn and cost as experts of auto, on recorded loads 5 minutes ahead: the table of
// docs/forecasting.md. It takes half an hour:
//
//	go test ./forecast -run '^$' -bench RecurrentExperts -benchtime 1x -timeout 2h
func BenchmarkRecurrentExperts(b *testing.B) {
	functions := filepath.Join("traces", "azure_functions_2019_day", "functions")
	for _, load := range []struct {
		name, file string
		mean       int // steps that make one
	}{
		{"186859d379", filepath.Join(functions, "186859d379.csv"), 1},
		{"2dda2e26f3", filepath.Join(functions, "2dda2e26f3.csv"), 1},
		{"5754439085", filepath.Join(functions, "5754439085.csv"), 1},
		{"77ab520d88", filepath.Join(functions, "77ab520d88.csv"), 1},
		{"alibaba2018_cluster_cpu", filepath.Join("traces", "alibaba2018_cluster_cpu", "load.csv"), 6},
		{"azure_functions_2019_day", filepath.Join("traces", "azure_functions_2019_day", "load.csv"), 1},
		{"bitbrains_vm871", filepath.Join("traces", "bitbrains_vm871", "load.csv"), 1},
		{"bitbrains_vm997", filepath.Join("traces", "bitbrains_vm997", "load.csv"), 1},
		{"c6cda4b923", filepath.Join(functions, "c6cda4b923.csv"), 1},
		{"d7e090703f", filepath.Join(functions, "d7e090703f.csv"), 1},
		{"nab_rds_cpu_e47b3b", filepath.Join("traces", "nab_rds_cpu_e47b3b", "load.csv"), 1},
	} {
		b.Run(load.name, func(b *testing.B) {
			s := blockMeans(traceOf(b, load.file), load.mean)
			h, day := int(5*time.Minute/s.Step), int(24*time.Hour/s.Step)
			auto := forecast.Auto{Horizons: h}
			var e forecast.Evaluation
			for b.Loop() {
				var err error
				e, err = forecast.Evaluate(b.Context(), s, []forecast.Model{auto, autoWith{auto, withRecurrent(h)}}, forecast.EvaluateOptions{
					Horizons: []int{h}, RefitEvery: day, RefitEarly: true, Window: 28 * day, NanosecondsPerOperation: 1,
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			for i, which := range []string{"auto", "with"} {
				m := &e.Models[i]
				b.ReportMetric(100*m.Horizons[0].WAPE, which+"-%")
				b.ReportMetric(m.Charged.Seconds(), which+"-charged-s")
				b.ReportMetric(float64(m.Fits), which+"-fits")
			}
			for _, w := range e.Models[1].Weights {
				if w.Name == "lstm" || w.Name == "gru" {
					b.ReportMetric(100*w.Weight, w.Name+"-%")
				}
			}
		})
	}
}
