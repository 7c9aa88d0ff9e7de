package forecast

import (
	"context"
	"fmt"
	"math"
)

// SES is simple exponential smoothing (Brown 1956) of the seasonally adjusted series,
// with the season of Naive2:
//
//	l += alpha (y - l)
//
// The forecast is the level l, at any horizon. A missing value leaves it as it is.
type SES struct {
	// Season is the period in steps; below 2 there is no season.
	Season int
	// Alpha is the smoothing parameter, in (0, 1]; 0 means that Fit minimises the
	// squared one-step errors on the past.
	Alpha float64
}

var (
	_ Model  = SES{}
	_ Coster = SES{}
)

// Name returns "ses".
func (SES) Name() string { return "ses" }

// Fit estimates the season, the level before the first value and, unless it is given,
// alpha. It returns an error that wraps ErrTooShort where past has no observed value.
func (m SES) Fit(ctx context.Context, past Series) (Predictor, error) {
	return fitAdjusted(ctx, past.Values, m.Season, func(values []float64) (Predictor, error) {
		return fitLevel(ctx, values, m.Alpha)
	})
}

// FitOperations implements Coster.
func (m SES) FitOperations(steps int) float64 {
	return adjustOperations(steps, m.Season) + levelOperations(steps, m.Alpha)
}

// levelOperations are those of fitLevel.
func levelOperations(steps int, alpha float64) float64 {
	if alpha != 0 {
		return 10 * float64(steps)
	}
	return 800 * float64(steps) // Some 80 passes of ten.
}

// A smoothedLevel is the Predictor of SES on an adjusted series.
type smoothedLevel struct{ alpha, level, variance float64 }

var _ QuantilePredictor = (*smoothedLevel)(nil)

func (p *smoothedLevel) Update(y float64) {
	if isFinite(y) {
		p.level += p.alpha * (y - p.level)
	}
}

func (p *smoothedLevel) Predict(dst []float64) {
	for i := range dst {
		dst[i] = p.level
	}
}

// PredictQuantile implements QuantilePredictor, for normal errors.
func (p *smoothedLevel) PredictQuantile(dst []float64, q float64) {
	p.Predict(dst)
	addQuantile(dst, p.variances(len(dst)), q)
}

func (p *smoothedLevel) variances(n int) []float64 {
	return additiveVariances(Smoothing{Alpha: p.alpha, Phi: 1}.reactions(n, 0), p.variance)
}

// fitLevel returns the level after the values, for the alpha of the least squared
// errors within [0.0001, 0.9999] where alpha is 0. Of a flat past all fit, and it is the lowest.
func fitLevel(ctx context.Context, values []float64, alpha float64) (*smoothedLevel, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// The errors do not depend on where 0 is. From the first value on they are small,
	// which spares the sums of squares below a cancellation.
	base := math.NaN()
	var observed []float64
	for _, y := range values {
		if math.IsNaN(y) {
			continue
		}
		if len(observed) == 0 {
			base = y
		}
		observed = append(observed, y-base)
	}
	if len(observed) == 0 {
		return nil, fmt.Errorf("ses needs one observed value: %w", ErrTooShort)
	}
	if alpha == 0 {
		alpha = searchAlpha(ctx, 1e-4, .9999, func(alpha float64) float64 {
			_, squares := startLevel(observed, alpha)
			return squares
		})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	first, squares := startLevel(observed, alpha)
	p := &smoothedLevel{alpha: alpha, level: first, variance: errorVariance(squares, len(observed), 2)}
	for _, y := range observed {
		p.Update(y)
	}
	p.level += base
	return p, nil
}

// startLevel returns the level before the first value that makes the sum of squared
// one-step errors least, and that sum. With a start of l the errors are e(t) - l c(t),
// where e are those of a start of 0 and c(t) = (1-alpha)^t: a regression on c.
func startLevel(values []float64, alpha float64) (first, squares float64) {
	level, weight := 0.0, 1.0
	var ee, ec, cc float64
	for _, y := range values {
		e := y - level
		level += alpha * e
		ee += e * e
		ec += e * weight
		cc += weight * weight
		weight *= 1 - alpha
		if weight < 1e-100 {
			weight = 0 // Arithmetic is slow on the denormal numbers that would follow.
		}
	}
	first = ec / cc
	return first, max(ee-first*ec, 0)
}

// searchAlpha returns the alpha within the bounds where the squares are least, or
// anything where ctx is done. It searches the logit of alpha: a grid for the valley, as
// there may be several, then a golden section in it (Kiefer, Proc. Amer. Math. Soc. 4,
// 1953).
func searchAlpha(ctx context.Context, least, most float64, squares func(alpha float64) float64) float64 {
	const cells, golden = 36, .6180339887498949
	low, high := logit(least), logit(most)
	best, smallest := low, math.Inf(1)
	at := func(x float64) float64 {
		if ctx.Err() != nil {
			return math.Inf(1)
		}
		s := squares(logistic(x))
		if s < smallest {
			best, smallest = x, s
		}
		return s
	}
	width := (high - low) / cells
	for i := range cells + 1 {
		at(low + float64(i)*width)
	}
	a, b := max(low, best-width), min(high, best+width)
	left, right := b-golden*(b-a), a+golden*(b-a)
	atLeft, atRight := at(left), at(right)
	for b-a > 1e-8 {
		if atLeft <= atRight {
			b, right, atRight = right, left, atLeft
			left = b - golden*(b-a)
			atLeft = at(left)
		} else {
			a, left, atLeft = left, right, atRight
			right = a + golden*(b-a)
			atRight = at(right)
		}
	}
	return logistic(best)
}
