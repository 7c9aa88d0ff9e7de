package forecast

import (
	"context"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Ridge is a direct autoregression: for each horizon one ridge regression of the
// change from now on recent values, recent means and what happened at this time of
// day and week, all divided by the local level, with exponential forgetting. It is
// meant for series that are never negative, over a few minutes ahead.
//
// It keeps the exponentially weighted Gram matrix and solves it by Cholesky. The
// recursive least squares that updates the covariance instead is shorter, and on
// recorded load with forgetting its covariance blows up ("estimator windup", Åström
// and Wittenmark, Adaptive Control, 1995).
//
// The regression shrinks towards "no change", so that before it has learnt anything
// it is Naive. Errors are clipped as in Huber (1964), so that one spike does not
// turn the weights.
type Ridge struct {
	// Horizons is the number of steps ahead with a regression of their own; 0 means
	// 15. A forecast beyond repeats the last of them.
	Horizons int
	// HalfLife is the age in steps at which an observation counts half; 0 means one
	// day, but at least 300 steps.
	HalfLife int
	// Penalty is the ridge penalty relative to the diagonal of the Gram matrix, in
	// (0, 1); 0 means 0.05.
	Penalty float64
	// Seasons are the periods, in steps, whose last occurrence is a feature once the
	// history reaches back so far. Nil means one day and one week; empty means none.
	Seasons []int
}

var _ Model = Ridge{}

const (
	ridgeSolveEvery    = 5   // steps between two solutions of the normal equations
	ridgeFitSolveEvery = 60  // the same while Fit replays the past
	ridgeFitHalfLives  = 10  // what is older counts less than 0.1 %
	ridgeJitter        = .01 // added to the diagonal; keeps features that are always 0 solvable
)

// Name returns "ridge".
func (Ridge) Name() string { return "ridge" }

// Fit replays the newest past, as far as it still counts. It returns an error that
// wraps ErrTooShort where past has no observed value.
func (m Ridge) Fit(ctx context.Context, past Series) (Predictor, error) {
	if past.Step <= 0 {
		return nil, fmt.Errorf("fit ridge: step %v of the series is not positive", past.Step)
	}
	if _, ok := lastObserved(past.Values); !ok {
		return nil, fmt.Errorf("ridge needs one observed value: %w", ErrTooShort)
	}
	m = m.withDefaults(past.Step)
	p := newRidgePredictor(m, past.Step)
	values := past.Values
	if keep := ridgeFitHalfLives*m.HalfLife + p.features.history.size; len(values) > keep {
		values = values[len(values)-keep:]
	}
	p.solveEvery = ridgeFitSolveEvery
	for i, y := range values {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p.Update(y)
	}
	p.solveEvery = ridgeSolveEvery
	p.solve()
	return p, nil
}

func (m Ridge) withDefaults(step time.Duration) Ridge {
	day := int(24 * time.Hour / step)
	if m.Horizons <= 0 {
		m.Horizons = 15
	}
	if m.HalfLife <= 0 {
		m.HalfLife = max(day, 300)
	}
	if m.Penalty <= 0 {
		m.Penalty = .05
	}
	if m.Seasons == nil && day > 1 {
		m.Seasons = []int{day, 7 * day}
	}
	return m
}

// A ridgePredictor holds, for k features and H horizons, the normal equations
// (gram + penalty) weights = moments of the exponentially weighted past. An origin
// enters them H steps later, when all its targets are known, so that one matrix and
// one factor serve all horizons.
type ridgePredictor struct {
	features   ridgeFeatures
	horizons   int
	penalty    float64
	decay      float64
	solveEvery int

	gram    []float64 // k x k, upper triangle
	moments []float64 // k x H
	weights []float64 // k x H
	factor  []float64 // k x k scratch
	errors  ridgeErrors

	origins []ridgeOrigin // the last H+1, by time modulo H+1
	time    int           // observations seen, missing ones too
	learnt  int           // origins in the normal equations
	newest  ridgeOrigin   // the newest observed origin
	gap     int           // steps since newest
	point   []float64     // scratch of H
	target  []float64     // scratch of H
}

// A ridgeOrigin is what was known when a forecast was made.
type ridgeOrigin struct {
	x     []float64 // features; shared with the slot in origins
	last  float64   // the newest observation
	level float64   // what features and targets are divided by
	ok    bool      // observed, with a positive level
}

func newRidgePredictor(m Ridge, step time.Duration) *ridgePredictor {
	p := &ridgePredictor{
		features: newRidgeFeatures(m, step),
		horizons: m.Horizons,
		penalty:  m.Penalty,
		decay:    math.Exp2(-1 / float64(m.HalfLife)),
		origins:  make([]ridgeOrigin, m.Horizons+1),
		errors:   ridgeErrors{mean: make([]float64, m.Horizons)},
		point:    make([]float64, m.Horizons),
		target:   make([]float64, m.Horizons),
	}
	k := p.features.len()
	p.gram = make([]float64, k*k)
	p.factor = make([]float64, k*k)
	p.moments = make([]float64, k*m.Horizons)
	p.weights = make([]float64, k*m.Horizons)
	for i := range p.origins {
		p.origins[i].x = make([]float64, k)
	}
	return p
}

func (p *ridgePredictor) Update(y float64) {
	if math.IsInf(y, 0) {
		y = math.NaN() // An infinity would never leave the running means.
	}
	p.features.push(y)
	p.time++
	slots := len(p.origins)
	if p.time >= slots {
		p.learn(&p.origins[(p.time+1)%slots]) // the origin H steps ago
	}
	origin := &p.origins[p.time%slots]
	if math.IsNaN(y) {
		origin.ok = false
		p.gap++
		return
	}
	p.features.fill(origin)
	p.newest = *origin
	p.gap = 0
}

// Predict continues from the newest observed value: during a gap of g steps, the
// forecast h steps ahead is that of the last origin at h+g.
func (p *ridgePredictor) Predict(dst []float64) {
	origin := &p.newest
	if !origin.ok {
		for i := range dst {
			dst[i] = origin.last
		}
		return
	}
	p.predict(origin.x)
	// A jump can lift the last value far above the local level, hence the maximum.
	low, high := .05*origin.level, max(3*origin.level, 1.5*origin.last)
	for i := range dst {
		change := p.point[min(i+p.gap, p.horizons-1)]
		dst[i] = clamp(origin.last+origin.level*change, low, high)
	}
}

// predict writes the change expected at each horizon, relative to the level, into
// p.point.
func (p *ridgePredictor) predict(x []float64) {
	clear(p.point)
	for i, v := range x {
		for j, w := range p.weights[i*p.horizons : (i+1)*p.horizons] {
			p.point[j] += v * w
		}
	}
}

// learn adds an origin whose targets have all come. A missing target is replaced by
// the forecast, which leaves the weights where they are; an origin that was missing
// itself is left out.
func (p *ridgePredictor) learn(origin *ridgeOrigin) {
	if !origin.ok {
		return
	}
	p.predict(origin.x)
	for j := range p.target {
		y := p.features.history.at(p.horizons - 1 - j)
		if math.IsNaN(y) {
			p.target[j] = p.point[j]
			continue
		}
		change := (y - origin.last) / origin.level
		p.target[j] = p.point[j] + p.errors.clip(j, change-p.point[j])
	}
	p.errors.n++
	k := len(origin.x)
	for i, xi := range origin.x {
		row := p.gram[i*k : (i+1)*k]
		for j := i; j < k; j++ {
			row[j] = p.decay*row[j] + xi*origin.x[j]
		}
		moments := p.moments[i*p.horizons : (i+1)*p.horizons]
		for j, target := range p.target {
			moments[j] = p.decay*moments[j] + xi*target
		}
	}
	if p.learnt++; p.learnt%p.solveEvery == 0 {
		p.solve()
	}
}

func (p *ridgePredictor) solve() {
	k := p.features.len()
	copy(p.factor, p.gram)
	for i := range k {
		p.factor[i*k+i] += p.penalty*p.factor[i*k+i] + ridgeJitter
	}
	factor, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: k, Stride: k, Data: p.factor})
	if !ok {
		return // Rounding only: keep the weights of the last solution.
	}
	copy(p.weights, p.moments)
	lapack64.Potrs(factor, blas64.General{Rows: k, Cols: p.horizons, Stride: p.horizons, Data: p.weights})
}

// ridgeErrors clips errors at three times their running mean size, for each horizon.
type ridgeErrors struct {
	mean []float64 // of min(|error|, 1), relative to the level
	n    int
}

func (e *ridgeErrors) clip(horizon int, err float64) float64 {
	bound := .5
	if e.n > 50 {
		bound = 3 * e.mean[horizon]
	}
	rate := max(.01, 1/float64(e.n+1))
	e.mean[horizon] += rate * (min(math.Abs(err), 1) - e.mean[horizon])
	return clamp(err, -bound, bound)
}

func clamp(v, low, high float64) float64 { return min(max(v, low), high) }
