package live

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// errWarmAgain ends the life of a policy that began without its past, once Prometheus
// answers.
var errWarmAgain = errors.New("the history can be had now")

// The waits before a loop that ended with an error begins anew.
const (
	shortestPause = 5 * time.Second
	longestPause  = 2 * time.Minute
)

// A runner is one scaler at work: its loop, begun anew where that is needed, and its
// status. Between two reconciliations only its own goroutine moves it.
type runner struct {
	c      *reconciler
	object *v1alpha1.PredictiveScaler // as reconciled, with defaults
	log    *slog.Logger
	active atomic.Bool // changes are carried out
	cancel context.CancelFunc
	done   chan struct{}

	// writing is held while replicas are set, so that who clears active knows that no
	// change is under way.
	writing sync.Mutex

	mu        sync.Mutex
	status    v1alpha1.PredictiveScalerStatus // to be shown
	written   v1alpha1.PredictiveScalerStatus // shown
	writtenAt time.Time
	refused   bool // something is in the way: condition Active is the reconciler's
}

// newRunner takes a defaulted copy of the object.
func newRunner(c *reconciler, object *v1alpha1.PredictiveScaler) *runner {
	return &runner{
		c: c, object: object,
		log:    c.cfg.Log.With("namespace", object.Namespace, "scaler", object.Name),
		status: *object.Status.DeepCopy(), written: *object.Status.DeepCopy(),
		done: make(chan struct{}),
	}
}

// start runs until stop.
func (r *runner) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		r.run(ctx)
	}()
}

// stop ends the runner and waits for it. What it decided last may not be in the status
// yet; the caller writes that.
func (r *runner) stop() {
	r.setActive(false)
	r.cancel()
	<-r.done
}

// setActive says whether changes are carried out. After setActive(false) returned, none
// is and none will be.
func (r *runner) setActive(active bool) {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.active.Store(active)
}

func (r *runner) run(ctx context.Context) {
	pause, reason := shortestPause, ""
	for ctx.Err() == nil {
		began := time.Now()
		r.c.metrics.begins(r.object.Namespace, r.object.Name, reason)
		err := r.life(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errClockJumped):
			reason = restartJump
			r.log.Warn("the wall clock jumped; the scaler begins anew")
			r.noteRestart(ctx, reason)
			r.c.event(r.object, corev1.EventTypeWarning, restartJump, "The wall clock jumped; beginning anew from the history of Prometheus")
			continue
		case errors.Is(err, errWarmAgain):
			reason = restartWarm
			r.noteRestart(ctx, reason)
			r.c.event(r.object, corev1.EventTypeNormal, restartWarm, "Prometheus answers; beginning anew from its history")
			continue
		}
		reason = restartError
		r.log.Warn("scaler stopped; it begins anew", "err", err, "pause", pause)
		r.noteRestart(ctx, reason)
		r.activity(ctx, false, reasonFor(err), err.Error())
		if time.Since(began) > longestPause {
			pause = shortestPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// noteRestart shows in the status that the loop begins anew.
func (r *runner) noteRestart(ctx context.Context, reason string) {
	r.update(ctx, func(st *v1alpha1.PredictiveScalerStatus) {
		st.LastRestart = &v1alpha1.RestartStatus{Time: metav1.Now(), Reason: reason}
	})
}

// life builds the policy with its past and runs the loop.
func (r *runner) life(ctx context.Context) (err error) {
	// One scaler's fault is not the end of all others.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			r.log.Error("panic in a scaler", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.c.metrics.rest(r.object.Namespace, r.object.Name)
	spec := &r.object.Spec
	w, err := readWorkload(ctx, r.c.client, r.c.scales, r.object.Namespace, spec.ScaleTargetRef, r.c.cfg.Lead)
	if err != nil {
		return err
	}
	begin := &autoscaler.Start{
		Scaler:          &v1alpha1.PredictiveScaler{TypeMeta: r.object.TypeMeta, Spec: *spec},
		RequestMilliCPU: w.requestMilliCPU, RequestBytes: w.requestBytes,
		LeadSeconds: w.lead.Seconds(),
	}
	begin.Scaler.Namespace, begin.Scaler.Name = r.object.Namespace, r.object.Name
	clock := r.c.newClock()
	v3, first, warm, err := r.warmUp(ctx, begin, clock)
	if err != nil {
		return err
	}
	rec := r.newRecorder(ctx, begin, v3, w.lead)
	defer rec.close()
	if !warm {
		rec.warmAgain = func() { cancel(errWarmAgain) }
	}
	needs := v3.Needs()
	cfg := autoscaler.Config{
		Policy: v3, Clock: rec.timed(clock), Scaler: &gate{rec.target, r}, Recorder: rec, First: first,
		Querier: r.c.cfg.Prometheus.For(r.object.Namespace),
		DryRun:  func() bool { return !r.active.Load() },

		LeastSources: spec.Safety.MinSeriesShare.Or(0),
	}
	if needs.Pods {
		cfg.Pods = &podLister{cached: r.c.client, direct: r.c.direct, namespace: r.object.Namespace, selector: w.selector}
	}
	loop, err := autoscaler.New(cfg)
	if err != nil {
		return err
	}
	r.activity(ctx, true, v1alpha1.ReasonRunning, runningMessage(w))
	if err := loop.Run(ctx); err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errWarmAgain) {
			return cause
		}
		return err
	}
	return nil
}

func runningMessage(w workload) string {
	if w.measured {
		return fmt.Sprintf("The pods take %v from creation to ready (95th percentile)", w.lead.Round(time.Second))
	}
	return fmt.Sprintf("No pod tells how long it took to become ready; %v is assumed", w.lead)
}

// target is what the loop reads and sets.
func (r *runner) target() target {
	spec := &r.object.Spec
	if spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas {
		return &floorTarget{
			client: r.c.client, scaler: client.ObjectKeyFromObject(r.object), dryRun: r.c.cfg.DryRun,
			hpa: client.ObjectKey{Namespace: r.object.Namespace, Name: spec.Actuation.HPARef.Name},
		}
	}
	return &scaleTarget{scales: r.c.scales, namespace: r.object.Namespace, ref: spec.ScaleTargetRef, dryRun: r.c.cfg.DryRun}
}

// A gate lets changes through while its runner is active: where it is not nothing is set,
// whatever the loop believes.
type gate struct {
	autoscaler.Scaler
	r *runner
}

var errNotActive = errors.New("the scaler is no longer active")

func (g *gate) SetReplicas(ctx context.Context, n int32) error {
	g.r.writing.Lock()
	defer g.r.writing.Unlock()
	if !g.r.active.Load() {
		return errNotActive
	}
	return g.Scaler.SetReplicas(ctx, n)
}

// warmUp asks Prometheus for the past and fits the models to it. warm is false where the
// past could not be had: the policy then begins without.
func (r *runner) warmUp(ctx context.Context, begin *autoscaler.Start, clock autoscaler.Clock) (v3 *policy.V3, first time.Time, warm bool, err error) {
	needs, length, step, err := begin.Needs()
	if err != nil {
		return nil, time.Time{}, false, err
	}
	r.activity(ctx, true, reasonWarmUp, "Taking in the past of its metrics")
	select {
	case r.c.warmups <- struct{}{}:
		defer func() { <-r.c.warmups }()
	case <-ctx.Done():
		return nil, time.Time{}, false, ctx.Err()
	}
	now := clock.Now()
	for _, c := range recentChanges(r.snapshot().RecentChanges, now) {
		begin.Changes = append(begin.Changes, autoscaler.Change{Time: c.Time.Time, From: c.From, To: c.To})
	}
	// Scalers that ask the same ask at the same time, so that one answer serves them all.
	first = firstInstant(now, needs.Interval, needs.Queries)
	begin.History, err = readHistory(ctx, r.c.cfg.Prometheus.For(r.object.Namespace), needs.Queries, first, min(length, r.c.cfg.History), step)
	if err != nil {
		r.log.Warn("history not read; the scaler learns from now on", "err", err)
		r.c.event(r.object, corev1.EventTypeWarning, "NoHistory", "The past of the metrics could not be read: "+err.Error())
	}
	began := time.Now()
	v3, buildErr := begin.Policy(ctx)
	if buildErr != nil {
		return nil, time.Time{}, false, buildErr
	}
	r.log.Info("warmed up", "took", time.Since(began).Round(time.Millisecond), "history", err == nil)
	return v3, first, err == nil, nil
}

// firstInstant is the first one on the grid of all scalers with the same queries; those
// of one interval do not all ask in the same moment.
func firstInstant(now time.Time, interval time.Duration, queries []policy.Query) time.Time {
	h := fnv.New64a()
	for _, q := range queries {
		h.Write([]byte(q.Expr + "\n"))
	}
	phase := time.Duration(h.Sum64() % uint64(interval)).Truncate(time.Millisecond)
	return now.Add(-phase).Truncate(interval).Add(interval + phase)
}

// longestRange is how many steps one range query asks for: Prometheus refuses 11,000.
const longestRange = 10_000

// readHistory returns the past of the queries that ends one step before first. A query
// without any sample is no error; its past is empty.
func readHistory(ctx context.Context, q autoscaler.Querier, queries []policy.Query, first time.Time, length, step time.Duration) (*autoscaler.History, error) {
	n := int(length / step)
	from := first.Add(-time.Duration(n) * step)
	series := make([][]float64, len(queries))
	for i, query := range queries {
		for at := 0; at < n; at += longestRange {
			until := min(at+longestRange, n)
			values, err := q.QueryRange(ctx, query.Expr, from.Add(time.Duration(at)*step), from.Add(time.Duration(until-1)*step), step)
			switch {
			case errors.Is(err, policy.ErrNoData):
				values = missing(until - at)
			case err != nil:
				return nil, fmt.Errorf("metric %s: %w", query.Name, err)
			case len(values) != until-at:
				return nil, fmt.Errorf("metric %s: %d values for %d steps", query.Name, len(values), until-at)
			}
			series[i] = append(series[i], values...)
		}
	}
	return autoscaler.NewHistory(from, step, series), nil
}

func missing(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// reasonFor is the reason of condition Active where a loop ended with an error.
func reasonFor(err error) string {
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return reasonNoTarget
	}
	return "Failed"
}
