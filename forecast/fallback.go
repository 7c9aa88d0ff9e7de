package forecast

import (
	"context"
	"errors"
	"math"
)

// WithFallback returns m as a model that does not leave its caller without a forecast:
// where m fails, what it last had goes on, else the last observed value, and the
// failures are counted.
func WithFallback(m Model) FallbackModel { return FallbackModel{m} }

// A FallbackModel is a Model whose Predictors are Fallbacks.
type FallbackModel struct{ Model }

// Fit returns a Fallback of the model fitted to past. It fails only where past is too
// short, with an error that wraps ErrTooShort, or ctx is done.
func (m FallbackModel) Fit(ctx context.Context, past Series) (Predictor, error) {
	f, err := m.FitFallback(ctx, past)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// FitFallback is Fit for those who ask for failures or fit anew.
func (m FallbackModel) FitFallback(ctx context.Context, past Series) (*Fallback, error) {
	f := &Fallback{model: m.Model, last: math.NaN()}
	for _, y := range past.Values {
		f.see(y)
	}
	p, err := f.try(ctx, past)
	if err != nil {
		return nil, err
	}
	f.predictor = p
	return f, nil
}

// FitOperations implements Coster: those of the model, 0 where it declares none.
func (m FallbackModel) FitOperations(steps int) float64 {
	if c, ok := m.Model.(Coster); ok {
		return c.FitOperations(steps)
	}
	return 0
}

// Failures count what went wrong with a model.
type Failures struct {
	// Fits ended with an error, and Forecasts held what is no finite number.
	Fits, Forecasts int
	// First is the reason of the first failure, nil without any.
	First error
}

// Any reports whether anything failed.
func (f Failures) Any() bool { return f.Fits+f.Forecasts > 0 }

func (f *Failures) note(count *int, err error) {
	*count++
	if f.First == nil {
		f.First = err
	}
}

var errNoNumber = errors.New("a forecast is no finite number")

// A Fallback is a Predictor that goes on where its model fails.
type Fallback struct {
	model     Model
	predictor Predictor // nil: no fit has succeeded
	last      float64   // newest observed value, NaN before the first
	failures  Failures
}

var _ Predictor = (*Fallback)(nil)

// Refit fits the model anew to past, which ends with the newest observation. Where that
// fails the predictor in force stays, and must be told the observation by Update: ok
// says whether it was replaced. Too short a past is no failure of the model, and not
// counted. The error is that of ctx.
func (f *Fallback) Refit(ctx context.Context, past Series) (ok bool, err error) {
	p, err := f.try(ctx, past)
	switch {
	case errors.Is(err, ErrTooShort):
		return false, nil
	case err != nil || p == nil:
		return false, err
	}
	f.adopt(p)
	if n := len(past.Values); n > 0 {
		f.see(past.Values[n-1])
	}
	return true, nil
}

// try fits the model, keeping what a Refitter keeps. It returns neither a predictor nor
// an error where the model failed, which is counted.
func (f *Fallback) try(ctx context.Context, past Series) (Predictor, error) {
	fit := f.model.Fit
	if r, ok := f.predictor.(Refitter); ok {
		fit = r.Refit
	}
	p, err := fit(ctx, past)
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	if err != nil && !errors.Is(err, ErrTooShort) {
		f.failures.note(&f.failures.Fits, err)
		return nil, nil
	}
	return p, err
}

func (f *Fallback) adopt(p Predictor) { f.predictor = p }

func (f *Fallback) see(y float64) {
	if !math.IsNaN(y) && !math.IsInf(y, 0) {
		f.last = y
	}
}

// Update implements Predictor.
func (f *Fallback) Update(y float64) {
	f.see(y)
	if f.predictor != nil {
		f.predictor.Update(y)
	}
}

// Predict implements Predictor. Each step for which the model has no finite number is
// the last observed value; a forecast with such a step counts as one failure.
func (f *Fallback) Predict(dst []float64) {
	if f.predictor == nil {
		for i := range dst {
			dst[i] = f.last
		}
		return
	}
	f.predictor.Predict(dst)
	broken := false
	for i, v := range dst {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			dst[i], broken = f.last, true
		}
	}
	if broken {
		f.failures.note(&f.failures.Forecasts, errNoNumber)
	}
}

// Failures returns what has failed so far.
func (f *Fallback) Failures() Failures { return f.failures }

// Unwrap returns the model's own Predictor, nil where no fit has succeeded.
func (f *Fallback) Unwrap() Predictor { return f.predictor }
