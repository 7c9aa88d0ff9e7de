package live

import (
	"context"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
)

// The reasons of condition Active.
const (
	reasonPaused        = "Paused"
	reasonInvalid       = "InvalidSpec"
	reasonQuery         = "InvalidQuery"
	reasonWarmUp        = "WarmingUp"
	reasonNoTarget      = "TargetNotFound"
	reasonNoHPA         = "HPANotFound"
	reasonHPAMismatch   = "HPATargetMismatch"
	reasonTwoScalers    = "TargetHasAnotherScaler"
	reasonTargetHasHPA  = "TargetHasHPA"
	reasonTargetHasKEDA = "TargetHasScaledObject"
)

// A refusal is why a scaler may not act on its target.
type refusal struct{ reason, message string }

func scaledObjects() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObjectList"}
}

// findConflict returns who else scales the target of s, or nil. A scaler that leaves
// scaling to others is in nobody's way, and nobody in its.
func findConflict(ctx context.Context, cached, direct client.Reader, s *v1alpha1.PredictiveScaler) (*refusal, error) {
	if s.Spec.Actuation.Type == v1alpha1.ActuationExternal {
		return nil, nil
	}
	others := &v1alpha1.PredictiveScalerList{}
	if err := cached.List(ctx, others, client.InNamespace(s.Namespace)); err != nil {
		return nil, fmt.Errorf("list PredictiveScalers: %w", err)
	}
	for i := range others.Items {
		o := &others.Items[i]
		if o.UID != s.UID && o.Spec.Actuation.Type != v1alpha1.ActuationExternal && o.DeletionTimestamp == nil && sameTarget(o.Spec.ScaleTargetRef, s.Spec.ScaleTargetRef) && olderThan(o, s) {
			return &refusal{reasonTwoScalers, fmt.Sprintf("PredictiveScaler %s, which is older, has the same target; delete one of the two", o.Name)}, nil
		}
	}
	hpas := &autoscalingv2.HorizontalPodAutoscalerList{}
	if err := cached.List(ctx, hpas, client.InNamespace(s.Namespace)); err != nil {
		return nil, fmt.Errorf("list HorizontalPodAutoscalers: %w", err)
	}
	if s.Spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas {
		return checkHPA(hpas.Items, s), nil
	}
	for i := range hpas.Items {
		if h := &hpas.Items[i]; sameTarget(h.Spec.ScaleTargetRef, s.Spec.ScaleTargetRef) {
			return &refusal{reasonTargetHasHPA, fmt.Sprintf(
				"HorizontalPodAutoscaler %s scales the same target; write actuation: {type: HPAMinReplicas, hpaRef: {name: %s}}, or {type: External} if it is to read the decision as a metric, or delete it", h.Name, h.Name)}, nil
		}
	}
	return findScaledObject(ctx, direct, s)
}

// checkHPA looks whether the HPA whose floor is to be raised is there and scales the same.
func checkHPA(hpas []autoscalingv2.HorizontalPodAutoscaler, s *v1alpha1.PredictiveScaler) *refusal {
	name := s.Spec.Actuation.HPARef.Name
	for i := range hpas {
		h := &hpas[i]
		switch {
		case h.Name != name:
		case !sameTarget(h.Spec.ScaleTargetRef, s.Spec.ScaleTargetRef):
			return &refusal{reasonHPAMismatch, fmt.Sprintf("HorizontalPodAutoscaler %s scales %s %s, not %s %s",
				name, h.Spec.ScaleTargetRef.Kind, h.Spec.ScaleTargetRef.Name, s.Spec.ScaleTargetRef.Kind, s.Spec.ScaleTargetRef.Name)}
		case scaledObjectOf(h) != "":
			return &refusal{reasonTargetHasKEDA, fmt.Sprintf("HorizontalPodAutoscaler %s belongs to ScaledObject %s of KEDA, which would set minReplicas back to its minReplicaCount; "+
				"raise that, or write actuation: {type: External} and have the ScaledObject ask our external scaler", name, scaledObjectOf(h))}
		case raisedBy(h) != "" && raisedBy(h) != s.Name:
			return &refusal{reasonTwoScalers, fmt.Sprintf("PredictiveScaler %s has raised the floor of HorizontalPodAutoscaler %s", raisedBy(h), name)}
		default:
			return nil
		}
	}
	return &refusal{reasonNoHPA, fmt.Sprintf("there is no HorizontalPodAutoscaler %s; create it, or write actuation: {type: Scale}", name)}
}

// kedaName is the label by which KEDA marks an HPA that it made.
const kedaName = "scaledobject.keda.sh/name"

// scaledObjectOf is the ScaledObject of KEDA that owns an HPA, "" if none does. The label or
// annotation counts too, since a tool that copies objects may drop owners.
func scaledObjectOf(hpa *autoscalingv2.HorizontalPodAutoscaler) string {
	for _, o := range hpa.OwnerReferences {
		if o.Kind == "ScaledObject" && strings.HasPrefix(o.APIVersion, scaledObjects().Group+"/") {
			return o.Name
		}
	}
	if name := hpa.Labels[kedaName]; name != "" {
		return name
	}
	return hpa.Annotations[kedaName]
}

// findScaledObject looks for one of KEDA on the target. A cluster without KEDA has none.
func findScaledObject(ctx context.Context, direct client.Reader, s *v1alpha1.PredictiveScaler) (*refusal, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(scaledObjects())
	switch err := direct.List(ctx, list, client.InNamespace(s.Namespace)); {
	case meta.IsNoMatchError(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list ScaledObjects: %w", err)
	}
	for _, o := range list.Items {
		ref, _, _ := unstructured.NestedStringMap(o.Object, "spec", "scaleTargetRef")
		if ref["kind"] == "" {
			ref = map[string]string{"kind": "Deployment", "name": ref["name"], "apiVersion": ref["apiVersion"]}
		}
		if sameTarget(autoscalingv2.CrossVersionObjectReference{APIVersion: ref["apiVersion"], Kind: ref["kind"], Name: ref["name"]}, s.Spec.ScaleTargetRef) {
			return &refusal{reasonTargetHasKEDA, fmt.Sprintf("ScaledObject %s of KEDA scales the same target; write actuation: {type: External} if it is to ask our external scaler, or delete it", o.GetName())}, nil
		}
	}
	return nil, nil
}

// sameTarget compares kind, group and name; versions of one group are the same object.
func sameTarget(a, b autoscalingv2.CrossVersionObjectReference) bool {
	return gvkOf(a).GroupKind() == gvkOf(b).GroupKind() && a.Name == b.Name
}

func olderThan(a, b *v1alpha1.PredictiveScaler) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.UID < b.UID
}
