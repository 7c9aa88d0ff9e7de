package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// A load that grows goes on from where it is where errors may be differenced, and falls back
// towards its mean where they may not; of one that keeps its mean both forecast the same.
func TestHarmonicARMAOfGrowth(t *testing.T) {
	const season, h = 24, 48
	wrong := func(growth float64, differences bool) float64 {
		sum, n := 0.0, 0.0
		for seed := range uint64(10) {
			r := rand.New(rand.NewPCG(seed, 9))
			level := 500.0
			values := generate(400+h, func(i int) float64 {
				level += growth * (.5 + r.Float64())
				return level + 60*math.Sin(2*math.Pi*float64(i)/season) + 5*r.NormFloat64()
			})
			m := forecast.HarmonicARMA{Seasons: []forecast.Waves{{Period: season}}, Differences: differences}
			path := make([]float64, h)
			mustFit(t, m, minutes(values[:400]...)).Predict(path)
			for i, p := range path {
				sum += math.Abs(values[400+i] - p)
				n++
			}
		}
		return sum / n
	}
	if got := wrong(2, true); got > 10 {
		t.Errorf("a load that grows by 2 a step is forecast %v wrong, differenced", got)
	}
	if got := wrong(2, false); got < 15 {
		t.Errorf("a load that grows by 2 a step is forecast %v wrong, not differenced: the option is needless", got)
	}
	if with, without := wrong(0, true), wrong(0, false); with > 1.05*without {
		t.Errorf("a load that does not grow is forecast %v wrong differenced, %v otherwise", with, without)
	}
}
