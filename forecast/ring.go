package forecast

import "math"

// A ring holds the newest values of a series and forgets the older ones. It takes the
// memory of what it holds: most live scalers have seen less than the weeks that it is for.
type ring struct {
	values []float64 // as many as are held
	size   int
	next   int // where the next value goes
}

func newRing(size int) *ring { return &ring{size: size} }

func (r *ring) push(v float64) {
	if len(r.values) < r.size {
		r.values = append(r.values, v)
	} else {
		r.values[r.next] = v
	}
	if r.next++; r.next == r.size {
		r.next = 0
	}
}

// held returns how many values are.
func (r *ring) held() int { return len(r.values) }

// at returns the value lag steps before the newest, NaN where it is not held.
func (r *ring) at(lag int) float64 {
	if lag < 0 || lag >= len(r.values) {
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
	last := min(lag+width, len(r.values))
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
