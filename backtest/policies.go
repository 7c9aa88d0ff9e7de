package backtest

import (
	"fmt"
	"math"
	"strconv"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/internal/sources"
	"hindcast.dev/policy"
)

// The intervals of the loops, and how long after a scrape they run: the newest
// sample that they can see is that old.
const (
	hpaInterval     = 15 * time.Second
	v2Interval      = 30 * time.Second
	decisionPhase   = 5 * time.Second
	defaultHPAValue = policy.ReferenceCPUTarget // percent of the CPU request
)

// An entrant is a policy that takes part in the comparison.
type entrant struct {
	name, kind  string
	description string
	floor       bool  // it raises the floor of an HPA
	knob        *knob // nil: nothing to turn
	// build returns the policy with its knob at a value.
	build func(value float64) (setup, error)
}

// A setup is what controls one run: a policy that scales the Deployment, or one that
// raises the floor of an HPA that does.
type setup struct {
	policy policy.Policy
	hpa    *policy.HPA // nil: the policy scales directly
	// leastSources is that of the policy's loop.
	leastSources float64
}

// exprs are what the setup asks for.
func (s setup) exprs() []string {
	var out []string
	for _, q := range s.policy.Needs().Queries {
		out = append(out, q.Expr)
	}
	if s.hpa != nil {
		for _, q := range s.hpa.Needs().Queries {
			out = append(out, q.Expr)
		}
	}
	return out
}

// counters are what its loop asks for beside, to know whether the answers are whole.
func (s setup) counters() ([]string, error) {
	if s.leastSources == 0 {
		return nil, nil
	}
	var out []string
	for _, q := range s.policy.Needs().Queries {
		all, err := sources.Counters(q.Expr)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			out = append(out, c.Expr)
		}
	}
	return out, nil
}

// A knob is the one parameter of a policy that a sweep turns.
type knob struct {
	name       string
	from, to   float64
	configured float64
	log        bool // equal ratios are equal steps
	integer    bool
	// errors makes steps equal ratios of 1-value: for values near 1.
	errors bool
}

// at returns the value at a position in [0,1].
func (k *knob) at(x float64) float64 {
	var v float64
	switch {
	case k.errors:
		v = 1 - math.Exp(math.Log(1-k.from)+x*(math.Log(1-k.to)-math.Log(1-k.from)))
	case k.log:
		v = math.Exp(math.Log(k.from) + x*(math.Log(k.to)-math.Log(k.from)))
	default:
		v = k.from + x*(k.to-k.from)
	}
	if k.integer {
		v = math.Round(v)
	}
	return v
}

// pos is the inverse of at, without rounding.
func (k *knob) pos(v float64) float64 {
	switch {
	case k.errors:
		return (math.Log(1-v) - math.Log(1-k.from)) / (math.Log(1-k.to) - math.Log(1-k.from))
	case k.log:
		return (math.Log(v) - math.Log(k.from)) / (math.Log(k.to) - math.Log(k.from))
	default:
		return (v - k.from) / (k.to - k.from)
	}
}

func newStatic(e *env) entrant {
	n := max(e.maxDemand, e.min)
	return entrant{
		name: "static", kind: "static",
		description: fmt.Sprintf("%d replicas all the time: the demand at the highest scored load, known in hindsight", n),
		knob:        &knob{name: "replicas", from: float64(max(1, e.min)), to: float64(e.max), configured: float64(n), integer: true},
		build: func(v float64) (setup, error) {
			return setup{policy: policy.Static{N: int32(v)}}, nil
		},
	}
}

func newOracle(e *env) entrant {
	return entrant{
		name: "oracle", kind: "oracle",
		description: fmt.Sprintf("knows the load to come and asks for its demand %s ahead, the longest start-up: a bound, not a scaler", words(e.lead().Round(time.Second))),
		knob:        &knob{name: "objective", from: 0.9, to: e.reachable(0.99999), configured: e.objective, errors: true},
		build: func(v float64) (setup, error) {
			capacity := e.service.Capacity(v)
			p, err := policy.NewOracle(policy.OracleConfig{
				Interval: policy.V3Interval,
				Lead:     e.lead(),
				Demand:   func(load float64) int32 { return replicasFor(load, capacity) },
				MaxLoad:  e.maxLoad,
				Min:      e.min,
				Max:      e.max,
			})
			return setup{policy: p}, err
		},
	}
}

// replicasFor is the fewest replicas that carry load at capacity each.
func replicasFor(load, capacity float64) int32 {
	if load <= 0 {
		return 0
	}
	return int32(min(math.Ceil(load/capacity), math.MaxInt32))
}

// hpaSpec is V2.md's HPA: 70 % CPU; up by the larger of 100 % and 2 pods in 30 s, down
// by 50 % in 60 s after 60 s of agreement.
func hpaSpec(e *env) autoscalingv2.HorizontalPodAutoscalerSpec {
	return policy.ReferenceHPA(autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: e.app}, e.min, e.max)
}

func newHPA(e *env, name string, spec autoscalingv2.HorizontalPodAutoscalerSpec) entrant {
	// A pod that runs into its CPU limit shows no more than the limit: targets above
	// it would never scale.
	ceiling := float64(e.limitMilliCPU) / float64(e.requestMilliCPU) * 100
	ent := entrant{
		name: name, kind: "hpa",
		description: "HorizontalPodAutoscaler v2, exact rules, every 15 s: " + describeHPA(spec),
	}
	if _, err := policy.WithCPUTarget(spec, defaultHPAValue); err == nil {
		ent.knob = &knob{name: "CPU utilisation target, % of request", from: 20, to: math.Floor(0.95 * ceiling), configured: cpuTarget(spec), log: true, integer: true}
		ent.build = func(v float64) (setup, error) {
			turned, err := policy.WithCPUTarget(spec, int32(v))
			if err != nil {
				return setup{}, err
			}
			p, err := policy.NewHPA(turned, policy.HPAConfig{Sync: hpaInterval})
			return setup{policy: p}, err
		}
		return ent
	}
	ent.knob = &knob{name: "factor on all targets", from: 0.2, to: 5, configured: 1, log: true}
	ent.build = func(v float64) (setup, error) {
		turned, err := policy.ScaleTargets(spec, v)
		if err != nil {
			return setup{}, err
		}
		p, err := policy.NewHPA(turned, policy.HPAConfig{Sync: hpaInterval})
		return setup{policy: p}, err
	}
	return ent
}

// cpuTarget returns the utilisation target of the first CPU metric, or the default
// of a spec that names no metric.
func cpuTarget(spec autoscalingv2.HorizontalPodAutoscalerSpec) float64 {
	for _, m := range spec.Metrics {
		switch {
		case m.Resource != nil && m.Resource.Name == corev1.ResourceCPU && m.Resource.Target.AverageUtilization != nil:
			return float64(*m.Resource.Target.AverageUtilization)
		case m.ContainerResource != nil && m.ContainerResource.Name == corev1.ResourceCPU && m.ContainerResource.Target.AverageUtilization != nil:
			return float64(*m.ContainerResource.Target.AverageUtilization)
		}
	}
	return 80
}

func describeHPA(spec autoscalingv2.HorizontalPodAutoscalerSpec) string {
	lowest := int32(1)
	if spec.MinReplicas != nil {
		lowest = *spec.MinReplicas
	}
	bounds := fmt.Sprintf("%d to %d replicas", lowest, spec.MaxReplicas)
	if _, err := policy.WithCPUTarget(spec, defaultHPAValue); err == nil {
		return "CPU " + strconv.Itoa(int(cpuTarget(spec))) + " % of request, " + bounds
	}
	return strconv.Itoa(len(spec.Metrics)) + " metrics, " + bounds
}

func newV2(e *env) entrant {
	cfg := policy.V2Config{Interval: v2Interval, Min: e.min, Max: e.max}
	return entrant{
		name: "v2", kind: "v2",
		description: "reactive, random forest on CPU and memory of metrics-server, every 30 s, target 200m a pod",
		// At the pod's CPU limit the rule can no longer see that it needs more.
		knob: &knob{name: "factor on target, high and low CPU", from: 0.5, to: 0.95 * float64(e.limitMilliCPU) / 200, configured: 1, log: true},
		build: func(v float64) (setup, error) {
			p, err := policy.NewV2(cfg.Scale(v))
			return setup{policy: p}, err
		},
	}
}
