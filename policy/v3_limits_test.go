package policy_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// TestV3Rails: largest step and bounds, with their clamps in order.
func TestV3Rails(t *testing.T) {
	tests := []struct {
		name     string
		maxStep  int32
		min, max int32
		spec     int32
		load     float64
		want     int32
		clamps   []policy.Clamp
	}{
		{"free, up", 0, 1, 100, 4, 95, 10, nil},
		{"free, down", 0, 1, 100, 40, 95, 10, nil},
		{"a step up", 2, 1, 100, 4, 95, 6, []policy.Clamp{{Name: "max step", From: 10, To: 6}}},
		{"a step down", 2, 1, 100, 40, 95, 38, []policy.Clamp{{Name: "max step", From: 10, To: 38}}},
		{"a step that is enough", 6, 1, 100, 4, 95, 10, nil},
		{"the largest number is no limit", math.MaxInt32, 1, 100, 4, 95, 10, nil},
		{"max", 0, 1, 8, 4, 95, 8, []policy.Clamp{{Name: "max", From: 10, To: 8}}},
		{"min", 0, 20, 100, 30, 95, 20, []policy.Clamp{{Name: "min", From: 10, To: 20}}},
		{"the step ends beyond max", 9, 1, 8, 4, 195, 8, []policy.Clamp{{Name: "max step", From: 20, To: 13}, {Name: "max", From: 13, To: 8}}},
		{"bounds before steps", 2, 20, 100, 4, 95, 20, []policy.Clamp{{Name: "max step", From: 10, To: 6}, {Name: "min", From: 6, To: 20}}},
		{"no load", 0, 0, 100, 4, 0, 0, nil},
		{"more than can be counted", 0, 1, math.MaxInt32, 4, 1e30, math.MaxInt32, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := v3Config(forecast.Naive{})
			cfg.MaxStep, cfg.Min, cfg.Max = tt.maxStep, tt.min, tt.max
			r := &v3Run{v: mustV3(t, cfg), load: always(tt.load), spec: tt.spec}
			var d policy.Decision
			for d.Reason == "" || d.Hold { // up to the first decision of its own
				d = r.step()
			}
			if diff := cmp.Diff(tt.clamps, d.Clamps); d.Replicas != tt.want || diff != "" {
				t.Errorf("%d replicas, want %d; clamps: %s", d.Replicas, tt.want, diff)
			}
			checkClamps(t, tt.spec, &d)
		})
	}
}

// TestV3Behavior compares the limits of speed with the rewrite of those of the HPA, over
// random rules and a load that jumps.
func TestV3Behavior(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		load := func(t time.Time) float64 {
			return float64(10 * rand.New(rand.NewPCG(seed, uint64(t.Truncate(3*time.Minute).Unix()))).IntN(50))
		}
		behavior := &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
		cfg := v3Config(clockwork(load))
		cfg.Behavior = behavior
		// The window ahead is one step, so that up and down want the same.
		cfg.Lead, cfg.ScaleDownAfter = 0, 1
		naive := newNaive(autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: new(int32(1)), MaxReplicas: 100, Behavior: behavior})
		naive.started = true
		run := &v3Run{v: mustV3(t, cfg), load: load, spec: 10}
		for run.at < hm(5, 0) {
			now, before := since(run.at), run.spec
			d := run.step()
			if strings.HasPrefix(d.Reason, "Learning") {
				continue
			}
			wish := d.Proposals[0].Replicas
			if want := naive.decide(now, before, wish); d.Replicas != want {
				t.Fatalf("seed %d, %v: %d -> %d with the wish %d, want %d\n%+v", seed, now, before, d.Replicas, wish, want, d)
			}
			if d.Replicas != before {
				naive.events = append(naive.events, event{now, d.Replicas - before})
			}
		}
	}
}
