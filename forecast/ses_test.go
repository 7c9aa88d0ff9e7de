package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

// plainSES returns the squared one-step errors of exponential smoothing and the level
// at the end.
func plainSES(y []float64, alpha, level float64) (sse, end float64) {
	for _, v := range y {
		if !math.IsNaN(v) {
			sse += (v - level) * (v - level)
			level = alpha*v + (1-alpha)*level
		}
	}
	return sse, level
}

// bestStart searches the level at the start that makes the squared errors least.
func bestStart(y []float64, alpha float64) (sse, end float64) {
	low, high := -1e4, 1e4
	for range 100 {
		a, b := low+(high-low)/3, high-(high-low)/3
		atA, _ := plainSES(y, alpha, a)
		atB, _ := plainSES(y, alpha, b)
		if atA < atB {
			high = b
		} else {
			low = a
		}
	}
	return plainSES(y, alpha, (low+high)/2)
}

// wander returns a random walk seen through noise, for which SES is right.
func wander(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	level := 300.0
	return generate(n, func(int) float64 {
		level += r.NormFloat64()
		return level + 2*r.NormFloat64()
	})
}

func TestSESMinimisesSquares(t *testing.T) {
	for seed := range uint64(3) {
		values := wander(120, seed)
		values[10], values[11], values[90] = nan, nan, nan
		least, want := math.Inf(1), 0.0
		for i := 1; i < 500; i++ {
			if sse, end := bestStart(values, float64(i)/500); sse < least {
				least, want = sse, end
			}
		}
		got := predict(mustFit(t, forecast.SES{}, minutes(values...)), 1)[0]
		if math.Abs(got-want) > .02 { // The grid is as coarse.
			t.Errorf("seed %d: %v, want %v", seed, got, want)
		}
		_, want = bestStart(values[:7], .3)
		checkNear(t, "alpha given", predict(mustFit(t, forecast.SES{Alpha: .3}, minutes(values[:7]...)), 2), []float64{want, want}, 1e-6)
	}
}

// On a flat past no alpha is better than another: each leaves no error and forecasts the one value there
// is, so that the search may end anywhere. Ours ends at its lowest alpha; R's forecast::ses gives 0.20006, which is
// where its search starts, a fifth of the way from 0.0001 to 0.9999, and where it stays.
func TestSESFlat(t *testing.T) {
	for _, level := range []float64{0, 42, 1e9} {
		for _, n := range []int{1, 2, 50} {
			values := generate(n, func(int) float64 { return level })
			found := predict(mustFit(t, forecast.SES{}, minutes(values...)), 3)
			for _, alpha := range []float64{.0001, .0001 + .2*(.9999-.0001), .9999} {
				sse, end := plainSES(values, alpha, level)
				given := predict(mustFit(t, forecast.SES{Alpha: alpha}, minutes(values...)), 3)
				if sse != 0 || end != level || !slices.Equal(given, []float64{level, level, level}) || !slices.Equal(found, given) {
					t.Errorf("%d times %v, alpha %v: squared errors %v, forecasts %v, those of the alpha found %v", n, level, alpha, sse, given, found)
				}
			}
		}
	}
}

func TestSESUpdate(t *testing.T) {
	p := mustFit(t, forecast.SES{Alpha: .25}, minutes(8, 8, 8))
	for _, step := range []struct{ y, want float64 }{{8, 8}, {16, 10}, {nan, 10}, {2, 8}} {
		p.Update(step.y)
		checkNear(t, "level", predict(p, 2), []float64{step.want, step.want}, 1e-12)
	}
}
