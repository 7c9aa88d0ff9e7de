// Package policy decides how many replicas a workload should have.
//
// A policy is a state machine: Decide takes everything that it may know at one
// instant and returns a number with its reasons. It reads no clock (the time is
// in its input), queries nothing, logs nothing and scales nothing: the autoscaler
// package gathers the input and carries out the decision, in a backtest and in a
// cluster alike. Policies are therefore replayable: the same inputs in the same
// order give the same decisions.
package policy

import (
	"errors"
	"time"
)

// ErrNoData is the error of a Value whose query gave no sample. No data is never
// zero.
var ErrNoData = errors.New("no data")

// A Policy turns what is known at an instant into a number of replicas. It is
// not safe for concurrent use; time in successive inputs must not go back.
type Policy interface {
	// Needs says what the policy wants to see in its Input. It is asked once,
	// before the first decision.
	Needs() Needs
	// Decide returns the decision at in.Now.
	Decide(in Input) Decision
}

// A Committer is a Policy whose next decisions depend on which of its earlier ones
// took effect: the rate limits of the HPA count changes that were made, not
// changes that were wished for.
type Committer interface {
	// Commit tells the policy that its decision of the instant now was carried
	// out: .spec.replicas went from from to to. It is called after the update of
	// the scale subresource succeeded, before the next Decide, and neither where
	// the update failed nor where from equals to.
	Commit(now time.Time, from, to int32)
}

// Needs is what a policy wants to see.
type Needs struct {
	Interval time.Duration // time between two decisions
	Pods     bool          // list the pods with their CPU and memory samples
	Queries  []Query       // PromQL to be evaluated at each decision, in this order
}

// A Query is a named PromQL expression whose value is a scalar or sums to one.
type Query struct {
	Name string
	Expr string
}

// A Value is the answer to one Query of Needs.
type Value struct {
	Name  string
	Value float64
	Err   error // wraps ErrNoData where the query gave no sample
}

// Input is everything that a decision may depend on.
type Input struct {
	Now    time.Time
	Spec   int32   // .spec.replicas of the scale subresource
	Status int32   // .status.replicas: pods that exist, ready or not
	Pods   []Pod   // where Needs.Pods; in order of creation
	Values []Value // in the order of Needs.Queries
	// PodsErr is set where the pod metrics could not be had at all.
	PodsErr error
}

// A PodPhase is the phase of a pod as the API server shows it.
type PodPhase uint8

// The phases that scaling distinguishes.
const (
	PodPending PodPhase = iota + 1
	PodRunning
	PodFailed
)

// A Pod is what the API server and the resource metrics API show of one pod.
// All CPU figures are in millicores and memory figures in bytes.
type Pod struct {
	Name            string
	Phase           PodPhase
	Deleting        bool      // has a deletion timestamp
	Started         time.Time // .status.startTime; zero: none yet
	Ready           bool      // condition Ready is True
	ReadyChanged    time.Time // last transition of condition Ready; zero: no such condition
	RequestMilliCPU int64     // 0: no request
	RequestBytes    int64

	// Sample is the newest sample of the resource metrics API; nil: missing.
	Sample *PodSample
}

// A PodSample is one entry of the resource metrics API.
type PodSample struct {
	MilliCPU int64 // mean over the window
	Bytes    int64 // working set at Time
	Time     time.Time
	Window   time.Duration
}

// A Decision is the outcome of one Decide, with the way that led to it.
type Decision struct {
	// Replicas is what .spec.replicas should become. Where Hold is set, it equals
	// the current number.
	Replicas int32
	// Hold says that the policy could not or would not decide (an error, too
	// little data) and keeps the current number; Reason says why.
	Hold bool
	// Reason is one sentence for humans; its beginning, up to the first colon, is
	// one of a policy's few constant reasons (for the HPA: those of Kubernetes).
	Reason string
	// Raw is the wish before stabilisation, rate limits and bounds.
	Raw int32
	// Proposals are the wishes of the single metrics or sources.
	Proposals []Proposal
	// Clamps are the limits that changed the wish, in the order they were applied.
	Clamps []Clamp
	// Forecast is set by policies that look ahead.
	Forecast *Forecast
}

// A Proposal is the wish of one metric or source.
type Proposal struct {
	Source   string
	Replicas int32
	Err      error
	Detail   string // the figures behind it, for humans: "util 83 % / target 70 %"
}

// A Clamp is one limit that changed the wish.
type Clamp struct {
	Name     string // "stabilization", "scale-up rate", "max", ...
	From, To int32
}

// A Forecast is what a predictive policy expected when it decided.
type Forecast struct {
	Metric   string // of which it is; "": the policy knows only one
	Model    string
	Horizon  time.Duration // length of the window looked at
	Point    float64       // expected maximum of the load over the window
	Quantile float64       // the level used
	Upper    float64       // that quantile of the maximum over the window
	Observed float64       // load at the decision
}
