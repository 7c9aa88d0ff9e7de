package policy_test

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/policy"
)

// BenchmarkHPADecide decides and commits for 20 pods whose load moves, so that the
// window of five minutes is full and proposals, clamps and reasons are made.
func BenchmarkHPADecide(b *testing.B) {
	behavior := &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	cases := []struct {
		name string
		spec autoscalingv2.HorizontalPodAutoscalerSpec
	}{
		{"legacy", autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 40, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(70)}}},
		{"behavior", autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 40, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(70)}, Behavior: behavior}},
		{"three metrics", autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 40, Behavior: behavior,
			Metrics: []autoscalingv2.MetricSpec{cpuUtilization(70), memoryAverage("900"), external("100", true)}}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			h := mustHPA(b, c.spec)
			loads := [][]policy.Pod{podsOf(20, 640), podsOf(20, 700), podsOf(20, 900), podsOf(20, 500)}
			in := policy.Input{Now: epoch, Spec: 20, Status: 20, Values: []policy.Value{{Value: 2000}}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				in.Pods = loads[i%len(loads)]
				in.Now = in.Now.Add(15 * time.Second)
				if d := h.Decide(in); d.Replicas != in.Spec {
					h.Commit(in.Now, in.Spec, d.Replicas)
					in.Spec = d.Replicas
				}
			}
		})
	}
}
