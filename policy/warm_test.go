package policy_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// daily is a load with a daily shape, one value a minute.
func daily(minutes int) []float64 {
	values := make([]float64, minutes)
	for k := range values {
		x := 2 * math.Pi * float64(k) / (24 * 60)
		values[k] = 100 + 60*math.Sin(x) + 8*math.Sin(7*x) + float64((k*7919)%13)
	}
	return values
}

func warmV3(t *testing.T) *policy.V3 {
	t.Helper()
	model, err := forecast.ByName("ridge", forecast.Settings{Step: time.Minute, Horizon: 11})
	if err != nil {
		t.Fatal(err)
	}
	v, err := policy.NewV3(policy.V3Config{
		Metrics: []policy.V3Metric{{Query: policy.Query{Name: "load", Expr: "load"}, PerReplica: 10}},
		Min:     1, Max: 100, Model: model, Interval: time.Minute, Lead: 2 * time.Minute,
		Quantile: 0.95, ReactiveFloor: true, DemoteBelow: math.NaN(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func decideAt(v *policy.V3, start time.Time, load []float64, k int, spec int32) policy.Decision {
	return v.Decide(policy.Input{
		Now: start.Add(time.Duration(k) * time.Minute), Spec: spec, Status: spec,
		Values: []policy.Value{{Name: "load", Value: load[k]}},
	})
}

// TestWarmKnowsWhatItWouldHaveSeen: a V3 that was told of three days decides nearly as
// one that was there, from its first decision on.
func TestWarmKnowsWhatItWouldHaveSeen(t *testing.T) {
	const past, ahead = 3 * 24 * 60, 6 * 60
	load := daily(past + ahead)
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	there, told := warmV3(t), warmV3(t)
	spec := int32(10)
	for k := range past {
		spec = decideAt(there, start, load, k, spec).Replicas
	}
	if err := told.Warm(t.Context(), start, [][]float64{slices.Clone(load[:past])}); err != nil {
		t.Fatal(err)
	}
	a, b := spec, spec
	var sumA, sumB int32
	for k := past; k < past+ahead; k++ {
		d := decideAt(told, start, load, k, b)
		if strings.HasPrefix(d.Reason, "Learning") {
			t.Fatalf("minute %d: %s", k-past, d.Reason)
		}
		a, b = decideAt(there, start, load, k, a).Replicas, d.Replicas
		if diff := a - b; diff > 2 || diff < -2 {
			t.Errorf("minute %d: %d replicas, %d without the restart", k-past, b, a)
		}
		sumA, sumB = sumA+a, sumB+b
	}
	if ratio := float64(sumB) / float64(sumA); math.Abs(ratio-1) > 0.02 {
		t.Errorf("%.1f %% of the replicas of a V3 that was there", 100*ratio)
	}
}

// TestWarmOfAGap: what is missing is not taken for anything.
func TestWarmOfAGap(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	load := daily(24*60 + 1)
	for _, tc := range []struct {
		name     string
		past     []float64
		learning bool
	}{
		{"nothing", nil, true},
		{"no sample", slices.Repeat([]float64{math.NaN()}, 24*60), true},
		{"too short", load[:30], true},
		{"starts late", append(slices.Repeat([]float64{math.NaN()}, 12*60), load[12*60:24*60]...), false},
		{"nonsense in it", append([]float64{math.Inf(1), -4}, load[2:24*60]...), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := warmV3(t)
			from := start.Add(time.Duration(24*60-len(tc.past)) * time.Minute)
			if err := v.Warm(t.Context(), from, [][]float64{slices.Clone(tc.past)}); err != nil {
				t.Fatal(err)
			}
			d := decideAt(v, start, load, 24*60, 10)
			if got := strings.HasPrefix(d.Reason, "Learning"); got != tc.learning {
				t.Errorf("decided %q", d.Reason)
			}
		})
	}
}

func TestWarmEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := warmV3(t).Warm(ctx, time.Unix(0, 0), [][]float64{daily(600)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if err := warmV3(t).Warm(t.Context(), time.Unix(0, 0), nil); err == nil {
		t.Error("no series for one metric is no error")
	}
}
