package forecast_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

func ExampleForest() {
	// Pods that a load of 100, 200, ... 600 millicores needs at 200 each.
	x := []float64{100, 200, 300, 400, 500, 600}
	y := []float64{1, 1, 2, 2, 3, 3}
	m, err := forecast.Forest{Trees: 1}.Fit(x, y)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, load := range []float64{150, 250, 251, 2000} {
		fmt.Println(load, m.Predict([]float64{load}))
	}
	// The threshold is the midpoint of 200 and 300, and no answer leaves the table.

	// Output:
	// 150 1
	// 250 1
	// 251 2
	// 2000 3
}

// golden is testdata/forest_golden.json, written by forest_golden.py beside it.
type golden struct {
	Exact []struct {
		goldenTable
		Want []float64
	}
	Samples []struct {
		goldenTable
		Trees     int
		Bootstrap bool
		Answers   [][]float64
	}
}

type goldenTable struct {
	Name   string
	X      [][]float64
	Y      []float64
	Probes [][]float64
}

func readGolden(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/forest_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestForestIsScikitLearnsTree(t *testing.T) {
	for _, tc := range readGolden(t).Exact {
		for _, seed := range []uint64{1, 42} {
			m := fit(t, forecast.Forest{Trees: 1, Seed: seed}, slices.Concat(tc.X...), tc.Y)
			for i, x := range tc.Probes {
				if got := m.Predict(x); math.Abs(got-tc.Want[i]) > 1e-12 {
					t.Errorf("%s, seed %d: Predict(%v) = %v, scikit-learn says %v", tc.Name, seed, x, got, tc.Want[i])
				}
			}
		}
	}
}

// TestForestAgreesWithScikitLearn compares the answers of many seeds with those of
// scikit-learn's: their means, and their distributions by the two-sample test of
// Kolmogorov and Smirnov.
func TestForestAgreesWithScikitLearn(t *testing.T) {
	const seeds = 1500
	for _, tc := range readGolden(t).Samples {
		ours := make([][]float64, len(tc.Probes))
		x := slices.Concat(tc.X...)
		var m forecast.FittedForest
		for seed := range uint64(seeds) {
			f := forecast.Forest{Trees: tc.Trees, Bootstrap: tc.Bootstrap, Seed: seed}
			if err := f.Refit(&m, x, tc.Y); err != nil {
				t.Fatal(err)
			}
			for i, p := range tc.Probes {
				ours[i] = append(ours[i], m.Predict(p))
			}
		}
		for i, theirs := range tc.Answers {
			a, b := float64(len(theirs)), float64(seeds)
			m1, v1 := moments(theirs)
			m2, v2 := moments(ours[i])
			// At 4 standard errors a right forest fails once in 16,000 comparisons.
			if tol := 4*math.Sqrt(v1/a+v2/b) + 1e-6; math.Abs(m1-m2) > tol {
				t.Errorf("%s, probe %d: mean %.5f, scikit-learn's %.5f +- %.5f", tc.Name, i, m2, m1, tol)
			}
			// The critical value at level 0.0001; conservative where values repeat.
			if d, tol := ksDistance(theirs, ours[i]), 2.23*math.Sqrt(1/a+1/b); d > tol {
				t.Errorf("%s, probe %d: distributions differ by %.3f > %.3f", tc.Name, i, d, tol)
			}
			t.Logf("%s, probe %d: mean %.5f and %.5f, deviation %.5f and %.5f, distance %.3f", tc.Name, i,
				m1, m2, math.Sqrt(v1), math.Sqrt(v2), ksDistance(theirs, ours[i]))
		}
	}
}

func moments(s []float64) (mean, variance float64) {
	for _, v := range s {
		mean += v / float64(len(s))
	}
	for _, v := range s {
		variance += (v - mean) * (v - mean) / float64(len(s)-1)
	}
	return mean, variance
}

// ksDistance returns the largest difference of the two empirical distribution
// functions. Values are compared to 4 decimals, as the golden file has 7 digits, and
// rounded at a place where no short fraction lies.
func ksDistance(a, b []float64) float64 {
	round := func(s []float64) []float64 {
		var r []float64
		for _, v := range s {
			r = append(r, math.Floor(v*1e4+0.3))
		}
		slices.Sort(r)
		return r
	}
	a, b = round(a), round(b)
	share := func(s []float64, v float64) float64 {
		n, _ := slices.BinarySearchFunc(s, v, func(e, v float64) int {
			if e <= v {
				return -1
			}
			return 1
		})
		return float64(n) / float64(len(s))
	}
	var d float64
	for _, v := range slices.Concat(a, b) {
		d = max(d, math.Abs(share(a, v)-share(b, v)))
	}
	return d
}

func TestForestDoesNotDependOnWhatWasAsked(t *testing.T) {
	for name, rows := range map[string]func(rand.Source, int) (x, y []float64){
		"v2":     v2Rows,
		"smooth": func(src rand.Source, n int) (x, y []float64) { return smoothRows(src, n, 12) },
	} {
		x, y := rows(rand.NewPCG(7, 7), 300)
		probes, _ := rows(rand.NewPCG(8, 8), 50)
		f := forecast.Forest{Trees: 20, Bootstrap: true, Seed: 3}
		lazy, eager := fit(t, f, x, y), fit(t, f, x, y)
		// Every leaf holds a row of the table, so asking all of them grows all nodes.
		for i := range y {
			eager.Predict(x[i*12 : (i+1)*12])
		}
		for i := range 50 {
			p := probes[i*12 : (i+1)*12]
			if a, b := lazy.Predict(p), eager.Predict(p); a != b {
				t.Errorf("%s: lazily grown %v, fully grown %v", name, a, b)
			}
		}
	}
}

func TestRefitIsFit(t *testing.T) {
	var m forecast.FittedForest
	// Growing, shrinking, the same size with the same and another seed, constant.
	for i, tc := range []struct {
		n, p  int
		trees int
		seed  uint64
	}{{50, 3, 5, 1}, {200, 12, 9, 1}, {200, 12, 9, 1}, {200, 12, 9, 2}, {200, 4, 9, 2}, {1, 1, 9, 2}, {30, 2, 3, 2}, {200, 4, 9, 2}} {
		x, y := make([]float64, tc.n*tc.p), make([]float64, tc.n)
		r := rand.New(rand.NewPCG(uint64(i), 0))
		for j := range x {
			x[j] = float64(r.IntN(20))
		}
		for j := range y {
			y[j] = float64(r.IntN(5))
		}
		f := forecast.Forest{Trees: tc.trees, Bootstrap: true, Seed: tc.seed}
		if err := f.Refit(&m, x, y); err != nil {
			t.Fatal(err)
		}
		fresh := fit(t, f, x, y)
		for j := range y {
			row := x[j*tc.p : (j+1)*tc.p]
			if a, b := m.Predict(row), fresh.Predict(row); a != b {
				t.Errorf("training %d, row %d: refitted %v, fitted %v", i, j, a, b)
			}
		}
	}
}

func TestForestKeepsItsTableToItself(t *testing.T) {
	x, y := smoothRows(rand.NewPCG(1, 1), 100, 5)
	probe := slices.Clone(x[:5])
	f := forecast.Forest{Trees: 10, Bootstrap: true}
	want := fit(t, f, x, y).Predict(probe)
	m := fit(t, f, x, y)
	clear(x)
	clear(y)
	if got := m.Predict(probe); got != want {
		t.Errorf("Predict = %v after the table was overwritten, want %v", got, want)
	}
}

// TestForestRelations checks what must hold for any table: a fully grown tree on all
// rows repeats a table without contradictions, predictions lie within the targets,
// and scaling by powers of two, which is exact, scales thresholds and predictions.
func TestForestRelations(t *testing.T) {
	const n, p = 150, 5
	x, y := smoothRows(rand.NewPCG(5, 5), n, p)
	whole := fit(t, forecast.Forest{Trees: 3}, x, y)
	for i := range y {
		if got := whole.Predict(x[i*p : (i+1)*p]); math.Abs(got-y[i]) > 1e-12 {
			t.Errorf("row %d: Predict = %v, target %v", i, got, y[i])
		}
	}

	f := forecast.Forest{Trees: 10, Bootstrap: true, Seed: 9}
	x4, y8 := slices.Clone(x), slices.Clone(y)
	for i := range x4 {
		x4[i] *= 4
	}
	for i := range y8 {
		y8[i] *= 8
	}
	m, scaled := fit(t, f, x, y), fit(t, f, x4, y8)
	lo, hi := slices.Min(y), slices.Max(y)
	r := rand.New(rand.NewPCG(6, 6))
	for range 200 {
		q, q4 := make([]float64, p), make([]float64, p)
		for j := range q {
			q[j] = 2*r.Float64() - 0.5
			q4[j] = 4 * q[j]
		}
		got := m.Predict(q)
		if got < lo || got > hi {
			t.Errorf("Predict(%v) = %v, outside the targets %v to %v", q, got, lo, hi)
		}
		if s := scaled.Predict(q4); s != 8*got {
			t.Errorf("scaled table: Predict = %v, want 8 * %v", s, got)
		}
	}
}

func TestForestOddTables(t *testing.T) {
	for _, tc := range []struct {
		name        string
		x, y, probe []float64
		want        float64
	}{
		{name: "one row", x: []float64{1, 2}, y: []float64{3}, probe: []float64{9, 9}, want: 3},
		{name: "one target", x: []float64{1, 2, 3}, y: []float64{5, 5, 5}, probe: []float64{2}, want: 5},
		{name: "one value of the feature", x: []float64{1, 1, 1}, y: []float64{1, 2, 6}, probe: []float64{1}, want: 3},
		{name: "values too close", x: []float64{0, 5e-8, 1e-7}, y: []float64{1, 2, 6}, probe: []float64{0}, want: 3},
		{name: "equal as float32", x: []float64{1, 1 + 1e-12}, y: []float64{0, 1}, probe: []float64{1}, want: 0.5},
		{name: "threshold goes left", x: []float64{2, 4}, y: []float64{0, 1}, probe: []float64{3}, want: 0},
		{name: "questions are rounded to float32", x: []float64{2, 4}, y: []float64{0, 1}, probe: []float64{3 + 1e-9}, want: 0},
		{name: "falling", x: []float64{2, 4}, y: []float64{1, 0}, probe: []float64{3}, want: 1},
		{name: "no split gains", x: []float64{0, 0, 0, 1, 1, 0, 1, 1}, y: []float64{0, 1, 1, 0}, probe: []float64{1, 0}, want: 1},
		{name: "large targets", x: []float64{0, 1, 2}, y: []float64{-1e100, 0, 1e100}, probe: []float64{9}, want: 1e100},
		{name: "negative zero", x: []float64{math.Copysign(0, -1), 0, 1}, y: []float64{0, 1, 4}, probe: []float64{0}, want: 0.5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := fit(t, forecast.Forest{Trees: 2}, tc.x, tc.y)
			if got := m.Predict(tc.probe); got != tc.want {
				t.Errorf("Predict(%v) = %v, want %v", tc.probe, got, tc.want)
			}
		})
	}
}

func TestForestRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ x, y []float64 }{
		"nothing":         {},
		"no features":     {nil, []float64{1}},
		"no rows":         {[]float64{1}, nil},
		"ragged":          {[]float64{1, 2, 3}, []float64{1, 2}},
		"NaN feature":     {[]float64{1, math.NaN()}, []float64{1, 2}},
		"large feature":   {[]float64{1, 1e39}, []float64{1, 2}},
		"NaN target":      {[]float64{1, 2}, []float64{1, math.NaN()}},
		"infinite target": {[]float64{1, 2}, []float64{1, math.Inf(-1)}},
	} {
		if _, err := (forecast.Forest{Trees: 1}).Fit(tc.x, tc.y); !errors.Is(err, forecast.ErrBadTable) {
			t.Errorf("%s: error %v, want %v", name, err, forecast.ErrBadTable)
		}
	}
	if _, err := (forecast.Forest{Trees: -1}).Fit([]float64{1}, []float64{1}); err == nil {
		t.Error("a negative number of trees was accepted")
	}

	m := fit(t, forecast.Forest{}, []float64{1, 2}, []float64{1, 2})
	before := m.Predict([]float64{1.2})
	if err := (forecast.Forest{}).Refit(m, nil, nil); err == nil {
		t.Error("Refit on nothing gave no error")
	}
	if got := m.Predict([]float64{1.2}); got != before {
		t.Errorf("after a failed Refit Predict = %v, want %v", got, before)
	}
	defer func() {
		if recover() == nil {
			t.Error("Predict with too few features did not panic")
		}
	}()
	m.Predict(nil)
}

func fit(t *testing.T, f forecast.Forest, x, y []float64) *forecast.FittedForest {
	t.Helper()
	m, err := f.Fit(x, y)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
