package policy_test

import (
	"testing"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// BenchmarkV3Decide makes the decisions of a day at the default interval.
func BenchmarkV3Decide(b *testing.B) {
	for _, model := range []forecast.Model{forecast.Naive{}, forecast.Ridge{Horizons: 11}} {
		b.Run(model.Name(), func(b *testing.B) {
			loads := make([]float64, 2880)
			for i := range loads {
				loads[i] = noisy(8)(since(time.Duration(i) * 30 * time.Second))
			}
			cfg := v3Config(model)
			cfg.DemoteBelow = 0
			v := mustV3(b, cfg)
			now, spec := epoch, int32(10)
			in := policy.Input{Values: make([]policy.Value, 1)}
			decide := func(i int) {
				in.Now, in.Spec, in.Values[0].Value = now, spec, loads[i%len(loads)]
				spec = v.Decide(in).Replicas
				now = now.Add(30 * time.Second)
			}
			for i := range 3 * len(loads) {
				decide(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				decide(i)
			}
		})
	}
}
