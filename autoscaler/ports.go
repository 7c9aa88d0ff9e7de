package autoscaler

import (
	"context"
	"errors"
	"time"

	"hindcast.dev/policy"
)

// A Clock says what time it is and lets time pass. The simulator is a Clock: while
// the loop waits, the simulated world moves.
type Clock interface {
	Now() time.Time
	// WaitUntil returns nil once Now() >= t, or the reason why that will not come:
	// ctx.Err(), or ErrEnd after the last instant of a replay.
	WaitUntil(ctx context.Context, t time.Time) error
}

// A Querier evaluates PromQL over what was visible at an instant: no sample later
// than at, and none that a scrape or query delay still hides.
type Querier interface {
	// Query evaluates expr at the instant at; a vector is summed. Without any
	// sample the error wraps policy.ErrNoData: no data is never 0.
	Query(ctx context.Context, expr string, at time.Time) (float64, error)
	// QueryRange evaluates expr at from, from+step, ... up to and including to, in
	// one request made at the instant to. A step without a sample is NaN.
	QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error)
}

// Replicas are the two counts of a scale subresource.
type Replicas struct {
	Spec   int32 // asked for
	Status int32 // existing, ready or not
	Bounds Bounds
}

// Bounds are what a workload may be set to, whatever is decided: a floor goes neither below
// what the owner of its HPA wants nor above maxReplicas. Most 0 means that there are none.
type Bounds struct{ Least, Most int32 }

// A Scaler reads and writes the size of one workload.
type Scaler interface {
	Replicas(ctx context.Context) (Replicas, error)
	// SetReplicas returns ErrDryRun where the change would have been accepted.
	SetReplicas(ctx context.Context, n int32) error
}

// ErrDryRun is what a Scaler returns that has a change checked, and does not store it.
var ErrDryRun = errors.New("dry run")

// A PodLister lists the pods of the workload with the newest sample of each, as
// the resource metrics API shows them at the instant at.
type PodLister interface {
	Pods(ctx context.Context, at time.Time) ([]policy.Pod, error)
}

// A Recorder is told of every decision, after it was carried out.
type Recorder interface{ Record(Step) }
