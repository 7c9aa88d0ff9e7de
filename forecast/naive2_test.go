package forecast_test

import (
	"testing"

	"hindcast.dev/forecast"
)

// A constant times a season is decomposed exactly, whether the season is even or odd.
func TestNaive2Season(t *testing.T) {
	for _, shape := range [][]float64{{1, 2, 5, 4}, {1, 2, 6, 4, 3}, {3, 1}} {
		season := len(shape)
		truth := func(i int) float64 { return 10 * shape[i%season] }
		n := 6*season + 1
		p := mustFit(t, forecast.Naive2{Season: season}, minutes(generate(n, truth)...))
		checkNear(t, "fitted", predict(p, 7), generate(7, func(h int) float64 { return truth(n + h) }), 1e-12)

		p.Update(2 * truth(n)) // The level doubles, and the season with it.
		checkNear(t, "updated", predict(p, 7), generate(7, func(h int) float64 { return 2 * truth(n+1+h) }), 1e-12)
		p.Update(nan)
		checkNear(t, "missing", predict(p, 7), generate(7, func(h int) float64 { return 2 * truth(n+2+h) }), 1e-12)
	}
}

// Where no season can be taken out, Naive2 is Naive.
func TestNaive2WithoutSeason(t *testing.T) {
	repeat := func(times int, shape ...float64) []float64 {
		return generate(times*len(shape), func(i int) float64 { return shape[i%len(shape)] })
	}
	for name, tt := range map[string]struct {
		season int
		past   []float64
	}{
		"none asked":       {0, repeat(5, 1, 2, 3, 4)},
		"too short":        {4, repeat(2, 1, 2, 3, 4)},
		"below 0":          {4, repeat(6, -1, 2, 3, 4)},
		"a phase always 0": {4, repeat(6, 0, 2, 3, 4)},
		"a phase missing":  {4, repeat(6, nan, 2, 3, 4)},
		"constant":         {4, repeat(6, 4, 4, 4, 4)},
		"all 0":            {4, repeat(6, 0, 0, 0, 0)},
		"another period":   {3, repeat(6, 1, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			last := tt.past[len(tt.past)-1]
			p := mustFit(t, forecast.Naive2{Season: tt.season}, minutes(tt.past...))
			checkNear(t, "forecast", predict(p, 3), []float64{last, last, last}, 0)
		})
	}
}

// A value missing here and there hardly changes the season.
func TestNaive2MissingValues(t *testing.T) {
	shape := []float64{1, 2, 5, 4}
	truth := func(i int) float64 { return 10 * shape[i%4] }
	past := generate(400, truth)
	for i := 7; i < len(past); i += 29 {
		past[i] = nan
	}
	want := generate(4, func(h int) float64 { return truth(400 + h) })
	checkNear(t, "forecast", predict(mustFit(t, forecast.Naive2{Season: 4}, minutes(past...)), 4), want, .05)
}
