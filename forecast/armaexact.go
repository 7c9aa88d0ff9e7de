package forecast

import (
	"gonum.org/v1/gonum/floats"
)

// An innovator computes, for each of several series that go through the same filter, the
// errors of the best linear one-step forecasts.
type innovator interface {
	// size returns the number of series and of their steps.
	size() (series, steps int)
	// innovations writes into errors[s][t], for the coefficients c, the error of series s
	// at step t, 0 where it does not count, and into variances[t] its variance in units of
	// that of the innovations. It returns false where c admits no such forecasts.
	innovations(c *armaCoefficients, errors [][]float64, variances []float64) bool
}

// An exactARMA is the exact Gaussian likelihood of a stationary process without gaps. Its
// covariances follow the recursions of Chandrasekhar type (Morf, Sidhu and Kailath, IEEE
// Transactions on Automatic Control 19, 1974), which cost a step in proportion to the
// number of states r, where the Kalman filter costs r^2: from a stationary start the
// covariance P of the states changes from step to step by a matrix of rank one, M W W'.
// With the first column of P alone known at the start,
//
//	F' = F + M W0^2, K' = K + M W0 TW, W' = TW - K' W0/F', M' = M + M^2 W0^2/F
//
// where F is the variance of the error, K its covariance with the next states, and T the
// transition. When P no longer changes, the errors follow from the difference equation.
type exactARMA struct {
	series [][]float64

	weights armaWeights
	k       []float64
	// The states of step t are those from place t on of a long row, so that the part of
	// the transition that moves each to the place before costs nothing; w likewise.
	w      []float64
	states [][]float64
}

func newExactARMA(series [][]float64) *exactARMA {
	return &exactARMA{series: series, states: make([][]float64, len(series))}
}

func (e *exactARMA) size() (series, steps int) { return len(e.series), len(e.series[0]) }

// settled is the change of the covariance, in units of the innovations, that counts as
// none.
const settled = 1e-13

func (e *exactARMA) innovations(c *armaCoefficients, errors [][]float64, variances []float64) bool {
	e.weights.set(c)
	r, n := e.weights.states(), len(variances)
	e.k, e.w = grow(e.k, r), grow(e.w, r+n+1)
	clear(e.w)
	k, w := e.k, e.w[:r]
	if !e.weights.firstColumn(w) {
		return false
	}
	variance := w[0]
	copy(k, e.w[1:r+1])
	for _, t := range e.weights.arTerms {
		k[t.lag-1] += t.weight * variance
	}
	copy(w, k)
	for s := range e.states {
		e.states[s] = grow(e.states[s], r+n+1)
		clear(e.states[s])
	}
	m := -1 / variance
	sparse := n // From here on the difference equation holds.
	moving := true
	for t := range n {
		if t == sparse {
			e.rest(errors, t)
			for ; t < n; t++ {
				variances[t] = variance
			}
			break
		}
		variances[t] = variance
		for s, row := range e.states {
			first := row[t]
			v := e.series[s][t] - first
			errors[s][t] = v
			x := row[t+1 : t+1+r]
			e.autoregress(x, first)
			addScaled(x, v/variance, k)
		}
		if !moving {
			continue
		}
		first := e.w[t]
		w = e.w[t+1 : t+1+r]
		if first == 0 {
			continue
		}
		gain := m * first
		m += gain * gain / variance
		variance += gain * first
		e.autoregress(w, first)
		addScaled(k, gain, w)
		addScaled(w, -first/variance, k)
		if t%4 == 0 && variance-1 < 1e-9 && -m*squares(w) < settled {
			moving = false
			if len(e.weights.arTerms)+len(e.weights.maTerms) < 2*r {
				sparse = t + 1 + r
			}
		}
	}
	return true
}

// autoregress adds the part of the transition that comes from the first state.
func (e *exactARMA) autoregress(x []float64, first float64) {
	for _, t := range e.weights.arTerms {
		x[t.lag-1] += t.weight * first
	}
}

// addScaled adds scale times v to dst.
func addScaled(dst []float64, scale float64, v []float64) {
	if len(v) < 8 {
		for i, u := range v {
			dst[i] += scale * u
		}
		return
	}
	floats.AddScaled(dst, scale, v)
}

// rest writes the errors from step t on by the difference equation.
func (e *exactARMA) rest(errors [][]float64, t int) {
	for s, y := range e.series {
		differenceErrors(errors[s], y, e.weights.arTerms, e.weights.maTerms, t)
	}
}
