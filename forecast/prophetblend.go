package forecast

import (
	"context"
	"errors"
	"math"
)

// A prophetBlend says how much of what Prophet expects to change is to be believed, at each
// horizon of grid: the forecast is the last value and, weighed, the changes of the
// regression and of its residual until then. Weights of 1 are Prophet with its
// autoregression, weights of 0 the last value. They are those of the least absolute error
// so far, which began on the newest part of the past with a fit to what was before it.
type prophetBlend struct {
	grid                 []int
	regression, residual []float64 // weights of the two changes, 0 before many were judged
	beliefs              []prophetBelief
}

const (
	// prophetHeld is one over the part of the past, the newest, that weights are first
	// learnt from, and prophetTrial its longest length in steps, in which older errors
	// come to weigh half.
	prophetHeld, prophetTrial = 5, 2000
	// prophetNear is the longest horizon, in steps, with weights of its own.
	prophetNear = 15
	// prophetDoubt is the number of forecasts by which the weights of few are drawn to 0,
	// and prophetFewest is that below which they are 0.
	prophetDoubt, prophetFewest = 2, 30
)

// A prophetChange is what is expected to change until a horizon, by the regression and by
// its residual. Where nothing was expected, from is NaN.
type prophetChange struct{ from, regression, residual float64 }

// A prophetBelief learns the weights of one horizon by least absolute errors, as least
// squares that are weighed by one over the error of the day (iteratively reweighted).
type prophetBelief struct {
	pending                  []prophetChange // by the time modulo the horizon
	regression, residual     float64
	size, n                  float64
	ss, sr, rr, sy, ry, many float64
	// Absolute errors so far, older ones weighing less, of these weights and of others.
	own, whole, none float64
}

// newProphetBlend returns one that believes nothing.
func newProphetBlend(grid []int) *prophetBlend {
	b := &prophetBlend{
		grid: grid, regression: make([]float64, len(grid)), residual: make([]float64, len(grid)),
		beliefs: make([]prophetBelief, len(grid)),
	}
	for i, h := range grid {
		b.beliefs[i].pending = make([]prophetChange, h)
		for j := range b.beliefs[i].pending {
			b.beliefs[i].pending[j].from = math.NaN()
		}
	}
	return b
}

// blend learns the weights of a fit to past. Where too little was before its newest part,
// nothing is believed at first.
func (m Prophet) blend(ctx context.Context, past Series) (*prophetBlend, error) {
	n := len(past.Values)
	held := min(n/prophetHeld, prophetTrial)
	before := past
	before.Values = past.Values[:n-held]
	p, err := m.regress(ctx, before)
	if errors.Is(err, ErrTooShort) {
		return newProphetBlend(treesGrid(prophetNear)), nil
	}
	if err != nil {
		return nil, err
	}
	blend := newProphetBlend(treesGrid(prophetNear))
	// Twice, as errors are weighed by the weights in force.
	for range 2 {
		first := blend
		blend = newProphetBlend(first.grid)
		for i, b := range first.beliefs {
			blend.beliefs[i].regression, blend.beliefs[i].residual = b.regression, b.residual
		}
		q := p.fork()
		q.blend = blend
		for i, y := range past.Values[n-held:] {
			if i%64 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			q.Update(y)
		}
	}
	return blend, nil
}

// fork returns a copy that shares only what never changes.
func (p *FittedProphet) fork() *FittedProphet {
	next := *p
	next.residuals = append([]float64(nil), p.residuals...)
	next.scratch, next.path = append([]float64(nil), p.scratch...), nil
	return &next
}

// learn settles what was expected of the newest step and notes what is expected now.
func (p *FittedProphet) learn() {
	b := p.blend
	p.foresee(b.grid[len(b.grid)-1])
	for i, h := range b.grid {
		slot := &b.beliefs[i].pending[p.steps%h]
		if p.gap > 0 {
			slot.from = math.NaN()
			continue
		}
		if !math.IsNaN(slot.from) {
			belief := &b.beliefs[i]
			belief.settle(*slot, p.unit*p.last)
			if belief.n >= prophetFewest {
				b.regression[i], b.residual[i] = belief.choose()
			}
		}
		*slot = prophetChange{
			from:       p.unit * p.last,
			regression: p.unit * (p.regression(p.steps-1+h) - p.lastRegression),
			residual:   p.unit * (p.path[h-1] - (p.last - p.lastRegression)),
		}
	}
}

// settle changes the weights by what came of a change.
func (b *prophetBelief) settle(c prophetChange, y float64) {
	actual := y - c.from
	b.n++
	b.size += (math.Abs(actual) - b.size) / min(b.n, prophetTrial)
	floor := 1e-3 * b.size
	if floor == 0 {
		return
	}
	keep := math.Exp2(-1. / prophetTrial)
	own := math.Abs(actual - b.regression*c.regression - b.residual*c.residual)
	b.own = keep*b.own + own
	b.whole = keep*b.whole + math.Abs(actual-c.regression-c.residual)
	b.none = keep*b.none + math.Abs(actual)
	w := 1 / max(own, floor)
	b.many = keep*b.many + 1
	b.ss = keep*b.ss + w*c.regression*c.regression
	b.sr = keep*b.sr + w*c.regression*c.residual
	b.rr = keep*b.rr + w*c.residual*c.residual
	b.sy = keep*b.sy + w*c.regression*actual
	b.ry = keep*b.ry + w*c.residual*actual
	doubt := 1 + prophetDoubt/b.many
	// Coordinate by coordinate, within the bounds.
	for range 5 {
		if b.ss > 0 {
			b.regression = clamp((b.sy-b.residual*b.sr)/(doubt*b.ss), 0, 1)
		}
		if b.rr > 0 {
			b.residual = clamp((b.ry-b.regression*b.sr)/(doubt*b.rr), 0, 1)
		}
	}
}

// choose returns the weights that have had the least error: those learnt, 1 or 0.
func (b *prophetBelief) choose() (regression, residual float64) {
	switch min(b.own, b.whole, b.none) {
	case b.whole:
		return 1, 1
	case b.own:
		return b.regression, b.residual
	}
	return 0, 0
}

// weights returns those at a horizon. Far ahead the last value says little, and overlapping
// errors too: there everything is believed.
func (b *prophetBlend) weights(horizon int) (regression, residual float64) {
	if horizon > prophetNear {
		return 1, 1
	}
	return betweenHorizons(b.grid, b.regression, horizon), betweenHorizons(b.grid, b.residual, horizon)
}
