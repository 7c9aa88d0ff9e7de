// Package autoscaler is the one loop that scales, in a backtest and in a cluster
// alike: wait for the next instant, gather what the policy wants to see, let it
// decide, carry the decision out, record everything.
//
// The loop owns no resource and reads no clock; what it touches comes through the
// ports in ports.go. It never turns an error into a number: a policy sees the error
// and holds.
package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// ErrEnd is returned by a Clock after the last instant of a replay; Run then
// returns nil.
var ErrEnd = errors.New("end of replay")

// Config wires a Loop. Policy, Clock and Scaler are required; Querier where the
// policy has queries, Pods where it wants pods.
type Config struct {
	Policy   policy.Policy
	Clock    Clock
	Querier  Querier
	Pods     PodLister
	Scaler   Scaler
	Recorder Recorder // nil: nothing is recorded
	// First is the instant of the first decision.
	First time.Time
	// LeastSources is the share of the sources expected of a query's series, in [0,1], below which
	// its value is ErrSeriesMissing unless it rose; 0: nobody counts them.
	LeastSources float64
	// DryRun is asked before each change: where it says so, the change is decided and
	// recorded but not carried out. Nil: all are carried out.
	DryRun func() bool
}

// A Step is one turn of the loop: what the policy saw, what it decided and what
// became of it. Input's slices are reused by the next step; a Recorder that keeps
// them copies them.
type Step struct {
	Input    policy.Input
	Decision policy.Decision
	// Skipped reports that the policy was not asked, because the replicas could not
	// be read; Decision then says only that.
	Skipped bool
	// Sources are those of the series of each query; nil: nobody counts them. The next step uses
	// the slice again.
	Sources []Sources
	// Bounds are those of the workload.
	Bounds Bounds
	// Scaled reports that .spec.replicas was changed, to what Set returns.
	Scaled bool
	// DryRun reports that it would have been, and that it was not is no error.
	DryRun bool
	// Err is why the replicas could not be read or written.
	Err error
}

// Set returns what the workload is to be set to: what was decided, within its bounds.
func (s *Step) Set() int32 {
	if s.Bounds.Most == 0 {
		return s.Decision.Replicas
	}
	return min(max(s.Decision.Replicas, s.Bounds.Least), s.Bounds.Most)
}

// A Loop runs one policy on one workload. It is not safe for concurrent use.
type Loop struct {
	cfg       Config
	needs     policy.Needs
	committer policy.Committer // nil: the policy does not care
	values    []policy.Value
	watches   []*watch // of the queries; nil: sources are not counted
	sources   []Sources
	pods      podCounts
}

// New returns a Loop, or an error that lists everything that is missing.
func New(cfg Config) (*Loop, error) {
	l := &Loop{cfg: cfg}
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("autoscaler: "+format, args...))
		}
	}
	fault(cfg.Policy == nil, "no policy")
	fault(cfg.Clock == nil, "no clock")
	fault(cfg.Scaler == nil, "no scaler")
	if cfg.Policy != nil {
		l.needs = cfg.Policy.Needs()
		l.committer, _ = cfg.Policy.(policy.Committer)
		l.values = make([]policy.Value, len(l.needs.Queries))
		fault(l.needs.Interval <= 0, "interval of the policy is %v, want more than 0", l.needs.Interval)
		fault(len(l.needs.Queries) > 0 && cfg.Querier == nil, "the policy queries metrics, but there is no querier")
		fault(l.needs.Pods && cfg.Pods == nil, "the policy looks at pods, but there is no pod lister")
		fault(!(cfg.LeastSources >= 0 && cfg.LeastSources <= 1), "least share of sources is %v, want one in [0,1]", cfg.LeastSources)
		if cfg.LeastSources > 0 {
			for _, q := range l.needs.Queries {
				w, err := newWatch(q.Expr)
				fault(err != nil, "query %s: %v", q.Name, err)
				l.watches = append(l.watches, w)
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return l, nil
}

// Run decides at First and then once an interval until ctx is done or the clock
// ends. Where the loop was busy over an instant it decides once, late; the instants
// that passed are not made up for, and the next one is on the grid of First again.
func (l *Loop) Run(ctx context.Context) error {
	for next := l.cfg.First; ; {
		if err := l.cfg.Clock.WaitUntil(ctx, next); err != nil {
			if errors.Is(err, ErrEnd) {
				return nil
			}
			return err
		}
		// A loop that is always late never waits, so that its clock need not look.
		if err := ctx.Err(); err != nil {
			return err
		}
		now := l.cfg.Clock.Now()
		l.Step(ctx, now)
		next = next.Add(l.needs.Interval)
		if late := now.Sub(next); late >= 0 {
			next = next.Add((late/l.needs.Interval + 1) * l.needs.Interval)
		}
	}
}

// Interval is the time between two steps.
func (l *Loop) Interval() time.Duration { return l.needs.Interval }

// Step gathers, decides, scales and records once, at the instant now.
func (l *Loop) Step(ctx context.Context, now time.Time) Step {
	step := l.step(ctx, now)
	if l.cfg.Recorder != nil {
		l.cfg.Recorder.Record(step)
	}
	return step
}

func (l *Loop) step(ctx context.Context, now time.Time) Step {
	size, err := l.cfg.Scaler.Replicas(ctx)
	if err != nil {
		err = fmt.Errorf("read replicas: %w", err)
		return Step{
			Input:    policy.Input{Now: now},
			Decision: policy.Decision{Hold: true, Reason: v1alpha1.ReasonFailedGetScale + ": " + err.Error()},
			Skipped:  true, Err: err,
		}
	}
	in := policy.Input{Now: now, Spec: size.Spec, Status: size.Status, Values: l.values}
	for i, q := range l.needs.Queries {
		v, err := l.cfg.Querier.Query(ctx, q.Expr, now)
		l.values[i] = policy.Value{Name: q.Name, Value: v, Err: err}
	}
	if l.needs.Pods {
		in.Pods, in.PodsErr = l.cfg.Pods.Pods(ctx, now)
	}
	l.judge(ctx, &in)
	step := Step{Input: in, Decision: l.cfg.Policy.Decide(in), Sources: l.sources, Bounds: size.Bounds}
	want := step.Set()
	if step.Decision.Hold || want == size.Spec || l.cfg.DryRun != nil && l.cfg.DryRun() {
		return step
	}
	switch err := l.cfg.Scaler.SetReplicas(ctx, want); {
	case errors.Is(err, ErrDryRun):
		step.DryRun = true // nothing was changed that a rate limit should count
		return step
	case err != nil:
		step.Err = fmt.Errorf("set replicas to %d: %w", want, err)
		return step
	}
	step.Scaled = true
	if l.committer != nil {
		l.committer.Commit(now, size.Spec, want)
	}
	return step
}

// judge looks whether the values are whole.
func (l *Loop) judge(ctx context.Context, in *policy.Input) {
	if l.watches == nil {
		return
	}
	l.pods.observe(in)
	l.sources = l.sources[:0]
	for i, w := range l.watches {
		in.Values[i] = w.judge(ctx, l.cfg.Querier, in.Now, in.Values[i], &l.pods, l.cfg.LeastSources)
		l.sources = append(l.sources, w.state())
	}
}
