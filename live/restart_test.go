package live_test

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
)

// slowly lets a scaler add three pods in half an hour.
func slowly(s *v1alpha1.PredictiveScaler) *v1alpha1.PredictiveScaler {
	s.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
		Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 3, PeriodSeconds: 1800}},
	}}
	return s
}

// TestRestartKeepsRates: three pods may be added in half an hour. They were; a controller that
// begins anew learns so from the status, adds none, and removes none either, as what it found
// is a wish that the scale-down window holds.
func TestRestartKeepsRates(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	f.create(slowly(f.scaler("shop", "shop", v1alpha1.ModeActive)))
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

// TestDryRunUsesUpNoRate: three pods may be added in half an hour. In a dry run none is added, so that
// each decision asks for the three again.
func TestDryRunUsesUpNoRate(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), func(c *live.Config) { c.DryRun = true })
	f.deployment("shop", 2)
	f.create(slowly(f.scaler("shop", "shop", v1alpha1.ModeActive)))
	f.decided("shop", 3)
	if v, ok := f.gauge("hindcast_scaler_desired_replicas", map[string]string{"scaler": "shop"}); !ok || v != 5 {
		t.Errorf("%v replicas by the third decision, want the 5 of the first", v)
	}
	if n := f.replicas("shop"); n != 2 {
		t.Errorf("%d replicas after a dry run, want 2", n)
	}
}
