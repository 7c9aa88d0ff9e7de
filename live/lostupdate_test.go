package live_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
)

// TestNoUpdateIsLost: somebody sets the replicas, or minReplicas, between our look and our write. That is refused,
// and the next decision begins from theirs.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	var scaleOnce, floorOnce sync.Once
	see := func(r *http.Request) error {
		switch {
		case r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/deployments/shop/scale"):
			scaleOnce.Do(func() { f.scale("shop", 7) })
		case r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/horizontalpodautoscalers/till"):
			floorOnce.Do(func() {
				h := &autoscalingv2.HorizontalPodAutoscaler{}
				f.get("till", h)
				h.Spec.MinReplicas = new(int32(5))
				if err := f.client.Update(t.Context(), h); err != nil {
					t.Error(err)
				}
			})
		}
		return nil
	}
	f.run(observed(f.cluster.Config, see), level(95), nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.deployment("till", 2)
	f.hpa("till", "till", 3, 20)
	f.create(floored(f.scaler("till", "till", v1alpha1.ModeActive), "till"))
	f.want("replicas", 10, func() int32 { return f.replicas("shop") })
	f.want("the floor", 10, func() int32 { return f.floor("till") })
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("till", h)
	if original := h.Annotations[v1alpha1.AnnotationOriginal]; original != "5" {
		t.Errorf("%s is taken for the HPA's own minReplicas, want 5", original)
	}
	for name, from := range map[string]int32{"shop": 7, "till": 5} {
		f.want("the first change of "+name+" is from", from, func() int32 {
			if all := f.status(name).RecentChanges; len(all) > 0 {
				return all[0].From
			}
			return 0
		})
	}
}
