package forecast_test

import (
	"context"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// benchModels are all models, for steps of a minute and the seasons of a day and a week.
func benchModels(b *testing.B) []forecast.Model {
	b.Helper()
	var models []forecast.Model
	for _, name := range forecast.Names() {
		m, err := forecast.ByName(name, forecast.Settings{Step: time.Minute, Seasons: []int{1440, 10080}, Horizon: 15})
		if err != nil {
			b.Fatal(err)
		}
		models = append(models, m)
	}
	return models
}

// Two weeks of minutes.
func BenchmarkFit(b *testing.B) {
	s := minutes(daily(14*1440, 1440, 18)...)
	for _, m := range benchModels(b) {
		b.Run(m.Name(), func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Fit(context.Background(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One observation and forecasts of 15 steps.
func BenchmarkUpdatePredict(b *testing.B) {
	values := daily(14*1440, 1440, 19)
	for _, m := range benchModels(b) {
		b.Run(m.Name(), func(b *testing.B) {
			p := mustFit(b, m, minutes(values...))
			dst := make([]float64, 15)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				p.Update(values[i%len(values)])
				p.Predict(dst)
				i++
			}
		})
	}
}

// One observation with the quantiles of one step and of one window.
func BenchmarkCalibrated(b *testing.B) {
	values := walk(20000, 20)
	c, err := forecast.NewCalibrated(mustFit(b, forecast.Naive{}, minutes(values[0])),
		forecast.Conformal{Horizons: []int{5}}, forecast.Conformal{Horizons: []int{5}})
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c.Update(values[i%len(values)])
		c.Intervals().Quantile(5, .9)
		c.Peaks().Upper(5, .9)
		i++
	}
}

// A day of minutes, two horizons.
func BenchmarkEvaluate(b *testing.B) {
	s := forecast.Series{Step: time.Minute, Values: daily(4*1440, 1440, 21)}
	for b.Loop() {
		_, err := forecast.Evaluate(context.Background(), s, []forecast.Model{forecast.Naive{}, forecast.Ridge{}},
			forecast.EvaluateOptions{Horizons: []int{5, 10}, WarmUp: 3 * 1440})
		if err != nil {
			b.Fatal(err)
		}
	}
}
