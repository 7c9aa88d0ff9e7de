package forecast_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// Sums of waves obey a linear recurrence, which NLinear finds: it forecasts them nearly
// exactly, however long their beat.
func TestNLinearFindsARecurrence(t *testing.T) {
	f := func(i int) float64 {
		return 1000 + 200*math.Sin(2*math.Pi*float64(i)/17.3) + 90*math.Cos(2*math.Pi*float64(i)/41.9)
	}
	p := mustFit(t, forecast.NLinear{Horizons: 10, Window: 60}, minutes(generate(1500, f)...))
	checkNear(t, "nlinear", predict(p, 10), generate(10, func(h int) float64 { return f(1500 + h) }), 5e-3)
	for i := 1500; i < 1600; i++ {
		p.Update(f(i))
	}
	checkNear(t, "nlinear later", predict(p, 10), generate(10, func(h int) float64 { return f(1600 + h) }), 5e-3)
}

// The map is of what is relative to the level, so that it holds at another one.
func TestNLinearAtAnotherLevel(t *testing.T) {
	f := func(i int) float64 { return 100 + 20*math.Sin(2*math.Pi*float64(i)/24) }
	p := mustFit(t, forecast.NLinear{Horizons: 12, Window: 48}, hours(generate(1000, f)...))
	q := mustFit(t, forecast.NLinear{Horizons: 12, Window: 48}, hours(generate(1000, f)...))
	for i := 1000; i < 1100; i++ {
		p.Update(f(i))
		q.Update(50 * f(i))
	}
	a, b := predict(p, 12), predict(q, 12)
	for h := range a {
		if !near(b[h], 50*a[h], 1, 1e-9) {
			t.Fatalf("%d ahead: %v at 50 times the level, want %v", h+1, b[h], 50*a[h])
		}
	}
}

func TestMedianOfTheNewest(t *testing.T) {
	p := mustFit(t, forecast.Median{Window: 3}, minutes(100, 1, nan, 5, nan, 3))
	checkNear(t, "median", predict(p, 2), []float64{3, 3}, 0)
	p.Update(nan)
	p.Update(9)
	checkNear(t, "median", predict(p, 1), []float64{5}, 0)
	// Of an even number it is the mean of the two in the middle.
	checkNear(t, "median", predict(mustFit(t, forecast.Median{Window: 9}, minutes(1, 2, 4, 100)), 1), []float64{3}, 0)
}

// Twice the load of the days before is expected to go on at twice of what followed then.
func TestProfileFollowsTheLevel(t *testing.T) {
	f := func(i int) float64 { return 10 + float64(i%24) }
	values := generate(6*24, func(i int) float64 {
		if i >= 5*24 {
			return 2 * f(i)
		}
		return f(i)
	})
	p := mustFit(t, forecast.Profile{Season: 24, Seasons: 2, Level: 1}, hours(values[:5*24+6]...))
	want := generate(12, func(h int) float64 { return 2 * f(5*24+6+h) })
	checkNear(t, "profile", predict(p, 12), want, 1e-12)
}

// Of hours of nothing but a request or two a map learns nothing that holds for the load that
// begins: the simple forecast stays until there is more.
func TestLinearMapsOfALoadThatBegins(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 3))
		values := make([]float64, 600)
		values[28], values[29], values[329], values[330] = 1, 2, 1, 1
		for i := 360; i < len(values); i++ {
			values[i] = math.Round(60 * (1.5 + math.Sin(float64(i-360)/90)) * math.Exp(.1*random.NormFloat64()))
		}
		e, err := forecast.Evaluate(context.Background(), minutes(values...),
			[]forecast.Model{forecast.Naive{}, forecast.NLinear{Horizons: 10}, forecast.DLinear{Horizons: 10}},
			forecast.EvaluateOptions{Horizons: []int{5}, WarmUp: 362, RefitEvery: 1440})
		if err != nil {
			t.Fatal(err)
		}
		naive := e.Models[0].Horizons[0].WAPE
		for _, m := range e.Models[1:] {
			limit := map[string]float64{"nlinear": 1.5, "dlinear": 2}[m.Name] // DLinear begins with the mean of its window.
			if got := m.Horizons[0].WAPE; got > limit*naive {
				t.Errorf("seed %d: WAPE of %s %.3f, of the last value %.3f", seed, m.Name, got, naive)
			}
		}
	}
}
