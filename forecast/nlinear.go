package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// NLinear is one linear map from the newest values to all horizons (Zeng, Chen, Zhang and
// Xu, AAAI 2023): the window less its last value, which makes it blind to the level, is
// mapped to the change from a simple forecast. Here that is last value or seasonal naive,
// whichever is better on the past; the window is also divided by its mean, so that growth
// does not weigh; and the map is the exact solution of a ridge regression, with the
// penalty that does best on the newest part of the past, instead of gradient descent.
type NLinear struct {
	// Horizons is the number of steps ahead that the map gives; 0 means 15. A forecast
	// beyond goes on from its own forecasts.
	Horizons int
	// Window is the number of newest values that it reads; 0 means those of the longest
	// season that fits nLinearShare times into the past, and at most 192, at least 24.
	Window int
	// Seasons are the periods in steps.
	Seasons []int
}

var _ Model = NLinear{}

const (
	nLinearLongest, nLinearShortest, nLinearPlain = 192, 24, 60
	// nLinearShare is how many windows the past must hold.
	nLinearShare = 4
	// nLinearRows is the number of newest origins that are learnt from.
	nLinearRows = 20000
	// nLinearClip bounds features and targets, in units of the mean of the window.
	nLinearClip = 5
)

// nLinearPenalties are tried, relative to the mean of the diagonal of the Gram matrix.
var nLinearPenalties = [...]float64{1e-4, 1e-3, 1e-2, .1, 1, 10}

// Name returns "nlinear".
func (NLinear) Name() string { return "nlinear" }

// FitOperations implements Coster.
func (m NLinear) FitOperations(steps int) float64 {
	m = m.withDefaults(steps)
	rows, k := float64(min(steps, nLinearRows)), float64(m.Window+1)
	return 3*rows*k*(k+float64(m.Horizons)) + 10*k*k*k
}

func (m NLinear) withDefaults(n int) NLinear {
	if m.Horizons <= 0 {
		m.Horizons = 15
	}
	if m.Window <= 0 {
		m.Window = nLinearPlain
		for _, s := range m.Seasons {
			if s <= nLinearLongest && nLinearShare*s <= n {
				m.Window = max(m.Window, s)
			}
		}
		m.Window = max(min(m.Window, n/nLinearShare), nLinearShortest)
	}
	return m
}

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has fewer than
// 20 origins with a whole window before and all horizons after them.
func (m NLinear) Fit(ctx context.Context, past Series) (Predictor, error) {
	values := interpolated(past.Values)
	m = m.withDefaults(len(values))
	rows := len(values) - m.Window - m.Horizons + 1
	if rows < 20 {
		return nil, fmt.Errorf("nlinear needs %d values: %w", m.Window+m.Horizons+19, ErrTooShort)
	}
	if rows > nLinearRows {
		values = values[rows-nLinearRows:]
		rows = nLinearRows
	}
	var best *nLinearPredictor
	bases := []int{1}
	for _, s := range m.Seasons {
		if s > 1 && len(values)-rows/5 >= 3*s {
			bases = append(bases, s)
		}
	}
	loss := math.Inf(1)
	for _, base := range bases {
		p := newNLinearPredictor(m, base)
		l, err := p.fit(ctx, values, rows)
		if err != nil {
			return nil, err
		}
		if l < loss {
			best, loss = p, l
		}
	}
	if best == nil {
		return nil, fmt.Errorf("nlinear: the past does not determine a map: %w", ErrTooShort)
	}
	for _, y := range past.Values[max(0, len(past.Values)-len(best.history.values)):] {
		best.Update(y)
	}
	return best, nil
}

// An nLinearPredictor maps the window by weights of 1 + Window rows and Horizons columns.
type nLinearPredictor struct {
	horizons, window, base int
	weights                []float64
	floor                  float64
	history                *ring
	last                   float64
	features, point        []float64 // scratch
}

func newNLinearPredictor(m NLinear, base int) *nLinearPredictor {
	return &nLinearPredictor{
		horizons: m.Horizons, window: m.Window, base: base,
		history:  newRing(max(m.Window, base)),
		features: make([]float64, m.Window+1), point: make([]float64, m.Horizons),
	}
}

// fill writes the features of a window, oldest value first, and returns its unit.
func (p *nLinearPredictor) fill(dst, window []float64) (unit float64) {
	for _, v := range window {
		unit += math.Abs(v)
	}
	unit /= float64(len(window))
	dst[0] = 1
	last := window[len(window)-1]
	for i, v := range window {
		dst[i+1] = 0
		if unit > 0 {
			dst[i+1] = clamp((v-last)/unit, -nLinearClip, nLinearClip)
		}
	}
	return unit
}

// fit sets the weights and returns the mean absolute error, relative to the window's
// mean, on the newest fifth of the origins by weights from the rest.
func (p *nLinearPredictor) fit(ctx context.Context, values []float64, rows int) (float64, error) {
	// An origin of seasonal naive needs a season before it.
	skip := max(0, p.base-p.window)
	rows -= skip
	k, h := p.window+1, p.horizons
	x, y := make([]float64, rows*k), make([]float64, rows*h)
	p.floor = math.Inf(-1)
	if slices.Min(values) >= 0 {
		p.floor = 0
	}
	for r := range rows {
		if r%512 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		end := skip + r + p.window // the origin is the value before it
		row := x[r*k : (r+1)*k]
		unit := p.fill(row, values[end-p.window:end])
		if unit == 0 {
			clear(row) // Nothing is learnt where there is no load.
			continue
		}
		for j := range h {
			change := values[end+j] - values[end-p.base+j%p.base]
			y[r*h+j] = clamp(change/unit, -nLinearClip, nLinearClip)
		}
	}
	train := rows - rows/5
	weights := newNLinearWeights(k, h)
	if err := weights.gather(ctx, x[:train*k], y[:train*h], nil); err != nil {
		return 0, err
	}
	best, penalty := math.Inf(1), 0.0
	for _, candidate := range nLinearPenalties {
		if !weights.solve(candidate) {
			continue
		}
		if l := weights.loss(x[train*k:], y[train*h:]); l < best {
			best, penalty = l, candidate
		}
	}
	if math.IsInf(best, 1) {
		return best, nil
	}
	// All of the past, and once more with the rows of large errors weighing less: they
	// count by their size, not its square (iteratively reweighted least squares).
	if err := weights.gather(ctx, x, y, nil); err != nil || !weights.solve(penalty) {
		return math.Inf(1), err
	}
	if err := weights.gather(ctx, x, y, weights.robust(x, y)); err != nil || !weights.solve(penalty) {
		return math.Inf(1), err
	}
	p.weights = weights.solution
	return best, nil
}

// Update implements Predictor.
func (p *nLinearPredictor) Update(y float64) {
	// A missing value counts as the last one, so that the window has no holes.
	if isObserved(y) {
		p.last = y
	}
	p.history.push(p.last)
}

// Predict implements Predictor.
func (p *nLinearPredictor) Predict(dst []float64) {
	window := make([]float64, len(p.history.values), len(p.history.values)+len(dst))
	for i := range window {
		v := p.history.at(len(window) - 1 - i)
		if math.IsNaN(v) {
			v = p.last
		}
		window[i] = v
	}
	for len(dst) > 0 {
		newest := window[len(window)-p.window:]
		unit := p.fill(p.features, newest)
		clear(p.point)
		for i, f := range p.features {
			blas64.Axpy(f, blas64.Vector{N: p.horizons, Inc: 1, Data: p.weights[i*p.horizons : (i+1)*p.horizons]},
				blas64.Vector{N: p.horizons, Inc: 1, Data: p.point})
		}
		n := min(len(dst), p.horizons)
		base := window[len(window)-p.base:]
		for j := range n {
			dst[j] = max(base[j%p.base]+unit*p.point[j], p.floor)
		}
		window = append(window, dst[:n]...)
		dst = dst[n:]
	}
}

// nLinearWeights are the normal equations of one ridge regression for all horizons.
type nLinearWeights struct {
	k, h                      int
	gram, moments             []float64
	factor, solution, weighed []float64
}

func newNLinearWeights(k, h int) *nLinearWeights {
	return &nLinearWeights{
		k: k, h: h, gram: make([]float64, k*k), moments: make([]float64, k*h),
		factor: make([]float64, k*k), solution: make([]float64, k*h),
	}
}

// nLinearChunk is the number of rows between two looks at the context.
const nLinearChunk = 1024

// gather adds up the normal equations, rows weighing as given, or alike.
func (w *nLinearWeights) gather(ctx context.Context, x, y, weight []float64) error {
	clear(w.gram)
	clear(w.moments)
	rows := len(x) / w.k
	for from := 0; from < rows; from += nLinearChunk {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		to := min(from+nLinearChunk, rows)
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
func (w *nLinearWeights) solve(penalty float64) bool {
	copy(w.factor, w.gram)
	trace := 0.0
	for i := 1; i < w.k; i++ {
		trace += w.gram[i*w.k+i]
	}
	ridge := penalty*trace/float64(w.k-1) + 1e-9
	for i := range w.k {
		w.factor[i*w.k+i] += ridge
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
func (w *nLinearWeights) predict(dst, x []float64) {
	rows := len(x) / w.k
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, blas64.General{Rows: rows, Cols: w.k, Stride: w.k, Data: x},
		blas64.General{Rows: w.k, Cols: w.h, Stride: w.h, Data: w.solution}, 0,
		blas64.General{Rows: rows, Cols: w.h, Stride: w.h, Data: dst})
}

// loss returns the mean absolute error.
func (w *nLinearWeights) loss(x, y []float64) float64 {
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
func (w *nLinearWeights) robust(x, y []float64) []float64 {
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

// interpolated returns the values with gaps filled by straight lines, at the ends by the
// nearest value; none at all where nothing was observed.
func interpolated(values []float64) []float64 {
	out := make([]float64, 0, len(values))
	last := -1
	for i, y := range values {
		if !isObserved(y) {
			continue
		}
		for j := last + 1; j < i; j++ {
			if last < 0 {
				out = append(out, y)
			} else {
				share := float64(j-last) / float64(i-last)
				out = append(out, values[last]+share*(y-values[last]))
			}
		}
		out = append(out, y)
		last = i
	}
	if last < 0 {
		return nil
	}
	for len(out) < len(values) {
		out = append(out, values[last])
	}
	return out
}
