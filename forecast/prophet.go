package forecast

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Prophet is the additive model of S. J. Taylor and B. Letham, Forecasting at Scale, The
// American Statistician 72, 2018: a piecewise linear trend, Fourier seasons and events,
// at the maximum of their posterior; and on its residual an autoregression, without
// which it is far behind the last value a few steps ahead.
type Prophet struct {
	// Seasons are the periods in steps. Nil takes a year (10 pairs) from a span of 730
	// days, a week (3) from 14 days, and a day (4) from 2 days of steps below a day.
	Seasons []Waves
	// Events have an effect of their own while they last.
	Events []Event
	// Location is the time zone by whose clock seasons go on where it is changed, so that a
	// morning stays a morning; nil means UTC.
	Location *time.Location
	// Multiplicative makes seasons and events parts of the trend, so that they grow with it.
	Multiplicative bool
	// Order is that of the autoregression; 0 means 12, below 0 none: pure Prophet.
	Order int
}

var (
	_ Model             = Prophet{}
	_ Coster            = Prophet{}
	_ QuantilePredictor = (*FittedProphet)(nil)
)

// Name returns "prophet".
func (Prophet) Name() string { return "prophet" }

// FitOperations implements Coster: the Gram matrix and the reweighted solutions, twice, and
// where it is multiplicative some hundred passes over the past.
func (m Prophet) FitOperations(steps int) float64 {
	const columns, passes = 60, 300
	operations := float64(steps)*columns*columns + prophetIterations*columns*columns*columns
	if m.Multiplicative {
		operations += passes * float64(steps) * columns * 4
	}
	return 2 * operations
}

// prophetIterations is the number of reweighted ridge regressions of a fit.
const prophetIterations = 200

// Fit finds the maximum of the posterior with Prophet's priors (see prophetMAP), the
// autoregression of what is left, on its differences, by Burg's method, and how much of
// both to believe (see prophetBlend). It returns an error that wraps ErrTooShort below two
// observed values.
func (m Prophet) Fit(ctx context.Context, past Series) (Predictor, error) {
	p, err := m.regress(ctx, past)
	if err != nil {
		return nil, err
	}
	if m.Order >= 0 {
		if p.blend, err = m.blend(ctx, past); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// regress fits all but the blend.
func (m Prophet) regress(ctx context.Context, past Series) (*FittedProphet, error) {
	values := make([]float64, len(past.Values))
	observed, unit, floor := 0, 0.0, 0.0
	for i, y := range past.Values {
		if math.IsInf(y, 0) {
			y = math.NaN()
		}
		values[i] = y
		if math.IsNaN(y) {
			continue
		}
		observed++
		unit = max(unit, math.Abs(y))
		if y < 0 {
			floor = math.Inf(-1)
		}
	}
	if observed < 2 {
		return nil, fmt.Errorf("fit prophet to %d observed values: %w", observed, ErrTooShort)
	}
	if unit == 0 {
		unit = 1
	}
	p := &FittedProphet{
		start: past.Start, step: past.Step, span: float64(len(values) - 1),
		unit: unit, floor: floor, events: m.Events, periods: m.periods(past),
		multiplicative: m.Multiplicative, location: m.Location,
	}
	p.changepoints = prophetChangepoints(values)
	posterior := newProphetMAP(p)
	row := make([]float64, posterior.columns)
	for i, y := range values {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !math.IsNaN(y) {
			p.row(row, i)
			posterior.add(row, y/unit)
		}
	}
	if err := posterior.maximise(ctx); err != nil {
		return nil, err
	}
	p.coefficients, p.sigma = posterior.coefficients, posterior.sigma
	p.scratch = row
	if m.Multiplicative {
		if err := p.multiply(ctx, values); err != nil {
			return nil, err
		}
	}
	for _, c := range p.trendCoefficients()[2:] {
		p.meanChange += math.Abs(c) / float64(len(p.changepoints))
	}
	p.meanChange += 1e-8 // as Prophet has it
	residuals := make([]float64, len(values))
	for i, y := range values {
		residuals[i] = y/unit - p.regression(i)
	}
	order := m.Order
	if order == 0 {
		order = 12
	}
	p.ar = integratedAR(residuals, order)
	p.residuals = make([]float64, len(p.ar))
	var innovations sum
	for i, r := range residuals {
		if e := p.push(r); i >= len(p.ar) && !math.IsNaN(r) {
			innovations.add(e * e)
		}
	}
	p.innovation = math.Sqrt(max(innovations.mean(), 0))
	p.steps = len(values)
	for math.IsNaN(values[p.steps-1-p.gap]) {
		p.gap++
	}
	p.last, p.lastRegression = values[p.steps-1-p.gap]/unit, p.regression(p.steps-1-p.gap)
	return p, nil
}

// multiply goes on to the maximum of the multiplicative posterior, from that of the other:
// what is added there is at first the same part of the mean of the trend.
func (p *FittedProphet) multiply(ctx context.Context, values []float64) error {
	g := &prophetProduct{columns: len(p.coefficients), trend: 2 + len(p.changepoints), coefficients: p.coefficients}
	var trend sum
	for i, y := range values {
		if math.IsNaN(y) {
			continue
		}
		p.row(p.scratch, i)
		g.add(p.scratch, y/p.unit)
		level, _ := g.parts(p.scratch)
		trend.add(math.Abs(level))
	}
	if trend.mean() > 0 {
		for i := g.trend; i < g.columns; i++ {
			p.coefficients[i] = clamp(p.coefficients[i]/trend.mean(), -2, 2)
		}
	}
	err := g.maximise(ctx)
	p.sigma = g.sigma
	return err
}

// A prophetPeriod is a season of a length in days.
type prophetPeriod struct {
	days  float64
	pairs int
}

// periods returns the seasons in force.
func (m Prophet) periods(s Series) []prophetPeriod {
	const day = 24 * time.Hour
	days := float64(s.Step) * float64(len(s.Values)-1) / float64(day)
	var out []prophetPeriod
	if m.Seasons != nil {
		for _, w := range m.Seasons {
			if w.Period < 2 || len(s.Values) < 2*w.Period {
				continue
			}
			pairs := w.Pairs
			if pairs <= 0 {
				pairs = 10
			}
			out = append(out, prophetPeriod{float64(w.Period) * float64(s.Step) / float64(day), min(pairs, w.Period/2)})
		}
		return out
	}
	if days >= 730 {
		out = append(out, prophetPeriod{365.25, 10})
	}
	if days >= 14 && s.Step < 7*day {
		out = append(out, prophetPeriod{7, 3})
	}
	if days >= 2 && s.Step < day {
		out = append(out, prophetPeriod{1, 4})
	}
	return out
}

// prophetChangepoints returns the steps of up to 25 possible changes, evenly spaced over
// the first 80 % of the observed rows.
func prophetChangepoints(values []float64) []float64 {
	var rows []int
	for i, y := range values {
		if !math.IsNaN(y) {
			rows = append(rows, i)
		}
	}
	last := int(.8*float64(len(rows))) - 1
	n := min(25, last)
	var out []float64
	for j := 1; j <= n; j++ {
		row := int(math.RoundToEven(float64(j) * float64(last) / float64(n)))
		out = append(out, float64(rows[row]))
	}
	return out
}

// integratedAR returns an autoregression of the order whose differences are one of
// order-1: it keeps the level of the residuals, which a trend that goes on past its data
// moves away from 0 and a stationary autoregression would pull back to it.
func integratedAR(residuals []float64, order int) []float64 {
	if order < 1 {
		return nil
	}
	var steps []float64
	for i := 1; i < len(residuals); i++ {
		steps = append(steps, residuals[i]-residuals[i-1])
	}
	out := make([]float64, order)
	out[0] = 1
	for i, a := range burg(steps, order-1) {
		out[i] += a
		out[i+1] -= a
	}
	return out
}

// newProphet gives the seasons named, or leaves them to the model.
func newProphet(s Settings) Model {
	m := Prophet{Events: s.Events, Location: s.Location}
	if s.Seasons != nil {
		m.Seasons = make([]Waves, len(s.Seasons))
		for i, period := range s.Seasons {
			m.Seasons[i].Period = period
		}
	}
	return m
}
