package policy_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// A clockwork is a model that knows the load, or believes to.
type clockwork func(t time.Time) float64

func (clockwork) Name() string { return "clockwork" }

func (c clockwork) Fit(_ context.Context, past forecast.Series) (forecast.Predictor, error) {
	return &clockworkPredictor{load: c, next: past.Time(len(past.Values)), step: past.Step}, nil
}

type clockworkPredictor struct {
	load clockwork
	next time.Time
	step time.Duration
}

func (p *clockworkPredictor) Update(float64) { p.next = p.next.Add(p.step) }

func (p *clockworkPredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = p.load(p.next.Add(time.Duration(i) * p.step))
	}
}

// brokenModel cannot be fitted for a reason of its own.
type brokenModel struct{ err error }

func (brokenModel) Name() string { return "broken" }

func (m brokenModel) Fit(context.Context, forecast.Series) (forecast.Predictor, error) {
	return nil, m.err
}

// v3Config is a V3 of one metric whose replicas carry 10 each, with a lead of 2 min: it
// looks 3 steps ahead before it adds replicas and 11 before it removes them.
func v3Config(m forecast.Model) policy.V3Config {
	return policy.V3Config{
		Metrics: []policy.V3Metric{{Query: policy.Query{Name: "load", Expr: "load"}, PerReplica: 10}},
		Min:     1, Max: 100, Model: m, Lead: 2 * time.Minute, Quantile: 0.9,
		ReactiveFloor: true, DemoteBelow: math.NaN(),
	}
}

func mustV3(t testing.TB, cfg policy.V3Config) *policy.V3 {
	t.Helper()
	v, err := policy.NewV3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// since returns the time of a clock that shows 0:00 at epoch.
func since(d time.Duration) time.Time { return epoch.Add(d) }

// A v3Run leads a V3 through time; what it wants is carried out at once.
type v3Run struct {
	v    policy.Policy
	load func(t time.Time) float64 // of the first metric
	more []func(t time.Time) float64
	err  func(t time.Time) error // nil: none
	cpu  func(t time.Time) int64 // millicores of the one pod that is listed; nil or 0: none is
	spec int32
	at   time.Duration // of the next decision
}

// servingPod has been ready for an hour.
func servingPod(now time.Time, milliCPU int64) policy.Pod {
	since := now.Add(-time.Hour)
	return policy.Pod{
		Phase: policy.PodRunning, Started: since, Ready: true, ReadyChanged: since,
		Sample: &policy.PodSample{MilliCPU: milliCPU, Time: now, Window: 15 * time.Second},
	}
}

// step makes one decision.
func (r *v3Run) step() policy.Decision {
	in := policy.Input{Now: since(r.at), Spec: r.spec, Status: r.spec}
	if r.cpu != nil {
		if cpu := r.cpu(in.Now); cpu > 0 {
			in.Pods = []policy.Pod{servingPod(in.Now, cpu)}
		}
	}
	for _, load := range slices.Insert(slices.Clone(r.more), 0, r.load) {
		v := policy.Value{Value: load(in.Now)}
		if r.err != nil {
			if v.Err = r.err(in.Now); v.Err != nil {
				v.Value = 0
			}
		}
		in.Values = append(in.Values, v)
	}
	d := r.v.Decide(in)
	if d.Replicas != r.spec && !d.Hold {
		if c, ok := r.v.(policy.Committer); ok {
			c.Commit(in.Now, r.spec, d.Replicas)
		}
		r.spec = d.Replicas
	}
	r.at += 30 * time.Second
	return d
}

// until makes the decisions up to an instant and returns the last.
func (r *v3Run) until(at time.Duration) (d policy.Decision) {
	for r.at <= at {
		d = r.step()
	}
	return d
}

// always is a load that never changes.
func always(v float64) func(time.Time) float64 { return func(time.Time) float64 { return v } }

// from is before until a time, and after from then on.
func from(at time.Duration, before, after float64) func(time.Time) float64 {
	return func(t time.Time) float64 {
		if t.Before(since(at)) {
			return before
		}
		return after
	}
}

// noDataIn fails every query in [from, to).
func noDataIn(from, to time.Duration) func(time.Time) error {
	return func(t time.Time) error {
		if !t.Before(since(from)) && t.Before(since(to)) {
			return policy.ErrNoData
		}
		return nil
	}
}

var errSingular = errors.New("singular matrix")

// hm writes a time of day as a duration.
func hm(h, m int) time.Duration { return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute }

// hms is hm with seconds.
func hms(h, m, s int) time.Duration { return hm(h, m) + time.Duration(s)*time.Second }

// A stub is a fallback that looks at pods and says n.
type stub struct {
	n       int32
	hold    bool
	commits []int32
}

func (*stub) Needs() policy.Needs { return policy.Needs{Interval: 30 * time.Second, Pods: true} }

func (s *stub) Decide(in policy.Input) policy.Decision {
	n := s.n
	if s.hold {
		n = in.Spec
	}
	return policy.Decision{Replicas: n, Raw: n, Hold: s.hold, Reason: "Stub: says so", Proposals: []policy.Proposal{{Source: "cpu", Replicas: n}}}
}

func (s *stub) Commit(_ time.Time, _, to int32) { s.commits = append(s.commits, to) }

// noisy is a load of a daily rhythm, noise and a spike a day, the same at each call.
func noisy(seed uint64) func(time.Time) float64 {
	return func(t time.Time) float64 {
		at := t.Sub(epoch)
		r := rand.New(rand.NewPCG(seed, uint64(at)))
		v := 300 + 200*math.Sin(2*math.Pi*at.Hours()/24) + 15*r.NormFloat64()
		if at%(24*time.Hour) > 20*time.Hour && at%(24*time.Hour) < 20*time.Hour+10*time.Minute {
			v += 400
		}
		return max(v, 0)
	}
}

// shape is what a decision comes to.
type shape struct {
	Replicas, Raw int32
	Hold          bool
	Reason        string
	Clamps        []policy.Clamp
}

func shapeOf(d policy.Decision) shape {
	return shape{d.Replicas, d.Raw, d.Hold, d.Reason, d.Clamps}
}

// shapes are those of the decisions of a run up to an instant.
func (r *v3Run) shapes(until time.Duration) (out []shape) {
	for r.at <= until {
		out = append(out, shapeOf(r.step()))
	}
	return out
}
