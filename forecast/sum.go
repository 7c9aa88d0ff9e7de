package forecast

import "math"

// A sum adds up with compensation for rounding (Neumaier, ZAMM 54, 1974), so that
// the order of a long sum hardly matters. The zero value is an empty sum.
type sum struct {
	total, compensation float64
	n                   int
}

func (s *sum) add(v float64) {
	s.n++
	total := s.total + v
	if math.Abs(s.total) >= math.Abs(v) {
		s.compensation += (s.total - total) + v
	} else {
		s.compensation += (v - total) + s.total
	}
	s.total = total
}

func (s *sum) value() float64 { return s.total + s.compensation }

// mean returns NaN for an empty sum.
func (s *sum) mean() float64 { return s.value() / float64(s.n) }
