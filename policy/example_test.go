package policy_test

import (
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"

	"hindcast.dev/policy"
)

// An HPA is asked every 15 s, and told what was carried out.
func ExampleNewHPA() {
	const manifest = `
minReplicas: 2
maxReplicas: 10
metrics:
- type: Resource
  resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
behavior: {}
`
	var spec autoscalingv2.HorizontalPodAutoscalerSpec
	if err := yaml.UnmarshalStrict([]byte(manifest), &spec); err != nil {
		fmt.Println(err)
		return
	}
	hpa, err := policy.NewHPA(spec, policy.HPAConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	now, replicas := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), int32(2)
	for _, milliCPU := range []int64{260, 900, 900, 100} {
		in := policy.Input{Now: now, Spec: replicas, Status: replicas}
		for range replicas {
			in.Pods = append(in.Pods, policy.Pod{
				Phase: policy.PodRunning, Ready: true, RequestMilliCPU: 500,
				Started: now.Add(-time.Hour), ReadyChanged: now.Add(-59 * time.Minute),
				Sample: &policy.PodSample{MilliCPU: milliCPU, Time: now, Window: 15 * time.Second},
			})
		}
		d := hpa.Decide(in)
		fmt.Printf("%d -> %d  %s (%s)\n", replicas, d.Replicas, d.Reason, d.Proposals[0].Detail)
		if d.Replicas != replicas {
			hpa.Commit(now, replicas, d.Replicas)
			replicas = d.Replicas
		}
		now = now.Add(hpa.Needs().Interval)
	}
	// Output:
	// 2 -> 2  DesiredWithinRange: the desired count is the current one (util 52 % / target 50 %, 2 ready)
	// 2 -> 6  ScaleUpLimit: the desired count grows faster than the maximum scale rate (util 180 % / target 50 %, 2 ready)
	// 6 -> 10  TooManyReplicas: the desired count is more than spec.maxReplicas (util 180 % / target 50 %, 6 ready)
	// 10 -> 10  ScaleDownStabilized: recent recommendations were higher, the highest applies (util 20 % / target 50 %, 10 ready)
}

// The oracle knows what is to come, and asks for it as early as a replica needs.
func ExampleNewOracle() {
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	oracle, err := policy.NewOracle(policy.OracleConfig{
		Interval: 15 * time.Second,
		Lead:     45 * time.Second,
		Demand:   func(load float64) int32 { return int32(load / 100) },
		MaxLoad: func(_, to time.Time) float64 {
			if to.Sub(start) >= 2*time.Minute { // a step at 12:02
				return 900
			}
			return 300
		},
		Min: 1, Max: 20,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, after := range []time.Duration{0, 45 * time.Second, time.Minute} {
		fmt.Println(after, oracle.Decide(policy.Input{Now: start.Add(after)}).Replicas)
	}
	// Output:
	// 0s 3
	// 45s 3
	// 1m0s 9
}

func ExampleStatic() {
	fmt.Println(policy.Static{N: 12}.Decide(policy.Input{Spec: 3}).Replicas)
	// Output: 12
}
