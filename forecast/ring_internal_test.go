package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A ring is the end of a list of all that was pushed.
func TestRingAgainstAList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for _, size := range []int{1, 2, 7, 50} {
		ring, all := newRing(size), []float64(nil)
		for range 3 * size {
			v := r.Float64()
			if r.IntN(5) == 0 {
				v = math.NaN()
			}
			ring.push(v)
			all = append(all, v)
			kept := all[max(0, len(all)-size):]
			if ring.held() != len(kept) {
				t.Fatalf("size %d: %d values held of %d", size, ring.held(), len(all))
			}
			same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
			for lag := range kept {
				if got, want := ring.at(lag), kept[len(kept)-1-lag]; !same(got, want) {
					t.Fatalf("size %d, lag %d: %v, want %v", size, lag, got, want)
				}
			}
			if got := ring.at(len(kept)); !math.IsNaN(got) {
				t.Fatalf("size %d: %v beyond what is held", size, got)
			}
			sum, n := 0.0, 0.0
			lag, width := r.IntN(size), 1+r.IntN(size)
			for i := lag; i < min(lag+width, len(kept)); i++ {
				if v := kept[len(kept)-1-i]; !math.IsNaN(v) {
					sum += v
					n++
				}
			}
			if got := ring.mean(lag, width); n == 0 != math.IsNaN(got) || n > 0 && math.Abs(got-sum/n) > 1e-12 {
				t.Fatalf("size %d: mean of %d from lag %d is %v, want %v", size, width, lag, got, sum/n)
			}
		}
	}
}
