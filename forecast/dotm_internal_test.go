package forecast

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type dotmGolden struct {
	L0, Alpha, Theta float64
	Cases            []struct {
		Name            string
		Season          int
		Values          []float64
		Squares         float64
		Forecast, Fixed []float64
	}
}

func readDOTMGolden(t *testing.T) (g dotmGolden) {
	t.Helper()
	data, err := os.ReadFile("testdata/dotm_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// The numbers are those of testdata/dotm_golden.py, which has the equations of the paper:
// with its parameters the one-step forecasts, and those of several steps, are the same.
func TestDOTMRecursion(t *testing.T) {
	g := readDOTMGolden(t)
	for _, c := range g.Cases {
		p := &dotmPredictor{alpha: g.Alpha, weight: 1 - 1/g.Theta, level: g.L0, decay: 1}
		check := func(i int, got float64) {
			if want := c.Fixed[i]; math.Abs(got-want) > 1e-9*math.Abs(want) {
				t.Fatalf("%s, value %d: %v, want %v", c.Name, i, got, want)
			}
		}
		for i, y := range c.Values {
			check(i, p.expected())
			p.Update(y)
		}
		ahead := make([]float64, len(c.Fixed)-len(c.Values))
		p.Predict(ahead)
		for h, got := range ahead {
			check(len(c.Values)+h, got)
		}
	}
}

// The search reaches squared errors at least as small as those of the simplex method
// from several starts, with the same forecasts.
func TestDOTMGolden(t *testing.T) {
	for _, c := range readDOTMGolden(t).Cases {
		fitted, err := DOTM{Season: c.Season}.Fit(t.Context(), Series{Values: c.Values})
		if err != nil {
			t.Fatal(err)
		}
		p := fitted.(*adjustedQuantiles)
		rest := make([]float64, len(c.Values))
		for i, y := range c.Values {
			rest[i] = y / p.indices[i%len(p.indices)]
		}
		q := p.rest.(*dotmPredictor)
		_, _, squares := newDOTMFit(rest, q.base).solve(q.alpha)
		if squares > c.Squares*(1+1e-8) {
			t.Errorf("%s: squares %v, want %v", c.Name, squares, c.Squares)
		}
		got := make([]float64, len(c.Forecast))
		p.Predict(got)
		for h, want := range c.Forecast {
			if math.Abs(got[h]-want) > 1e-4*math.Abs(want) {
				t.Errorf("%s, %d ahead: %v, want %v", c.Name, h+1, got[h], want)
			}
		}
	}
}

// What solve computes by sums is what the recursion does from the level and with the
// weight that it returns, and no others near them have smaller squares.
func TestDOTMSolve(t *testing.T) {
	values := make([]float64, 60)
	for i := range values {
		values[i] = 50 + 2*float64(i) + 30*math.Sin(float64(i*i))
	}
	const alpha, gap = .3, 30
	values[gap] = math.NaN()
	level, weight, squares := newDOTMFit(values, 0).solve(alpha)
	run := func(level, weight float64) float64 {
		p := &dotmPredictor{alpha: alpha, weight: weight, level: level, decay: 1}
		total := 0.0
		for i, y := range values {
			if i >= dotmSkipped && i != gap {
				e := y - p.expected()
				total += e * e
			}
			p.Update(y)
		}
		return total
	}
	if got := run(level, weight); math.Abs(got-squares) > 1e-9*squares {
		t.Errorf("squares %v, by the recursion %v", squares, got)
	}
	if weight <= 0 || weight >= 1 {
		t.Fatalf("weight %v: the test wants one within its bounds", weight)
	}
	for _, d := range []float64{-.01, .01} {
		if run(level+d, weight) < squares || run(level, weight+d) < squares {
			t.Errorf("level %v, weight %v are not the best", level, weight)
		}
	}
}
