package forecast

import "math"

// margins are what errors make of the space around a forecast: their running mean size,
// and the newest of them in units of what that size was when they were forecast.
type margins struct {
	rate    float64 // of the running mean
	scale   float64 // running mean absolute error
	settled int     // errors in scale
	scores  rollingQuantile
}

// newMargins returns margins of so many scores, of which the first priors are made up: as
// long as few errors are known they are taken to be of Laplace's distribution.
func newMargins(rate float64, window, priors int) margins {
	m := margins{rate: rate, scores: newRollingQuantile(window)}
	for i := range priors {
		m.scores.push(laplaceQuantile((float64(i) + .5) / float64(priors)))
	}
	return m
}

// settle takes an error and what scale was when its forecast was made.
func (m *margins) settle(e, was float64) {
	size := math.Abs(e)
	m.settled++
	m.scale += max(m.rate, 1/float64(m.settled)) * (size - m.scale)
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
	return max(point+m.scale*m.scores.quantile(level), 0)
}

// count returns how many scores are of errors that were seen.
func (m *margins) count() int { return min(m.settled, m.scores.window) }

// laplaceQuantile is the quantile at level q in (0, 1) of Laplace's distribution whose
// mean absolute value is 1.
func laplaceQuantile(q float64) float64 {
	if q < .5 {
		return math.Log(2 * q)
	}
	return -math.Log(2 * (1 - q))
}
