package forecast_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// By hand: errors y-f are 1, -2, 3, (missing), 0 for y = 2, 4, 6, -, 8.
func TestMeasuresByHand(t *testing.T) {
	y := []float64{2, 4, 6, nan, 8}
	f := []float64{1, 6, 3, 100, 8}
	tests := []struct {
		name      string
		got, want float64
	}{
		{"WAPE", forecast.WAPE(y, f), 6. / 20},
		{"bias", forecast.Bias(y, f), -2. / 20},
		{"MASE", forecast.MASE(y, f, 3), (6. / 4) / 3},
		{"RMSSE", forecast.RMSSE(y, f, 2), math.Sqrt((14. / 4) / 2)},
		{"pinball 0.9", forecast.Pinball(y, f, .9), (.9*1 + .1*2 + .9*3 + 0) / 4},
		{"pinball 0.5 is half the absolute error", forecast.Pinball(y, f, .5), 6. / 4 / 2},
		{"coverage", forecast.Coverage(y, []float64{2, 5, 0, 0, 7}, []float64{3, 6, 6, 9, 9}), 3. / 4},
		{"WAPE of negative values", forecast.WAPE([]float64{-2, 2}, []float64{-1, 1}), .5},

		{"WAPE of nothing", forecast.WAPE(nil, nil), nan},
		{"WAPE of zeros", forecast.WAPE([]float64{0}, []float64{1}), nan},
		{"bias of zero sum", forecast.Bias([]float64{-1, 1}, []float64{0, 0}), nan},
		{"MASE without a scale", forecast.MASE(y, f, 0), nan},
		{"RMSSE with an unknown scale", forecast.RMSSE(y, f, nan), nan},
		{"pinball of nothing", forecast.Pinball([]float64{nan}, []float64{1}, .5), nan},
		{"coverage of nothing", forecast.Coverage(nil, nil, nil), nan},
		{"a missing forecast is not left out", forecast.WAPE([]float64{1, 2}, []float64{1, nan}), nan},
		{"nor is a missing bound", forecast.Coverage([]float64{1, 2}, []float64{0, nan}, []float64{3, 3}), nan},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !near(tt.got, tt.want, 1, 1e-14) {
				t.Errorf("got %v, want %v", tt.got, tt.want)
			}
		})
	}
}

func TestSeasonalErrors(t *testing.T) {
	train := []float64{1, 2, 5, 4, nan, 9}
	for _, tt := range []struct {
		season           int
		absolute, square float64
	}{
		{1, (1 + 3 + 1) / 3., (1 + 9 + 1) / 3.},
		{0, (1 + 3 + 1) / 3., (1 + 9 + 1) / 3.},
		{2, (4 + 2 + 5) / 3., (16 + 4 + 25) / 3.},
		{6, nan, nan},
	} {
		absolute, square := forecast.SeasonalErrors(train, tt.season)
		if !near(absolute, tt.absolute, 1, 1e-14) || !near(square, tt.square, 1, 1e-14) {
			t.Errorf("season %d: %v and %v, want %v and %v", tt.season, absolute, square, tt.absolute, tt.square)
		}
	}
}

// The measures do not depend on the unit, but for pinball, which has it.
func TestMeasuresAndUnits(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 1))
	const k = 1000
	y := generate(200, func(int) float64 { return 10 + r.Float64() })
	f := generate(200, func(int) float64 { return 10 + r.Float64() })
	ky := generate(200, func(i int) float64 { return k * y[i] })
	kf := generate(200, func(i int) float64 { return k * f[i] })
	absolute, square := forecast.SeasonalErrors(y, 7)
	kAbsolute, kSquare := forecast.SeasonalErrors(ky, 7)
	checkNear(t, "measures",
		[]float64{forecast.WAPE(ky, kf), forecast.Bias(ky, kf), forecast.MASE(ky, kf, kAbsolute), forecast.RMSSE(ky, kf, kSquare), forecast.Pinball(ky, kf, .9)},
		[]float64{forecast.WAPE(y, f), forecast.Bias(y, f), forecast.MASE(y, f, absolute), forecast.RMSSE(y, f, square), k * forecast.Pinball(y, f, .9)},
		1e-12)
}

// The pinball loss is least at the quantile itself, here of 1..99.
func TestPinballIsLeastAtTheQuantile(t *testing.T) {
	y := generate(99, func(i int) float64 { return float64(i + 1) })
	for _, q := range []float64{.1, .5, .9} {
		loss := func(v float64) float64 {
			return forecast.Pinball(y, generate(len(y), func(int) float64 { return v }), q)
		}
		best := 100 * q
		for v := 0.; v <= 100; v += .5 {
			if loss(v) < loss(best)-1e-12 {
				t.Errorf("at %v the loss is %v at %v, below %v at %v", q, loss(v), v, loss(best), best)
			}
		}
	}
}

// Long sums do not lose small terms: 1 in 1e16 is kept.
func TestMeasuresKeepSmallTerms(t *testing.T) {
	const n = 10000
	y := generate(n, func(i int) float64 {
		if i == 0 {
			return 1e16
		}
		return 1
	})
	f := make([]float64, n)
	f[0] = 1e16
	if got, want := forecast.WAPE(y, f), float64(n-1)/(1e16+n-1); !near(got, want, 0, 1e-14) {
		t.Errorf("WAPE %v, want %v", got, want)
	}
}

// A forecast of the true rate of Poisson counts has the WAPE of the noise floor, even
// if the rate changes slowly.
func TestNoiseFloorOfPoissonCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	rate := func(i int) float64 { return 100 + 30*math.Sin(float64(i)/500) }
	counts := make([]float64, 50000)
	rates := make([]float64, len(counts))
	for i := range counts {
		rates[i] = rate(i)
		// Arrivals of rate[i] within one unit of time.
		for at := r.ExpFloat64(); at < rates[i]; at += r.ExpFloat64() {
			counts[i]++
		}
	}
	floor, best := forecast.NoiseFloor(counts), forecast.WAPE(counts, rates)
	if !near(floor, best, 0, .02) {
		t.Errorf("floor %v, but the true rate has a WAPE of %v", floor, best)
	}
	if want := math.Sqrt(2 / (math.Pi * 100)); !near(floor, want, 0, .03) {
		t.Errorf("floor %v, want about %v", floor, want)
	}
}

func ExampleWAPE() {
	fmt.Printf("%.2f\n", forecast.WAPE([]float64{100, 120, 80}, []float64{110, 110, 90}))
	// Output: 0.10
}
