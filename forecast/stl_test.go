package forecast_test

import (
	"context"
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

// decompositionRows are some rows of R's components, trend first and remainder last, by
// their numbers from 1, and the sums of squares over all rows.
type decompositionRows struct {
	Rows    []int
	Parts   [][]float64
	Squares []float64
}

func (g decompositionRows) check(t *testing.T, d *forecast.Decomposition) {
	t.Helper()
	parts := slices.Concat([][]float64{d.Trend}, d.Seasonal, [][]float64{d.Remainder})
	for j, part := range parts {
		var got, want []float64
		for i, row := range g.Rows {
			got, want = append(got, part[row-1]), append(want, g.Parts[i][j])
		}
		checkNear(t, fmt.Sprintf("component %d", j), got, want, 1e-9)
		squares := 0.0
		for _, v := range part {
			squares += v * v
		}
		checkNear(t, fmt.Sprintf("squares of component %d", j), []float64{squares}, g.Squares[j:j+1], 1e-9)
	}
}

// The numbers are those of testdata/stl_golden.R, from R's stl and its forecast package.
func TestSTLGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/stl_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Series map[string][]float64
		STL    []struct {
			Name                               string
			Period, Window, Trend, Jump, Outer int
			decompositionRows
		}
		MSTL []struct {
			Name     string
			Seasons  []int
			Strength []float64
			decompositionRows
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.STL {
		m := forecast.STL{
			Period: c.Period, SeasonalWindow: c.Window, TrendWindow: c.Trend, Robust: c.Outer > 0, Outer: c.Outer,
			SeasonalJump: c.Jump, TrendJump: c.Jump, LowPassJump: c.Jump,
		}
		t.Run(fmt.Sprintf("%s/%+v", c.Name, m), func(t *testing.T) {
			d, err := m.Decompose(t.Context(), golden.Series[c.Name])
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, d)
		})
	}
	for _, c := range golden.MSTL {
		t.Run(fmt.Sprintf("%s/%v", c.Name, c.Seasons), func(t *testing.T) {
			d, err := forecast.MSTL{Seasons: c.Seasons}.Decompose(t.Context(), golden.Series[c.Name])
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, d)
			for i, want := range c.Strength {
				checkNear(t, "strength", []float64{d.SeasonalStrength(i)}, []float64{want}, 1e-9)
			}
		})
	}
}

// A level and seasons that never change are found again, wherever values are missing,
// and add up to the series where it is observed.
func TestDecompositionExact(t *testing.T) {
	const short, long = 6, 30
	shape := []float64{3, -1, 4, -1, -9, 4} // Sums to 0.
	wide := generate(long, func(i int) float64 { return 2 * math.Sin(2*math.Pi*float64(i)/long) })
	const level = 100
	r := rand.New(rand.NewPCG(1, 5))
	for _, gaps := range []float64{0, .3} {
		values := generate(12*long, func(i int) float64 {
			switch {
			case gaps > 0 && (r.Float64() < gaps || i >= 100 && i < 110):
				return []float64{nan, math.Inf(1), math.Inf(-1)}[i%3]
			default:
				return level + shape[i%short] + wide[i%long]
			}
		})
		one, err := forecast.STL{Period: long, SeasonalWindow: 7}.Decompose(t.Context(), values)
		if err != nil {
			t.Fatal(err)
		}
		two, err := forecast.MSTL{Seasons: []int{long, short, 1000}}.Decompose(t.Context(), values)
		if err != nil {
			t.Fatal(err)
		}
		if len(two.Seasonal) != 2 {
			t.Fatalf("%d seasonal components, want 2", len(two.Seasonal))
		}
		// Two rounds leave a little of each season in the other, more of it with gaps.
		tolerance := map[bool]float64{true: .01, false: .2}[gaps == 0]
		for i, y := range values {
			checkClose := func(what string, got, want, tolerance float64) {
				if !(math.Abs(got-want) <= tolerance) {
					t.Fatalf("gaps %v: %s at %d: %v, want %v", gaps, what, i, got, want)
				}
			}
			checkClose("one trend", one.Trend[i], level, 1e-9)
			checkClose("one season", one.Seasonal[0][i], shape[i%short]+wide[i%long], 1e-9)
			checkClose("trend", two.Trend[i], level, tolerance)
			checkClose("seasons", two.Seasonal[0][i]+two.Seasonal[1][i], shape[i%short]+wide[i%long], tolerance)
			if math.IsNaN(y) || math.IsInf(y, 0) {
				if !math.IsNaN(two.Remainder[i]) || !math.IsNaN(one.Remainder[i]) {
					t.Fatalf("remainder %v where nothing was observed", two.Remainder[i])
				}
				continue
			}
			checkClose("sum", two.Trend[i]+two.Seasonal[0][i]+two.Seasonal[1][i]+two.Remainder[i], y, 1e-9)
		}
	}
}

// A robust fit ignores single outliers, others do not.
func TestSTLRobust(t *testing.T) {
	const period = 12
	truth := func(i int) float64 { return 50 + 10*math.Sin(2*math.Pi*float64(i)/period) }
	r := rand.New(rand.NewPCG(1, 6))
	values := generate(20*period, func(i int) float64 {
		y := truth(i) + .1*r.NormFloat64()
		if i%37 == 5 {
			y += 200
		}
		return y
	})
	worst := make(map[bool]float64)
	for _, robust := range []bool{false, true} {
		d, err := forecast.STL{Period: period, Robust: robust}.Decompose(t.Context(), values)
		if err != nil {
			t.Fatal(err)
		}
		for i := range values {
			worst[robust] = max(worst[robust], math.Abs(d.Trend[i]+d.Seasonal[0][i]-truth(i)))
		}
	}
	if worst[true] > .3 || worst[false] < 5 {
		t.Errorf("largest distance from the truth: robust %v, else %v", worst[true], worst[false])
	}
}

func TestSTLErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	long := daily(100, 12, 1)
	for _, values := range [][]float64{nil, long[:24], generate(100, func(int) float64 { return nan })} {
		if _, err := (forecast.STL{Period: 12}).Decompose(ctx, values); !errors.Is(err, forecast.ErrTooShort) {
			t.Errorf("stl of %d values: error %v", len(values), err)
		}
		if _, err := (forecast.MSTL{Seasons: []int{12, 48}}).Decompose(ctx, values); !errors.Is(err, forecast.ErrTooShort) {
			t.Errorf("mstl of %d values: error %v", len(values), err)
		}
	}
	cancel()
	if _, err := (forecast.STL{Period: 12}).Decompose(ctx, long); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

func BenchmarkSTL(b *testing.B) {
	values := daily(7*1440, 1440, 1)
	for b.Loop() {
		if _, err := (forecast.STL{Period: 1440, SeasonalWindow: 11}).Decompose(b.Context(), values); err != nil {
			b.Fatal(err)
		}
	}
}
