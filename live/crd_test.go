package live_test

import (
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
// backtest, too.
func TestBadObjects(t *testing.T) {
	t.Parallel()
	f := cluster(t)
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
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := f.scaler("bad", "shop", v1alpha1.ModeShadow)
			tc.change(&s.Spec)
			err := f.client.Create(t.Context(), s.DeepCopy())
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			s.Default()
			if s.Validate() == nil {
				t.Error("a backtest takes it")
			}
		})
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
