package forecast

import "math"

// burg estimates the coefficients of an autoregression, lag 1 first, by Burg's
// method (J. P. Burg, Maximum Entropy Spectral Analysis, 1975): order by order, the
// reflection coefficient that minimises the forward and backward errors together.
// Every coefficient lies in [-1, 1], so the result is stable. A missing value drops
// out of the sums with all errors that need it. With too few values the last
// coefficients are 0.
func burg(values []float64, order int) []float64 {
	forward := append([]float64(nil), values...)
	backward := append([]float64(nil), values...)
	coefficients := make([]float64, order)
	previous := make([]float64, order)
	for m := range order {
		product, power := 0.0, 0.0
		for t := m + 1; t < len(values); t++ {
			f, b := forward[t], backward[t-1]
			if v := f * b; !math.IsNaN(v) {
				product += v
				power += f*f + b*b
			}
		}
		if power == 0 {
			break
		}
		reflection := 2 * product / power
		copy(previous, coefficients[:m])
		coefficients[m] = reflection
		for i := range m {
			coefficients[i] = previous[i] - reflection*previous[m-1-i]
		}
		for t := len(values) - 1; t > m; t-- {
			f, b := forward[t], backward[t-1]
			forward[t], backward[t] = f-reflection*b, b-reflection*f
		}
	}
	return coefficients
}
