package live_test

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
)

// TestRestartKeepsRates: three pods may be added in half an hour. They were; a controller that
// begins anew learns so from the status, adds none, and removes none either, as what it found
// is a wish that the scale-down window holds.
func TestRestartKeepsRates(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	s := f.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
		Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 3, PeriodSeconds: 1800}},
	}}
	f.create(s)
	f.want("replicas", 5, func() int32 { return f.replicas("shop") })
	for _, load := range []float64{95, 5} { // for more than there are, and for fewer
		if err := f.stop(); err != nil {
			t.Fatal(err)
		}
		f.run(f.cluster.Config, level(load), nil)
		f.decided("shop", 2) // by the new controller
		if n := f.replicas("shop"); n != 5 {
			t.Errorf("load %v: %d replicas after the restart, want 5", load, n)
		}
		if st := f.status("shop"); len(st.RecentChanges) != 1 {
			t.Errorf("load %v: changes %v", load, st.RecentChanges)
		}
	}
}
