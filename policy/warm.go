package policy

import (
	"context"
	"fmt"
	"math"
	"time"
)

// A Warmer is a Policy that can learn from the past before it decides for the first
// time, so that a restart does not begin from nothing.
type Warmer interface {
	// History is how much of the past is of use, and in which steps.
	History() (length, step time.Duration)
	// Warm takes the past: values[i][k] is query i of Needs at from + k steps, NaN where
	// it gave no sample. It is called at most once, before the first Decide, and ends
	// early with ctx's error.
	Warm(ctx context.Context, from time.Time, values [][]float64) error
}

// warmCalibration is how much of the end of a past is used to see how good the
// forecasts are: a model is fitted before it and moved on through it, which is cheaper
// than fitting as often as a V3 would have that was there.
const warmCalibration = 2 * 24 * time.Hour

// History is four weeks of steps.
func (v *V3) History() (length, step time.Duration) { return longestPast, v.cfg.Step }

// Warm fits the models to the past and judges their forecasts on its end.
func (v *V3) Warm(ctx context.Context, from time.Time, values [][]float64) error {
	if len(values) != len(v.outlooks) {
		return fmt.Errorf("v3: warm up: %d series for %d metrics", len(values), len(v.outlooks))
	}
	for i, o := range v.outlooks {
		if err := o.warm(ctx, from, values[i]); err != nil {
			return fmt.Errorf("v3: warm up: metric %s: %w", o.metric.Name, err)
		}
	}
	return nil
}

func (o *outlook) warm(ctx context.Context, from time.Time, values []float64) error {
	o.fits.start = from
	o.next = from.Add(time.Duration(len(values)) * o.cfg.Step)
	for k, y := range values {
		if math.IsInf(y, 0) || y < 0 {
			values[k] = math.NaN()
		}
		if !math.IsNaN(values[k]) {
			o.last, o.lastAt = y, from.Add(time.Duration(k)*o.cfg.Step)
		}
	}
	tail := min(len(values)/2, int(warmCalibration/o.cfg.Step))
	for k, y := range values {
		if err := ctx.Err(); err != nil {
			return err
		}
		if k < len(values)-tail {
			o.recurrence.step(y)
			o.fits.keep(y)
			continue
		}
		if o.predictor == nil && len(o.fits.past) >= o.fits.learning {
			o.predictor = o.fits.first()
			o.fits.postponed = len(values) - k // The newest value brings the next fit, on all.
		}
		o.step(y)
	}
	return nil
}

var _ Warmer = (*V3)(nil)
