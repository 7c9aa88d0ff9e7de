package live_test

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hindcast.dev/api/v1alpha1"
)

// scaledObject makes one of KEDA; without a kind it scales a Deployment.
func (f *fixture) scaledObject(name string, target map[string]any) *unstructured.Unstructured {
	f.t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"namespace": f.ns, "name": name},
		"spec":     map[string]any{"scaleTargetRef": target, "triggers": []any{map[string]any{"type": "cron"}}},
	}}
	f.create(o)
	return o
}

// blocked waits until condition Active names a ScaledObject and all of remedy.
func (f *fixture) blocked(scaler string, remedy ...string) {
	f.t.Helper()
	f.condition(scaler, v1alpha1.ConditionActive, metav1.ConditionFalse, "TargetHasScaledObject")
	message := meta.FindStatusCondition(f.status(scaler).Conditions, v1alpha1.ConditionActive).Message
	for _, want := range remedy {
		if !strings.Contains(message, want) {
			f.t.Errorf("%s: message %q, want one with %q", scaler, message, want)
		}
	}
	if note := f.event(scaler, "TargetHasScaledObject"); !strings.Contains(note, remedy[0]) {
		f.t.Errorf("%s: event %q", scaler, note)
	}
}

// TestScaledObjectOnTheTarget: what KEDA scales a scaler does not; one that scales something
// else of that name is in nobody's way. Once the ScaledObject is gone the scaler scales.
func TestScaledObjectOnTheTarget(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	f.cluster.Install(t, "testdata/scaledobject-crd.yaml")
	f.run(f.cluster.Config, level(95), nil)
	for _, name := range []string{"shop", "till", "free"} {
		f.deployment(name, 2)
	}
	short := f.scaledObject("of-shop", map[string]any{"name": "shop"})
	f.scaledObject("of-till", map[string]any{"name": "till", "kind": "Deployment", "apiVersion": "apps/v1"})
	f.scaledObject("of-free", map[string]any{"name": "free", "kind": "StatefulSet", "apiVersion": "apps/v1"})
	for _, name := range []string{"shop", "till", "free"} {
		f.create(f.scaler(name, name, v1alpha1.ModeActive))
	}
	f.blocked("shop", "ScaledObject of-shop", "External", "delete it")
	f.blocked("till", "ScaledObject of-till")
	f.want("replicas of the one that is free", 10, func() int32 { return f.replicas("free") })
	for _, name := range []string{"shop", "till"} {
		f.want("the wish of "+name, 10, func() int32 { return f.status(name).DesiredReplicas })
		if n := f.replicas(name); n != 2 {
			t.Errorf("%s has %d replicas beside KEDA, want 2", name, n)
		}
	}
	if err := f.client.Delete(t.Context(), short); err != nil {
		t.Fatal(err)
	}
	// ScaledObjects are not watched: the next look finds it gone.
	f.change("shop", func(s *v1alpha1.PredictiveScaler) { s.Annotations = map[string]string{"looked-at": "again"} })
	f.want("replicas once KEDA is gone", 10, func() int32 { return f.replicas("shop") })
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
}

// TestHPAOfKEDA: the floor of an HPA that KEDA made is not raised, as KEDA would set it back,
// whether the HPA says so by its owner, a label or an annotation. One that KEDA takes over
// gets its own floor back.
func TestHPAOfKEDA(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	owner := func(h *autoscalingv2.HorizontalPodAutoscaler) {
		h.OwnerReferences = []metav1.OwnerReference{{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Name: "of-shop", UID: "1"}}
	}
	marks := map[string]func(*autoscalingv2.HorizontalPodAutoscaler){
		"owner": owner,
		"label": func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.Labels = map[string]string{"scaledobject.keda.sh/name": "of-shop"}
		},
		"annotation": func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.Annotations = map[string]string{"scaledobject.keda.sh/name": "of-shop"}
		},
	}
	for name, mark := range marks {
		f.deployment(name, 2)
		h := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
				MinReplicas:    new(int32(3)), MaxReplicas: 20,
			},
		}
		mark(h)
		f.create(h)
		f.create(floored(f.scaler(name, name, v1alpha1.ModeActive), name))
	}
	f.deployment("taken", 2)
	f.hpa("taken", "taken", 3, 20)
	f.create(floored(f.scaler("taken", "taken", v1alpha1.ModeActive), "taken"))
	f.want("the floor of an HPA without KEDA", 10, func() int32 { return f.floor("taken") })
	for name := range marks {
		f.blocked(name, "ScaledObject of-shop", "minReplicaCount", "External")
		f.want("the wish of "+name, 10, func() int32 { return f.status(name).DesiredReplicas })
		if n := f.floor(name); n != 3 {
			t.Errorf("%s: minReplicas %d of an HPA of KEDA, want 3", name, n)
		}
	}
	f.eventually("KEDA takes the HPA over", func() error {
		h := &autoscalingv2.HorizontalPodAutoscaler{}
		f.get("taken", h)
		owner(h)
		return f.client.Update(f.t.Context(), h)
	})
	f.blocked("taken", "ScaledObject of-shop")
	f.own("taken", 3)
}
