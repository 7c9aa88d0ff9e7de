package policy_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/policy"
)

// TestHPASetMinReplicas: the floor keeps the rules of the API server.
func TestHPASetMinReplicas(t *testing.T) {
	tests := []struct {
		name   string
		metric autoscalingv2.MetricSpec
		cfg    policy.HPAConfig
		set    int32
		want   int32
	}{
		{"up", cpuUtilization(50), policy.HPAConfig{}, 5, 5},
		{"down", cpuUtilization(50), policy.HPAConfig{}, 1, 1},
		{"to max", cpuUtilization(50), policy.HPAConfig{}, 10, 10},
		{"not beyond max", cpuUtilization(50), policy.HPAConfig{}, 11, 10},
		{"not to zero by its pods alone", cpuUtilization(50), policy.HPAConfig{}, 0, 1},
		{"to zero", external("1", true), policy.HPAConfig{}, 0, 0},
		{"not to zero without the gate", external("1", true), policy.HPAConfig{DisableScaleToZero: true}, 0, 1},
		{"not below zero", external("1", true), policy.HPAConfig{}, -3, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := policy.NewHPA(autoscalingv2.HorizontalPodAutoscalerSpec{
				MinReplicas: new(int32(2)), MaxReplicas: 10, Metrics: []autoscalingv2.MetricSpec{tt.metric},
			}, tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if h.MinReplicas() != 2 {
				t.Errorf("%d before", h.MinReplicas())
			}
			if h.SetMinReplicas(tt.set); h.MinReplicas() != tt.want {
				t.Errorf("%d, want %d", h.MinReplicas(), tt.want)
			}
		})
	}
}

// TestHPAMinReplicasDefault is the one of the API server.
func TestHPAMinReplicasDefault(t *testing.T) {
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 10})
	if h.MinReplicas() != 1 {
		t.Errorf("%d", h.MinReplicas())
	}
}

// TestHPARaisedFloor tells what a floor does from the next sync on: it lifts the replicas
// at once, whatever the rate limits; lowered again it leaves them to the scale-down rules.
func TestHPARaisedFloor(t *testing.T) {
	slow := &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{{Type: "Pods", Value: 1, PeriodSeconds: 60}}}
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(2)), MaxReplicas: 20,
		Metrics:  []autoscalingv2.MetricSpec{external("1", true)},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: slow, ScaleDown: slow},
	})
	n, now := int32(3), epoch
	sync := func(wish int32) int32 {
		n = step(h, now, n, wish)
		now = now.Add(15 * time.Second)
		return n
	}
	if sync(3) != 3 {
		t.Fatalf("%d replicas at rest", n)
	}
	h.SetMinReplicas(12)
	if sync(3) != 12 {
		t.Fatalf("%d replicas with a floor of 12: the limit of one a minute does not hold for the floor", n)
	}
	for range 5 { // until the rise is more than a period ago
		if sync(3) != 12 {
			t.Fatalf("%d replicas, below the floor", n)
		}
	}
	h.SetMinReplicas(2)
	var course []int32
	for range 24 { // six minutes
		course = append(course, sync(3))
	}
	// The wishes were 3 all the time, so that no window holds the replicas: one goes at
	// once, and one a minute after.
	want := []int32{11, 11, 11, 11, 10, 10, 10, 10, 9, 9, 9, 9, 8, 8, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6}
	if diff := cmp.Diff(want, course); diff != "" {
		t.Error(diff)
	}
}

// TestHPAFloorIsAnotherHPA: an HPA whose floor is moved decides from then on as one that
// always had that floor, with the same past: wishes and changes are kept.
func TestHPAFloorIsAnotherHPA(t *testing.T) {
	held := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 6))
		low, high := int32(1+r.IntN(3)), int32(4+r.IntN(6))
		spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 40, Metrics: []autoscalingv2.MetricSpec{external("1", true)}}
		if r.IntN(4) > 0 {
			spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
		}
		build := func(floor int32) *policy.HPA {
			spec.MinReplicas = &floor
			return mustHPA(t, spec)
		}
		before, after := low, high
		if r.IntN(2) == 0 {
			before, after = high, low
		}
		moved, always := build(before), build(after)
		now, cur := epoch, high+int32(r.IntN(20))
		for i := range 80 {
			// As long as the floors differ nothing comes near them.
			wish := high + int32(r.IntN(25))
			if i == 40 {
				moved.SetMinReplicas(after)
			}
			if i >= 40 {
				wish = int32(r.IntN(30))
			}
			in := policy.Input{Now: now, Spec: cur, Values: []policy.Value{{Value: float64(wish)}}}
			got, want := moved.Decide(in), always.Decide(in)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, sync %d, from %d with the wish %d: %s", seed, i, cur, wish, diff)
			}
			if diff := cmp.Diff(always.Conditions(), moved.Conditions()); diff != "" {
				t.Fatalf("seed %d, sync %d: %s", seed, i, diff)
			}
			if i >= 40 && got.Replicas == after && got.Raw < after {
				held++
			}
			if got.Replicas != cur {
				moved.Commit(now, cur, got.Replicas)
				always.Commit(now, cur, got.Replicas)
				cur = got.Replicas
			}
			now = now.Add(time.Duration(pick(r, 15, 15, 15, 30, 60, 300)) * time.Second)
		}
	}
	if held < 500 {
		t.Errorf("the floor held only %d times: the test says little", held)
	}
}

// An HPA whose floor is raised, as a predictive scaler does it, never has fewer replicas
// than asked for, and still answers to what it measures.
func ExampleHPA_SetMinReplicas() {
	hpa, err := policy.NewHPA(autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(2)), MaxReplicas: 20,
		Metrics: []autoscalingv2.MetricSpec{external("1", true)},
	}, policy.HPAConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	now, replicas := epoch, int32(4)
	for _, tick := range []struct {
		floor int32
		queue float64
	}{{2, 4}, {7, 4}, {7, 9}} {
		hpa.SetMinReplicas(tick.floor)
		d := hpa.Decide(policy.Input{Now: now, Spec: replicas, Values: []policy.Value{{Value: tick.queue}}})
		fmt.Printf("floor %d, queue %.0f: %d -> %d\n", tick.floor, tick.queue, replicas, d.Replicas)
		hpa.Commit(now, replicas, d.Replicas)
		replicas, now = d.Replicas, now.Add(hpa.Needs().Interval)
	}
	// Output:
	// floor 2, queue 4: 4 -> 4
	// floor 7, queue 4: 4 -> 7
	// floor 7, queue 9: 7 -> 9
}
