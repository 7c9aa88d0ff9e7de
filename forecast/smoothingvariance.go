package forecast

import "math"

// reactions returns how much an error moves the forecasts 1..n steps later:
//
//	alpha + beta (phi + ... + phi^j), and gamma one or more seasons later
//
// (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing, 2008, table
// 6.2). Without an additive season, season is 0; without damping phi is 1.
func (s Smoothing) reactions(n, season int) []float64 {
	out := make([]float64, n)
	damping, slope := 1.0, 0.0
	for j := range out {
		damping *= s.Phi
		slope += damping
		out[j] = s.Alpha + s.Beta*slope
		if season > 0 && (j+1)%season == 0 {
			out[j] += s.Gamma
		}
	}
	return out
}

// additiveVariances returns the variances 1..n steps ahead where errors of the given
// variance add up after their reactions (the same, equation 6.1).
func additiveVariances(reactions []float64, variance float64) []float64 {
	out := make([]float64, len(reactions))
	total := 1.0
	for h, c := range reactions {
		out[h] = variance * total
		total += c * c
	}
	return out
}

// addQuantile moves forecasts to the quantile q of normal distributions around them.
func addQuantile(dst, variances []float64, q float64) {
	z := math.Sqrt2 * math.Erfinv(2*q-1)
	for i, v := range variances {
		dst[i] += z * math.Sqrt(v)
	}
}

// errorVariance returns the variance of n errors with this sum of squares, after so many
// parameters were fitted to them.
func errorVariance(squares float64, n, parameters int) float64 {
	return squares / float64(max(n-parameters, 1))
}
