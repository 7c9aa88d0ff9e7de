package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// HarmonicARMA is a regression on sine and cosine waves of several seasons whose errors
// are an ARMA process (dynamic harmonic regression: Young, Pedregal and Tych, Journal of
// Forecasting 18, 1999; Hyndman and Athanasopoulos, Forecasting: Principles and Practice,
// 3rd ed., section 10.5), estimated together by the exact Gaussian likelihood, gaps
// included. The numbers of waves are those of the least AICc after an autoregression of
// the errors is taken out, the order of the errors is that of the search of ARIMA.
// Harmonic is the cheaper model of this kind.
//
// Fit sees the newest HarmonicMaxSteps steps, and looks for the order of the errors in the
// newest ARIMAMaxSteps.
type HarmonicARMA struct {
	// Seasons are the periods with their numbers of waves; 0 means up to
	// min(10, Period/2), as AICc says. A season of which the past holds fewer than two
	// periods is left out.
	Seasons []Waves
	// Trend adds a straight line to the regression.
	Trend bool
	// Differences lets the errors be those of an ARIMA process: a test of their own past
	// (KPSS) says whether they are, as auto.arima does for a regression. Without it they
	// return to 0, and a load that grows is forecast to fall back to its mean.
	Differences bool
	// Order fixes the order of the errors, whose differences and seasonal part must be
	// 0; nil means the search.
	Order *ARIMAOrder
}

// HarmonicMaxSteps is the longest history that waves are fitted to: four weeks of minutes.
const HarmonicMaxSteps = 40320

var _ Coster = HarmonicARMA{}

// Name returns "harmonic-arma".
func (HarmonicARMA) Name() string { return "harmonic-arma" }

// FitOperations implements Coster.
func (m HarmonicARMA) FitOperations(steps int) float64 {
	pairs := 0
	for _, w := range m.Seasons {
		pairs += w.pairs()
	}
	return harmonicOperations(steps, pairs)
}

// harmonicOperations counts the moments of the waves, twenty searches of thirty sums of
// squares for their errors and four passes of all waves through the exact likelihood.
func harmonicOperations(steps, pairs int) float64 {
	columns := float64(2*pairs + 2)
	return float64(min(steps, HarmonicMaxSteps)) * (columns*columns*3 + 20*30*8 + 4*columns*20)
}

func (w Waves) pairs() int {
	if w.Pairs > 0 {
		return w.Pairs
	}
	return min(10, w.Period/2)
}

// Fit returns a *FittedARIMA. It returns an error that wraps ErrTooShort where past has
// fewer observed values than the regression has coefficients, or fewer than three.
func (m HarmonicARMA) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, w := range m.Seasons {
		if w.Period < 2 || w.Pairs < 0 || 2*w.Pairs > w.Period {
			return nil, fmt.Errorf("fit harmonic-arma: %d waves in a season of %d steps", w.Pairs, w.Period)
		}
	}
	if o := m.Order; o != nil && (o.P < 0 || o.Q < 0 || *o != ARIMAOrder{P: o.P, Q: o.Q}) {
		return nil, fmt.Errorf("fit harmonic-arma: order %+v is not that of an ARMA process", *o)
	}
	return harmonicFit{seasons: m.Seasons, trend: m.Trend, order: m.Order, constant: true, integrated: m.Differences}.run(ctx, past.Values)
}

// A harmonicFit is one fit of a regression on waves.
type harmonicFit struct {
	seasons    []Waves
	trend      bool
	order      *ARIMAOrder
	constant   bool // of a fixed order
	integrated bool // the errors may need differences
}

func (m harmonicFit) run(ctx context.Context, values []float64) (Predictor, error) {
	data, err := newARIMAData(values, HarmonicMaxSteps, 1)
	if err != nil {
		return nil, fmt.Errorf("fit harmonic-arma: %w", err)
	}
	design := newWaveDesign(data, m.seasons, m.trend)
	if n := len(data.seen(data.values)); n < len(design.all)+3 {
		return nil, fmt.Errorf("harmonic-arma has %d coefficients for %d observed values: %w", len(design.all), n, ErrTooShort)
	}
	if err := design.choose(ctx); err != nil {
		return nil, err
	}
	e, err := m.estimate(ctx, data, design)
	if e == nil && err == nil {
		// Where gaps hide what tells waves apart, none are left.
		if err = design.drop(ctx); err == nil {
			e, err = m.estimate(ctx, data, design)
		}
	}
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fmt.Errorf("harmonic-arma has more coefficients than the past can tell: %w", ErrTooShort)
	}
	regression := e.regression
	if e.constant {
		regression = regression[1:]
	}
	return newFittedARIMA(data, e, design.fitted(regression)), nil
}

// estimate finds the order of the errors by those of a regression that takes them for an
// autoregression, and then regression and errors together.
func (m harmonicFit) estimate(ctx context.Context, data *arimaData, design *waveDesign) (*arimaEstimate, error) {
	rest := &arimaData{season: 1, values: design.residuals(), observed: data.observed}
	if constantWithin(rest.seen(rest.values), slices.Max(data.values)-slices.Min(data.values)+math.Abs(data.values[0])) {
		return design.alternate(ctx, data, &arimaEstimate{constant: true})
	}
	var e *arimaEstimate
	var err error
	if m.order != nil {
		e, err = rest.fixed(ctx, *m.order, m.constant && constantAllowed(*m.order))
	} else {
		recent := rest.newest(ARIMAMaxSteps)
		d := 0
		if m.integrated {
			d = differencesNeeded(recent.seen(recent.values))
		}
		search := newARIMASearch(recent, d, 0)
		if !m.integrated {
			// Loads of small steps wander for long before they return.
			search.radius = 1.0001
		}
		e, err = search.run(ctx)
		if e == nil && err == nil {
			e, err = rest.fixed(ctx, ARIMAOrder{D: d}, d < 2)
		}
	}
	if err != nil || e == nil {
		return nil, err
	}
	return design.alternate(ctx, data, e)
}

// alternate maximises the likelihood by turns over the regression and the process of its
// errors, which hardly depend on each other (Cochrane and Orcutt, Journal of the American
// Statistical Association 44, 1949, with exact likelihoods).
func (w *waveDesign) alternate(ctx context.Context, data *arimaData, e *arimaEstimate) (*arimaEstimate, error) {
	constant := e.constant || e.order.D == 0
	full := &arimaData{season: 1, values: data.values, observed: data.observed, regressors: w.matrix()}
	problem := full.exactProblem(e.order, constant)
	best := problem.at(e.coefficients, constant)
	for range 12 {
		if err := ctx.Err(); err != nil || best == nil {
			return nil, err
		}
		if e.order.parameters() == 0 || len(full.regressors) == 0 && best.logLik >= e.logLik {
			break
		}
		regression := best.regression
		if constant {
			regression = regression[1:]
		}
		rest := &arimaData{season: 1, values: w.without(regression), observed: data.observed}
		next, err := rest.exact(ctx, e.order, constant, best.coefficients)
		if err != nil {
			return nil, err
		}
		if next == nil {
			break
		}
		improved := problem.at(next.coefficients, constant)
		if improved == nil || !(improved.logLik > best.logLik) {
			break
		}
		gain := improved.logLik - best.logLik
		best = improved
		if gain < 1e-6 {
			break
		}
	}
	return best, nil
}
