package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/policy"
)

// TestHPACountsReadyPods: the ratio multiplies the ready pods, not the replicas asked for.
func TestHPACountsReadyPods(t *testing.T) {
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 100, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(50)}})
	d := h.Decide(policy.Input{Now: epoch, Spec: 20, Pods: podsOf(10, 1000)})
	if d.Raw != 20 {
		t.Errorf("raw wish %d, want 2 x 10 ready pods: %+v", d.Raw, d)
	}
}

// TestHPATrustsNoHalfAnswer: while one metric fails the others may only add replicas.
func TestHPATrustsNoHalfAnswer(t *testing.T) {
	tests := []struct {
		name          string
		first, second policy.Value
		want          int32
		hold          bool
		reason        string
	}{
		{"both work, the higher counts", policy.Value{Value: 3}, policy.Value{Value: 4}, 4, false, "ReadyForNewScale"},
		{"one fails, the other wants more", policy.Value{Err: policy.ErrNoData}, policy.Value{Value: 9}, 9, false, "ReadyForNewScale"},
		{"one fails, the other wants as many", policy.Value{Err: policy.ErrNoData}, policy.Value{Value: 6}, 6, false, "DesiredWithinRange"},
		{"one fails, the other wants fewer", policy.Value{Err: policy.ErrNoData}, policy.Value{Value: 3}, 6, true, "FailedGetExternalMetric"},
		{"both fail", policy.Value{Err: policy.ErrNoData}, policy.Value{Err: policy.ErrNoData}, 6, true, "FailedGetExternalMetric"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
				MaxReplicas: 10,
				Metrics:     []autoscalingv2.MetricSpec{external("1", true), external("1", true)},
				Behavior:    noWindow(),
			})
			d := h.Decide(policy.Input{Now: epoch, Spec: 6, Values: []policy.Value{tt.first, tt.second}})
			reason, _, _ := strings.Cut(d.Reason, ":")
			if d.Replicas != tt.want || d.Hold != tt.hold || reason != tt.reason {
				t.Errorf("%d, hold %t, %q; want %d, %t, %q", d.Replicas, d.Hold, d.Reason, tt.want, tt.hold, tt.reason)
			}
		})
	}
}

// TestHPAFailedSyncLeavesNoWish: a sync without metrics stores no recommendation, so
// the window empties and the next good sync may scale down at once.
func TestHPAFailedSyncLeavesNoWish(t *testing.T) {
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 10, Metrics: []autoscalingv2.MetricSpec{external("1", true)}})
	now := epoch
	if got := step(h, now, 8, 8); got != 8 {
		t.Fatalf("first sync: %d", got)
	}
	for range 20 {
		now = now.Add(15 * time.Second)
		if d := h.Decide(policy.Input{Now: now, Spec: 8, Values: []policy.Value{{Err: policy.ErrNoData}}}); !d.Hold || d.Replicas != 8 {
			t.Fatalf("without data: %+v", d)
		}
	}
	if got := step(h, now.Add(time.Second), 8, 2); got != 2 {
		t.Errorf("a window after the last wish: %d, want 2", got)
	}
}

// TestHPAOutOfBounds: outside of [min, max] metrics, windows and rates do not count.
func TestHPAOutOfBounds(t *testing.T) {
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(5)), MaxReplicas: 20,
		Metrics: []autoscalingv2.MetricSpec{external("1", true)},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
			Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: 60}},
		}},
	}
	h := mustHPA(t, spec)
	if got := step(h, epoch, 1, 100); got != 5 {
		t.Errorf("below min: %d, want 5", got)
	}
	// That jump counts as a change of the last minute all the same.
	if got := step(h, epoch.Add(15*time.Second), 5, 100); got != 5 {
		t.Errorf("after the jump: %d, want 5", got)
	}
	if got := step(mustHPA(t, spec), epoch, 400, 100); got != 20 {
		t.Errorf("above max: %d, want 20", got)
	}
	d := mustHPA(t, spec).Decide(policy.Input{Now: epoch, Spec: 400})
	want := policy.Decision{
		Replicas: 20, Raw: 400, Clamps: []policy.Clamp{{Name: "max", From: 400, To: 20}},
		Reason: "TooManyReplicas: current number of replicas above spec.maxReplicas",
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

// TestHPAFailedUpdate: without Commit the rate limit sees no change, and the HPA
// tries again.
func TestHPAFailedUpdate(t *testing.T) {
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
		MaxReplicas: 100, Metrics: []autoscalingv2.MetricSpec{external("1", true)},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
			Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 60}},
		}},
	})
	in := policy.Input{Now: epoch, Spec: 10, Values: []policy.Value{{Value: 50}}}
	for range 3 {
		if d := h.Decide(in); d.Replicas != 14 {
			t.Fatalf("%d, want 14", d.Replicas)
		}
		in.Now = in.Now.Add(15 * time.Second)
	}
	h.Commit(in.Now, 10, 14)
	in.Spec = 14
	if d := h.Decide(in); d.Replicas != 14 {
		t.Errorf("after the commit: %d, want 14", d.Replicas)
	}
}

// TestHPAForgetsChanges: a change takes the slot of the last one that is past the
// periods of its own direction, even while the other direction still looks at it.
func TestHPAForgetsChanges(t *testing.T) {
	pods := func(value, period int32) []autoscalingv2.HPAScalingPolicy {
		return []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: value, PeriodSeconds: period}}
	}
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
		MaxReplicas: 100, Metrics: []autoscalingv2.MetricSpec{external("1", true)},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp:   &autoscalingv2.HPAScalingRules{Policies: pods(50, 15)},
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0)), Policies: pods(5, 1800)},
		},
	})
	cur := int32(10)
	for _, s := range []struct {
		at         time.Duration
		wish, want int32
	}{
		{0, 11, 11},
		{10 * time.Second, 13, 13},
		{40 * time.Second, 18, 18}, // in the slot of the +2
		{41 * time.Second, 1, 7},   // 18 - 1 - 5 = 12 half an hour ago, as far as it knows
	} {
		cur = step(h, epoch.Add(s.at), cur, s.wish)
		if cur != s.want {
			t.Fatalf("after %v: %d, want %d", s.at, cur, s.want)
		}
	}
}

func TestHPAScaleToZero(t *testing.T) {
	zero := autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(0)), MaxReplicas: 10,
		Metrics: []autoscalingv2.MetricSpec{external("1", true)}, Behavior: noWindow(),
	}
	h := mustHPA(t, zero)
	now := epoch
	for i, s := range []struct{ spec, wish, want int32 }{
		{3, 0, 0}, // its own doing
		{0, 0, 0}, // nothing to do
		{0, 2, 2}, // and back
		{0, 2, 0}, // somebody else set it to zero: disabled
	} {
		if got := step(h, now, s.spec, s.wish); got != s.want {
			t.Errorf("step %d: %d -> %d, want %d (%+v)", i, s.spec, got, s.want, h.Conditions())
		}
		now = now.Add(15 * time.Second)
	}
	if got := h.Conditions().ScalingActive; got != (policy.HPACondition{Reason: "ScalingDisabled"}) {
		t.Errorf("ScalingActive is %+v", got)
	}

	// minReplicas was raised while it was at zero.
	raised := zero
	raised.MinReplicas = new(int32(3))
	h, err := policy.NewHPA(raised, policy.HPAConfig{ScaledToZero: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := step(h, epoch, 0, 1); got != 3 {
		t.Errorf("raised minimum: %d, want 3", got)
	}
	h, err = policy.NewHPA(raised, policy.HPAConfig{ScaledToZero: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := step(h, epoch, 0, 9); got != 4 {
		t.Errorf("raised minimum, a wish above it: %d, want the rate limit, 4", got)
	}

	// A Value has neither tolerance nor pods to count at zero.
	zero.Metrics = []autoscalingv2.MetricSpec{external("100", false)}
	h, err = policy.NewHPA(zero, policy.HPAConfig{ScaledToZero: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := step(h, epoch, 0, 101); got != 2 {
		t.Errorf("value 101 / target 100 at zero: %d, want 2", got)
	}
	if _, err := policy.NewHPA(zero, policy.HPAConfig{DisableScaleToZero: true}); err == nil {
		t.Error("minReplicas 0 was accepted with the gate off")
	}
	h, err = policy.NewHPA(raised, policy.HPAConfig{ScaledToZero: true, DisableScaleToZero: true})
	if err != nil {
		t.Fatal(err)
	}
	if d := h.Decide(policy.Input{Now: epoch, Values: []policy.Value{{Value: 1}}}); !d.Hold || d.Replicas != 0 {
		t.Errorf("with the gate off: %+v", d)
	}
}

// TestHPAConfig turns each setting off, or to something else than its default.
func TestHPAConfig(t *testing.T) {
	cpu := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 100, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(50)}}
	young := func(p *policy.Pod) { // unready since it started
		p.Started, p.ReadyChanged, p.Ready = epoch.Add(-time.Minute), epoch.Add(-time.Minute), false
	}
	turned := func(p *policy.Pod) { // was ready, is not
		p.Started, p.ReadyChanged, p.Ready = epoch.Add(-10*time.Minute), epoch.Add(-9*time.Minute-50*time.Second), false
	}
	tests := []struct {
		name string
		cfg  policy.HPAConfig
		pods []policy.Pod
		want int32
	}{
		{"defaults", policy.HPAConfig{}, podsOf(10, 540), 10},
		{"tolerance 0.05", policy.HPAConfig{Tolerance: 0.05}, podsOf(10, 540), 11},
		{"no tolerance", policy.HPAConfig{Tolerance: -1}, podsOf(10, 510), 11},
		{"young", policy.HPAConfig{}, podsOf(10, 900, young), 17},
		{"young, no initialization period, no delay", policy.HPAConfig{CPUInitialization: -1, InitialReadinessDelay: -1}, podsOf(10, 900, young), 18},
		{"young, no initialization period", policy.HPAConfig{CPUInitialization: -1}, podsOf(10, 900, young), 17},
		{"never ready", policy.HPAConfig{}, podsOf(10, 900, turned), 17},
		{"never ready, no delay", policy.HPAConfig{InitialReadinessDelay: -1}, podsOf(10, 900, turned), 18},
		{"still young, long period", policy.HPAConfig{CPUInitialization: time.Hour, InitialReadinessDelay: -1}, podsOf(10, 900, turned), 17},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := policy.NewHPA(cpu, tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if d := h.Decide(policy.Input{Now: epoch, Spec: 10, Pods: tt.pods}); d.Raw != tt.want {
				t.Errorf("%d, want %d: %s", d.Raw, tt.want, d.Proposals[0].Detail)
			}
		})
	}
	t.Run("window", func(t *testing.T) {
		spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 10, Metrics: []autoscalingv2.MetricSpec{external("1", true)}}
		for _, b := range []*autoscalingv2.HorizontalPodAutoscalerBehavior{nil, {}} {
			spec.Behavior = b
			h, err := policy.NewHPA(spec, policy.HPAConfig{DownscaleStabilization: -1, Sync: 30 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			step(h, epoch, 8, 8)
			if got := step(h, epoch.Add(time.Second), 8, 2); got != 2 || h.Needs().Interval != 30*time.Second {
				t.Errorf("without a window: %d, want 2; interval %v", got, h.Needs().Interval)
			}
		}
	})
}

// TestHPAExplains reads a whole decision.
func TestHPAExplains(t *testing.T) {
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(2)), MaxReplicas: 12,
		Metrics: []autoscalingv2.MetricSpec{cpuUtilization(50), external("200", true), memoryAverage("1k")},
	})
	missing := func(p *policy.Pod) { p.Sample = nil }
	d := h.Decide(policy.Input{
		Now: epoch, Spec: 4, Status: 4, Pods: podsOf(4, 900, missing),
		Values: []policy.Value{{Name: "external metric queue_depth", Err: policy.ErrNoData}},
	})
	want := policy.Decision{
		Replicas: 6, Raw: 6, Reason: "ReadyForNewScale: cpu above target",
		Proposals: []policy.Proposal{
			{Source: "cpu", Replicas: 6, Detail: "util 90 % / target 50 %, 3 ready, 1 missing"},
			{Source: "external metric queue_depth", Replicas: 4, Err: policy.ErrNoData},
			{Source: "memory", Replicas: 4, Detail: "mean 900 / target 1000, 3 ready, 1 missing"},
		},
	}
	if diff := cmp.Diff(want, d, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
	d = h.Decide(policy.Input{
		Now: epoch, Spec: 4, Status: 4, Pods: podsOf(4, 900),
		Values: []policy.Value{{Value: 6000}},
	})
	clamps := []policy.Clamp{{Name: "scale-up rate", From: 30, To: 8}}
	if diff := cmp.Diff(clamps, d.Clamps); diff != "" {
		t.Errorf("clamps (-want +got):\n%s", diff)
	}
	if got := d.Proposals[1].Detail; got != "value 6000 / target 200 x replicas 4" {
		t.Errorf("detail %q", got)
	}
}

// TestHPAPodsMetric spreads the sum of a Pods metric over pods it cannot name.
func TestHPAPodsMetric(t *testing.T) {
	deleting := func(p *policy.Pod) { p.Deleting = true }
	pending := func(p *policy.Pod) { p.Phase, p.Ready = policy.PodPending, false }
	tests := []struct {
		name       string
		sum, count float64
		pods       []policy.Pod
		want       int32
	}{
		{"mean 2 over 4", 8, 4, podsOf(4, 0), 8},
		{"one pending counts as idle", 6, 3, podsOf(4, 0, pending), 6},
		{"one without a sample counts as idle", 6, 3, podsOf(4, 0), 6},
		{"one deleted still has a sample: the mean counts", 8, 4, podsOf(4, 0, deleting), 6},
		{"mean 0.5, one without a sample counts as on target", 1.5, 3, podsOf(4, 0), 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 100, Metrics: []autoscalingv2.MetricSpec{podsMetric("1")}})
			d := h.Decide(policy.Input{Now: epoch, Spec: 4, Pods: tt.pods, Values: []policy.Value{{Value: tt.sum}, {Value: tt.count}}})
			if d.Hold || d.Proposals[0].Replicas != tt.want {
				t.Errorf("%d, want %d: %s %s", d.Proposals[0].Replicas, tt.want, d.Proposals[0].Detail, d.Reason)
			}
		})
	}
}

// TestHPANoDataIsNotZero feeds every way of having no answer to every kind of metric.
func TestHPANoDataIsNotZero(t *testing.T) {
	nan := 0.0
	nan /= nan
	values := map[string][]policy.Value{
		"error":   {{Err: policy.ErrNoData}, {Err: policy.ErrNoData}},
		"NaN":     {{Value: nan}, {Value: nan}},
		"nothing": nil,
	}
	for name, v := range values {
		for _, m := range []autoscalingv2.MetricSpec{external("1", true), external("1", false), podsMetric("1"), cpuUtilization(50), memoryAverage("1")} {
			h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 10, Metrics: []autoscalingv2.MetricSpec{m}, Behavior: noWindow()})
			pods := podsOf(5, 0)
			for i := range pods {
				pods[i].Sample = nil
			}
			d := h.Decide(policy.Input{Now: epoch, Spec: 5, Status: 5, Pods: pods, Values: v})
			if !d.Hold || d.Replicas != 5 || !errors.Is(d.Proposals[0].Err, policy.ErrNoData) {
				t.Errorf("%s of a %s metric: %+v", name, m.Type, d)
			}
		}
	}
}

// TestHPAScalesWithUnits: load and requests times k leave every decision as it was.
func TestHPAScalesWithUnits(t *testing.T) {
	for seed := range uint64(200) {
		s := newScenario(seed)
		s.spec.Metrics = []autoscalingv2.MetricSpec{cpuUtilization(50)}
		s.spec.MinReplicas = new(int32(1))
		one, seven := mustHPA(t, s.spec), mustHPA(t, s.spec)
		now, cur := epoch, int32(4)
		for _, st := range s.steps {
			now = now.Add(st.after)
			in := scenarioInput(now, cur, &s.spec, &st)
			d := one.Decide(in)
			for i := range in.Pods {
				p := &in.Pods[i]
				p.RequestMilliCPU *= 7
				if p.Sample != nil {
					p.Sample.MilliCPU *= 7
				}
			}
			if diff := cmp.Diff(d, seven.Decide(in), cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })); diff != "" {
				t.Fatalf("scenario %d (-1 x, +7 x):\n%s", seed, diff)
			}
			if d.Replicas != cur {
				one.Commit(now, cur, d.Replicas)
				seven.Commit(now, cur, d.Replicas)
				cur = d.Replicas
			}
		}
	}
}

func noWindow() *autoscalingv2.HorizontalPodAutoscalerBehavior {
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))},
	}
}
