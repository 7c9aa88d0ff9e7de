package policy_test

import (
	"fmt"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"hindcast.dev/policy"
)

// The wanted numbers of this file were computed with the code of Kubernetes 1.37.2.

// TestHPAVectors decides once for ten pods, an hour old unless the case says
// otherwise, that request 1000 m each.
func TestHPAVectors(t *testing.T) {
	const window = 15 * time.Second
	missing := func(p *policy.Pod) { p.Sample = nil }
	pending := func(p *policy.Pod) {
		p.Phase, p.Ready, p.Started, p.ReadyChanged, p.Sample = policy.PodPending, false, time.Time{}, time.Time{}, nil
	}
	readySince := func(d time.Duration) func(*policy.Pod) {
		return func(p *policy.Pod) { p.Started, p.ReadyChanged = epoch.Add(-time.Minute), epoch.Add(-d) }
	}
	young := func(p *policy.Pod) {
		p.Started, p.Ready, p.ReadyChanged = epoch.Add(-time.Minute), false, epoch.Add(-time.Minute)
	}
	unreadyAfter := func(d time.Duration) func(*policy.Pod) {
		return func(p *policy.Pod) { p.Ready, p.ReadyChanged = false, p.Started.Add(d) }
	}
	notReady := func(p *policy.Pod) { p.Ready, p.ReadyChanged = false, epoch.Add(-time.Second) }

	cpu50 := []autoscalingv2.MetricSpec{cpuUtilization(50)}
	tests := []struct {
		name    string
		metrics []autoscalingv2.MetricSpec
		pods    []policy.Pod
		values  []float64
		status  int32
		up, dn  string // tolerances
		want    int32
	}{
		{name: "all 550m", metrics: cpu50, pods: podsOf(10, 550), want: 10},
		{name: "all 559m", metrics: cpu50, pods: podsOf(10, 559), want: 10},
		{name: "all 560m", metrics: cpu50, pods: podsOf(10, 560), want: 12},
		{name: "all 450m", metrics: cpu50, pods: podsOf(10, 450), want: 10},
		{name: "all 449m", metrics: cpu50, pods: podsOf(10, 449), want: 9},
		{name: "3 pods 700m, current 3", metrics: cpu50, pods: podsOf(3, 700), want: 5},
		{name: "900m, 2 missing", metrics: cpu50, pods: podsOf(10, 900, missing, missing), want: 15},
		{name: "200m, 2 missing", metrics: cpu50, pods: podsOf(10, 200, missing, missing), want: 8},
		{name: "500m, 2 missing", metrics: cpu50, pods: podsOf(10, 500, missing, missing), want: 10},
		{name: "560m, 2 missing, reverses", metrics: cpu50, pods: podsOf(10, 560, missing, missing), want: 10},
		{name: "900m, 2 young unready", metrics: cpu50, pods: podsOf(10, 900, young, young), want: 15},
		{name: "200m, 1 young unready", metrics: cpu50, pods: podsOf(10, 200, young), want: 4},
		{name: "900m, 1 Pending", metrics: cpu50, pods: podsOf(10, 900, pending), want: 17},
		{name: "900m, 1 Failed", metrics: cpu50, want: 17,
			pods: podsOf(10, 900, func(p *policy.Pod) { p.Phase, p.Ready = policy.PodFailed, false })},
		{name: "1 ready 5 s ago, window 15 s, all 900m", metrics: cpu50, pods: podsOf(10, 900, readySince(5*time.Second)), want: 17},
		{name: "1 ready 20 s ago, all 900m", metrics: cpu50, pods: podsOf(10, 900, readySince(20*time.Second)), want: 18},
		{name: "1 ready one window ago, all 900m", metrics: cpu50, pods: podsOf(10, 900, readySince(window)), want: 18},
		{name: "old pod unready, transition 40 s after start, 900m", metrics: cpu50, pods: podsOf(10, 900, unreadyAfter(40*time.Second)), want: 18},
		{name: "old pod unready, transition 20 s after start, 900m", metrics: cpu50, pods: podsOf(10, 900, unreadyAfter(20*time.Second)), want: 17},
		{name: "target 150 %, all 800m, 1 missing", metrics: []autoscalingv2.MetricSpec{cpuUtilization(150)}, pods: podsOf(10, 800, missing), want: 6},
		{name: "tolerance 0/0, all 505m", metrics: cpu50, pods: podsOf(10, 505), up: "0", dn: "0", want: 10},
		{name: "up tolerance 0, all 510m", metrics: cpu50, pods: podsOf(10, 510), up: "0", want: 11},
		{name: "External AverageValue 2100 / 200, status 10", metrics: []autoscalingv2.MetricSpec{external("200", true)}, values: []float64{2100}, status: 10, pods: podsOf(10, 0), want: 10},
		{name: "External AverageValue 2210 / 200, status 10", metrics: []autoscalingv2.MetricSpec{external("200", true)}, values: []float64{2210}, status: 10, pods: podsOf(10, 0), want: 12},
		{name: "External AverageValue 2210 / 200, status 0", metrics: []autoscalingv2.MetricSpec{external("200", true)}, values: []float64{2210}, pods: podsOf(10, 0), want: 12},
		{name: "External Value 300 / 200, 8 of 10 ready", metrics: []autoscalingv2.MetricSpec{external("200", false)}, values: []float64{300}, status: 10, pods: podsOf(10, 0, notReady, notReady), want: 12},
		{name: "memory avg 900 / 500, 1 unready", metrics: []autoscalingv2.MetricSpec{memoryAverage("500")}, pods: podsOf(10, 900, notReady), want: 18},
		{name: "Pods metric sum 0.009 over 10 pods, target 0.001", metrics: []autoscalingv2.MetricSpec{podsMetric("0.001")}, values: []float64{0.009, 10}, pods: podsOf(10, 0), want: 0},
		{name: "target 70 %, all 770m", metrics: []autoscalingv2.MetricSpec{cpuUtilization(70)}, pods: podsOf(10, 770), want: 10},
		{name: "target 70 %, all 630m", metrics: []autoscalingv2.MetricSpec{cpuUtilization(70)}, pods: podsOf(10, 630), want: 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 1000, Metrics: tt.metrics}
			if tt.up != "" || tt.dn != "" {
				spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
					ScaleUp: &autoscalingv2.HPAScalingRules{}, ScaleDown: &autoscalingv2.HPAScalingRules{},
				}
				if tt.up != "" {
					spec.Behavior.ScaleUp.Tolerance = new(resource.MustParse(tt.up))
				}
				if tt.dn != "" {
					spec.Behavior.ScaleDown.Tolerance = new(resource.MustParse(tt.dn))
				}
			}
			h := mustHPA(t, spec)
			in := policy.Input{Now: epoch, Spec: int32(len(tt.pods)), Status: tt.status, Pods: tt.pods}
			for _, v := range tt.values {
				in.Values = append(in.Values, policy.Value{Value: v})
			}
			d := h.Decide(in)
			if d.Hold || d.Proposals[0].Replicas != tt.want {
				t.Errorf("proposal %d, want %d: %s (%s)", d.Proposals[0].Replicas, tt.want, d.Proposals[0].Detail, d.Reason)
			}
		})
	}
}

// TestHPASequences decides every 15 s. The proposal is the same at each, or that of
// a list.
func TestHPASequences(t *testing.T) {
	rules := func(window int32, choose autoscalingv2.ScalingPolicySelect, policies ...autoscalingv2.HPAScalingPolicy) *autoscalingv2.HPAScalingRules {
		return &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &window, SelectPolicy: &choose, Policies: policies}
	}
	pods := func(value, period int32) autoscalingv2.HPAScalingPolicy {
		return autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: value, PeriodSeconds: period}
	}
	percent := func(value, period int32) autoscalingv2.HPAScalingPolicy {
		return autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: value, PeriodSeconds: period}
	}
	const most, least, none = autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect
	type behavior = autoscalingv2.HorizontalPodAutoscalerBehavior
	tests := []struct {
		name      string
		behavior  *behavior
		from      int32
		proposals []int32
		want      []int32
	}{
		{"nil behavior, 1 -> 100", nil, 1, times(6, 100), []int32{4, 8, 16, 32, 64, 100}},
		{"empty behavior, 1 -> 100", &behavior{}, 1, times(5, 100), []int32{5, 10, 20, 40, 80}},
		{"empty behavior, 1 -> 100, to the end", &behavior{}, 1, times(6, 100), []int32{5, 10, 20, 40, 80, 100}},
		{"nil behavior, 10 -> 2 holds 21 syncs", nil, 10, times(22, 2), append(times(21, 10), 2)},
		{"empty behavior, 10 -> 2 holds 20 syncs", &behavior{}, 10, times(21, 2), append(times(20, 10), 2)},
		{"up Pods 4/60 s, 10 -> 30", &behavior{ScaleUp: rules(0, most, pods(4, 60))}, 10, times(13, 30),
			[]int32{14, 14, 14, 14, 18, 18, 18, 18, 22, 22, 22, 22, 26}},
		{"up Percent 10/60 s, 10 -> 30", &behavior{ScaleUp: rules(0, most, percent(10, 60))}, 10, times(13, 30),
			[]int32{11, 11, 11, 11, 13, 13, 13, 13, 15, 15, 15, 15, 17}},
		{"down Percent 10/60 s, window 0, from 100", &behavior{ScaleDown: rules(0, most, percent(10, 60))}, 100, times(13, 1),
			[]int32{90, 90, 90, 90, 81, 81, 81, 81, 72, 72, 72, 72, 64}},
		{"down Percent 10/60 s, window 0, from 5", &behavior{ScaleDown: rules(0, most, percent(10, 60))}, 5, times(13, 1),
			[]int32{4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 1}},
		{"up window 60 s", &behavior{ScaleUp: rules(60, most, percent(100, 15))}, 5, []int32{5, 9, 9, 9, 9, 9},
			[]int32{5, 5, 5, 5, 9, 9}},
		{"up Min(Pods 4, Percent 100)", &behavior{ScaleUp: rules(0, least, pods(4, 15), percent(100, 15))}, 10, times(4, 30),
			[]int32{14, 18, 22, 26}},
		{"down Disabled", &behavior{ScaleDown: rules(0, none, percent(100, 15))}, 10, times(3, 2), times(3, 10)},
		{"up Pods near 2^31 wraps around", &behavior{ScaleUp: rules(0, most, pods(1<<31-1, 15))}, 10, times(2, 30), times(2, 10)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
				MaxReplicas: 100, Metrics: []autoscalingv2.MetricSpec{external("1", true)}, Behavior: tt.behavior,
			})
			spec, now := tt.from, epoch
			var got []int32
			for _, p := range tt.proposals {
				spec = step(h, now, spec, p)
				got = append(got, spec)
				now = now.Add(15 * time.Second)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("\n got %v\nwant %v", got, tt.want)
			}
		})
	}
}

// step decides with the proposal p and carries the decision out. With the status at
// zero an External AverageValue of 1 has no tolerance: it proposes its value.
func step(h *policy.HPA, now time.Time, spec, p int32) int32 {
	d := h.Decide(policy.Input{Now: now, Spec: spec, Values: []policy.Value{{Value: float64(p)}}})
	if d.Replicas != spec {
		h.Commit(now, spec, d.Replicas)
	}
	return d.Replicas
}

func times(n int, v int32) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// podsOf returns n pods that use that many millicores and bytes; the changes apply
// to the first of them.
func podsOf(n int, used int64, change ...func(*policy.Pod)) []policy.Pod {
	pods := make([]policy.Pod, n)
	for i := range pods {
		pods[i] = policy.Pod{
			Name: fmt.Sprintf("shop-%d", i), Phase: policy.PodRunning, Ready: true,
			Started: epoch.Add(-time.Hour), ReadyChanged: epoch.Add(-time.Hour + 40*time.Second),
			RequestMilliCPU: 1000, RequestBytes: 1000,
			Sample: &policy.PodSample{MilliCPU: used, Bytes: used, Time: epoch, Window: 15 * time.Second},
		}
		if i < len(change) {
			change[i](&pods[i])
		}
	}
	return pods
}

func mustHPA(t testing.TB, spec autoscalingv2.HorizontalPodAutoscalerSpec) *policy.HPA {
	t.Helper()
	h, err := policy.NewHPA(spec, policy.HPAConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func cpuUtilization(percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}
}

func memoryAverage(q string) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceMemory, Target: averageValue(q),
	}}
}

func podsMetric(q string) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "in_flight"}, Target: averageValue(q),
	}}
}

func external(q string, average bool) autoscalingv2.MetricSpec {
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: new(resource.MustParse(q))}
	if average {
		target = averageValue(q)
	}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "queue_depth"}, Target: target,
	}}
}

func averageValue(q string) autoscalingv2.MetricTarget {
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse(q))}
}
