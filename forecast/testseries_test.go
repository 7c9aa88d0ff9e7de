package forecast_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

var nan = math.NaN()

// minutes returns values as a series of one-minute steps.
func minutes(values ...float64) forecast.Series {
	return forecast.Series{
		Start:  time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Step:   time.Minute,
		Values: values,
	}
}

// hours returns values as a series of one-hour steps, whose day is 24 of them.
func hours(values ...float64) forecast.Series {
	s := minutes(values...)
	s.Step = time.Hour
	return s
}

// generate returns n values of f.
func generate(n int, f func(i int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// daily returns a noisy load with a day of the given steps.
func daily(n, day int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	return generate(n, func(i int) float64 {
		return 100 + 40*math.Sin(2*math.Pi*float64(i)/float64(day)) + 5*r.NormFloat64()
	})
}

func mustFit(t testing.TB, m forecast.Model, s forecast.Series) forecast.Predictor {
	t.Helper()
	p, err := m.Fit(context.Background(), s)
	if err != nil {
		t.Fatalf("fit %s: %v", m.Name(), err)
	}
	return p
}

func predict(p forecast.Predictor, n int) []float64 {
	dst := make([]float64, n)
	p.Predict(dst)
	return dst
}

// near reports whether got is within a relative tolerance of want, or within the
// same of scale where want is small. NaN is near NaN.
func near(got, want, scale, tolerance float64) bool {
	if math.IsNaN(want) || math.IsNaN(got) {
		return math.IsNaN(want) && math.IsNaN(got)
	}
	return math.Abs(got-want) <= tolerance*max(math.Abs(want), scale)
}

func checkNear(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d values, want %d", what, len(got), len(want))
	}
	scale := 0.0
	for _, v := range want {
		if !math.IsNaN(v) {
			scale = max(scale, math.Abs(v))
		}
	}
	for i := range got {
		if !near(got[i], want[i], scale, tolerance) {
			t.Fatalf("%s[%d] = %v, want %v (all: %v, want %v)", what, i, got[i], want[i], got, want)
		}
	}
}

// recorded returns the rows of a CSV file of recorded loads, its header first.
func recorded(t testing.TB, name string) [][]string {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "shared", "data", name))
	if errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: %v", name, err)
		}
		t.Skipf("%s is not at hand: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// trace reads a recorded load, gaps as NaN, or skips the test where the recordings
// are not at hand.
func trace(t testing.TB, name string) forecast.Series {
	t.Helper()
	return traceOf(t, filepath.Join("traces", name, "load.csv"))
}

func traceOf(t testing.TB, file string) forecast.Series {
	t.Helper()
	rows := recorded(t, file)[1:]
	seconds := make([]int64, len(rows))
	for i, row := range rows {
		seconds[i] = unixSeconds(t, row[0])
	}
	step := seconds[1] - seconds[0]
	s := forecast.Series{
		Start:  time.Unix(seconds[0], 0).UTC(),
		Step:   time.Duration(step) * time.Second,
		Values: generate(int((seconds[len(rows)-1]-seconds[0])/step)+1, func(int) float64 { return nan }),
	}
	for i, row := range rows {
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		s.Values[(seconds[i]-seconds[0])/step] = v
	}
	return s
}

func unixSeconds(t testing.TB, field string) int64 {
	t.Helper()
	if at, err := time.Parse(time.RFC3339, field); err == nil {
		return at.Unix()
	}
	seconds, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seconds
}

// blockMeans returns the series of the means of k steps.
func blockMeans(s forecast.Series, k int) forecast.Series {
	out := forecast.Series{Start: s.Start, Step: time.Duration(k) * s.Step}
	for i := 0; i+k <= len(s.Values); i += k {
		total, n := 0.0, 0
		for _, v := range s.Values[i : i+k] {
			if !math.IsNaN(v) {
				total += v
				n++
			}
		}
		out.Values = append(out.Values, total/float64(n))
	}
	return out
}
