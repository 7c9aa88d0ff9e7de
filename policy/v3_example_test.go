package policy_test

import (
	"fmt"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// V3 learns that a job comes at half past every hour, and has its replicas ready: they
// take three minutes to start.
func ExampleNewV3() {
	v3, err := policy.NewV3(policy.V3Config{
		Metrics: []policy.V3Metric{{Query: policy.Query{Name: "requests", Expr: "sum(rate(requests_total[1m]))"}, PerReplica: 50}},
		Min:     1, Max: 20,
		Model:         forecast.SeasonalNaive{Season: 60},
		Lead:          3 * time.Minute,
		Quantile:      0.9,
		ReactiveFloor: true,
		DemoteBelow:   0,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	replicas := int32(2)
	now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for ; now.Hour() < 5; now = now.Add(v3.Needs().Interval) {
		load := 90.0
		if now.Minute() >= 30 && now.Minute() < 40 {
			load = 490
		}
		d := v3.Decide(policy.Input{Now: now, Spec: replicas, Values: []policy.Value{{Name: "requests", Value: load}}})
		if d.Replicas != replicas && now.Hour() == 4 {
			fmt.Printf("%s  load %.0f, %.0f ahead: %d -> %d\n", now.Format(time.TimeOnly), load, d.Forecast.Upper, replicas, d.Replicas)
		}
		replicas = d.Replicas
	}
	// Output:
	// 04:26:00  load 90, 490 ahead: 2 -> 10
	// 04:40:00  load 90, 90 ahead: 10 -> 2
}
