package policy_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/policy"
)

// A rateRule is a scaling rule of one policy: so many pods within a minute.
func rateRule(pods, window int32) *autoscalingv2.HPAScalingRules {
	return &autoscalingv2.HPAScalingRules{
		StabilizationWindowSeconds: new(window),
		Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: pods, PeriodSeconds: 60}},
	}
}

// A scaler that is killed at any time, and begins anew from what a status and Prometheus
// hold, the changes of the last half hour and the load, has at no time fewer replicas than
// one that was never killed, and keeps the rates across the restart.
func TestRestartKeepsWindowsAndRates(t *testing.T) {
	const up, down, window = 2, 1, 300
	load := func(at time.Time) float64 {
		m := at.Sub(epoch).Minutes()
		return 360 + 300*math.Sin(m/25) + 120*math.Sin(m/7)
	}
	begin := func() *policy.V3 {
		cfg := v3Config(clockwork(load))
		cfg.ScaleDownAfter = cfg.Lead
		cfg.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: rateRule(up, 0), ScaleDown: rateRule(down, window)}
		return mustV3(t, cfg)
	}
	type change struct {
		at       time.Duration
		from, to int32
	}
	const first, last = 2 * time.Hour, 5 * time.Hour
	// run decides every 30 s, and is killed before the decision at the instant kill.
	run := func(kill time.Duration) (replicas []int32, changes []change) {
		r := v3Run{v: begin(), load: load, spec: 6}
		for r.at <= last {
			if r.at == kill {
				v := begin()
				var past []float64
				for at := time.Duration(0); at < r.at; at += time.Minute {
					past = append(past, load(since(at)))
				}
				if err := v.Warm(t.Context(), epoch, [][]float64{past}); err != nil {
					t.Fatal(err)
				}
				for _, c := range changes {
					if r.at-c.at <= 30*time.Minute {
						v.Commit(since(c.at), c.from, c.to)
					}
				}
				r.v = v
			}
			at, from := r.at, r.spec
			r.step()
			if r.spec != from {
				changes = append(changes, change{at, from, r.spec})
			}
			replicas = append(replicas, r.spec)
		}
		return replicas, changes
	}
	never, all := run(-1)
	scaled := 0
	for _, c := range all {
		if c.at >= first {
			scaled++
		}
	}
	if scaled < 20 {
		t.Fatalf("only %d changes", scaled)
	}
	for kill := first; kill < last; kill += 30 * time.Second {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			replicas, changes := run(kill)
			for i, n := range replicas {
				if n < never[i] {
					t.Fatalf("at %v: %d replicas, %d without the restart", time.Duration(i)*30*time.Second, n, never[i])
				}
			}
			for i, c := range changes {
				added, removed := int32(0), int32(0)
				for _, before := range changes[:i+1] {
					if c.at-before.at < time.Minute {
						added += max(before.to-before.from, 0)
						removed += max(before.from-before.to, 0)
					}
				}
				if added > up || removed > down {
					t.Fatalf("at %v: %d added and %d removed within a minute", c.at, added, removed)
				}
			}
		})
	}
}
