package forecast

import "math"

// A ring holds the newest values of a series and forgets the older ones.
type ring struct {
	values []float64
	next   int // where the next value goes
	n      int // values held
}

func newRing(size int) *ring { return &ring{values: make([]float64, size)} }

func (r *ring) push(v float64) {
	r.values[r.next] = v
	if r.next++; r.next == len(r.values) {
		r.next = 0
	}
	r.n = min(r.n+1, len(r.values))
}

// at returns the value lag steps before the newest, NaN where it is not held.
func (r *ring) at(lag int) float64 {
	if lag < 0 || lag >= r.n {
		return math.NaN()
	}
	i := r.next - 1 - lag
	if i < 0 {
		i += len(r.values)
	}
	return r.values[i]
}

// mean returns the mean of the observed values among those lag..lag+width-1 steps
// before the newest, NaN where none is.
func (r *ring) mean(lag, width int) float64 {
	last := min(lag+width, r.n)
	lag = max(lag, 0)
	i := r.next - 1 - lag
	if i < 0 {
		i += len(r.values)
	}
	sum, n := 0.0, 0
	for ; lag < last; lag++ {
		if v := r.values[i]; v == v {
			sum += v
			n++
		}
		if i--; i < 0 {
			i = len(r.values) - 1
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
