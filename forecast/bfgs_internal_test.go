package forecast

import (
	"context"
	"errors"
	"math"
	"testing"
)

// A testFunction counts its values.
type testFunction struct {
	f      func(x []float64) float64
	slopes func(g, x []float64)
	x      []float64
	values int
}

func (f *testFunction) value(x []float64) float64 {
	f.values++
	f.x = append(f.x[:0], x...)
	return f.f(x)
}

func (f *testFunction) gradient(g []float64) { f.slopes(g, f.x) }

// Functions whose minima are known: Rosenbrock's valley (The Computer Journal 3, 1960), a
// stretched parabola, and one that is not defined beyond its minimum's neighbourhood.
func TestBFGS(t *testing.T) {
	tests := map[string]struct {
		f           testFunction
		start, want []float64
	}{
		"rosenbrock": {
			f: testFunction{
				f: func(x []float64) float64 {
					return 100*(x[1]-x[0]*x[0])*(x[1]-x[0]*x[0]) + (1-x[0])*(1-x[0])
				},
				slopes: func(g, x []float64) {
					g[0] = -400*x[0]*(x[1]-x[0]*x[0]) - 2*(1-x[0])
					g[1] = 200 * (x[1] - x[0]*x[0])
				},
			},
			start: []float64{-1.2, 1}, want: []float64{1, 1},
		},
		"parabola": {
			f: testFunction{
				f: func(x []float64) float64 { return x[0]*x[0] + 1e4*(x[1]-3)*(x[1]-3) },
				slopes: func(g, x []float64) {
					g[0], g[1] = 2*x[0], 2e4*(x[1]-3)
				},
			},
			start: []float64{50, 0}, want: []float64{0, 3},
		},
		"wall": {
			f: testFunction{
				f:      func(x []float64) float64 { return x[0] - math.Log(x[0]) }, // NaN below 0.
				slopes: func(g, x []float64) { g[0] = 1 - 1/x[0] },
			},
			start: []float64{30}, want: []float64{1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			search := bfgs{tolerance: 1e-14, steps: 500, reach: 100}
			x := append([]float64(nil), tt.start...)
			got, err := search.minimise(t.Context(), &tt.f, x)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.want {
				if math.Abs(x[i]-want) > 1e-5 {
					t.Errorf("minimum at %v, want %v", x, tt.want)
				}
			}
			if want := tt.f.f(x); got != want {
				t.Errorf("value %v, but %v there", got, want)
			}
			if tt.f.values > 150 {
				t.Errorf("%d values", tt.f.values)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := tests["parabola"].f
	if _, err := (&bfgs{steps: 10, reach: 1}).minimise(ctx, &f, []float64{1, 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
