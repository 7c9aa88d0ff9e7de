package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// linearSettings are a ridge map from the newest values to all horizons, in one of some
// shapes: the one with the least error on the newest part of the past.
type linearSettings struct {
	name             string
	horizons, window int
	shapes           []linearShape
}

// A linearShape says what the map reads of a window, oldest value first, and what it
// gives: the values less a centre are mapped to what comes less a base, both in units of
// the mean size of the window.
type linearShape interface {
	// past is how many values base needs.
	past() int
	centre(window []float64) float64
	// base writes the simple forecast that the map changes, 1..len(dst) steps after history.
	base(dst, history []float64, window int)
	// penalty is that of the weights of a window; nil means their sum of squares.
	penalty(window int) *linearPenalty
}

const (
	// linearRows is the number of newest origins that are learnt from.
	linearRows = 20000
	// linearLeastRows is the number of origins that a map needs.
	linearLeastRows = 20
	// linearClip bounds features, targets and forecasts, in units of the mean of the window.
	linearClip = 5
	// linearHeld is the part of the origins with any load, the newest, that penalties are tried on.
	linearHeld = 5
)

// linearPenalties are tried, relative to the mean of the diagonal of the Gram matrix.
var linearPenalties = [...]float64{1e-4, 1e-3, 1e-2, .1, 1, 10}

// rows returns the number of origins of a past.
func (m linearSettings) rows(steps int) int {
	return min(steps-m.window-m.horizons+1, linearRows)
}

// held returns how many of the newest steps of a past are not held for trying penalties.
func (m linearSettings) held(steps int) int {
	rows := m.rows(steps)
	return min(steps, rows+m.window+m.horizons-1) - rows/linearHeld
}

func (m linearSettings) fit(ctx context.Context, past Series) (Predictor, error) {
	values := interpolated(past.Values)
	rows := m.rows(len(values))
	if rows < linearLeastRows {
		return nil, fmt.Errorf("%s needs %d values: %w", m.name, m.window+m.horizons+linearLeastRows-1, ErrTooShort)
	}
	values = values[len(values)-(rows+m.window+m.horizons-1):]
	var best *linearPredictor
	loss := math.Inf(1)
	for _, shape := range m.shapes {
		p := newLinearPredictor(m, shape)
		l, err := p.fit(ctx, values, rows)
		if err != nil {
			return nil, err
		}
		if l < loss {
			best, loss = p, l
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%s: the past does not determine a map: %w", m.name, ErrTooShort)
	}
	for _, y := range past.Values[max(0, len(past.Values)-best.history.size):] {
		best.Update(y)
	}
	return best, nil
}

// A linearPredictor maps the window by weights of 1 + window rows and horizons columns.
type linearPredictor struct {
	linearShape
	horizons, window int
	weights          []float64
	floor            float64
	history          *ring
	last             float64
	features, point  []float64 // scratch
}

func newLinearPredictor(m linearSettings, shape linearShape) *linearPredictor {
	return &linearPredictor{
		linearShape: shape, horizons: m.horizons, window: m.window,
		history:  newRing(max(m.window, shape.past())),
		features: make([]float64, m.window+1), point: make([]float64, m.horizons),
	}
}

// fill writes the features of a window and returns its unit.
func (p *linearPredictor) fill(dst, window []float64) (unit float64) {
	for _, v := range window {
		unit += math.Abs(v)
	}
	unit /= float64(len(window))
	dst[0] = 1
	centre := p.centre(window)
	for i, v := range window {
		dst[i+1] = 0
		if unit > 0 {
			dst[i+1] = clamp((v-centre)/unit, -linearClip, linearClip)
		}
	}
	return unit
}

// fit sets the weights and returns the mean absolute error, relative to the window's
// mean, on the newest fifth of the origins by weights from the rest.
func (p *linearPredictor) fit(ctx context.Context, values []float64, rows int) (float64, error) {
	// An origin of seasonal naive needs a season before it.
	skip := max(0, p.past()-p.window)
	rows -= skip
	k, h := p.window+1, p.horizons
	x, y := make([]float64, rows*k), make([]float64, rows*h)
	p.floor = math.Inf(-1)
	if slices.Min(values) >= 0 {
		p.floor = 0
	}
	loaded := 0 // Nothing is learnt where there is no load.
	for r := range rows {
		if r%512 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		end := skip + r + p.window // the origin is the value before it
		unit := p.fill(x[loaded*k:(loaded+1)*k], values[end-p.window:end])
		if unit == 0 {
			continue
		}
		p.base(p.point, values[:end], p.window)
		for j, base := range p.point {
			y[loaded*h+j] = clamp((values[end+j]-base)/unit, -linearClip, linearClip)
		}
		loaded++
	}
	rows, x, y = loaded, x[:loaded*k], y[:loaded*h]
	if rows < linearLeastRows {
		// Too few to say anything of the load that begins: the simple forecast stays.
		p.weights = make([]float64, k*h)
		return 0, nil
	}
	train := rows - rows/linearHeld
	weights := newLinearWeights(k, h, p.penalty(p.window))
	if err := weights.gather(ctx, x[:train*k], y[:train*h], nil); err != nil {
		return 0, err
	}
	best, penalty := math.Inf(1), 0.0
	for _, candidate := range linearPenalties {
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
func (p *linearPredictor) Update(y float64) {
	// A missing value counts as the last one, so that the window has no holes.
	if isObserved(y) {
		p.last = y
	}
	p.history.push(p.last)
}

// Predict implements Predictor.
func (p *linearPredictor) Predict(dst []float64) {
	window := make([]float64, p.history.size, p.history.size+len(dst))
	for i := range window {
		v := p.history.at(len(window) - 1 - i)
		if math.IsNaN(v) {
			v = p.last
		}
		window[i] = v
	}
	for len(dst) > 0 {
		unit := p.fill(p.features, window[len(window)-p.window:])
		n := min(len(dst), p.horizons)
		p.base(dst[:n], window, p.window)
		clear(p.point)
		for i, f := range p.features {
			blas64.Axpy(f, blas64.Vector{N: p.horizons, Inc: 1, Data: p.weights[i*p.horizons : (i+1)*p.horizons]},
				blas64.Vector{N: p.horizons, Inc: 1, Data: p.point})
		}
		for j := range n {
			dst[j] = max(dst[j]+unit*clamp(p.point[j], -linearClip, linearClip), p.floor)
		}
		window = append(window, dst[:n]...)
		dst = dst[n:]
	}
}
