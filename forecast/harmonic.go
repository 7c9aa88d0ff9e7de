package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Harmonic is a regression on a linear trend and sine and cosine waves, with an
// autoregression on its residuals (dynamic harmonic regression: Young, Pedregal and
// Tych, Journal of Forecasting 18, 1999; here with fixed waves, as in Hyndman and
// Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 10.5). The
// waves know the time of day and week, the residuals what is different today.
type Harmonic struct {
	// Seasons are the periods with their number of waves. A season of which the
	// past holds fewer than two periods is left out.
	Seasons []Waves
	// Order is the order of the autoregression; 0 means 12, below 0 none.
	Order int
	// Scale is the scale of the regression.
	Scale Scale
}

// Waves are the sine and cosine pairs of one season.
type Waves struct {
	Period int // steps, at least 2
	Pairs  int // at least 1 and at most Period/2; 0 means min(10, Period/2)
}

// A Scale is what a regression sees of a series.
type Scale uint8

const (
	// AutoScale takes the one of the others with the smaller absolute one-step errors
	// on the past.
	AutoScale Scale = iota
	// RawScale is the series itself.
	RawScale
	// LogScale is ln(1 + y/(0.01 mean)), for series that are never negative. It makes
	// waves multiplicative without a pole at 0.
	LogScale
)

// String returns the name of the scale.
func (s Scale) String() string {
	switch s {
	case AutoScale:
		return "auto"
	case RawScale:
		return "raw"
	case LogScale:
		return "log"
	default:
		return fmt.Sprintf("Scale(%d)", uint8(s))
	}
}

var _ Model = Harmonic{}

// Name returns "harmonic".
func (Harmonic) Name() string { return "harmonic" }

// Fit estimates the regression by least squares on all of past and the
// autoregression by Burg's method, which is stable whatever the residuals. The
// coefficients stay as they are until the next Fit. It returns an error that wraps
// ErrTooShort where past has fewer observed values than coefficients.
func (m Harmonic) Fit(ctx context.Context, past Series) (Predictor, error) {
	design, err := m.design(past.Values)
	if err != nil {
		return nil, err
	}
	if err := design.accumulate(ctx); err != nil {
		return nil, err
	}
	scales := []Scale{m.Scale}
	if m.Scale == AutoScale {
		scales = []Scale{RawScale, LogScale}
	}
	order := m.Order
	if order == 0 {
		order = 12
	}
	var best *FittedHarmonic
	bestLoss := math.Inf(1)
	for _, scale := range scales {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if scale == LogScale && !design.logScale() {
			if m.Scale == LogScale {
				return nil, errors.New("fit harmonic: a log scale needs values that are not negative, and not all 0")
			}
			continue
		}
		p, loss, err := design.solve(scale, max(order, 0))
		if err != nil {
			return nil, err
		}
		if best == nil || loss < bestLoss {
			best, bestLoss = p, loss
		}
	}
	return best, nil
}

// FittedHarmonic is the Predictor of Harmonic.
type FittedHarmonic struct {
	scale     Scale
	unit      float64 // 1 % of the mean: the unit of the log scale
	floor     float64 // 0 where the past was never negative, else -Inf
	intercept float64 // trend at the end of the past, on the scale
	slope     float64 // per step
	profiles  [][]float64
	ar        []float64
	steps     int       // steps since the end of the past
	origin    int       // length of the past: phase of the profiles
	residuals []float64 // newest first; a missing one is replaced by its forecast
	path      []float64 // scratch of Predict
}

// Scale returns the scale in force.
func (p *FittedHarmonic) Scale() Scale { return p.scale }

// Profile returns one period of the i-th season left in, by the index of a step in
// the past modulo the period, on the scale in force.
func (p *FittedHarmonic) Profile(i int) []float64 {
	return append([]float64(nil), p.profiles[i]...)
}

// Slope returns the trend per step, on the scale in force.
func (p *FittedHarmonic) Slope() float64 { return p.slope }

// AR returns the coefficients of the autoregression, lag 1 first.
func (p *FittedHarmonic) AR() []float64 { return append([]float64(nil), p.ar...) }

// Update implements Predictor.
func (p *FittedHarmonic) Update(y float64) {
	p.steps++
	p.push(p.transform(y) - p.regression(p.steps))
}

// Predict implements Predictor.
func (p *FittedHarmonic) Predict(dst []float64) {
	order := len(p.ar)
	// path holds the residuals oldest first, then their forecasts.
	p.path = p.path[:0]
	for i := order - 1; i >= 0; i-- {
		p.path = append(p.path, p.residuals[i])
	}
	for i := range dst {
		r := 0.0
		for j, a := range p.ar {
			r += a * p.path[order+i-1-j]
		}
		p.path = append(p.path, r)
		dst[i] = p.inverse(p.regression(p.steps+i+1) + r)
	}
}

// regression returns trend and seasons the given steps after the end of the past, on
// the scale.
func (p *FittedHarmonic) regression(steps int) float64 {
	v := p.intercept + p.slope*float64(steps)
	for _, profile := range p.profiles {
		i := (p.origin - 1 + steps) % len(profile)
		if i < 0 {
			i += len(profile)
		}
		v += profile[i]
	}
	return v
}

// push appends a residual and returns its one-step forecast.
func (p *FittedHarmonic) push(residual float64) float64 {
	expected := 0.0
	for i, a := range p.ar {
		expected += a * p.residuals[i]
	}
	if math.IsNaN(residual) {
		residual = expected
	}
	if len(p.residuals) > 0 {
		copy(p.residuals[1:], p.residuals)
		p.residuals[0] = residual
	}
	return expected
}

func (p *FittedHarmonic) transform(y float64) float64 {
	if p.scale == LogScale {
		return math.Log1p(max(y, 0) / p.unit)
	}
	return y
}

func (p *FittedHarmonic) inverse(z float64) float64 {
	if p.scale == LogScale {
		z = p.unit * math.Expm1(z)
	}
	return max(z, p.floor)
}
