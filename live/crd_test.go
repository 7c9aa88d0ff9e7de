package live_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"hindcast.dev/api/v1alpha1"
)

// TestTheFileThatWasBacktestedIsApplied: the example with every field is accepted as it
// is, with strict validation, and means the same with the API server's defaults as with
// those of a backtest.
func TestTheFileThatWasBacktestedIsApplied(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	text, err := os.ReadFile("../examples/predictivescaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetNamespace(f.ns)
	if err := f.client.Create(t.Context(), object, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
		t.Fatal(err)
	}
	minimal := f.scaler("minimal", "shop", "")
	minimal.Spec.Forecast, minimal.Spec.MinReplicas = v1alpha1.ForecastSpec{}, nil
	f.create(minimal)
	stored := &v1alpha1.PredictiveScaler{}
	f.get("minimal", stored)
	ours := minimal.DeepCopy()
	ours.Default()
	if got, want := mustYAML(t, stored.Spec), mustYAML(t, ours.Spec); got != want {
		t.Errorf("the API server's defaults:\n%s\nours:\n%s", got, want)
	}
}

func mustYAML(t *testing.T, v any) string {
	t.Helper()
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestBadObjects are refused with a message that says what to write. Each is bad for a
// backtest, too, and for the same field.
func TestBadObjects(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	messages := messagesOfTheCRD(t)
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.PredictiveScalerSpec)
		want   string
	}{
		{"max below min", func(s *v1alpha1.PredictiveScalerSpec) { s.MinReplicas = new(int32(9)); s.MaxReplicas = 3 }, "raise it or lower minReplicas"},
		{"no metrics", func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics = []v1alpha1.Metric{} }, "spec.metrics"},
		{"two targets", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Metrics[0].Target.Utilization, s.Metrics[0].Target.Of = new(int32(70)), "cpu"
		}, "exactly one of perReplica and utilization"},
		{"no target", func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics[0].Target = v1alpha1.MetricTarget{} }, "exactly one of perReplica and utilization"},
		{"carries nothing", func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics[0].Target.PerReplica = "0" }, "above 0"},
		{"no number", func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics[0].Target.PerReplica = "many" }, "perReplica"},
		{"unknown mode", func(s *v1alpha1.PredictiveScalerSpec) { s.Mode = "Bold" }, `"Active"`},
		{"floor of nobody", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Actuation = v1alpha1.Actuation{Type: v1alpha1.ActuationHPAMinReplicas}
		}, "hpaRef.name"},
		{"no actuation", func(s *v1alpha1.PredictiveScalerSpec) { s.Actuation = v1alpha1.Actuation{} }, "actuation is missing"},
		{"an HPA for nothing", func(s *v1alpha1.PredictiveScalerSpec) { s.Actuation.HPARef = &v1alpha1.HPARef{Name: "x"} }, "hpaRef has no meaning"},
		{"a CPU floor under an HPA", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Actuation = v1alpha1.Actuation{Type: v1alpha1.ActuationHPAMinReplicas, HPARef: &v1alpha1.HPARef{Name: "x"}}
			s.Safety.CPUFloor = true
		}, "safety.cpuFloor has no meaning"},
		{"a perfect objective", func(s *v1alpha1.PredictiveScalerSpec) { s.SLO.Objective = "100" }, "percentage between 0 and 100"},
		{"a negative price", func(s *v1alpha1.PredictiveScalerSpec) { s.Cost.PerReplicaHour = "-1" }, "not negative"},
		{"zero without a load", func(s *v1alpha1.PredictiveScalerSpec) {
			s.MinReplicas = new(int32(0))
			s.Metrics[0].Target = v1alpha1.MetricTarget{Utilization: new(int32(70)), Of: "cpu"}
		}, "minReplicas 0 needs"},
		{"one weight of two", func(s *v1alpha1.PredictiveScalerSpec) {
			second := s.Metrics[0]
			second.Name, second.Weight = "second", "1"
			s.Metrics = append(s.Metrics, second)
		}, "all metrics a weight, or none"},
		{"no kind of target", func(s *v1alpha1.PredictiveScalerSpec) { s.ScaleTargetRef.Kind = "" }, "spec.scaleTargetRef: Invalid value: kind is missing"},
		{"no name of target", func(s *v1alpha1.PredictiveScalerSpec) { s.ScaleTargetRef.Name = "" }, "name is missing"},
		{"a negative weight", func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics[0].Weight = "-1" }, "not negative"},
		{"no weight counts", func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics[0].Weight = "0" }, "all weights are 0"},
		{"a quantile above 1", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = "99" }, "a number between 0 and 1, or auto"},
		{"quantile 1", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = "1" }, "a number between 0 and 1, or auto"},
		{"quantile 0", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = "0.0" }, "a number between 0 and 1, or auto"},
		{"no quantile", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = "most" }, "a number between 0 and 1, or auto"},
		{"no horizon", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Horizon = "soon" }, "such as 5m, or auto"},
		{"a horizon without a unit", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Horizon = "300" }, "such as 5m, or auto"},
		{"a horizon of nothing", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Horizon = "0s" }, "such as 5m, or auto"},
		{"a horizon in the past", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Horizon = "-5m" }, "such as 5m, or auto"},
		{"no season", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Season = "often" }, "none or auto"},
		{"a season of nothing", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Season = "24h,0s" }, "none or auto"},
		{"an empty season", func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Season = "24h," }, "none or auto"},
		{"a window of two hours", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(7200))})
		}, "write 0 to 3600"},
		{"a negative window", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(-1))})
		}, "write 0 to 3600"},
		{"an unknown selection", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{SelectPolicy: new(autoscalingv2.ScalingPolicySelect("Most"))})
		}, "Max, Min or Disabled"},
		{"a policy of no kind", func(s *v1alpha1.PredictiveScalerSpec) { s.Behavior = down(rule("Nodes", 1, 60)) }, "Pods or Percent"},
		{"a policy of nothing", func(s *v1alpha1.PredictiveScalerSpec) { s.Behavior = down(rule("Pods", 0, 60)) }, "a value of 1 or more"},
		{"a period of an hour", func(s *v1alpha1.PredictiveScalerSpec) { s.Behavior = down(rule("Pods", 1, 3600)) }, "1 to 1800"},
		{"a period of nothing", func(s *v1alpha1.PredictiveScalerSpec) { s.Behavior = down(rule("Percent", 1, 0)) }, "1 to 1800"},
		{"no policies", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{}})
		}, "scaleDown.policies is empty"},
		{"a window of two hours upwards", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = upwards(autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(7200))})
		}, "scaleUp.stabilizationWindowSeconds is out of range"},
		{"an unknown selection upwards", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = upwards(autoscalingv2.HPAScalingRules{SelectPolicy: new(autoscalingv2.ScalingPolicySelect("Most"))})
		}, "scaleUp.selectPolicy is unknown"},
		{"no policies upwards", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = upwards(autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{}})
		}, "scaleUp.policies is empty"},
		{"a policy of no kind upwards", func(s *v1alpha1.PredictiveScalerSpec) { s.Behavior = upwards(rule("Nodes", 1, 60)) }, "scaleUp.policies: write type"},
		{"a negative tolerance upwards", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = upwards(autoscalingv2.HPAScalingRules{Tolerance: new(resource.MustParse("-100m"))})
		}, "scaleUp.tolerance is negative"},
		{"utilization of nothing", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Metrics[0].Target = v1alpha1.MetricTarget{Utilization: new(int32(70))}
		}, "utilization needs of: cpu or memory"},
		{"bad requests that pay", func(s *v1alpha1.PredictiveScalerSpec) { s.Cost.PerMillionBadRequests = "-1" }, "perMillionBadRequests: Invalid value"},
		{"answers before the question", func(s *v1alpha1.PredictiveScalerSpec) { s.SLO.Latency.Duration = -time.Second }, "such as 250ms"},
		{"stale at once", func(s *v1alpha1.PredictiveScalerSpec) { s.Safety.StaleAfter = &metav1.Duration{} }, "such as 2m"},
		{"a skill that nothing has", func(s *v1alpha1.PredictiveScalerSpec) { s.Safety.DemoteWhenSkillBelow = "1" }, "a number below 1"},
		{"more than all series", func(s *v1alpha1.PredictiveScalerSpec) { s.Safety.MinSeriesShare = "1.5" }, "a share between 0 and 1"},
		{"a negative tolerance", func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{Tolerance: new(resource.MustParse("-100m"))})
		}, "tolerance is negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := f.scaler("bad", "shop", v1alpha1.ModeShadow)
			tc.change(&s.Spec)
			err := f.client.Create(t.Context(), withEmptyLists(t, s))
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			for _, m := range messages {
				m.seen = m.seen || err != nil && strings.Contains(err.Error(), m.field+": Invalid value: ") && strings.Contains(err.Error(), m.text)
			}
			s.Default()
			ours := s.Validate()
			if ours == nil {
				t.Fatal("a backtest takes it")
			}
			path, _, _ := strings.Cut(ours.Error(), ":")
			field := path[strings.LastIndex(path, ".")+1:]
			field, _, _ = strings.Cut(field, "[")
			if err != nil && !strings.Contains(err.Error(), field) {
				t.Errorf("a backtest complains about %s: %v; the API server does not name it: %v", field, ours, err)
			}
		})
	}
	for _, m := range messages {
		if !m.seen {
			t.Errorf("no bad object is told of %s: %s", m.field, m.text)
		}
	}
}

// withEmptyLists returns a scaler as somebody would write it: a list of policies that is there and empty,
// which the typed one leaves out.
func withEmptyLists(t *testing.T, s *v1alpha1.PredictiveScaler) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind("PredictiveScaler"))
	if s.Spec.Behavior == nil {
		return object
	}
	for direction, rules := range map[string]*autoscalingv2.HPAScalingRules{"scaleUp": s.Spec.Behavior.ScaleUp, "scaleDown": s.Spec.Behavior.ScaleDown} {
		if rules != nil && rules.Policies != nil && len(rules.Policies) == 0 {
			if err := unstructured.SetNestedSlice(content, []any{}, "spec", "behavior", direction, "policies"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return object
}

// A message is what a rule of the CRD says of a field.
type message struct {
	field, text string
	seen        bool
}

// A schema is what of an OpenAPI schema matters here.
type schema struct {
	Properties   map[string]schema
	Items        *schema
	XValidations []struct{ Rule, Message string } `json:"x-kubernetes-validations"`
}

// messagesOfTheCRD reads those of all rules about the spec.
func messagesOfTheCRD(t *testing.T) []*message {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(crds, "autoscaling.hindcast.dev_predictivescalers.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema schema }
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	var all []*message
	var look func(field string, s *schema)
	look = func(field string, s *schema) {
		for _, rule := range s.XValidations {
			if rule.Message == "" {
				t.Errorf("%s: the rule %s has no message", field, rule.Rule)
			}
			all = append(all, &message{field: field, text: rule.Message})
		}
		for name, p := range s.Properties {
			look(field+"."+name, &p)
		}
		if s.Items != nil {
			look(field+"[0]", s.Items)
		}
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	look("spec", &spec)
	if len(all) < 25 {
		t.Fatalf("only %d rules", len(all))
	}
	return all
}

// upwards are rules for scaling up.
func upwards(r autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &r}
}

// down are rules for scaling down.
func down(r autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &r}
}

func rule(kind autoscalingv2.HPAScalingPolicyType, value, period int32) autoscalingv2.HPAScalingRules {
	return autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{{Type: kind, Value: value, PeriodSeconds: period}}}
}

// TestGoodObjects: what is just good enough for a backtest is taken by the API server too.
func TestGoodObjects(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	for i, change := range []func(*v1alpha1.PredictiveScalerSpec){
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = "0.999" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = "1e-3" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Quantile = ".5" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Horizon = "1h30m" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Horizon = "1.5h" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Season = "none" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Forecast.Season = "24h, 168h" },
		func(s *v1alpha1.PredictiveScalerSpec) { s.Metrics[0].Weight = "0.5" },
		func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(3600)), Tolerance: new(resource.MustParse("0"))})
		},
		func(s *v1alpha1.PredictiveScalerSpec) { s.Behavior = down(rule("Percent", 1, 1800)) },
		func(s *v1alpha1.PredictiveScalerSpec) {
			s.Behavior = down(autoscalingv2.HPAScalingRules{SelectPolicy: new(autoscalingv2.DisabledPolicySelect)})
		},
	} {
		s := f.scaler(fmt.Sprintf("good-%d", i), "shop", v1alpha1.ModeShadow)
		change(&s.Spec)
		if err := f.client.Create(t.Context(), s.DeepCopy()); err != nil {
			t.Errorf("good-%d: the API server: %v", i, err)
		}
		s.Default()
		if err := s.Validate(); err != nil {
			t.Errorf("good-%d: a backtest: %v", i, err)
		}
	}
}

// TestScaleOfAnyKind: whatever has a scale subresource can be scaled.
func TestScaleOfAnyKind(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	f.cluster.Install(t, "testdata/fleet-crd.yaml")
	f.run(f.cluster.Config, level(95), nil)
	fleet := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "games.example.com/v1", "kind": "Fleet",
		"metadata": map[string]any{"namespace": f.ns, "name": "rooms"},
		"spec":     map[string]any{"replicas": int64(2)},
	}}
	f.create(fleet)
	s := f.scaler("rooms", "rooms", v1alpha1.ModeActive)
	s.Spec.ScaleTargetRef.APIVersion, s.Spec.ScaleTargetRef.Kind = "games.example.com/v1", "Fleet"
	f.create(s)
	f.want("replicas of the Fleet", 10, func() int32 {
		f.get("rooms", fleet)
		n, _, _ := unstructured.NestedInt64(fleet.Object, "spec", "replicas")
		return int32(n)
	})
}
