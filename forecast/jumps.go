package forecast

import (
	"context"
	"fmt"
	"math"
)

// Jumps smooths the level exponentially and adds the jumps that come at the same phase of
// every season: an office that opens, a batch that starts on the minute. Smoothing alone
// lags behind each, and a season that is averaged or repeated whole brings the noise of
// the other days with it. What counts as a jump is a relative change from one step to the
// next, in the mean of the last seasons, that is beyond the largest that noise would show
// in a season (the universal threshold: Donoho and Johnstone, Biometrika 81, 1994); other
// changes are none.
type Jumps struct {
	// Season is the period in steps; below 2 there are no jumps.
	Season int
	// Seasons is the number of past seasons that count, the newest most; 0 means 4.
	Seasons int
	// Alpha is the smoothing parameter, in (0, 1]; 0 means that Fit chooses the one of the
	// least absolute one-step errors on the newest part of the past.
	Alpha float64
}

var (
	_ Model  = Jumps{}
	_ Coster = Jumps{}
)

const (
	// jumpsTrial is the longest part of the past that smoothing parameters are tried on, in steps.
	jumpsTrial = 2000
	// jumpsOffset is what is added to the load before changes are relative, as a part of its
	// mean: from next to nothing to a little is no jump.
	jumpsOffset = .1
	// jumpsLeastNoise is the least noise that is reckoned with, as a relative change.
	jumpsLeastNoise = .02
)

// jumpsAlphas are the smoothing parameters tried.
var jumpsAlphas = [...]float64{.05, .1, .2, .3, .45, .6, .8, 1}

// Name returns "jumps".
func (Jumps) Name() string { return "jumps" }

// FitOperations implements Coster.
func (m Jumps) FitOperations(steps int) float64 {
	return 50*float64(min(steps, m.Season*orDefault(m.Seasons, 4))) + 300*float64(min(steps, jumpsTrial))
}

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value.
func (m Jumps) Fit(ctx context.Context, past Series) (Predictor, error) {
	if _, ok := lastObserved(past.Values); !ok {
		return nil, fmt.Errorf("jumps needs one observed value: %w", ErrTooShort)
	}
	m.Season = max(m.Season, 1)
	m.Seasons = orDefault(m.Seasons, 4)
	values := past.Values
	if n := m.Season*m.Seasons + jumpsTrial + 1; len(values) > n {
		values = values[len(values)-n:]
	}
	alphas := jumpsAlphas[:]
	if m.Alpha != 0 {
		alphas = []float64{m.Alpha}
	}
	p := newJumpsPredictor(m, values)
	before := len(values) - min(jumpsTrial, len(values)*2/3)
	for _, y := range values[:before] {
		p.observe(y)
	}
	levels := make([]float64, len(alphas))
	losses := make([]sum, len(alphas))
	for i := range levels {
		levels[i] = p.level
	}
	for i, y := range values[before:] {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		factor := math.Exp(p.jump(1))
		for k, alpha := range alphas {
			level := factor * levels[k]
			if isObserved(y) {
				if !math.IsNaN(level) {
					losses[k].add(math.Abs(y + p.offset - level))
				}
				level = p.smooth(level, y, alpha)
			}
			levels[k] = level
		}
		p.observe(y)
	}
	best := 0
	for k := range losses {
		if losses[k].value() < losses[best].value() {
			best = k
		}
	}
	p.alpha, p.level = alphas[best], levels[best]
	return p, nil
}

type jumpsPredictor struct {
	season, seasons int
	alpha           float64
	threshold       float64 // in standard errors
	offset          float64
	level           float64 // of the load and the offset; NaN: none yet
	history         *ring   // logarithms of the load and the offset
	changes         rollingQuantile
	highest         float64 // size of a load seen
	negative        bool
}

func newJumpsPredictor(m Jumps, past []float64) *jumpsPredictor {
	var size sum
	for _, y := range past {
		if isObserved(y) {
			size.add(math.Abs(y))
		}
	}
	p := &jumpsPredictor{
		season: m.Season, seasons: m.Seasons, level: math.NaN(),
		threshold: math.Sqrt(2 * math.Log(float64(max(m.Season, 2)))),
		offset:    1,
		history:   newRing(m.Season*m.Seasons + 1),
		changes:   newRollingQuantile(min(m.Season, 1000)),
	}
	if mean := size.mean(); mean > 0 {
		p.offset = jumpsOffset * mean
	}
	return p
}

func (p *jumpsPredictor) Update(y float64) {
	level := p.level * math.Exp(p.jump(1))
	p.observe(y)
	if isObserved(y) {
		level = p.smooth(level, y, p.alpha)
	}
	p.level = level
}

// smooth moves a level, of the load and the offset, towards an observed value.
func (p *jumpsPredictor) smooth(level, y, alpha float64) float64 {
	if math.IsNaN(level) {
		return y + p.offset
	}
	return level + alpha*(y+p.offset-level)
}

// observe takes a value into the history, and as the level.
func (p *jumpsPredictor) observe(y float64) {
	logarithm := math.NaN()
	if isObserved(y) {
		p.level = y + p.offset
		p.negative = p.negative || y < 0
		p.highest = max(p.highest, math.Abs(y))
		if p.level > 0 {
			logarithm = math.Log(p.level)
		}
	}
	if change := math.Abs(logarithm - p.history.at(0)); !math.IsNaN(change) {
		p.changes.push(change)
	}
	p.history.push(logarithm)
}

// jump returns the logarithm of the factor by which the load changes from h-1 to h steps
// ahead of the newest value, 0 where it is no more than noise.
func (p *jumpsPredictor) jump(h int) float64 {
	if p.season < 2 {
		return 0
	}
	h = (h-1)%p.season + 1
	total, squares, weights, weightSquares := 0.0, 0.0, 0.0, 0.0
	weight := 1.0
	for s := 1; s <= p.seasons; s++ {
		lag := s*p.season - h
		if change := p.history.at(lag) - p.history.at(lag+1); !math.IsNaN(change) {
			total += weight * change
			squares += weight * change * change
			weights += weight
			weightSquares += weight * weight
		}
		weight *= profileDecay
	}
	if weights == 0 {
		return 0
	}
	mean := total / weights
	noise := max(p.changes.median()/.6745, jumpsLeastNoise, math.Sqrt(max(squares/weights-mean*mean, 0)))
	if math.Abs(mean) <= p.threshold*noise*math.Sqrt(weightSquares)/weights {
		return 0
	}
	return mean
}

func (p *jumpsPredictor) Predict(dst []float64) {
	total := 0.0
	low, high := 0.0, autoReach*p.highest
	if p.negative {
		low = -high
	}
	for i := range dst {
		total += p.jump(i + 1)
		dst[i] = clamp(p.level*math.Exp(total)-p.offset, low, high)
	}
}
