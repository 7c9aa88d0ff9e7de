package forecast

import (
	"math"
	"slices"
)

// A rollingQuantile holds the newest values in order of size. A push costs
// O(log window) comparisons and one move of at most window values, which for a
// window of a thousand beats a tree.
type rollingQuantile struct {
	window int
	recent []float64 // a ring, oldest at next once full
	next   int
	sorted []float64
}

func newRollingQuantile(window int) rollingQuantile { return rollingQuantile{window: window} }

func (r *rollingQuantile) push(v float64) {
	if len(r.recent) < r.window {
		r.recent = append(r.recent, v)
		i, _ := slices.BinarySearch(r.sorted, v)
		r.sorted = slices.Insert(r.sorted, i, v)
		return
	}
	old := r.recent[r.next]
	r.recent[r.next] = v
	r.next = (r.next + 1) % r.window
	from, _ := slices.BinarySearch(r.sorted, old)
	to, _ := slices.BinarySearch(r.sorted, v)
	if to > from { // The place of v once old is gone.
		to--
		copy(r.sorted[from:to], r.sorted[from+1:to+1])
	} else {
		copy(r.sorted[to+1:from+1], r.sorted[to:from])
	}
	r.sorted[to] = v
}

// quantile returns the conformal quantile at level q in (0, 1): the value of rank
// ceil(q(n+1)) for the upper half and floor(q(n+1)) for the lower (Vovk, Gammerman
// and Shafer, Algorithmic Learning in a Random World, 2005; split conformal form).
// Where so high a rank is not held, the extreme value is stretched by half, away
// from 0. It returns 0 while no value is held.
func (r *rollingQuantile) quantile(q float64) float64 { return r.around(0, q) }

// around is quantile of values that lie around a center: an extreme one is stretched away
// from that.
func (r *rollingQuantile) around(center, q float64) float64 {
	n := len(r.sorted)
	if n == 0 {
		return 0
	}
	rank := q * float64(n+1)
	// The tolerance keeps 0.95*20 from becoming rank 20.
	if q < .5 {
		rank = math.Floor(rank + 1e-9)
	} else {
		rank = math.Ceil(rank - 1e-9)
	}
	switch {
	case rank < 1:
		return r.sorted[0] + min(.5*(r.sorted[0]-center), 0)
	case rank > float64(n):
		return r.sorted[n-1] + max(.5*(r.sorted[n-1]-center), 0)
	default:
		return r.sorted[int(rank)-1]
	}
}

// median returns the lower median, 0 while no value is held.
func (r *rollingQuantile) median() float64 {
	if len(r.sorted) == 0 {
		return 0
	}
	return r.sorted[(len(r.sorted)-1)/2]
}
