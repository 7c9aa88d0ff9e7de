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
	// DryRun decides and records but does not scale.
	DryRun bool
}

// A Step is one turn of the loop: what the policy saw, what it decided and what
// became of it. Input's slices are reused by the next step; a Recorder that keeps
// them copies them.
type Step struct {
	Input    policy.Input
	Decision policy.Decision
	// Scaled reports that .spec.replicas was changed.
	Scaled bool
	// Err is why the replicas could not be read or written.
	Err error
}

// A Loop runs one policy on one workload. It is not safe for concurrent use.
type Loop struct {
	cfg       Config
	needs     policy.Needs
	committer policy.Committer // nil: the policy does not care
	values    []policy.Value
}

// New returns a Loop, or an error that lists everything that is missing.
func New(cfg Config) (*Loop, error) {
	var errs []error
	if cfg.Policy == nil {
		errs = append(errs, errors.New("autoscaler: no policy"))
	}
	if cfg.Clock == nil {
		errs = append(errs, errors.New("autoscaler: no clock"))
	}
	if cfg.Scaler == nil {
		errs = append(errs, errors.New("autoscaler: no scaler"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	l := &Loop{cfg: cfg, needs: cfg.Policy.Needs()}
	if l.needs.Interval <= 0 {
		errs = append(errs, fmt.Errorf("autoscaler: interval of the policy is %v, want more than 0", l.needs.Interval))
	}
	if len(l.needs.Queries) > 0 && cfg.Querier == nil {
		errs = append(errs, errors.New("autoscaler: the policy queries metrics, but there is no querier"))
	}
	if l.needs.Pods && cfg.Pods == nil {
		errs = append(errs, errors.New("autoscaler: the policy looks at pods, but there is no pod lister"))
	}
	l.committer, _ = cfg.Policy.(policy.Committer)
	l.values = make([]policy.Value, len(l.needs.Queries))
	return l, errors.Join(errs...)
}

// Run decides at First and then once an interval until ctx is done or the clock
// ends. An instant that passed while the loop was busy is left out, not made up for.
func (l *Loop) Run(ctx context.Context) error {
	for next := l.cfg.First; ; {
		if err := l.cfg.Clock.WaitUntil(ctx, next); err != nil {
			if errors.Is(err, ErrEnd) {
				return nil
			}
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
	in := policy.Input{Now: now, Values: l.values}
	size, err := l.cfg.Scaler.Replicas(ctx)
	if err != nil {
		err = fmt.Errorf("read replicas: %w", err)
		return Step{Input: in, Decision: policy.Decision{Hold: true, Reason: "FailedGetScale: " + err.Error()}, Err: err}
	}
	in.Spec, in.Status = size.Spec, size.Status
	for i, q := range l.needs.Queries {
		v, err := l.cfg.Querier.Query(ctx, q.Expr, now)
		l.values[i] = policy.Value{Name: q.Name, Value: v, Err: err}
	}
	if l.needs.Pods {
		in.Pods, in.PodsErr = l.cfg.Pods.Pods(ctx, now)
	}
	step := Step{Input: in, Decision: l.cfg.Policy.Decide(in)}
	want := step.Decision.Replicas
	if step.Decision.Hold || want == size.Spec || l.cfg.DryRun {
		return step
	}
	if err := l.cfg.Scaler.SetReplicas(ctx, want); err != nil {
		step.Err = fmt.Errorf("set replicas to %d: %w", want, err)
		return step
	}
	step.Scaled = true
	if l.committer != nil {
		l.committer.Commit(now, size.Spec, want)
	}
	return step
}
