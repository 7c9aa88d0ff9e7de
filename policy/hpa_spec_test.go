package policy_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"hindcast.dev/policy"
)

func TestNewHPARefuses(t *testing.T) {
	tests := []struct {
		name, spec string
		cfg        policy.HPAConfig
		want       []string // in the error, in this order
	}{
		{"all faults at once", `{minReplicas: -1, maxReplicas: -2, metrics: [{type: Resource}, {type: Cosmic}]}`, policy.HPAConfig{Sync: -1}, []string{
			"sync: -1ns is negative",
			"spec.minReplicas: -1 is less than 0",
			"spec.maxReplicas: -2 is less than 1",
			"spec.maxReplicas: -2 is less than spec.minReplicas, -1",
			"spec.metrics[0]: type: is Resource, but that source is not set",
			`spec.metrics[1]: type: "Cosmic" is not known`,
		}},
		{"tolerance flag", `{maxReplicas: 1}`, policy.HPAConfig{Tolerance: math.NaN()}, []string{"tolerance: NaN is not a finite number"}},
		{"min above max", `{minReplicas: 4, maxReplicas: 3}`, policy.HPAConfig{}, []string{"spec.maxReplicas: 3 is less than spec.minReplicas, 4"}},
		{"zero without a global metric", `{minReplicas: 0, maxReplicas: 3}`, policy.HPAConfig{}, []string{"spec.minReplicas: 0 needs an Object or External metric"}},
		{"behavior", `{maxReplicas: 3, behavior: {
			scaleUp: {stabilizationWindowSeconds: 3601, selectPolicy: Fast, tolerance: "-0.1", policies: []},
			scaleDown: {stabilizationWindowSeconds: -1, policies: [{type: Share, value: 0, periodSeconds: 1801}, {type: Pods, value: 1, periodSeconds: 0}]}}}`,
			policy.HPAConfig{}, []string{
				"spec.behavior.scaleUp.stabilizationWindowSeconds: 3601 is not in [0, 3600]",
				`spec.behavior.scaleUp.selectPolicy: "Fast" is not Max, Min or Disabled`,
				"spec.behavior.scaleUp.policies: none given",
				"spec.behavior.scaleUp.tolerance: -100m is negative",
				"spec.behavior.scaleDown.stabilizationWindowSeconds: -1 is not in [0, 3600]",
				`spec.behavior.scaleDown.policies[0].type: "Share" is not Pods or Percent`,
				"spec.behavior.scaleDown.policies[0].value: 0 is not positive",
				"spec.behavior.scaleDown.policies[0].periodSeconds: 1801 is not in [1, 1800]",
				"spec.behavior.scaleDown.policies[1].periodSeconds: 0 is not in [1, 1800]",
			}},
		{"two sources", `{maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}},
			external: {metric: {name: q}, target: {type: Value, value: 1}}}]}`, policy.HPAConfig{}, []string{`is "Resource", but the source of External is set`}},
		{"resource", `{maxReplicas: 3, metrics: [{type: Resource, resource: {name: nvidia.com/gpu, target: {type: Utilization, averageUtilization: 50}}}]}`,
			policy.HPAConfig{}, []string{"resource name: nvidia.com/gpu is neither cpu nor memory"}},
		{"container unknown", `{maxReplicas: 3, metrics: [{type: ContainerResource, containerResource: {name: cpu, container: app, target: {type: Utilization, averageUtilization: 50}}}]}`,
			policy.HPAConfig{}, []string{`containerResource.container: "app" is not known to be the only container`}},
		{"target type", `{maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 0}}}]}`,
			policy.HPAConfig{}, []string{`target.type: "" is not`, "target.averageUtilization: 0 is less than 1"}},
		{"no target", `{maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]}`,
			policy.HPAConfig{}, []string{"target: neither averageUtilization nor averageValue is set"}},
		{"two targets", `{maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 5, averageValue: 1}}}]}`,
			policy.HPAConfig{}, []string{"target: both averageUtilization and averageValue are set"}},
		{"pods target", `{maxReplicas: 3, metrics: [{type: Pods, pods: {metric: {name: q}, target: {type: AverageValue}}}]}`,
			policy.HPAConfig{}, []string{"target: averageValue is not set"}},
		{"object target", `{maxReplicas: 3, metrics: [{type: Object, object: {metric: {name: q}, target: {type: Value, averageValue: 1}}}]}`,
			policy.HPAConfig{}, []string{"target: type is Value but its field is not set"}},
		{"external targets", `{maxReplicas: 3, metrics: [{type: External, external: {metric: {name: q}, target: {type: Value}}},
			{type: External, external: {metric: {name: q}, target: {type: Value, value: 1, averageValue: 1}}},
			{type: External, external: {metric: {name: q}, target: {type: Value, value: "-1"}}}]}`, policy.HPAConfig{}, []string{
			"spec.metrics[0]: target: neither value nor averageValue is set",
			"spec.metrics[1]: target: both value and averageValue are set",
			"spec.metrics[2]: target.value: -1 is not positive",
		}},
		{"metric name", `{maxReplicas: 3, metrics: [{type: External, external: {metric: {name: a/b, selector: {matchLabels: {"": x}}}, target: {type: Value, value: 1}}}, 
			{type: External, external: {metric: {name: q, selector: {matchExpressions: [{key: a, operator: Near}]}}, target: {type: Value, value: 1}}}]}`,
			policy.HPAConfig{}, []string{"metric.name:", "metric.selector:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.NewHPA(parseSpec(t, tt.spec), tt.cfg)
			if err == nil {
				t.Fatal("was accepted")
			}
			rest := err.Error()
			for _, want := range tt.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("error %q\nlacks, in order, %q", err, want)
				}
				rest = after
			}
		})
	}
}

// TestHPADefaults: what a manifest leaves out means the same as the documented
// default written out.
func TestHPADefaults(t *testing.T) {
	tests := []struct{ name, short, long string }{
		{"metrics and minimum", `{maxReplicas: 50}`,
			`{minReplicas: 1, maxReplicas: 50, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}`},
		{"behavior", `{maxReplicas: 50, behavior: {}}`, `{maxReplicas: 50, behavior: {
			scaleUp: {stabilizationWindowSeconds: 0, selectPolicy: Max, policies: [{type: Pods, value: 4, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]},
			scaleDown: {stabilizationWindowSeconds: 300, selectPolicy: Max, policies: [{type: Percent, value: 100, periodSeconds: 15}]}}}`},
		{"window of its own", `{maxReplicas: 50, behavior: {scaleDown: {stabilizationWindowSeconds: 30}}}`, `{maxReplicas: 50, behavior: {
			scaleUp: {policies: [{type: Percent, value: 100, periodSeconds: 15}, {type: Pods, value: 4, periodSeconds: 15}], tolerance: "0.1"},
			scaleDown: {stabilizationWindowSeconds: 30, policies: [{type: Percent, value: 100, periodSeconds: 15}], tolerance: 100m}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			short, long := mustHPA(t, parseSpec(t, tt.short)), mustHPA(t, parseSpec(t, tt.long))
			s := newScenario(3)
			now, cur := epoch, int32(1)
			for i := range 200 {
				st := &s.steps[i%len(s.steps)]
				now = now.Add(st.after)
				in := policy.Input{Now: now, Spec: cur, Pods: podsOf(max(1, int(cur)), []int64{900, 100, 1500, 790, 40}[i/7%5])}
				a, b := short.Decide(in), long.Decide(in)
				if diff := cmp.Diff(a, b); diff != "" {
					t.Fatalf("sync %d (-short +long):\n%s", i, diff)
				}
				short.Commit(now, cur, a.Replicas)
				long.Commit(now, cur, a.Replicas)
				cur = a.Replicas
			}
		})
	}
}

// TestNewHPAKeepsNothing changes the manifest behind the back of the policy.
func TestNewHPAKeepsNothing(t *testing.T) {
	spec := parseSpec(t, `{maxReplicas: 50, metrics: [{type: External, external: {metric: {name: q}, target: {type: AverageValue, averageValue: 1}}}],
		behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 15}]}}}`)
	before := *spec.DeepCopy()
	h := mustHPA(t, spec)
	if diff := cmp.Diff(before, spec); diff != "" {
		t.Errorf("NewHPA changed the manifest:\n%s", diff)
	}
	spec.Behavior.ScaleUp.Policies[0].Value = 40
	spec.Metrics[0].External.Target.AverageValue.Set(5)
	if got := step(h, epoch, 10, 30); got != 11 {
		t.Errorf("%d, want 11", got)
	}
}

// TestHPAContainerResource: of the only container it is the same as of the pod.
func TestHPAContainerResource(t *testing.T) {
	spec := parseSpec(t, `{maxReplicas: 50, metrics: [{type: ContainerResource,
		containerResource: {name: cpu, container: app, target: {type: Utilization, averageUtilization: 50}}}]}`)
	h, err := policy.NewHPA(spec, policy.HPAConfig{Container: "app"})
	if err != nil {
		t.Fatal(err)
	}
	d := h.Decide(policy.Input{Now: epoch, Spec: 10, Pods: podsOf(10, 560)})
	if d.Raw != 12 || d.Proposals[0].Source != "cpu of container app" {
		t.Errorf("%+v, want 12", d)
	}
}

func TestWithCPUTarget(t *testing.T) {
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 50, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(80), memoryAverage("1Gi")}}
	before := *spec.DeepCopy()
	got, err := policy.WithCPUTarget(spec, 35)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, spec); diff != "" {
		t.Errorf("the manifest was changed:\n%s", diff)
	}
	want := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 50, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(35), memoryAverage("1Gi")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	got, err = policy.WithCPUTarget(autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 50}, 35)
	if err != nil || len(got.Metrics) != 1 || *got.Metrics[0].Resource.Target.AverageUtilization != 35 || got.Metrics[0].Resource.Name != corev1.ResourceCPU {
		t.Errorf("without metrics: %+v, %v", got, err)
	}
	spec.Metrics = spec.Metrics[1:]
	if _, err := policy.WithCPUTarget(spec, 35); err == nil {
		t.Error("a manifest without a CPU target was accepted")
	}
	if _, err := policy.WithCPUTarget(before, 0); err == nil {
		t.Error("0 % was accepted")
	}
}

func TestScaleTargets(t *testing.T) {
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 50, Metrics: []autoscalingv2.MetricSpec{
		cpuUtilization(50), memoryAverage("1Gi"), podsMetric("0.001"), external("200", false),
	}}
	before := *spec.DeepCopy()
	got, err := policy.ScaleTargets(spec, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, spec); diff != "" {
		t.Errorf("the manifest was changed:\n%s", diff)
	}
	var milli []int64
	for _, q := range []*resource.Quantity{
		got.Metrics[1].Resource.Target.AverageValue, got.Metrics[2].Pods.Target.AverageValue, got.Metrics[3].External.Target.Value,
	} {
		milli = append(milli, q.MilliValue())
	}
	if diff := cmp.Diff([]int64{1 << 28 * 1000, 1, 50000}, milli); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if u := *got.Metrics[0].Resource.Target.AverageUtilization; u != 13 {
		t.Errorf("utilisation %d %%, want 50 %% x 0.25 rounded to 13 %%", u)
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := policy.ScaleTargets(spec, bad); err == nil {
			t.Errorf("factor %v was accepted", bad)
		}
	}
}

func parseSpec(t *testing.T, s string) (spec autoscalingv2.HorizontalPodAutoscalerSpec) {
	t.Helper()
	// YAML does not allow the tabs of an indented test.
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(s, "\t", " ")), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}
