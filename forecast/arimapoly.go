package forecast

import (
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// A lagTerm is one term of a polynomial in the lag operator.
type lagTerm struct {
	lag    int
	weight float64
}

// lagTerms returns the terms that are not 0 of weights, whose first is that of lag 1.
func lagTerms(dst []lagTerm, weights []float64) []lagTerm {
	dst = dst[:0]
	for i, w := range weights {
		if w != 0 {
			dst = append(dst, lagTerm{i + 1, w})
		}
	}
	return dst
}

// expandLags writes into dst the weights of lags 1, 2, ... of the product of two
// polynomials, the second in the lag operator of a season:
//
//	(1 + sign sum of plain[i] B^(i+1)) (1 + sign sum of seasonal[j] B^(m (j+1))) = 1 + sign sum of dst[k] B^(k+1)
func expandLags(dst, plain, seasonal []float64, m int, sign float64) []float64 {
	dst = slices.Grow(dst[:0], len(plain)+m*len(seasonal))[:len(plain)+m*len(seasonal)]
	clear(dst)
	copy(dst, plain)
	for j, s := range seasonal {
		at := m * (j + 1)
		dst[at-1] += s
		for i, v := range plain {
			dst[at+i] += sign * s * v
		}
	}
	return dst
}

// differencing returns the weights c of lags 1, 2, ... with
// (1-B)^d (1-B^m)^D = 1 - sum of c[k] B^(k+1).
func differencing(d, seasonalD, m int) []float64 {
	polynomial := []float64{1}
	times := func(lag int) {
		longer := make([]float64, len(polynomial)+lag)
		copy(longer, polynomial)
		for i, v := range polynomial {
			longer[i+lag] -= v
		}
		polynomial = longer
	}
	for range d {
		times(1)
	}
	for range seasonalD {
		times(m)
	}
	weights := polynomial[1:]
	for i := range weights {
		weights[i] = -weights[i]
	}
	return weights
}

// stationary reports whether all roots of 1 - sum of ar[i] z^(i+1) lie outside the unit
// circle, by the partial autocorrelations, which must lie within (-1, 1) (Barndorff-
// Nielsen and Schou, Journal of Multivariate Analysis 3, 1973).
func stationary(ar []float64) bool {
	a := append([]float64(nil), ar...)
	for k := len(a); k > 0; k-- {
		r := a[k-1]
		if !(r > -1 && r < 1) {
			return false
		}
		scale := 1 / (1 - r*r)
		for i, j := 0, k-2; i <= j; i, j = i+1, j-1 {
			a[i], a[j] = (a[i]+r*a[j])*scale, (a[j]+r*a[i])*scale
		}
	}
	return true
}

// rootsBeyond reports whether all roots of 1 - sum of ar[i] z^(i+1) are of a modulus
// above the radius.
func rootsBeyond(ar []float64, radius float64) bool {
	scaled := make([]float64, len(ar))
	factor := 1.0
	for i, a := range ar {
		factor *= radius
		scaled[i] = a * factor
	}
	return stationary(scaled)
}

// negated returns the weights of 1 + sum as those of 1 - sum.
func negated(weights []float64) []float64 {
	out := make([]float64, len(weights))
	for i, w := range weights {
		out[i] = -w
	}
	return out
}

// invert mirrors the roots of 1 + sum of ma[i] z^(i+1) that lie within the unit circle
// to its outside. The moving average has the same autocorrelations then.
func invert(ma []float64) {
	q := len(ma)
	for q > 0 && ma[q-1] == 0 {
		q--
	}
	if q == 0 || stationary(negated(ma[:q])) {
		return
	}
	companion := mat.NewDense(q, q, nil)
	for i := range q {
		companion.Set(0, i, -ma[i])
		if i > 0 {
			companion.Set(i, i-1, 1)
		}
	}
	var eigen mat.Eigen
	if !eigen.Factorize(companion, mat.EigenNone) {
		return
	}
	// The eigenvalues are the reciprocals of the roots.
	product := make([]complex128, q+1)
	product[0] = 1
	for k, value := range eigen.Values(nil) {
		if cmplx.Abs(value) > 1 {
			value = 1 / cmplx.Conj(value)
		}
		for i := k + 1; i > 0; i-- {
			product[i] -= value * product[i-1]
		}
	}
	for i := range q {
		ma[i] = real(product[i+1])
	}
}
