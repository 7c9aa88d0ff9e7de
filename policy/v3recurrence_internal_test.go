package policy

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRecurrence compares with a look into everything that was ever seen.
func TestRecurrence(t *testing.T) {
	const step, window = time.Hour, 5
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		rec := newRecurrence(step, window)
		var all []float64
		for n := range 200 {
			y := float64(r.IntN(1000))
			if r.IntN(4) == 0 {
				y = math.NaN()
			}
			rec.step(y)
			all = append(all, y)
			for _, w := range []int{1, 2, window} {
				want := math.NaN()
				if n >= 3*24+window {
					var days []float64
					for d := range 3 {
						at := n + 1 - 24*(d+1) // now is n, the next step n+1
						highest := math.Inf(-1)
						for _, v := range all[at : at+w] {
							if !math.IsNaN(v) {
								highest = max(highest, v)
							}
						}
						days = append(days, highest)
					}
					slices.Sort(days)
					if want = days[1]; math.IsInf(want, -1) {
						want = math.NaN()
					}
				}
				if got := rec.ahead(w); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Fatalf("seed %d, step %d, window %d: %v, want %v", seed, n, w, got, want)
				}
			}
		}
	}
}

// TestRecurrenceOfOddSteps: a day that is no whole number of steps has no same time.
func TestRecurrenceOfOddSteps(t *testing.T) {
	rec := newRecurrence(7*time.Minute, 3)
	for range 5000 {
		rec.step(1)
	}
	if v := rec.ahead(3); !math.IsNaN(v) {
		t.Errorf("%v", v)
	}
}
