package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of the objects of this package.
const Group = "autoscaling.hindcast.dev"

// GroupVersion is the group and version of the objects of this package.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: Group, Version: "v1alpha1"}
}

// AddToScheme makes a scheme know the objects that a cluster accepts.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion(), &PredictiveScaler{}, &PredictiveScalerList{})
	metav1.AddToGroupVersion(s, GroupVersion())
	return nil
}
