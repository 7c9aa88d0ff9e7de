package live

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// TestSameTarget: the same object by another version, or by none, is the same; one of another group, kind or
// name is not.
func TestSameTarget(t *testing.T) {
	t.Parallel()
	ref := func(version, kind, name string) autoscalingv2.CrossVersionObjectReference {
		return autoscalingv2.CrossVersionObjectReference{APIVersion: version, Kind: kind, Name: name}
	}
	shop := ref("apps/v1", "Deployment", "shop")
	for _, tc := range []struct {
		other autoscalingv2.CrossVersionObjectReference
		want  bool
	}{
		{shop, true},
		{ref("apps/v1beta2", "Deployment", "shop"), true},
		{ref("", "Deployment", "shop"), true},
		{ref("extensions/v1beta1", "Deployment", "shop"), false},
		{ref("apps/v1", "StatefulSet", "shop"), false},
		{ref("apps/v1", "Deployment", "till"), false},
	} {
		if got := sameTarget(shop, tc.other); got != tc.want {
			t.Errorf("%+v: %v, want %v", tc.other, got, tc.want)
		}
	}
}
