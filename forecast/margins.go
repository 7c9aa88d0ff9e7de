package forecast

import "math"

// margins are what errors make of the space around a forecast: their running mean size,
// and the newest of them in units of what that size was when they were forecast.
type margins struct {
	rate    float64 // of the running mean
	scale   float64 // running mean absolute error
	mean    int     // errors in scale
	settled int     // forecasts judged
	scores  rollingQuantile
}

// madeUp is the number of scores that are made up at first. Of fewer than that many errors,
// which overlap, the quantiles in use would be the highest and the lowest.
const madeUp = 20

// newMargins returns margins of so many scores. As long as few errors are known they are taken
// to be of a distribution, of mean absolute value 1, by its quantile; nil makes nothing up.
func newMargins(rate float64, window int, quantile func(q float64) float64) margins {
	m := margins{rate: rate, scores: newRollingQuantile(window)}
	if quantile == nil {
		return m
	}
	n := min(madeUp, window)
	for i := range n {
		m.scores.push(quantile((float64(i) + .5) / float64(n)))
	}
	return m
}

// settle takes an error and what scale was when its forecast was made.
func (m *margins) settle(e, was float64) {
	size := math.Abs(e)
	m.settled++
	if m.scale == 0 {
		m.mean = 0 // After a calm without any error the mean begins anew.
	}
	m.mean++
	m.scale += max(m.rate, 1/float64(m.mean)) * (size - m.scale)
	// The first forecasts had no scale yet, and after a long calm it may be near 0. No
	// score exceeds 1/rate, as the scale is at least rate*size once it has seen this
	// error.
	scale := max(was, m.rate*size)
	if was == 0 {
		scale = m.scale
	}
	if scale == 0 {
		m.scores.push(0)
		return
	}
	m.scores.push(e / scale)
}

// around returns the quantile at a level of what is forecast to be point, never below 0.
func (m *margins) around(point, level float64) float64 {
	return bounded(point + m.scale*m.scores.quantile(level))
}

// skip takes an error of 0 that says nothing of what errors will be.
func (m *margins) skip() { m.settled++ }

// count returns how many forecasts were judged, as far as the window reaches.
func (m *margins) count() int { return min(m.settled, m.scores.window) }

// highestOfTwo is the quantile at level q of the higher of two errors of Laplace's
// distribution. Its mean absolute value is 1 as theirs is.
func highestOfTwo(q float64) float64 { return laplaceQuantile(math.Sqrt(q)) }

// laplaceQuantile is the quantile at level q in (0, 1) of Laplace's distribution whose
// mean absolute value is 1.
func laplaceQuantile(q float64) float64 {
	if q < .5 {
		return math.Log(2 * q)
	}
	return -math.Log(2 * (1 - q))
}
