package policy_test

import (
	"math/rand/v2"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// This file draws HPA manifests with the life of a workload around them. It knows
// nothing of the package under test, because testdata/hpa_upstream.sh compiles it
// into the controller of Kubernetes too: both must see the same.

// A scenario is a manifest and what its controller meets at each sync.
type scenario struct {
	spec  autoscalingv2.HorizontalPodAutoscalerSpec
	first int32 // .spec.replicas at the first sync
	steps []scenarioStep
}

type scenarioStep struct {
	after       time.Duration // since the step before
	override    int32         // somebody else sets .spec.replicas first; -1: nobody
	pods        []scenarioPod
	podsFail    bool    // the resource metrics API is down
	values      []int64 // milli-units, one for each metric that is global; -1: no answer
	updateFails bool
}

// Ages are before the sync; -1: there is no such time.
type scenarioPod struct {
	phase                 corev1.PodPhase
	deleting, ready       bool
	started, readyChanged time.Duration
	cpu, memory           int64 // requests: millicores, bytes; 0: none
	sampled               time.Duration
	window                time.Duration
	cpuUsed, memoryUsed   int64
	custom                int64 // milli-units of the Pods metric; -1: no sample
}

func newScenario(seed uint64) scenario {
	r := rand.New(rand.NewPCG(seed, 0))
	var s scenario
	lowest := pick(r, int32(0), 1, 1, 1, 2, 5)
	s.spec.MaxReplicas = lowest + pick(r, int32(1), 5, 20, 100)
	for range pick(r, 1, 1, 1, 2, 3) {
		s.spec.Metrics = append(s.spec.Metrics, randomMetric(r))
	}
	global := 0
	for _, m := range s.spec.Metrics {
		if m.Object != nil || m.External != nil {
			global++
		}
	}
	if lowest == 0 && global == 0 {
		lowest = 1
	}
	s.spec.MinReplicas = &lowest
	if r.Float64() < 0.7 {
		s.spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp: randomRules(r), ScaleDown: randomRules(r),
		}
	}
	s.first = pick(r, lowest, lowest+1, s.spec.MaxReplicas, s.spec.MaxReplicas+3, 5, 1)
	level := 1.0
	for range 24 {
		if r.Float64() < 0.4 {
			level = pick(r, 0.1, 0.5, 0.85, 0.9, 1, 1.1, 1.15, 1.5, 2, 4)
		}
		s.steps = append(s.steps, randomStep(r, level, global))
	}
	return s
}

func randomStep(r *rand.Rand, level float64, global int) scenarioStep {
	st := scenarioStep{
		after:       time.Duration(pick(r, 15, 15, 15, 15, 15, 30, 14, 16, 1, 5, 5, 60, 300)) * time.Second,
		override:    -1,
		podsFail:    r.Float64() < 0.03,
		updateFails: r.Float64() < 0.05,
	}
	if r.Float64() < 0.05 {
		st.override = pick(r, int32(0), 1, 3, 3, 7, 40, 200)
	}
	troubled := r.Float64() < 0.5
	for range r.IntN(12) {
		st.pods = append(st.pods, randomPod(r, level, troubled))
	}
	for range global {
		v := int64(level*1000*float64(1+r.IntN(20))) / 125 * 125
		if r.Float64() < 0.05 {
			v = -1
		}
		st.values = append(st.values, v)
	}
	return st
}

func randomPod(r *rand.Rand, level float64, troubled bool) scenarioPod {
	p := scenarioPod{
		phase: corev1.PodRunning, ready: true, started: time.Hour, readyChanged: time.Hour - 30*time.Second,
		cpu: 1000, memory: 1 << 30,
		sampled: time.Duration(r.IntN(20)) * time.Second, window: pick(r, 15*time.Second, 30*time.Second),
		cpuUsed:    int64(level * pick(r, 490.0, 500, 500, 510)),
		memoryUsed: int64(level * pick(r, 490.0, 500, 500, 510) * (1 << 20)),
		custom:     int64(level*pick(r, 900.0, 1000, 1100)) / 125 * 125,
	}
	if !troubled {
		return p
	}
	p.cpu = pick(r, int64(1000), 1000, 1000, 333, 2000)
	p.memory = pick(r, int64(1<<30), 1<<30, 1e9, 3e9)
	if r.Float64() < 0.01 {
		p.cpu, p.memory = 0, 0
	}
	p.deleting = r.Float64() < 0.08
	switch x := r.Float64(); {
	case x < 0.1:
		p.phase, p.ready, p.readyChanged = corev1.PodPending, false, -1
	case x < 0.15:
		p.phase, p.ready = corev1.PodFailed, false
	}
	if r.Float64() < 0.4 {
		p.started = time.Duration(r.IntN(40)) * 15 * time.Second
		p.readyChanged = max(0, p.started-time.Duration(r.IntN(5))*10*time.Second)
	}
	p.ready = p.ready && r.Float64() < 0.85
	if r.Float64() < 0.03 {
		p.readyChanged, p.ready = -1, false
	}
	if r.Float64() < 0.03 {
		p.started = -1
	}
	if p.phase != corev1.PodRunning || r.Float64() < 0.15 {
		p.sampled = pick(r, -1, -1, p.sampled)
	}
	if p.phase != corev1.PodRunning || p.deleting || r.Float64() < 0.15 {
		p.custom = -1
	}
	return p
}

func randomMetric(r *rand.Rand) autoscalingv2.MetricSpec {
	id := autoscalingv2.MetricIdentifier{Name: "queue_depth", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"queue": "mail"}}}
	milli := resource.NewMilliQuantity
	utilization := func(percent int32) autoscalingv2.MetricTarget {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
	}
	average := func(m int64) autoscalingv2.MetricTarget {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(m, resource.DecimalSI)}
	}
	value := func(m int64) autoscalingv2.MetricTarget {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: milli(m, resource.DecimalSI)}
	}
	object := autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: "shop"}
	switch r.IntN(9) {
	case 0:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceMemory, Target: utilization(pick(r, int32(50), 150))}}
	case 1:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceMemory, Target: average(500 << 20 * 1000)}}
	case 2:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: average(500)}}
	case 3:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
			Metric: id, Target: average(1000)}}
	case 4:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: object, Metric: id, Target: pick(r, average(1000), value(10000))}}
	case 5:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: id, Target: pick(r, average(1000), value(10000))}}
	default:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: utilization(pick(r, int32(50), 50, 70, 150))}}
	}
}

func randomRules(r *rand.Rand) *autoscalingv2.HPAScalingRules {
	if r.Float64() < 0.2 {
		return nil
	}
	var rules autoscalingv2.HPAScalingRules
	if r.Float64() < 0.7 {
		rules.StabilizationWindowSeconds = new(pick(r, int32(0), 0, 15, 30, 60, 300))
	}
	if r.Float64() < 0.5 {
		rules.SelectPolicy = new(pick(r, autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect,
			autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect))
	}
	for range r.IntN(4) {
		rules.Policies = append(rules.Policies, autoscalingv2.HPAScalingPolicy{
			Type:          pick(r, autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy),
			Value:         pick(r, int32(1), 2, 4, 10, 33, 50, 100, 900),
			PeriodSeconds: pick(r, int32(15), 30, 60, 120, 1800),
		})
	}
	if r.Float64() < 0.3 {
		rules.Tolerance = new(resource.MustParse(pick(r, "0", "0.05", "0.25")))
	}
	return &rules
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
