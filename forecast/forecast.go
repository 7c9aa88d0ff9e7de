// Package forecast predicts evenly spaced series: models, one a file, their
// intervals, and the rolling-origin scoring that says how good they are.
//
// It knows series, not Kubernetes, Prometheus or pods; it reads no clock, starts
// no goroutine, prints nothing and draws random numbers only from the seed in a
// model's fields, so that the same series always gives the same forecast.
//
// The life of a forecast: a Model (configuration only) is fitted to the past and
// gives a Predictor, which stands at the end of what it has seen; Update moves it
// one step forward, Predict looks ahead without moving it.
package forecast

import (
	"context"
	"errors"
	"time"
)

// ErrTooShort reports a history with too few observed values to fit the model.
var ErrTooShort = errors.New("history too short")

// A Series is evenly spaced: Values[i] was observed at Start + i*Step. NaN is
// a missing value, never zero.
type Series struct {
	Start  time.Time
	Step   time.Duration
	Values []float64
}

// Time returns the instant of Values[i]; i may lie beyond the end.
func (s Series) Time(i int) time.Time { return s.Start.Add(time.Duration(i) * s.Step) }

// A Model is the configuration of a forecaster. It holds no state, so one value
// may be fitted to many series at once.
type Model interface {
	// Name is the model's id, as the command line and the reports write it.
	Name() string
	// Fit returns a Predictor that stands at the end of past. The Predictor may
	// not keep past.Values. It returns an error that wraps ErrTooShort where past
	// does not suffice, and ctx.Err() soon after ctx is done.
	Fit(ctx context.Context, past Series) (Predictor, error)
}

// A Predictor is a fitted model. It is not safe for concurrent use.
type Predictor interface {
	// Update appends the next observation, one step after the last; NaN says that
	// it is missing.
	Update(y float64)
	// Predict writes the point forecast of 1..len(dst) steps ahead into dst, dst[0]
	// being the next step. It changes nothing that a later forecast depends on.
	Predict(dst []float64)
}

// A QuantilePredictor knows a distribution of its forecasts of its own, from its
// assumptions. Every Predictor gets quantiles from its errors too, by Calibrated.
type QuantilePredictor interface {
	Predictor
	// PredictQuantile writes the quantile at level q in (0, 1) of the value 1..len(dst)
	// steps ahead into dst. Like Predict it changes nothing.
	PredictQuantile(dst []float64, q float64)
}

// A Refitter is a Predictor that has learnt what a fit does not give, and keeps it when
// fitted anew.
type Refitter interface {
	// Refit returns a Predictor fitted to past, whose last value is the one after the
	// newest that the receiver has seen. The receiver stays as it is and may go on. Errors
	// are those of Model.Fit.
	Refit(ctx context.Context, past Series) (Predictor, error)
}

// A Coster is a Model that declares what a fit costs, so that a simulation can charge
// for it without a stopwatch.
type Coster interface {
	// FitOperations estimates the floating-point operations of a Fit to so many steps:
	// the order of magnitude, at about one a nanosecond.
	FitOperations(steps int) float64
}

// A RefitCoster is a Coster whose Predictors are Refitters.
type RefitCoster interface {
	Coster
	// RefitOperations estimates the floating-point operations of Refitter.Refit.
	RefitOperations(steps int) float64
}
