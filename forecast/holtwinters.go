package forecast

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// HoltWinters is additive exponential smoothing with a trend, which may be damped,
// and a season (Holt 1957, Winters 1960), in the error-correction form of Hyndman
// et al., Forecasting with Exponential Smoothing, 2008, chapter 2:
//
//	e = y - (l + phi b + s), l += phi b + alpha e, b = phi b + beta e, s += gamma e
//
// A missing value moves the states one step on and corrects nothing.
type HoltWinters struct {
	// Season is the period in steps; below 2 there is no season (Holt's method).
	Season int
	// Damped lets the trend level off; without it phi is 1.
	Damped bool
	// Smoothing fixes the parameters; nil means that Fit minimises the squared
	// one-step errors on the past.
	Smoothing *Smoothing
}

// Smoothing are the parameters of HoltWinters.
type Smoothing struct {
	Alpha float64 // level, in (0, 1)
	Beta  float64 // trend, in (0, alpha); other texts call beta/alpha so
	Gamma float64 // season, in (0, 1-alpha)
	Phi   float64 // damping, in (0, 1]; ignored unless the trend is damped
}

var (
	_ Model  = HoltWinters{}
	_ Coster = HoltWinters{}
)

// Name returns "holt-winters", or "damped-holt-winters" where the trend is damped;
// without a season "holt", or "damped".
func (m HoltWinters) Name() string {
	switch {
	case m.Season > 1 && m.Damped:
		return "damped-holt-winters"
	case m.Season > 1:
		return "holt-winters"
	case m.Damped:
		return "damped"
	default:
		return "holt"
	}
}

// Fit estimates the states at the start of past by least squares on its first
// seasons, then the parameters, unless they are given. It returns an error that
// wraps ErrTooShort where past is shorter than two seasons, or has no two observed
// values one season apart.
func (m HoltWinters) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.Season = max(m.Season, 1)
	past.Values = finite(past.Values)
	start, err := m.start(past.Values)
	if err != nil {
		return nil, err
	}
	var smoothing Smoothing
	if m.Smoothing != nil {
		smoothing = *m.Smoothing
	} else if smoothing, err = m.optimise(ctx, start, past.Values); err != nil {
		return nil, err
	}
	p := start.clone()
	p.set(m, smoothing)
	squares, observed := p.replay(past.Values), 0
	for _, y := range past.Values {
		if !math.IsNaN(y) {
			observed++
		}
	}
	p.variance = errorVariance(squares, observed, m.Season+4) // The states and the parameters.
	return p, nil
}

// FitOperations implements Coster.
func (m HoltWinters) FitOperations(steps int) float64 {
	if m.Smoothing != nil {
		return 15 * float64(steps)
	}
	return float64(m.searches()) * 300 * 15 * float64(steps) // As many passes over the past.
}

// searches returns how many searches optimise makes.
func (m HoltWinters) searches() int {
	if m.Season > 1 && m.Damped {
		return 2
	}
	return 1
}

// start returns the states before the first value. The trend is the mean change per
// step over one season; level and season are the phase means without that trend. A
// noiseless line plus season is recovered exactly.
func (m HoltWinters) start(values []float64) (*FittedHoltWinters, error) {
	season := m.Season
	span := min(len(values)/season, 3) * season
	if season == 1 {
		span = min(len(values), 10)
	}
	sum, pairs := 0.0, 0
	for i := season; i < span; i++ {
		if d := values[i] - values[i-season]; !math.IsNaN(d) {
			sum += d
			pairs++
		}
	}
	if pairs == 0 {
		return nil, fmt.Errorf("holt-winters needs two seasons of %d steps: %w", season, ErrTooShort)
	}
	trend := sum / float64(pairs) / float64(season)
	seasonal := make([]float64, season)
	total, phases := 0.0, 0
	for phase := range seasonal {
		sum, n := 0.0, 0
		for i := phase; i < span; i += season {
			if !math.IsNaN(values[i]) {
				sum += values[i] - trend*float64(i)
				n++
			}
		}
		seasonal[phase] = sum / float64(n)
		if n > 0 {
			total += seasonal[phase]
			phases++
		}
	}
	level := total / float64(phases)
	for phase, v := range seasonal {
		seasonal[phase] = 0
		if !math.IsNaN(v) {
			seasonal[phase] = v - level
		}
	}
	return &FittedHoltWinters{level: level - trend, trend: trend, seasonal: seasonal}, nil
}

// optimise minimises the sum of squared one-step errors by the simplex method of
// Nelder and Mead (1965) over the logits of the parameters within their bounds, from
// the best point of a coarse grid: the sum has several local minima. With a season and a
// damped trend it searches twice, from strong and from weak damping, as either may have one
// of its own.
func (m HoltWinters) optimise(ctx context.Context, start *FittedHoltWinters, values []float64) (Smoothing, error) {
	best, squares, err := m.search(ctx, start, values, .95)
	if err != nil || m.searches() == 1 {
		return best, err
	}
	weak, squaresOfWeak, err := m.search(ctx, start, values, .995)
	if squaresOfWeak < squares {
		best = weak
	}
	return best, err
}

// search is one search of optimise, which starts with the damping phi. It returns the squared errors too.
func (m HoltWinters) search(ctx context.Context, start *FittedHoltWinters, values []float64, phi float64) (Smoothing, float64, error) {
	work := start.clone()
	squares := func(s Smoothing) float64 {
		work.copyStates(start)
		work.set(m, s)
		return work.replay(values)
	}
	var first Smoothing
	base, size := math.Inf(1), 0.0
	for _, alpha := range []float64{.3, .05, .7, .95} {
		for _, beta := range []float64{.01, .2, .7} {
			s := Smoothing{Alpha: alpha, Beta: alpha * beta, Gamma: (1 - alpha) * .1, Phi: phi}
			if sse := squares(s); sse < base {
				first, base = s, sse
			}
		}
	}
	for _, y := range values {
		if !math.IsNaN(y) {
			size += y * y
		}
	}
	if !(base > 1e-18*size) || math.IsInf(base, 0) {
		return first, base, nil // Nothing left to explain, and no scale for the simplex.
	}
	problem := optimize.Problem{
		Func: func(x []float64) float64 {
			if ctx.Err() != nil {
				return math.NaN()
			}
			return math.Log(squares(m.decode(x)) / base)
		},
		Status: func() (optimize.Status, error) { return optimize.NotTerminated, ctx.Err() },
	}
	settings := &optimize.Settings{
		FuncEvaluations: 500,
		Converger:       &optimize.FunctionConverge{Absolute: 1e-7, Iterations: 40},
	}
	result, err := optimize.Minimize(problem, m.encode(first), settings, &optimize.NelderMead{SimplexSize: .8})
	if ctx.Err() != nil {
		return Smoothing{}, 0, ctx.Err()
	}
	if result == nil || math.IsNaN(result.F) {
		return Smoothing{}, 0, fmt.Errorf("fit holt-winters: %w", err)
	}
	if result.F > 0 {
		return first, base, nil
	}
	return m.decode(result.X), base * math.Exp(result.F), nil
}

// The parameters lie in alpha in (1e-4, 0.9999), beta in (0, alpha),
// gamma in (0, 1-alpha) and phi in (0.8, 0.998).
func (m HoltWinters) decode(x []float64) Smoothing {
	s := Smoothing{Alpha: 1e-4 + .9998*logistic(x[0])}
	s.Beta = s.Alpha * logistic(x[1])
	x = x[2:]
	if m.Season > 1 {
		s.Gamma = (1 - s.Alpha) * logistic(x[0])
		x = x[1:]
	}
	s.Phi = 1
	if m.Damped {
		s.Phi = .8 + .198*logistic(x[0])
	}
	return s
}

func (m HoltWinters) encode(s Smoothing) []float64 {
	x := []float64{logit((s.Alpha - 1e-4) / .9998), logit(s.Beta / s.Alpha)}
	if m.Season > 1 {
		x = append(x, logit(s.Gamma/(1-s.Alpha)))
	}
	if m.Damped {
		x = append(x, logit((s.Phi-.8)/.198))
	}
	return x
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

var _ QuantilePredictor = (*FittedHoltWinters)(nil)

// FittedHoltWinters is the Predictor of HoltWinters.
type FittedHoltWinters struct {
	smoothing    Smoothing
	variance     float64 // of the errors
	level, trend float64
	seasonal     []float64
	phase        int // of the next observation
}

// Smoothing returns the parameters in force.
func (p *FittedHoltWinters) Smoothing() Smoothing { return p.smoothing }

// Update implements Predictor.
func (p *FittedHoltWinters) Update(y float64) { p.step(y) }

// Predict implements Predictor.
func (p *FittedHoltWinters) Predict(dst []float64) {
	damping, slope := 1.0, 0.0
	for i := range dst {
		damping *= p.smoothing.Phi
		slope += damping * p.trend
		dst[i] = p.level + slope + p.seasonal[(p.phase+i)%len(p.seasonal)]
	}
}

// PredictQuantile implements QuantilePredictor, for normal errors.
func (p *FittedHoltWinters) PredictQuantile(dst []float64, q float64) {
	p.Predict(dst)
	addQuantile(dst, additiveVariances(p.smoothing.reactions(len(dst), len(p.seasonal)), p.variance), q)
}

// replay updates with all values and returns the sum of squared one-step errors.
func (p *FittedHoltWinters) replay(values []float64) float64 {
	squares := 0.0
	for _, y := range values {
		e := p.step(y)
		squares += e * e
	}
	return squares
}

// step returns the one-step error, 0 for a missing value.
func (p *FittedHoltWinters) step(y float64) float64 {
	s := &p.smoothing
	trend := s.Phi * p.trend
	seasonal := &p.seasonal[p.phase]
	e := y - (p.level + trend + *seasonal)
	if !isFinite(y) {
		e = 0
	}
	p.level += trend + s.Alpha*e
	p.trend = trend + s.Beta*e
	*seasonal += s.Gamma * e
	if p.phase++; p.phase == len(p.seasonal) {
		p.phase = 0
	}
	return e
}

// set brings the parameters into the form that step needs for the kind of model.
func (p *FittedHoltWinters) set(m HoltWinters, s Smoothing) {
	if m.Season <= 1 {
		s.Gamma = 0
	}
	if !m.Damped {
		s.Phi = 1
	}
	p.smoothing = s
}

func (p *FittedHoltWinters) clone() *FittedHoltWinters {
	c := &FittedHoltWinters{seasonal: make([]float64, len(p.seasonal))}
	c.copyStates(p)
	return c
}

func (p *FittedHoltWinters) copyStates(from *FittedHoltWinters) {
	p.level, p.trend, p.phase = from.level, from.trend, from.phase
	copy(p.seasonal, from.seasonal)
}
