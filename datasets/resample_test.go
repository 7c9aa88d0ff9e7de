package datasets_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets"
)

func TestResample(t *testing.T) {
	tests := []struct {
		name     string
		unit     datasets.Unit
		from, to time.Duration
		in, want []float64
	}{
		{"rates average", datasets.RPS, 1, 3, []float64{1, 2, 6, 3, 3, 3}, []float64{3, 3}},
		{"cores average", datasets.Cores, 1, 2, []float64{1, 2}, []float64{1.5}},
		{"percent average", datasets.Percent, 1, 2, []float64{10, 20}, []float64{15}},
		{"counts add", datasets.CountPerStep, 1, 3, []float64{1, 2, 6, 3, 3, 3}, []float64{9, 9}},
		{"half of a rate is enough", datasets.RPS, 1, 4, []float64{1, nan, nan, 3}, []float64{2}},
		{"less than half is not", datasets.RPS, 1, 4, []float64{1, nan, nan, nan}, []float64{nan}},
		{"of three, one is not", datasets.RPS, 1, 3, []float64{1, nan, nan}, []float64{nan}},
		{"of three, two are", datasets.RPS, 1, 3, []float64{1, nan, 3}, []float64{2}},
		{"a part is not the count", datasets.CountPerStep, 1, 4, []float64{1, 2, nan, 3, 1, 1, 1, 1}, []float64{nan, 4}},
		{"unfinished rate", datasets.RPS, 1, 4, []float64{1, 1, 1, 1, 5, 7}, []float64{1, 6}},
		{"hardly begun rate", datasets.RPS, 1, 4, []float64{1, 1, 1, 1, 5}, []float64{1, nan}},
		{"unfinished count", datasets.CountPerStep, 1, 2, []float64{1, 1, 1}, []float64{2, nan}},
		{"rates repeat", datasets.RPS, 3, 1, []float64{6, nan, 9}, []float64{6, 6, 6, nan, nan, nan, 9, 9, 9}},
		{"counts divide", datasets.CountPerStep, 3, 1, []float64{6, nan, 9}, []float64{2, 2, 2, nan, nan, nan, 3, 3, 3}},
		{"same step", datasets.RPS, 2, 2, []float64{1, nan, 3}, []float64{1, nan, 3}},
		{"no values", datasets.RPS, 1, 2, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := datasets.Series{Name: "x", Unit: tt.unit, Start: at("2026-01-05T21:42:53Z"),
				Step: tt.from * time.Minute, Values: tt.in, Relative: true}
			want := in
			want.Step, want.Values = tt.to*time.Minute, tt.want
			got, err := datasets.Resample(in, tt.to*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
			if len(tt.in) > 0 && len(got.Values) > 0 {
				before := slices.Clone(tt.in)
				got.Values[0] = -1
				same(t, datasets.Series{Values: tt.in}, datasets.Series{Values: before})
			}
		})
	}
}

func TestResampleConserves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		factor := 1 + rng.IntN(7)
		values := make([]float64, factor*(1+rng.IntN(20)))
		for i := range values {
			values[i] = float64(rng.IntN(1000))
		}
		for _, unit := range datasets.Units() {
			in := datasets.Series{Unit: unit, Start: at("2026-01-05T00:00:00Z"), Step: time.Minute, Values: values}
			coarse, err := datasets.Resample(in, time.Duration(factor)*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			fine, err := datasets.Resample(coarse, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []datasets.Series{coarse, fine} {
				if math.Abs(amount(got)-amount(in)) > 1e-9*amount(in) {
					t.Fatalf("%s by %d: %g became %g", unit, factor, amount(in), amount(got))
				}
				if !got.End().Equal(in.End()) {
					t.Fatalf("%s by %d: ends at %s, not %s", unit, factor, got.End(), in.End())
				}
			}
		}
	}
}

// amount is the number of events, or the integral of a rate in unit-seconds.
func amount(s datasets.Series) float64 {
	sum := 0.0
	for _, v := range s.Values {
		sum += v
	}
	if s.Unit == datasets.CountPerStep {
		return sum
	}
	return sum * s.Step.Seconds()
}

func TestResampleErrors(t *testing.T) {
	in := datasets.Series{Name: "x", Unit: datasets.RPS, Step: 6 * time.Minute, Values: []float64{1, 2}}
	huge := in
	huge.Values = make([]float64, 1000)
	tests := []struct {
		name string
		s    datasets.Series
		step time.Duration
		want string
	}{
		{"neither divides", in, 4 * time.Minute, `resample "x" from 6m0s to 4m0s: neither step divides the other; resample to 2m0s first`},
		{"zero", in, 0, `resample "x": step 0s; it must be positive`},
		{"negative", in, -time.Minute, `resample "x": step -1m0s; it must be positive`},
		{"too many points", huge, time.Microsecond, `more than 50000000 points`},
		{"no step", datasets.Series{Name: "y"}, time.Minute, `series "y" has step 0s`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := datasets.Resample(tt.s, tt.step); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestToRPS(t *testing.T) {
	tests := []struct {
		unit       datasets.Unit
		cpu, cores float64
		want       []float64
	}{
		{datasets.RPS, 0, 0, []float64{60, nan, 120}},
		{datasets.CountPerStep, 0, 0, []float64{2, nan, 4}}, // in 30 s
		{datasets.Cores, 0.005, 0, []float64{12000, nan, 24000}},
		{datasets.Percent, 0.005, 0, []float64{120, nan, 240}}, // of one core
		{datasets.Percent, 0.005, 8, []float64{960, nan, 1920}},
	}
	for _, tt := range tests {
		in := datasets.Series{Unit: tt.unit, Step: 30 * time.Second, Values: []float64{60, nan, 120}}
		got, err := datasets.ToRPS(in, tt.cpu, tt.cores)
		if err != nil {
			t.Fatal(err)
		}
		if got.Unit != datasets.RPS || len(got.Values) != 3 || !math.IsNaN(got.Values[1]) {
			t.Fatalf("%s: %+v", tt.unit, got)
		}
		for _, i := range []int{0, 2} {
			if math.Abs(got.Values[i]-tt.want[i]) > 1e-9*tt.want[i] {
				t.Errorf("%s: %g, want %g", tt.unit, got.Values[i], tt.want[i])
			}
		}
	}
	for _, unit := range []datasets.Unit{datasets.Cores, datasets.Percent} {
		for _, bad := range []float64{0, -1, nan, math.Inf(1)} {
			if _, err := datasets.ToRPS(datasets.Series{Unit: unit, Step: time.Second}, bad, 1); err == nil {
				t.Errorf("%s: no error for %g core-seconds a request", unit, bad)
			}
		}
	}
	if _, err := datasets.ToRPS(datasets.Series{Unit: "core", Step: time.Second}, 1, 1); err == nil ||
		!strings.Contains(err.Error(), `unknown unit "core"; did you mean "cores"?`) {
		t.Errorf("unknown unit: %v", err)
	}
}

func TestCut(t *testing.T) {
	start := at("2026-01-05T00:00:00Z")
	s := datasets.Series{Start: start, Step: time.Minute, Values: []float64{0, 1, 2, 3, 4}}
	tests := []struct {
		from, to time.Duration
		want     []float64
	}{
		{0, 5 * time.Minute, []float64{0, 1, 2, 3, 4}},
		{-time.Hour, time.Hour, []float64{0, 1, 2, 3, 4}},
		{time.Minute, 3 * time.Minute, []float64{1, 2}},
		{time.Second, 3*time.Minute - 1, []float64{1}},
		{59 * time.Second, 121 * time.Second, []float64{1}},
		{time.Minute, time.Minute, nil},
		{3 * time.Minute, time.Minute, nil},
		{time.Hour, 2 * time.Hour, nil},
		{-2 * time.Hour, -time.Hour, nil},
	}
	for _, tt := range tests {
		got := datasets.Cut(s, start.Add(tt.from), start.Add(tt.to))
		if !slices.Equal(got.Values, tt.want) {
			t.Errorf("[%s, %s): %v, want %v", tt.from, tt.to, got.Values, tt.want)
		}
		for i, v := range got.Values {
			if begin := got.Start.Add(time.Duration(i) * got.Step); !begin.Equal(start.Add(time.Duration(v) * time.Minute)) {
				t.Errorf("[%s, %s): value %g is at %s", tt.from, tt.to, v, begin)
			}
		}
	}
}

func TestParseUnit(t *testing.T) {
	for _, u := range datasets.Units() {
		if got, err := datasets.ParseUnit(string(u)); err != nil || got != u {
			t.Errorf("%s: %s, %v", u, got, err)
		}
	}
	for name, want := range map[string]string{
		"rsp": `unknown unit "rsp"; did you mean "rps"?`,
		"":    `unknown unit ""; known: rps, cores, percent, count-per-step`,
		"MHz": `unknown unit "MHz"; known: rps, cores, percent, count-per-step`,
	} {
		if _, err := datasets.ParseUnit(name); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}
