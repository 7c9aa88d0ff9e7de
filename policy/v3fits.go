package policy

import (
	"context"
	"errors"
	"math"
	"time"

	"hindcast.dev/forecast"
)

// longestPast is how much of what was seen a fit is given.
const longestPast = 28 * 24 * time.Hour

// fits keep the past of a series and say when the model is fitted to it: for the first
// time after Learning, then as a Renewal says, in the end every RefitEvery. Some models
// learn by every value, others age between fits.
type fits struct {
	model           forecast.Model
	learning, least int // steps: until the first fit, and kept
	stepLength      time.Duration
	renewal         forecast.Renewal

	start     time.Time // of past[0]
	past      []float64 // one a step
	postponed int       // the next fit comes with this value from now, and none before; 0: as renewal says
	err       error     // of the newest fit
	standIn   bool      // last value stands in for a model that was never fitted
}

func newFits(cfg *V3Config) fits {
	steps := func(d time.Duration) int { return max(1, int(math.Ceil(float64(d)/float64(cfg.Step)))) }
	return fits{
		model: cfg.Model, stepLength: cfg.Step,
		learning: steps(cfg.Learning), least: steps(longestPast), renewal: forecast.Renewal{Every: steps(cfg.RefitEvery)},
	}
}

// step takes the next value and returns the predictor in force after it: the one given,
// moved on, or a newly fitted one; nil while nothing can be fitted. The past begins with
// the first value that was seen.
func (f *fits) step(p forecast.Predictor, y float64) forecast.Predictor {
	if !f.keep(y) {
		return nil
	}
	due := f.renewal.Observe(y)
	if f.postponed > 0 {
		f.postponed--
		due = f.postponed == 0
	}
	if p == nil {
		if len(f.past) < f.learning {
			return nil
		}
		return f.first()
	}
	if !due {
		p.Update(y)
		return p
	}
	f.renewal.Fitted(f.past)
	next, err := f.again(p)
	if err != nil {
		// A past that is too short for a model which was fitted before is only a gap.
		if f.err = err; errors.Is(err, forecast.ErrTooShort) {
			f.err = nil
		}
		p.Update(y)
		return p
	}
	f.err, f.standIn = nil, false
	return next
}

// keep adds a value to the past, unless it would begin with a missing one.
func (f *fits) keep(y float64) bool {
	if len(f.past) == 0 && math.IsNaN(y) {
		f.start = f.start.Add(f.stepLength)
		return false
	}
	f.past = append(f.past, y)
	if extra := len(f.past) - f.least; extra >= f.renewal.Every { // Now and then, as it copies.
		f.start = f.start.Add(time.Duration(extra) * f.stepLength)
		f.past = append(f.past[:0], f.past[extra:]...)
	}
	return true
}

// first fits the model for the first time. A past that is too short is no failure; after
// any other last value stands in.
func (f *fits) first() forecast.Predictor {
	f.renewal.Fitted(f.past)
	p, err := f.model.Fit(context.Background(), f.series())
	if f.err = err; err == nil {
		return p
	}
	if errors.Is(err, forecast.ErrTooShort) {
		return nil
	}
	if p, err = (forecast.Naive{}).Fit(context.Background(), f.series()); err != nil {
		return nil
	}
	f.standIn = true
	return p
}

// again fits the model anew, keeping what it has learnt beside the fit.
func (f *fits) again(p forecast.Predictor) (forecast.Predictor, error) {
	if r, ok := p.(forecast.Refitter); ok {
		return r.Refit(context.Background(), f.series())
	}
	return f.model.Fit(context.Background(), f.series())
}

func (f *fits) series() forecast.Series {
	past := f.past[max(0, len(f.past)-f.least):]
	skipped := len(f.past) - len(past)
	return forecast.Series{Start: f.start.Add(time.Duration(skipped) * f.stepLength), Step: f.stepLength, Values: past}
}
