package policy

import (
	"errors"
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/forecast"
)

// V3Metric is a load that V3 forecasts.
type V3Metric struct {
	Query
	// PerReplica is how much of it one warm replica carries within the SLO.
	PerReplica float64
	// Weight of its wish in the mean of all; 0 for all metrics: the maximum counts.
	Weight float64
}

// V3Config configures a V3. Fields without a default are required.
type V3Config struct {
	Metrics  []V3Metric
	Min, Max int32
	Model    forecast.Model
	Interval time.Duration // between two decisions; default 30 s
	// Step of the series that is forecast; default 1 min. The load is taken at the
	// first decision of each step.
	Step time.Duration
	// Lead is the time from a decision until a new replica serves at full speed.
	Lead time.Duration
	// ScaleDownAfter is how far ahead the load must stay low before replicas go, at
	// least the lead; default 10 min. A replica that is needed again so soon costs its
	// start-up twice.
	ScaleDownAfter time.Duration
	// Quantile of the highest load of the window that is provided for, in (0,1).
	Quantile float64
	// ReactiveFloor keeps the replicas that the load observed now needs.
	ReactiveFloor bool
	// CPUFloor keeps the replicas that Fallback asks for, whatever the forecast says.
	CPUFloor bool
	// Behavior limits the speed of scaling as in an HPA, whose defaults fill what it
	// leaves out; nil: no such limits.
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior
	// MaxStep is the largest change of one decision; 0: no limit.
	MaxStep int32
	// StaleAfter is the age from which the last known load no longer counts; default
	// 2 min.
	StaleAfter time.Duration
	// DemoteBelow is the skill against last value below which the forecast is left
	// for last value, until it is demotionMargin above again; NaN: never.
	DemoteBelow float64
	// Learning is how long the series must have been seen before V3 trusts it;
	// default 1 h. Until then, and without data, Fallback decides.
	Learning time.Duration
	// RefitEvery is the longest time between two fits of the model; sooner the next one
	// follows when twice as much has been seen, or much more load (forecast.Renewal);
	// default 24 h.
	RefitEvery time.Duration
	// Fallback decides from the pods alone: an HPA. Nil: V3 holds instead.
	Fallback Policy
}

// V3 forecasts the highest load of the time that a new replica takes to serve, and
// asks for the replicas that carry an upper quantile of it: more at once, fewer only
// when a longer window agrees. The quantile is calibrated on what came of earlier
// forecasts (see forecast.Peaks), so that it holds whatever the model's errors look
// like.
type V3 struct {
	cfg      V3Config
	outlooks []*outlook
	needs    Needs
	limits   hpaLimits // nil: none
	started  bool
}

// defaultStabilization is the scale-down window of a Behavior that has none: that of
// the HPA controller's flag.
const defaultStabilization = 5 * time.Minute

// demotionMargin is how far the skill must rise above DemoteBelow before the
// forecast is used again.
const demotionMargin = 0.05

// NewV3 returns a V3. The error joins all faults of cfg.
func NewV3(cfg V3Config) (*V3, error) {
	setDefault(&cfg.Interval, 30*time.Second)
	setDefault(&cfg.Step, time.Minute)
	setDefault(&cfg.ScaleDownAfter, 10*time.Minute)
	setDefault(&cfg.StaleAfter, 2*time.Minute)
	setDefault(&cfg.Learning, time.Hour)
	setDefault(&cfg.RefitEvery, 24*time.Hour)
	cfg.ScaleDownAfter = max(cfg.ScaleDownAfter, cfg.Lead)
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("v3: %w", err)
	}
	v := &V3{cfg: cfg, needs: Needs{Interval: cfg.Interval}}
	if cfg.Behavior != nil {
		filled := defaultHPA(&autoscalingv2.HorizontalPodAutoscalerSpec{Behavior: cfg.Behavior})
		v.limits = newHPABehavior(filled.Behavior, defaultStabilization)
	}
	if cfg.Fallback != nil {
		n := cfg.Fallback.Needs()
		if len(n.Queries) > 0 {
			return nil, errors.New("v3: a fallback may look at pods only")
		}
		v.needs.Pods = n.Pods
	}
	for _, m := range cfg.Metrics {
		v.needs.Queries = append(v.needs.Queries, m.Query)
		o, err := newOutlook(&v.cfg, m)
		if err != nil {
			return nil, fmt.Errorf("v3: metric %s: %w", m.Name, err)
		}
		v.outlooks = append(v.outlooks, o)
	}
	return v, nil
}

func setDefault(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

func (c *V3Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Metrics) > 0, "metrics: none")
	weighted := 0
	for _, m := range c.Metrics {
		if m.Weight > 0 {
			weighted++
		}
		check(m.PerReplica > 0 && !math.IsInf(m.PerReplica, 1), "metric %s: a replica that carries %v", m.Name, m.PerReplica)
		check(m.Weight >= 0 && !math.IsInf(m.Weight, 1), "metric %s: weight %v is not finite and at least 0", m.Name, m.Weight)
	}
	check(weighted == 0 || weighted == len(c.Metrics), "weights: %d of %d metrics have one; give all of them one, or none", weighted, len(c.Metrics))
	check(c.Model != nil, "model: not set")
	check(c.Min >= 0 && c.Max >= 1 && c.Min <= c.Max, "min, max: %d, %d are not 0 <= min <= max with max >= 1", c.Min, c.Max)
	check(c.Interval > 0 && c.Step >= c.Interval, "interval %v, step %v: want 0 < interval <= step", c.Interval, c.Step)
	check(c.Lead >= 0, "lead: %v is negative", c.Lead)
	check(c.StaleAfter > 0, "stale after: %v is negative", c.StaleAfter)
	check(c.Learning > 0, "learning: %v is negative", c.Learning)
	check(c.RefitEvery > 0, "refit every: %v is negative", c.RefitEvery)
	check(c.Quantile > 0 && c.Quantile < 1, "quantile: %v is not in (0,1)", c.Quantile)
	check(c.Fallback != nil || !c.CPUFloor, "CPU floor: there is no fallback to ask")
	check(c.MaxStep >= 0, "max step: %d is negative", c.MaxStep)
	return errors.Join(faults...)
}

// Needs asks for the metrics, and for what the fallback wants.
func (v *V3) Needs() Needs { return v.needs }

// Commit notes a change for the rate limits, its own and the fallback's.
func (v *V3) Commit(now time.Time, from, to int32) {
	if v.limits != nil {
		v.limits.commit(now, from, to)
	}
	if c, ok := v.cfg.Fallback.(Committer); ok {
		c.Commit(now, from, to)
	}
}

// Decide looks at every metric, combines their wishes and keeps the rails.
func (v *V3) Decide(in Input) Decision {
	if v.limits != nil && !v.started {
		v.started = true
		v.limits.start(in.Now, in.Spec)
	}
	var fallback *Decision
	if v.cfg.Fallback != nil {
		fallback = new(v.cfg.Fallback.Decide(in))
	}
	cpu := milliCPUOf(&in)
	if in.Spec == 0 && v.cfg.Min > 0 {
		for i, o := range v.outlooks {
			o.observe(in.Now, in.Values[i], cpu)
		}
		return Decision{Hold: true, Reason: v3Disabled + ": somebody set the replicas to 0"}
	}
	d := Decision{Proposals: make([]Proposal, 0, len(v.outlooks)+1)}
	wishes := make([]wanted, len(v.outlooks))
	learning := false
	most := int32(math.MinInt32)
	for i, o := range v.outlooks {
		o.observe(in.Now, in.Values[i], cpu)
		wishes[i] = o.wish(in.Now)
		learning = learning || wishes[i].state == outlookLearning
		d.Proposals = append(d.Proposals, wishes[i].proposal)
		if f := wishes[i].forecast; f != nil && wishes[i].up > most {
			d.Forecast, most = f, wishes[i].up
		}
	}
	if learning {
		return v.fallBack(in, d, fallback, v3Learning+": too little has been seen to forecast")
	}
	up, down, stale := v.combine(wishes)
	if stale {
		return v.withoutData(in, d, fallback, up)
	}
	if missing(wishes) {
		return v.withoutValue(in, d, fallback, wishes, up)
	}
	floor := int32(math.MinInt32)
	if v.cfg.CPUFloor {
		floor = d.propose(fallback)
	}
	d.Raw = max(up, floor)
	d.Replicas = d.Raw
	if d.Raw < in.Spec {
		d.clamp("scale-down window", min(max(d.Raw, down), in.Spec))
	}
	switch {
	case floor == d.Replicas && floor > up:
		d.Reason = v3CPUFloor + ": an HPA on CPU would have more than the load ahead needs"
	case d.Replicas > in.Spec:
		d.Reason = v3ScaleUp + ": the highest load ahead needs more"
	case d.Replicas < in.Spec:
		d.Reason = v3ScaleDown + ": the load stays low for long enough"
	default:
		d.Reason = v3Steady + ": as many as the load ahead needs"
	}
	v.rails(&d, in)
	return d
}

// combine joins the wishes of all metrics: their maximum, or their weighted mean
// where every metric has a weight. It reports whether any of them lacks data.
func (v *V3) combine(wishes []wanted) (up, down int32, stale bool) {
	var sumUp, sumDown, weights float64
	weighted := len(wishes) > 1
	for i, w := range wishes {
		stale = stale || w.state == outlookStale
		up, down = max(up, w.up), max(down, w.down)
		weight := v.cfg.Metrics[i].Weight
		weighted = weighted && weight > 0
		weights += weight
		sumUp += weight * float64(w.up)
		sumDown += weight * float64(w.down)
	}
	if weighted {
		up, down = wholeUp(sumUp/weights), wholeUp(sumDown/weights)
	}
	return up, down, stale
}

// wholeUp rounds up, but not for the rounding errors of a sum: the mean of equal wishes
// is that wish.
func wholeUp(x float64) int32 { return saturate(math.Ceil(x * (1 - 1e-12))) }

func (v *V3) fallBack(in Input, d Decision, fallback *Decision, reason string) Decision {
	if fallback == nil {
		d.Replicas, d.Raw, d.Hold, d.Reason = in.Spec, in.Spec, true, reason
		return d
	}
	out := *fallback
	out.Proposals = append(d.Proposals, out.Proposals...)
	out.Reason = reason + "; the HPA says " + out.Reason
	if !out.Hold {
		// The bounds of the fallback may be wider.
		v.rails(&out, in)
	}
	return out
}

// rails bounds the speed, the step and the replicas.
func (v *V3) rails(d *Decision, in Input) {
	cur := in.Spec
	if v.limits != nil {
		stable, _ := v.limits.stabilize(in.Now, cur, d.Replicas)
		d.clamp(clampStabilization, stable)
		n, reason := v.limits.limit(in.Now, cur, stable, v.cfg.Min, v.cfg.Max)
		d.clamp(clampName(reason), n)
	}
	if s := int64(v.cfg.MaxStep); s > 0 {
		d.clamp("max step", int32(min(max(int64(d.Replicas), int64(cur)-s), int64(cur)+s)))
	}
	d.bound(v.cfg.Min, v.cfg.Max)
}

// clamp sets the replicas to n and notes it as a limit where that changes them.
func (d *Decision) clamp(name string, n int32) {
	if n != d.Replicas {
		d.Clamps = append(d.Clamps, Clamp{name, d.Replicas, n})
		d.Replicas = n
	}
}

var (
	_ Policy    = (*V3)(nil)
	_ Committer = (*V3)(nil)
)
