package forecast

import (
	"context"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A leastSquares is the search for the parameters of the least sum of squares by the
// method of Levenberg (1944) and Marquardt (1963): steps of Gauss and Newton, shortened
// while they do not lower the sum. Derivatives are differences, one evaluation each, where
// they are not given.
type leastSquares struct {
	// residuals writes the residuals at x into dst, or returns false outside of where
	// they are defined.
	residuals func(dst, x []float64) bool
	size      int // number of residuals
	// slopes writes the derivatives of the residuals r, of the newest evaluation, by each
	// parameter; nil: differences of residuals.
	slopes func(jacobian [][]float64, r []float64)
	// tolerance is the relative change of the sum of squares that ends the search.
	tolerance float64
	steps     int // at most
}

// leastSquaresDifference is the relative change of a parameter for its derivative.
const leastSquaresDifference = 1e-7

// minimise moves x, where residuals must be defined, to a local minimum and returns the
// sum of squares there. It returns ctx.Err() as soon as ctx is done.

func (l leastSquares) minimise(ctx context.Context, x []float64) (float64, error) {
	k := len(x)
	r, next := make([]float64, l.size), make([]float64, l.size)
	if !l.residuals(r, x) {
		return math.Inf(1), ctx.Err()
	}
	total := squares(r)
	if k == 0 || total == 0 {
		return total, ctx.Err()
	}
	jacobian := make([][]float64, k)
	for i := range jacobian {
		jacobian[i] = make([]float64, l.size)
	}
	try := make([]float64, k)
	gram, damped := mat.NewSymDense(k, nil), mat.NewSymDense(k, nil)
	gradient, step := mat.NewVecDense(k, nil), mat.NewVecDense(k, nil)
	var factor mat.Cholesky
	damping, last := 1e-3, 0.0
	for range l.steps {
		if l.slopes != nil {
			l.slopes(jacobian, r)
		}
		for i := range x {
			if err := ctx.Err(); err != nil {
				return total, err
			}
			if l.slopes == nil {
				l.derivative(jacobian[i], r, x, i)
			}
		}
		for i, a := range jacobian {
			gradient.SetVec(i, -dot(a, r))
			for j := i; j < k; j++ {
				gram.SetSym(i, j, dot(a, jacobian[j]))
			}
		}
		improved := false
		for !improved && damping < 1e8 {
			if err := ctx.Err(); err != nil {
				return total, err
			}
			damped.CopySym(gram)
			for i := range k {
				damped.SetSym(i, i, gram.At(i, i)*(1+damping)+1e-300)
			}
			if factor.Factorize(damped) && factor.SolveVecTo(step, gradient) == nil {
				for i := range try {
					try[i] = x[i] + step.AtVec(i)
				}
				if l.residuals(next, try) {
					if s := squares(next); s < total {
						gain := total - s
						copy(x, try)
						r, next = next, r
						total = s
						improved = true
						damping = max(damping*.1, 1e-9)
						// The next gain is to this one as this one is to the last.
						if gain <= l.tolerance*total || gain*gain <= l.tolerance*total*last {
							return total, nil
						}
						last = gain
						continue
					}
				}
			}
			damping *= 8
		}
		if !improved {
			return total, nil
		}
	}
	return total, nil
}

// derivative writes the derivatives of the residuals r at x by parameter i: to the side
// where they are defined, or 0.
func (l leastSquares) derivative(dst, r, x []float64, i int) {
	at := x[i]
	defer func() { x[i] = at }()
	for _, h := range []float64{leastSquaresDifference, -leastSquaresDifference} {
		h *= max(math.Abs(at), .1)
		x[i] = at + h
		if l.residuals(dst, x) {
			scale := 1 / h
			for t, v := range dst {
				dst[t] = scale * (v - r[t])
			}
			return
		}
	}
	clear(dst)
}

func squares(v []float64) float64 { return dot(v, v) }

// dot adds up four partial sums, always in the same order.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}
