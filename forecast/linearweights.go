package forecast

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// linearLeast is the least ridge, so that windows which never change have a solution.
const linearLeast = 1e-9

// A linearPenalty is that of a ridge on the weights of features that are made of the window
// by a linear map T, as a penalty on the weights of the window.
type linearPenalty struct {
	gram, inverse *mat.SymDense // T'T
}

func newLinearPenalty(gram *mat.SymDense) *linearPenalty {
	var factor mat.Cholesky
	p := &linearPenalty{gram: gram, inverse: mat.NewSymDense(gram.SymmetricDim(), nil)}
	if !factor.Factorize(gram) || factor.InverseTo(p.inverse) != nil {
		panic("forecast: a penalty that some weights escape")
	}
	return p
}

// trace returns that of the Gram matrix of k-1 features, whose first is the intercept and
// does not count, or of what is made of them.
func trace(gram []float64, made *mat.SymDense, k int) float64 {
	total := 0.0
	for i := 1; i < k; i++ {
		if made == nil {
			total += gram[i*k+i]
			continue
		}
		for j := 1; j < k; j++ {
			total += gram[i*k+j] * made.At(i-1, j-1)
		}
	}
	return total
}

// linearWeights are the normal equations of one ridge regression for all horizons.
type linearWeights struct {
	k, h                      int
	penalty                   *linearPenalty
	gram, moments             []float64
	factor, solution, weighed []float64
}

func newLinearWeights(k, h int, penalty *linearPenalty) *linearWeights {
	return &linearWeights{
		k: k, h: h, penalty: penalty, gram: make([]float64, k*k), moments: make([]float64, k*h),
		factor: make([]float64, k*k), solution: make([]float64, k*h),
	}
}

// linearChunk is the number of rows between two looks at the context.
const linearChunk = 1024

// gather adds up the normal equations, rows weighing as given, or alike.
func (w *linearWeights) gather(ctx context.Context, x, y, weight []float64) error {
	clear(w.gram)
	clear(w.moments)
	rows := len(x) / w.k
	for from := 0; from < rows; from += linearChunk {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		to := min(from+linearChunk, rows)
		part := blas64.General{Rows: to - from, Cols: w.k, Stride: w.k, Data: x[from*w.k : to*w.k]}
		left := part
		if weight != nil {
			w.weighed = append(w.weighed[:0], part.Data...)
			for r := range part.Rows {
				for i := range w.k {
					w.weighed[r*w.k+i] *= weight[from+r]
				}
			}
			left.Data = w.weighed
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, left, part, 1, blas64.General{Rows: w.k, Cols: w.k, Stride: w.k, Data: w.gram})
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, left, blas64.General{Rows: part.Rows, Cols: w.h, Stride: w.h, Data: y[from*w.h : to*w.h]},
			1, blas64.General{Rows: w.k, Cols: w.h, Stride: w.h, Data: w.moments})
	}
	return nil
}

// solve sets the solution for a penalty and reports whether there is one.
func (w *linearWeights) solve(penalty float64) bool {
	copy(w.factor, w.gram)
	if w.penalty == nil {
		ridge := penalty*trace(w.gram, nil, w.k)/float64(w.k-1) + linearLeast
		for i := range w.k {
			w.factor[i*w.k+i] += ridge
		}
	} else {
		// There are two weights of each value of the window.
		ridge := penalty*trace(w.gram, w.penalty.gram, w.k)/float64(2*(w.k-1)) + linearLeast
		w.factor[0] += ridge
		for i := 1; i < w.k; i++ {
			for j := i; j < w.k; j++ {
				w.factor[i*w.k+j] += ridge * w.penalty.inverse.At(i-1, j-1)
			}
		}
	}
	factor, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: w.k, Stride: w.k, Data: w.factor})
	if !ok {
		return false
	}
	copy(w.solution, w.moments)
	lapack64.Potrs(factor, blas64.General{Rows: w.k, Cols: w.h, Stride: w.h, Data: w.solution})
	return true
}

// predict writes what the solution makes of rows into dst.
func (w *linearWeights) predict(dst, x []float64) {
	rows := len(x) / w.k
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, blas64.General{Rows: rows, Cols: w.k, Stride: w.k, Data: x},
		blas64.General{Rows: w.k, Cols: w.h, Stride: w.h, Data: w.solution}, 0,
		blas64.General{Rows: rows, Cols: w.h, Stride: w.h, Data: dst})
}

// loss returns the mean absolute error.
func (w *linearWeights) loss(x, y []float64) float64 {
	f := make([]float64, len(y))
	w.predict(f, x)
	var s sum
	for i := range y {
		s.add(math.Abs(y[i] - f[i]))
	}
	return s.mean()
}

// robust returns the weights of rows by which the next solution is nearer to that of
// least absolute errors: one over the mean error of the row, bounded by the median.
func (w *linearWeights) robust(x, y []float64) []float64 {
	f := make([]float64, len(y))
	w.predict(f, x)
	weights := make([]float64, len(y)/w.h)
	for r := range weights {
		for j := range w.h {
			weights[r] += math.Abs(y[r*w.h+j] - f[r*w.h+j])
		}
	}
	sorted := slices.Sorted(slices.Values(weights))
	middle := sorted[len(sorted)/2]
	for r, v := range weights {
		weights[r] = 1
		if v > middle && middle > 0 {
			weights[r] = middle / v
		}
	}
	return weights
}
