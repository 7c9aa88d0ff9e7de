package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// clock makes a world the clock of a loop.
type clock struct{ *sim.World }

func (c clock) WaitUntil(ctx context.Context, t time.Time) error {
	err := c.World.WaitUntil(ctx, t)
	if errors.Is(err, sim.ErrEnd) {
		return autoscaler.ErrEnd
	}
	return err
}

// deployment is the scale subresource of the world's Deployment.
type deployment struct{ api *apiServer }

func (d deployment) Replicas(context.Context) (autoscaler.Replicas, error) {
	if err := d.api.read(); err != nil {
		return autoscaler.Replicas{}, err
	}
	spec, status := d.api.world.Scale()
	return autoscaler.Replicas{Spec: spec, Status: status}, nil
}

func (d deployment) SetReplicas(_ context.Context, n int32) error {
	if err := d.api.write(); err != nil {
		return err
	}
	return d.api.world.SetScale(n)
}

// floor is the minReplicas of a simulated HPA, as a thing to scale.
type floor struct {
	api *apiServer
	hpa *policy.HPA
	own int32 // its own minReplicas
}

func (f floor) Replicas(context.Context) (autoscaler.Replicas, error) {
	if err := f.api.read(); err != nil {
		return autoscaler.Replicas{}, err
	}
	_, status := f.api.world.Scale()
	return autoscaler.Replicas{
		Spec: f.hpa.MinReplicas(), Status: status,
		Bounds: autoscaler.Bounds{Least: f.own, Most: f.hpa.MaxReplicas()},
	}, nil
}

func (f floor) SetReplicas(_ context.Context, n int32) error {
	if err := f.api.write(); err != nil {
		return err
	}
	f.hpa.SetMinReplicas(n)
	return nil
}

// podLister is the resource metrics API and the pod list of the world: a twin of
// metrics-server that reads the pods directly. It reuses its slices.
type podLister struct {
	world   *sim.World
	pods    []policy.Pod
	samples []policy.PodSample
}

// errNoPodMetrics is the answer of the resource metrics API while metrics-server is down.
var errNoPodMetrics = errors.New("pod metrics: the server is currently unable to handle the request (metrics-server is down)")

func (l *podLister) Pods(context.Context, time.Time) ([]policy.Pod, error) {
	if !l.world.MetricsServed() {
		return nil, errNoPodMetrics
	}
	milliCPU, bytes := l.world.Requests()
	world := l.world.Pods()
	if cap(l.samples) < len(world) {
		l.samples = make([]policy.PodSample, 2*len(world))
	}
	l.pods = l.pods[:0]
	for i, p := range world {
		pod := policy.Pod{
			Name:            p.Name,
			Phase:           policy.PodRunning,
			Deleting:        p.Deleting,
			Started:         p.Started,
			Ready:           p.Phase == sim.Ready,
			ReadyChanged:    p.Started,
			RequestMilliCPU: milliCPU,
			RequestBytes:    bytes,
		}
		if p.Phase < sim.Starting {
			pod.Phase = policy.PodPending
		}
		switch {
		case pod.Ready:
			pod.ReadyChanged = p.ReadyAt
		case !p.UnreadyAt.IsZero():
			pod.ReadyChanged = p.UnreadyAt
		}
		if u, ok := p.Usage(); ok {
			s := &l.samples[:cap(l.samples)][i]
			// The API shows whole nanocores, and readers of millicores round up.
			*s = policy.PodSample{MilliCPU: int64(math.Ceil(u.Cores * 1000)), Bytes: int64(u.Bytes), Time: u.Time, Window: u.Window}
			pod.Sample = s
		}
		l.pods = append(l.pods, pod)
	}
	return l.pods, nil
}

// source answers PromQL: expressions over series that no policy can change from the
// store that all runs share, everything else from the run's own database.
type source struct {
	lost    outages
	shared  *promdb.View
	own     *promdb.DB // nil: no expression needs it
	isOwn   map[string]bool
	asked   []string // the expressions of the policies
	watched watchers
	queries int64
	answers map[string]int // by expression, how often it had data
}

// errPrometheusDown is the answer to every query while Prometheus is down.
var errPrometheusDown = errors.New("no answer: Prometheus is down")

// newSource sorts the expressions of a setup. It opens no database.
func newSource(view *promdb.View, set setup, lost outages) (*source, error) {
	s := &source{lost: lost, shared: view, isOwn: map[string]bool{}, asked: set.exprs(), answers: map[string]int{}}
	counters, err := set.counters()
	if err != nil {
		return nil, err
	}
	for _, expr := range slices.Concat(s.asked, counters) {
		names, exact, err := promdb.MetricNames(expr)
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", expr, err)
		}
		s.isOwn[expr] = !exact
		for _, name := range names {
			if name != metricnames.IngressRequests {
				s.isOwn[expr] = true
			}
		}
	}
	return s, nil
}

// needsOwn reports whether an expression needs the run's own database.
func (s *source) needsOwn() bool {
	for _, own := range s.isOwn {
		if own {
			return true
		}
	}
	return false
}

func (s *source) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	s.queries++
	if s.lost.prometheus(at) {
		return 0, errPrometheusDown
	}
	var v float64
	var err error
	if s.isOwn[expr] {
		v, err = s.own.Query(ctx, expr, at)
	} else {
		v, err = s.shared.Query(ctx, expr, at)
	}
	if err == nil {
		s.answers[expr]++
	}
	return v, translate(err)
}

// silent returns the expressions of the policies that never had data.
func (s *source) silent() []string {
	var out []string
	for _, expr := range slices.Compact(slices.Sorted(slices.Values(s.asked))) {
		if s.answers[expr] == 0 {
			out = append(out, expr)
		}
	}
	return out
}

func (s *source) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	s.queries++
	if s.lost.prometheus(to) {
		return nil, errPrometheusDown
	}
	var v []float64
	var err error
	if s.isOwn[expr] {
		v, err = s.own.QueryRange(ctx, expr, from, to, step)
	} else {
		v, err = s.shared.QueryRange(ctx, expr, from, to, step)
	}
	return v, translate(err)
}

// translate gives promdb's missing data the name by which policies know it.
func translate(err error) error {
	if errors.Is(err, promdb.ErrNoData) {
		return fmt.Errorf("%w: %w", policy.ErrNoData, err)
	}
	return err
}
