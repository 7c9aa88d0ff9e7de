package datasets_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/datasets"
)

func TestQuantile(t *testing.T) {
	// Type 7 by definition: rank 1 + (n-1)q between the order statistics
	// (Hyndman and Fan, 1996); R: quantile(c(7, 1, 3, 10), c(.1, .25, .5, .9)).
	s := datasets.Series{Values: []float64{7, nan, 1, 3, nan, 10}}
	for q, want := range map[float64]float64{0: 1, 0.1: 1.6, 0.25: 2.5, 0.5: 5, 0.9: 9.1, 1: 10} {
		if got := datasets.Quantile(s, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	for _, q := range []float64{-0.1, 1.1, nan} {
		if got := datasets.Quantile(s, q); !math.IsNaN(got) {
			t.Errorf("quantile %g is %g, want NaN", q, got)
		}
	}
	if got := datasets.Quantile(datasets.Series{Values: []float64{nan}}, 0.5); !math.IsNaN(got) {
		t.Errorf("quantile of nothing is %g", got)
	}
	if s.Values[0] != 7 || s.Values[5] != 10 {
		t.Error("the values were sorted in place")
	}
}

func TestStats(t *testing.T) {
	values := []float64{nan, nan, 4, nan}
	for i := range 101 { // 0 to 100: the p-th percentile is p
		values = append(values, float64(100-i))
	}
	values[2] = 50 // keeps mean and median
	values = append(values, nan, nan, nan)
	got := datasets.Stats(datasets.Series{Step: time.Minute, Values: values})
	want := datasets.Summary{
		Points: 108, Missing: 6, Min: 0, Median: 50, Mean: 50, Max: 100,
		P95: 94.95, // rank 95.95 of 0, 1, ..., 50, 50, ..., 100
		P99: 98.99, LongestGap: 3 * time.Minute,
	}
	approx := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
	if diff := cmp.Diff(want, got, approx); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if empty := datasets.Stats(datasets.Series{Step: time.Minute}); empty.Points != 0 || !math.IsNaN(empty.Mean) || !math.IsNaN(empty.Max) {
		t.Errorf("no values: %+v", empty)
	}
}
