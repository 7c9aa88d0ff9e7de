package forecast_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// fitted is a model fitted to all values.
func fitted(t *testing.T, m forecast.Model, values []float64) forecast.Predictor {
	t.Helper()
	p, err := m.Fit(context.Background(), minutes(values...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// office is a season with two edges and a batch that takes two steps.
func office(season int) func(at int) float64 {
	return func(at int) float64 {
		switch phase := at % season; {
		case phase >= season/3 && phase < 2*season/3:
			return 20
		case phase == season/6 || phase == season/6+1:
			return 9
		}
		return 3
	}
}

// What is the same in every season is forecast exactly, however far ahead and at any level.
func TestJumpsAreExactWithoutNoise(t *testing.T) {
	const season = 48
	shape := office(season)
	for _, alpha := range []float64{0, .3, 1} {
		for length := 4 * season; length < 5*season; length += 7 {
			var values []float64
			for at := range length {
				values = append(values, shape(at))
			}
			p := fitted(t, forecast.Jumps{Season: season, Alpha: alpha}, values)
			got := make([]float64, 3*season)
			p.Predict(got)
			for h, f := range got {
				if want := shape(length + h); math.Abs(f-want) > 1e-9*want {
					t.Fatalf("alpha %v, %d steps known, %d ahead: %v, want %v", alpha, length, h+1, f, want)
				}
			}
		}
	}
}

// Without a season, and where no change of a season stands out, Jumps is SES.
func TestJumpsWithoutJumpsSmooths(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, 3000)
	for i := range values {
		values[i] = 100 + random.NormFloat64()
	}
	for _, season := range []int{0, 1, 500} {
		jumps := fitted(t, forecast.Jumps{Season: season, Alpha: .3}, values)
		ses := fitted(t, forecast.SES{Alpha: .3}, values)
		got, want := make([]float64, 20), make([]float64, 20)
		for range 600 {
			jumps.Predict(got)
			ses.Predict(want)
			for h := range got {
				if math.Abs(got[h]-want[h]) > 1e-9*want[h] {
					t.Fatalf("season %d, %d ahead: %v, SES has %v", season, h+1, got[h], want[h])
				}
			}
			y := 100 + random.NormFloat64()
			jumps.Update(y)
			ses.Update(y)
		}
	}
}

// A load in another unit has the same forecasts in that unit.
func TestJumpsScale(t *testing.T) {
	const season, factor = 60, 1024
	random := rand.New(rand.NewPCG(5, 6))
	shape := office(season)
	var values, scaled []float64
	for at := range 5 * season {
		y := shape(at) * math.Exp(.1*random.NormFloat64())
		if at%17 == 3 {
			y = math.NaN()
		}
		values, scaled = append(values, y), append(scaled, factor*y)
	}
	a, b := make([]float64, season), make([]float64, season)
	fitted(t, forecast.Jumps{Season: season}, values).Predict(a)
	fitted(t, forecast.Jumps{Season: season}, scaled).Predict(b)
	for h := range a {
		if math.Abs(b[h]-factor*a[h]) > 1e-9*b[h] {
			t.Fatalf("%d ahead: %v, and %v of %d times as much", h+1, a[h], b[h], factor)
		}
	}
}

// An office of five days a week, with noise that lasts: jumps alone know both the edges and the
// level, and auto knows that they do.
func TestAutoOnOfficeHours(t *testing.T) {
	const day, weeks = 96, 5
	random := rand.New(rand.NewPCG(7, 8))
	var values []float64
	lasting := 0.0
	for at := range weeks * 7 * day {
		lasting = .9*lasting + .05*random.NormFloat64()
		level := 3.
		if hour := at % day * 24 / day; hour >= 9 && hour < 17 && at/day%7 < 5 {
			level = 20
		}
		values = append(values, level*math.Exp(lasting+.03*random.NormFloat64()))
	}
	models := []forecast.Model{
		forecast.Auto{}, autoWith{forecast.Auto{}, withoutJumps}, forecast.Jumps{Season: 7 * day}, forecast.SES{}, forecast.Profile{Season: 7 * day},
		forecast.SeasonalNaive{Season: 7 * day}, forecast.HoltWinters{Season: 7 * day}, forecast.Trees{},
	}
	series := minutes(values...)
	series.Step *= 15
	e, err := forecast.Evaluate(context.Background(), series, models, forecast.EvaluateOptions{
		Horizons: []int{1, 2}, WarmUp: 14 * day, RefitEvery: day,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.Models[0].Horizons {
		auto, without, jumps := e.Models[0].Horizons[i].WAPE, e.Models[1].Horizons[i].WAPE, e.Models[2].Horizons[i].WAPE
		t.Logf("%d ahead: WAPE of auto %.2f %%, without jumps %.2f %%: %.1f %% less", i+1, 100*auto, 100*without, 100*(1-auto/without))
		for _, w := range e.Models[0].Weights {
			if i == 0 && w.Name == "jumps-1w" {
				t.Logf("the jumps of a week weigh %.0f %%", 100*w.Weight)
			}
		}
		if auto > .93*without {
			t.Errorf("%d ahead: WAPE of auto %.4f, without jumps %.4f", i+1, auto, without)
		}
		for _, m := range e.Models[3:] {
			if other := m.Horizons[i].WAPE; jumps > .95*other {
				t.Errorf("%d ahead: WAPE %.4f, %s has %.4f", i+1, jumps, m.Name, other)
			}
		}
		if auto > 1.02*jumps {
			t.Errorf("%d ahead: WAPE of auto %.4f, of jumps %.4f", i+1, auto, jumps)
		}
	}
}
