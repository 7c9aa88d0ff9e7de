package external

import (
	"context"
	"errors"
	"time"
)

// The metrics that are served, by the label LabelScaler.
const (
	// MetricDesired is the number of replicas decided on. A target of
	// AverageValue 1 makes an HPA ask for just that many.
	MetricDesired = "hindcast_desired_replicas"
	// MetricForecast is the load that is provided for: the quantile in use of the highest
	// load within the horizon, in the unit of the query.
	MetricForecast = "hindcast_forecast"
	// LabelScaler is the name of the PredictiveScaler.
	LabelScaler = "scaler"
)

// A Decision is the newest one of a scaler.
type Decision struct {
	Replicas int32
	// Forecast is NaN where there is none, and NoForecast then says why.
	Forecast   float64
	NoForecast string
	At         time.Time
}

// A Source knows the newest decision of every scaler that others scale by. It must be
// safe for concurrent use.
type Source interface {
	// Decision returns an error that is ErrNotFound, ErrNotServed or ErrNoDecision where
	// there is nothing to scale by.
	Decision(ctx context.Context, namespace, scaler string) (Decision, error)
}

// Why there is no decision. Who returns one of them wraps it in a sentence for people.
var (
	// ErrNotFound: there is no such scaler.
	ErrNotFound = errors.New("no such PredictiveScaler")
	// ErrNotServed: nobody may scale by this scaler, as its spec, an annotation or a flag says.
	ErrNotServed = errors.New("not served")
	// ErrNoDecision: it has not decided, or too long ago.
	ErrNoDecision = errors.New("no decision")
)
