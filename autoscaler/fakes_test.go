package autoscaler_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// after returns the instant so many seconds after start.
func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// A fakeClock jumps to the instant waited for; work may push it on by hand.
type fakeClock struct {
	now, end time.Time
}

func (c *fakeClock) Now() time.Time { return c.now }

func (c *fakeClock) WaitUntil(ctx context.Context, t time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.After(c.end) {
		return fmt.Errorf("wait until %s: %w", t, autoscaler.ErrEnd)
	}
	if t.After(c.now) {
		c.now = t
	}
	return nil
}

// A fakeQuerier answers by expression.
type fakeQuerier map[string]func(at time.Time) (float64, error)

func (q fakeQuerier) Query(_ context.Context, expr string, at time.Time) (float64, error) {
	answer, ok := q[expr]
	if !ok {
		return 0, fmt.Errorf("query %s: %w", expr, policy.ErrNoData)
	}
	return answer(at)
}

func (q fakeQuerier) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([]float64, error) {
	return nil, policy.ErrNoData
}

// A fakeScaler is a workload whose pods follow at once.
type fakeScaler struct {
	spec              int32
	bounds            autoscaler.Bounds
	readErr, writeErr error
	writes            []int32
	onRead            func()
}

func (s *fakeScaler) Replicas(context.Context) (autoscaler.Replicas, error) {
	if s.onRead != nil {
		s.onRead()
	}
	return autoscaler.Replicas{Spec: s.spec, Status: s.spec, Bounds: s.bounds}, s.readErr
}

func (s *fakeScaler) SetReplicas(_ context.Context, n int32) error {
	if s.writeErr != nil {
		return s.writeErr
	}
	s.writes = append(s.writes, n)
	s.spec = n
	return nil
}

// A fakePods lists the same pods at any time.
type fakePods struct {
	pods []policy.Pod
	err  error
}

func (p fakePods) Pods(context.Context, time.Time) ([]policy.Pod, error) { return p.pods, p.err }

// A tape keeps every step, with the slices that the loop uses again.
type tape []autoscaler.Step

func (t *tape) Record(s autoscaler.Step) {
	s.Input.Values = slices.Clone(s.Input.Values)
	*t = append(*t, s)
}

// times are the instants of the steps, in seconds after start.
func (t tape) times() []int {
	var out []int
	for _, s := range t {
		out = append(out, int(s.Input.Now.Sub(start)/time.Second))
	}
	return out
}

type change struct {
	at       time.Time
	from, to int32
}

// A fakePolicy decides what decide says and keeps what it saw.
type fakePolicy struct {
	needs   policy.Needs
	decide  func(policy.Input) policy.Decision
	inputs  []policy.Input
	commits []change
}

func (p *fakePolicy) Needs() policy.Needs { return p.needs }

func (p *fakePolicy) Decide(in policy.Input) policy.Decision {
	seen := in
	seen.Values = slices.Clone(in.Values)
	p.inputs = append(p.inputs, seen)
	return p.decide(in)
}

func (p *fakePolicy) Commit(now time.Time, from, to int32) {
	p.commits = append(p.commits, change{now, from, to})
}

// wish is a policy that always wants n.
func wish(n int32) *fakePolicy {
	return &fakePolicy{
		needs: policy.Needs{Interval: 30 * time.Second},
		decide: func(policy.Input) policy.Decision {
			return policy.Decision{Replicas: n, Raw: n, Reason: "Test: as told"}
		},
	}
}
