package forecast

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

	weights   armaWeights
	k, w, phi []float64
	states    [][]float64
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
	r := e.weights.states()
	e.k, e.w, e.phi = grow(e.k, r), grow(e.w, r), grow(e.phi, r)
	if !e.weights.firstColumn(e.w) {
		return false
	}
	clear(e.phi[copy(e.phi, e.weights.ar):])
	variance := e.w[0]
	for i := range r {
		e.k[i] = e.phi[i] * variance
		if i+1 < r {
			e.k[i] += e.w[i+1]
		}
	}
	copy(e.w, e.k)
	for s := range e.states {
		e.states[s] = grow(e.states[s], r)
		clear(e.states[s])
	}
	m := -1 / variance
	n := len(variances)
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
		for s, x := range e.states {
			v := e.series[s][t] - x[0]
			errors[s][t] = v
			e.advance(x, v/variance)
		}
		if !moving {
			continue
		}
		m, variance = e.change(m, variance)
		if t%4 == 0 && variance-1 < 1e-9 {
			squares := 0.0
			for _, v := range e.w {
				squares += v * v
			}
			if -m*squares < settled {
				moving = false
				if len(e.weights.arTerms)+len(e.weights.maTerms) < 2*r {
					sparse = t + 1 + r
				}
			}
		}
	}
	return true
}

// advance moves the states of one series to the next step, given its error in units of
// the variance.
func (e *exactARMA) advance(x []float64, v float64) {
	r := len(x)
	first := x[0]
	k, phi := e.k[:r], e.phi[:r]
	for i := range r - 1 {
		x[i] = phi[i]*first + x[i+1] + k[i]*v
	}
	x[r-1] = phi[r-1]*first + k[r-1]*v
}

// change moves K and W one step on and returns the next M and F.
func (e *exactARMA) change(m, variance float64) (nextM, nextVariance float64) {
	w, r := e.w, len(e.w)
	first := w[0]
	if first == 0 {
		copy(w, w[1:])
		w[r-1] = 0
		return m, variance
	}
	gain := m * first
	nextVariance = variance + gain*first
	nextM = m + gain*gain/variance
	share := first / nextVariance
	k, phi := e.k[:r], e.phi[:r]
	for i := range r - 1 {
		moved := phi[i]*first + w[i+1]
		k[i] += gain * moved
		w[i] = moved - share*k[i]
	}
	moved := phi[r-1] * first
	k[r-1] += gain * moved
	w[r-1] = moved - share*k[r-1]
	return nextM, nextVariance
}

// rest writes the errors from step t on by the difference equation.
func (e *exactARMA) rest(errors [][]float64, t int) {
	for s, y := range e.series {
		differenceErrors(errors[s], y, e.weights.arTerms, e.weights.maTerms, t)
	}
}

// differenceErrors writes the errors from step first on, of a filter that knows the
// innovations before it.
func differenceErrors(dst, y []float64, ar, ma []lagTerm, first int) {
	for t := first; t < len(y); t++ {
		v := y[t]
		for _, a := range ar {
			v -= a.weight * y[t-a.lag]
		}
		for _, b := range ma {
			v -= b.weight * dst[t-b.lag]
		}
		dst[t] = v
	}
}
