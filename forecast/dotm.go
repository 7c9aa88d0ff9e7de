package forecast

import (
	"context"
	"fmt"
	"math"
)

// DOTM is the dynamic optimised Theta model (Fiorucci, Pellegrini, Louzada, Petropoulos
// and Koehler, International Journal of Forecasting 32, 2016) of the seasonally adjusted
// series, with the season of Naive2. Theta extrapolates the mean of the line through the
// series and of the series bent away from it to theta = 2 times the distance; here theta
// is what suits the series, and the line at every step is the one through the values so
// far. With w = 1 - 1/theta the next value is expected to be
//
//	mu = l + w (A (1-alpha)^n + B (1 - (1-alpha)^(n+1)) / alpha)
//
// where A + B t is the line through the n values so far, and the last forecasts, where
// several steps are asked for, count as values. The term beside l is what SES lags
// behind the line, so that missing values need no more than to pass time in the line.
//
// The squared one-step errors are a parabola in w and in the level l before the first
// value: only alpha is searched, and the other two are solved for.
type DOTM struct {
	// Season is the period in steps; below 2 there is no season.
	Season int
}

var (
	_ Model  = DOTM{}
	_ Coster = DOTM{}
)

const (
	// The bounds of alpha, and the values whose errors do not count, as the line through
	// them says little: those of the authors' program.
	dotmMinAlpha, dotmMaxAlpha = .1, .99
	dotmSkipped                = 3
)

// Name returns "dotm".
func (DOTM) Name() string { return "dotm" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no observed
// value. With fewer than six the parameters are those that the search starts from: alpha
// 0.5 and theta 2.
func (m DOTM) Fit(ctx context.Context, past Series) (Predictor, error) {
	return fitAdjusted(ctx, past.Values, m.Season, func(values []float64) (Predictor, error) {
		return fitDOTM(ctx, values)
	})
}

// FitOperations implements Coster.
func (m DOTM) FitOperations(steps int) float64 {
	return adjustOperations(steps, m.Season) + 80*30*float64(steps) // As many passes.
}

func fitDOTM(ctx context.Context, values []float64) (*dotmPredictor, error) {
	base, ok := lastObserved(values)
	if !ok {
		return nil, fmt.Errorf("dotm needs one observed value: %w", ErrTooShort)
	}
	f := newDOTMFit(values, base)
	p := &dotmPredictor{alpha: .5, weight: .5, level: f.values[0]}
	if len(f.values) >= 2*dotmSkipped {
		p.alpha = searchAlpha(ctx, dotmMinAlpha, dotmMaxAlpha, func(alpha float64) float64 {
			_, _, squares := f.solve(alpha)
			return squares
		})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var squares float64
		p.level, p.weight, squares = f.solve(p.alpha)
		p.variance = errorVariance(squares, len(f.values)-dotmSkipped, 3)
	}
	p.base, p.decay = base, 1
	for _, y := range values {
		p.Update(y)
	}
	return p, nil
}

// A dotmFit holds what the errors depend on beside alpha: the observed values less one
// of them, which spares the sums a cancellation, their times and the line through those
// before each.
type dotmFit struct{ values, times, intercepts, slopes []float64 }

func newDOTMFit(values []float64, base float64) *dotmFit {
	f := &dotmFit{}
	var line slope
	for _, y := range values {
		if !math.IsNaN(y) {
			f.values, f.times = append(f.values, y-base), append(f.times, float64(line.steps+1))
			a, b := line.line()
			f.intercepts, f.slopes = append(f.intercepts, a), append(f.slopes, b)
			y -= base
		}
		line.add(y)
	}
	return f
}

// line returns the intercept of the line at the step before the first, and its slope.
func (s *slope) line() (intercept, slope float64) {
	slope = s.value()
	return s.meanY - slope*(s.meanT+1), slope
}

// solve returns the level before the first value and the weight of the line, within
// [0, 1], that make the sum of squared errors least, and that sum. With both 0 the
// errors are e, and they are e - level c - weight g in general.
func (f *dotmFit) solve(alpha float64) (level, weight, squares float64) {
	l, c, lag := 0.0, 1.0, 0.0
	var ee, ec, eg, cc, cg, gg float64
	for i, y := range f.values {
		t := f.times[i]
		e, g := y-l, f.intercepts[i]*c+f.slopes[i]*(t-lag)
		if i >= dotmSkipped {
			ee, ec, eg = ee+e*e, ec+e*c, eg+e*g
			cc, cg, gg = cc+c*c, cg+c*g, gg+g*g
		}
		l += alpha * e
		lag += alpha * (t - lag)
		if c *= 1 - alpha; c < 1e-100 {
			c = 0 // Arithmetic is slow on the denormal numbers that would follow.
		}
	}
	weight = .5
	if det := cc*gg - cg*cg; det > 1e-12*cc*gg {
		weight = min(max((cc*eg-cg*ec)/det, 0), 1)
	}
	level = (ec - weight*cg) / cc
	return level, weight, max(ee-2*level*ec-2*weight*eg+level*level*cc+2*level*weight*cg+weight*weight*gg, 0)
}

// A dotmPredictor is the Predictor of DOTM on an adjusted series. Its numbers are
// relative to base.
type dotmPredictor struct {
	alpha, weight float64
	variance      float64 // of the errors
	base, level   float64
	line          slope
	decay         float64 // (1-alpha)^n after n values
	lag           float64 // SES of the times of the values, from 0
}

var _ QuantilePredictor = (*dotmPredictor)(nil)

// expected returns the forecast of the next step.
func (p *dotmPredictor) expected() float64 {
	a, b := p.line.line()
	return p.level + p.weight*(a*p.decay+b*(float64(p.line.steps+1)-p.lag))
}

func (p *dotmPredictor) Update(y float64) { p.see(y - p.base) }

func (p *dotmPredictor) see(y float64) {
	p.line.add(y)
	if !isFinite(y) {
		return
	}
	p.level += p.alpha * (y - p.level)
	p.lag += p.alpha * (float64(p.line.steps) - p.lag)
	p.decay *= 1 - p.alpha
}

func (p *dotmPredictor) Predict(dst []float64) {
	ahead := *p
	for i := range dst {
		y := ahead.expected()
		dst[i] = p.base + y
		ahead.see(y)
	}
}

// PredictQuantile implements QuantilePredictor, for normal errors: the variance is that of
// SES, as the line, which hardly heeds a single value, is taken to be known.
func (p *dotmPredictor) PredictQuantile(dst []float64, q float64) {
	p.Predict(dst)
	ses := smoothedLevel{alpha: p.alpha, variance: p.variance}
	addQuantile(dst, ses.variances(len(dst)), q)
}
