package policytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
)

// epoch is the instant of the first evaluation, as in promtool.
var epoch = time.Unix(0, 0).UTC()

// longAgo is how long before the first evaluation the first pods became ready.
const longAgo = time.Hour

// A world is everything that the loop of one test touches.
type world struct {
	test    *test
	db      *promdb.DB
	handles []*promdb.Series // one for each series of the test

	now         time.Time
	next        int // the first evaluation whose samples are not stored yet
	born        []time.Time
	names       int // pods so far
	pods        []policy.Pod
	sample      policy.PodSample
	evaluations []Evaluation
}

func newWorld(t *test, db *promdb.DB) (*world, error) {
	w := &world{test: t, db: db, now: epoch}
	for _, s := range t.series {
		h, err := db.Series(s.name, s.labels...)
		if err != nil {
			return nil, err
		}
		w.handles = append(w.handles, h)
	}
	w.resize(t.initial, epoch.Add(-longAgo-t.pods.readyAfter))
	return w, nil
}

// resize adds pods that are born at an instant, or removes the youngest.
func (w *world) resize(n int32, at time.Time) {
	w.born = w.born[:min(int(n), len(w.born))]
	w.pods = w.pods[:len(w.born)]
	for len(w.born) < int(n) {
		w.names++
		w.born = append(w.born, at)
		w.pods = append(w.pods, policy.Pod{
			Name:            "pod-" + strconv.Itoa(w.names),
			Phase:           policy.PodRunning,
			Started:         at,
			RequestMilliCPU: w.test.pods.requestMilli,
			RequestBytes:    w.test.pods.requestBytes,
		})
	}
}

// Now returns the instant of the evaluation at hand.
func (w *world) Now() time.Time { return w.now }

// WaitUntil stores the samples of all evaluations up to t.
func (w *world) WaitUntil(ctx context.Context, t time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for last := int(t.Sub(epoch) / w.test.interval); w.next <= last; w.next++ {
		if w.next >= len(w.test.expect) {
			return autoscaler.ErrEnd
		}
		if err := w.store(w.next); err != nil {
			return err
		}
	}
	w.now = t
	return nil
}

// store makes the samples of evaluation k visible.
func (w *world) store(k int) error {
	at := epoch.Add(time.Duration(k) * w.test.interval)
	for i, s := range w.test.series {
		if k >= len(s.values) || s.values[k].Omitted {
			continue
		}
		var err error
		if stale(s.values[k]) {
			err = w.db.Stale(w.handles[i], at)
		} else {
			err = w.db.Append(w.handles[i], at, s.values[k].Value)
		}
		if err != nil {
			return err
		}
	}
	return w.db.Commit(at)
}

// Query answers from the input series.
func (w *world) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	v, err := w.db.Query(ctx, expr, at)
	return v, translate(err)
}

// QueryRange answers from the input series.
func (w *world) QueryRange(
	ctx context.Context, expr string, from, to time.Time, step time.Duration,
) ([]float64, error) {
	v, err := w.db.QueryRange(ctx, expr, from, to, step)
	return v, translate(err)
}

// translate makes the database's lack of data the policy's.
func translate(err error) error {
	if errors.Is(err, promdb.ErrNoData) {
		return fmt.Errorf("%w: %w", policy.ErrNoData, err)
	}
	return err
}

// Replicas returns the size of the workload: pods exist as soon as they are asked for.
func (w *world) Replicas(context.Context) (autoscaler.Replicas, error) {
	n := int32(len(w.born))
	return autoscaler.Replicas{Spec: n, Status: n}, nil
}

// SetReplicas starts pods now, or removes the youngest.
func (w *world) SetReplicas(_ context.Context, n int32) error {
	if n < 0 || n > maxPods {
		return fmt.Errorf("%d is not between 0 and %d", n, maxPods)
	}
	w.resize(n, w.now)
	return nil
}

// Pods lists the pods; all of them use what the input series say.
func (w *world) Pods(_ context.Context, at time.Time) ([]policy.Pod, error) {
	var sample *policy.PodSample
	k := int(at.Sub(epoch) / w.test.interval)
	cpu, hasCPU := valueAt(w.test.milliCPU, k)
	bytes, hasBytes := valueAt(w.test.bytes, k)
	if hasCPU && hasBytes {
		w.sample = policy.PodSample{MilliCPU: int64(cpu), Bytes: int64(bytes), Time: at}
		sample = &w.sample
	}
	for i := range w.pods {
		p := &w.pods[i]
		ready := w.born[i].Add(w.test.pods.readyAfter)
		p.Ready = !at.Before(ready)
		p.ReadyChanged = w.born[i]
		if p.Ready {
			p.ReadyChanged = ready
		}
		p.Sample = sample
	}
	return w.pods, nil
}

// valueAt returns the amount of evaluation k. The resource metrics API lists a pod
// with all its metrics or not at all: a series that is not given does not count, one
// that is and has no value hides the pod.
func valueAt(amounts []float64, k int) (amount float64, ok bool) {
	if amounts == nil {
		return 0, true
	}
	if k >= len(amounts) || math.IsNaN(amounts[k]) {
		return 0, false
	}
	return amounts[k], true
}

// Record notes what became of an evaluation.
func (w *world) Record(s autoscaler.Step) {
	k := len(w.evaluations)
	e := Evaluation{
		At:     s.Input.Now.Sub(epoch),
		Before: s.Input.Spec,
		Got:    int32(len(w.born)),
		Want:   w.test.expect[k],
		Reason: s.Decision.Reason,
	}
	if s.Err != nil {
		e.Reason = s.Err.Error()
	}
	for _, p := range s.Decision.Proposals {
		e.Details = append(e.Details, describeProposal(p))
	}
	for _, c := range s.Decision.Clamps {
		e.Details = append(e.Details, fmt.Sprintf("limit %s: %d -> %d", c.Name, c.From, c.To))
	}
	w.evaluations = append(w.evaluations, e)
}

func describeProposal(p policy.Proposal) string {
	if p.Err != nil {
		return fmt.Sprintf("%s: %v", p.Source, p.Err)
	}
	text := fmt.Sprintf("%s: %d replicas", p.Source, p.Replicas)
	if p.Detail != "" {
		text += " (" + p.Detail + ")"
	}
	return text
}
