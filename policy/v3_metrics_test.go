package policy_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// TestV3Metrics: the metric that needs most decides, or the weighted mean of all, and
// the forecast shown is that of the one that needs most, whichever it is.
func TestV3Metrics(t *testing.T) {
	tests := []struct {
		name    string
		loads   []float64 // 10 a replica
		weights []float64
		want    int32
	}{
		{"the highest first", []float64{50, 20, 30}, nil, 5},
		{"the highest in the middle", []float64{20, 50, 30}, nil, 5},
		{"the highest last", []float64{20, 30, 50}, nil, 5},
		{"a mean that is whole", []float64{20, 60}, []float64{1, 3}, 5},
		{"a mean that is not is rounded up", []float64{20, 50}, []float64{1, 1}, 4},
		{"only ratios count", []float64{20, 50}, []float64{1e-3, 1e-3}, 4},
		{"a mean of equals", []float64{30, 30}, []float64{0.1, 0.1}, 3},
		{"a mean of other equals", []float64{70, 70}, []float64{0.1, 0.6}, 7},
		{"one metric is its own mean", []float64{42}, []float64{0.1}, 5},
		{"more than any number of replicas", []float64{1e30, 1e30, 1e30}, []float64{0.1, 0.2, 0.4}, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := v3Config(forecast.Naive{})
			cfg.Metrics = nil
			r := &v3Run{load: always(tt.loads[0]), spec: 1}
			for i, v := range tt.loads {
				m := policy.V3Metric{Query: policy.Query{Name: fmt.Sprint("m", i)}, PerReplica: 10}
				if tt.weights != nil {
					m.Weight = tt.weights[i]
				}
				cfg.Metrics = append(cfg.Metrics, m)
				if i > 0 {
					r.more = append(r.more, always(v))
				}
			}
			r.v = mustV3(t, cfg)
			d := r.until(hm(2, 0))
			if r.spec != tt.want {
				t.Errorf("%d replicas, want %d: %+v", r.spec, tt.want, d.Proposals)
			}
			if highest := slices.Max(tt.loads); d.Forecast.Observed != highest {
				t.Errorf("shows the forecast of the metric at %v, not of that at %v", d.Forecast.Observed, highest)
			}
		})
	}
}

// TestV3OneMetricOfTwo: as long as one of two metrics learns V3 does not decide, and
// one of two that is stale forbids to scale down but not up.
func TestV3OneMetricOfTwo(t *testing.T) {
	cfg := v3Config(forecast.Naive{})
	cfg.Metrics = append(cfg.Metrics, policy.V3Metric{Query: policy.Query{Name: "queue"}, PerReplica: 10})
	queue := func(t time.Time) float64 {
		if at := t.Sub(epoch); at < hm(3, 0) || at >= hm(6, 0) && at < hm(9, 0) {
			return math.NaN()
		}
		return 20
	}
	load := func(t time.Time) float64 {
		switch at := t.Sub(epoch); {
		case at < hm(7, 0):
			return 95
		case at < hm(8, 0):
			return 195
		}
		return 45
	}
	r := &v3Run{v: mustV3(t, cfg), load: load, more: []func(time.Time) float64{queue}, spec: 4}
	tell(t, r, []expect{
		{hm(3, 0), 4, "Learning"},
		{hm(5, 0), 10, "Steady"},
		{hm(6, 5), 10, "Stale"},
	})
	if r.until(hm(7, 30)); r.spec < 20 {
		t.Errorf("%d replicas for a load of 195, because of a queue that nobody knows", r.spec)
	}
	up := r.spec
	if d := r.until(hms(8, 59, 30)); r.spec != up || !d.Hold {
		t.Errorf("%d replicas: %+v", r.spec, d)
	}
	if r.until(hm(12, 0)); r.spec >= up {
		t.Errorf("%d replicas long after the queue came back", r.spec)
	}
}
