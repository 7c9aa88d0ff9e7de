package forecast

import (
	"math"
	"slices"
	"testing"
)

// plainQuantile sorts the newest values anew.
func plainQuantile(values []float64, window int, q float64) float64 {
	sorted := slices.Clone(values[max(0, len(values)-window):])
	slices.Sort(sorted)
	n := len(sorted)
	if n == 0 {
		return 0
	}
	rank := int(math.Ceil(q*float64(n+1) - 1e-9))
	if q < .5 {
		rank = int(math.Floor(q*float64(n+1) + 1e-9))
	}
	if rank < 1 {
		return min(sorted[0], 1.5*sorted[0])
	}
	if rank > n {
		return max(sorted[n-1], 1.5*sorted[n-1])
	}
	return sorted[rank-1]
}

func FuzzRollingQuantile(f *testing.F) {
	f.Add([]byte{1, 2, 3, 250, 2, 2, 0, 9}, uint8(3))
	f.Add([]byte{9, 8, 7, 6, 5, 4, 3, 2, 1}, uint8(4))
	f.Add([]byte{5, 5, 5, 5, 5}, uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		window := int(size) + 1
		r := newRollingQuantile(window)
		var values []float64
		for _, b := range data {
			v := float64(b) - 128
			values = append(values, v)
			r.push(v)
			if !slices.IsSorted(r.sorted) || len(r.sorted) != min(len(values), window) {
				t.Fatalf("after %v: %v", values, r.sorted)
			}
			for _, q := range []float64{.001, .025, .1, .5, .9, .975, .999} {
				if got, want := r.quantile(q), plainQuantile(values, window, q); got != want {
					t.Fatalf("quantile %v of the last %d of %v is %v, want %v", q, window, values, got, want)
				}
			}
		}
	})
}

func TestRollingQuantileRanks(t *testing.T) {
	r := newRollingQuantile(19)
	if got := r.quantile(.9); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for v := range 19 {
		r.push(float64(v + 1))
	}
	// With 19 values, level q is rank 20q.
	for q, want := range map[float64]float64{.05: 1, .1: 2, .5: 10, .9: 18, .95: 19, .96: 1.5 * 19, .04: 1} {
		if got := r.quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestRing(t *testing.T) {
	r := newRing(4)
	if v := r.at(0); !math.IsNaN(v) {
		t.Errorf("an empty ring holds %v", v)
	}
	var all []float64
	for i := range 11 {
		v := float64(i * i)
		if i%3 == 1 {
			v = math.NaN()
		}
		r.push(v)
		all = append(all, v)
		kept := all[max(0, len(all)-4):]
		for lag := range 6 {
			want := math.NaN()
			if lag < len(kept) {
				want = kept[len(kept)-1-lag]
			}
			if got := r.at(lag); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("after %v: at(%d) = %v, want %v", all, lag, got, want)
			}
			for width := 1; width < 6; width++ {
				total, n := 0.0, 0
				for k := lag; k < min(lag+width, len(kept)); k++ {
					if v := kept[len(kept)-1-k]; !math.IsNaN(v) {
						total += v
						n++
					}
				}
				got, want := r.mean(lag, width), total/float64(n)
				if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Fatalf("after %v: mean(%d, %d) = %v, want %v", all, lag, width, got, want)
				}
			}
		}
	}
}
