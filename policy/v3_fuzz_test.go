package policy_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// FuzzV3 drives two metrics with anything: each byte of the tape is one decision.
func FuzzV3(f *testing.F) {
	f.Add(uint64(1), []byte("steady as she goes"))
	f.Add(uint64(57), []byte(strings.Repeat("0", 61)))
	addTapes(f, 40, 200, 4)
	f.Fuzz(func(t *testing.T, seed uint64, tape []byte) {
		r := rand.New(rand.NewPCG(seed, 5))
		cfg := v3Config(pick[forecast.Model](r, forecast.Naive{}, forecast.SeasonalNaive{Season: 7}, forecast.Ridge{Horizons: 4}, clockwork(noisy(seed)), clockwork(always(math.Inf(1)))))
		cfg.Metrics = append(cfg.Metrics, policy.V3Metric{Query: policy.Query{Name: "queue"}, PerReplica: 3})
		if r.IntN(3) == 0 {
			cfg.Metrics[0].Weight, cfg.Metrics[1].Weight = r.Float64(), r.Float64()
		}
		cfg.Learning = time.Duration(1+r.IntN(10)) * time.Minute
		cfg.Lead = time.Duration(r.IntN(300)) * time.Second
		cfg.ScaleDownAfter = time.Duration(r.IntN(600)) * time.Second
		cfg.Quantile = 0.01 + 0.98*r.Float64()
		cfg.DemoteBelow = pick(r, math.NaN(), 0, 0.5, -1)
		cfg.MaxStep = pick(r, int32(0), 0, 1, 5, math.MaxInt32)
		cfg.Min, cfg.Max = pick(r, int32(0), 1, 3), pick(r, int32(3), 50, math.MaxInt32)
		cfg.ReactiveFloor = r.IntN(2) == 0
		if r.IntN(3) == 0 {
			cfg.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
		}
		v := mustV3(t, cfg)
		now, spec := epoch, max(cfg.Min, 1)
		tape = tape[:min(len(tape), 300)]
		seen := [2]time.Time{} // when each metric last had a value
		for i, b := range tape {
			now = now.Add(time.Duration(pick(r, 30, 30, 30, 30, 60, 29, 1, 0, 95, 600, 20_000)) * time.Second)
			in := policy.Input{Now: now, Spec: spec, Values: make([]policy.Value, 2)}
			for k := range in.Values {
				x := float64(b) * pick(r, 1.0, 1, 1, 0, 10)
				val := &in.Values[k]
				switch {
				case b > 250:
					val.Value = pick(r, math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, 5e-324)
				case b > 230 || b > 190 && k == 1:
					val.Err = policy.ErrNoData
				default:
					val.Value = x
				}
				if val.Err == nil && val.Value >= 0 && !math.IsInf(val.Value, 1) {
					seen[k] = now
				}
			}
			d := v.Decide(in)
			if d.Hold && d.Replicas != spec {
				t.Fatalf("decision %d holds %d at %d", i, d.Replicas, spec)
			}
			if !d.Hold && (d.Replicas < cfg.Min || d.Replicas > cfg.Max) {
				t.Fatalf("decision %d: %d is not in [%d, %d]: %+v", i, d.Replicas, cfg.Min, cfg.Max, d)
			}
			stale := now.Sub(seen[0]) >= 2*time.Minute || now.Sub(seen[1]) >= 2*time.Minute
			if stale && d.Replicas < spec {
				t.Fatalf("decision %d scales down from %d to %d without data: %+v", i, spec, d.Replicas, d)
			}
			if s := int64(cfg.MaxStep); s > 0 && max(int64(d.Replicas)-int64(spec), int64(spec)-int64(d.Replicas)) > s {
				t.Fatalf("decision %d: from %d to %d in steps of %d", i, spec, d.Replicas, s)
			}
			checkClamps(t, spec, &d)
			if f := d.Forecast; f != nil && (math.IsNaN(f.Upper) || f.Upper < 0) {
				t.Fatalf("decision %d: forecast %+v", i, f)
			}
			if d.Replicas != spec && r.IntN(10) > 0 { // now and then the update fails
				v.Commit(now, spec, d.Replicas)
				spec = d.Replicas
			}
		}
	})
}
