package live_test

import (
	"math"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
)

// TestShadowOfAFloorUnderItsHPA: a floor of 5 takes nothing from an HPA that runs 12.
func TestShadowOfAFloorUnderItsHPA(t *testing.T) {
	t.Parallel()
	f := start(t, level(45), nil)
	f.deployment("shop", 2)
	f.hpa("shop", "shop", 2, 20)
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	h.Status.CurrentReplicas, h.Status.DesiredReplicas = 12, 12
	if err := f.client.Status().Update(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeShadow), "shop"))
	f.decided("shop", 3)
	f.want("the wish", 5, func() int32 { return f.status("shop").DesiredReplicas })
	sum := func(kind string) float64 {
		v, _ := f.gauge("hindcast_scaler_replica_seconds_total", map[string]string{"scaler": "shop", "kind": kind})
		return v
	}
	if ran, would := sum("actual"), sum("decided"); ran == 0 || would != ran {
		t.Errorf("%v replica-seconds would have run where %v ran, want as many", would, ran)
	}
}

// TestEndTellsTheSums: a controller that ends as it is told to writes what it has summed up, of
// which the status would have told minutes later.
func TestEndTellsTheSums(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), func(c *live.Config) { c.StatusEvery = time.Hour })
	f.deployment("shop", 2)
	d := &appsv1.Deployment{}
	f.get("shop", d)
	d.Status.Replicas = 2
	if err := f.client.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.create(f.scaler("shop", "shop", v1alpha1.ModeShadow))
	f.decided("shop", 3)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	ran, _ := f.gauge("hindcast_scaler_replica_seconds_total", map[string]string{"scaler": "shop", "kind": "actual"})
	if st := f.status("shop"); st.Shadow == nil || ran == 0 || math.Abs(st.Shadow.ReplicaHours.Or(0)-ran/3600) > 1e-4 {
		t.Errorf("the status tells of %+v, and %v replica-seconds ran", st.Shadow, ran)
	}
}
