package forecast

import (
	"context"
	"math"
)

// Theta is the winner of the M3 competition (Assimakopoulos and Nikolopoulos,
// International Journal of Forecasting 16, 2000), in the form of Hyndman and Billah
// (the same 19, 2003): simple exponential smoothing with half the slope of the line
// through the series as drift. After n values, h steps ahead it is
//
//	l + b/2 (h - 1 + (1 - (1-alpha)^n) / alpha)
//
// on the seasonally adjusted series, with the season of Naive2. Update moves the
// level and the line; the season and alpha stay until the next fit.
type Theta struct {
	// Season is the period in steps; below 2 there is no season.
	Season int
	// Alpha is the smoothing parameter, in (0, 1]; 0 means that Fit minimises the
	// squared one-step errors of SES on the past.
	Alpha float64
}

var (
	_ Model  = Theta{}
	_ Coster = Theta{}
)

// Name returns "theta".
func (Theta) Name() string { return "theta" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value. With a single one there is no drift.
func (m Theta) Fit(ctx context.Context, past Series) (Predictor, error) {
	return fitAdjusted(ctx, past.Values, m.Season, func(values []float64) (Predictor, error) {
		level, err := fitLevel(ctx, values, m.Alpha)
		if err != nil {
			return nil, err
		}
		p := &thetaPredictor{smoothedLevel: *level}
		for _, y := range values {
			p.line.add(y)
		}
		return p, nil
	})
}

// FitOperations implements Coster.
func (m Theta) FitOperations(steps int) float64 {
	return SES(m).FitOperations(steps) + 10*float64(steps)
}

var _ QuantilePredictor = (*thetaPredictor)(nil)

type thetaPredictor struct {
	smoothedLevel

	line slope
}

func (p *thetaPredictor) Update(y float64) {
	p.smoothedLevel.Update(y)
	p.line.add(y)
}

func (p *thetaPredictor) Predict(dst []float64) {
	drift := p.line.value() / 2
	past := (1 - math.Pow(1-p.alpha, float64(p.line.steps))) / p.alpha
	for i := range dst {
		dst[i] = p.level + drift*(float64(i)+past)
	}
}

// PredictQuantile implements QuantilePredictor: the variance is that of SES, as the drift
// is taken to be known.
func (p *thetaPredictor) PredictQuantile(dst []float64, q float64) {
	p.Predict(dst)
	addQuantile(dst, p.variances(len(dst)), q)
}

// A slope is that of the line of least squares through the values added, one a step,
// by running moments (Welford, Technometrics 4, 1962).
type slope struct {
	steps, observed                  int
	meanT, meanY, squares, crossings float64
}

func (s *slope) add(y float64) {
	t := float64(s.steps)
	s.steps++
	if !isFinite(y) {
		return
	}
	s.observed++
	before := t - s.meanT
	s.meanT += before / float64(s.observed)
	s.meanY += (y - s.meanY) / float64(s.observed)
	s.squares += before * (t - s.meanT)
	s.crossings += before * (y - s.meanY)
}

// value returns 0 where fewer than two values were observed.
func (s *slope) value() float64 {
	if s.observed < 2 {
		return 0
	}
	return s.crossings / s.squares
}
