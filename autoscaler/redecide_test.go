package autoscaler_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// logOf is the decision log of a scaler that began with two days of history and then
// decided for an hour, through a gap in its data and with every change carried out.
func logOf(t *testing.T) []byte {
	t.Helper()
	load := func(at time.Time) float64 {
		return 200 + 150*math.Sin(2*math.Pi*float64(at.Unix())/86400) + float64(at.Unix()/60*7919%17)
	}
	first := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	past := make([]float64, 2*24*60)
	from := first.Add(-time.Duration(len(past)) * time.Minute)
	for k := range past {
		if past[k] = load(from.Add(time.Duration(k) * time.Minute)); k > 900 && k < 930 {
			past[k] = math.NaN()
		}
	}
	s := &v1alpha1.PredictiveScaler{Spec: v1alpha1.PredictiveScalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "shop"},
		MaxReplicas:    60,
		Actuation:      v1alpha1.Actuation{Type: v1alpha1.ActuationScale},
		Metrics:        []v1alpha1.Metric{{Name: "requests", Query: "sum(load)", Target: v1alpha1.MetricTarget{PerReplica: "10"}}},
		Forecast:       v1alpha1.ForecastSpec{Model: "ridge"},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
			Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 2, PeriodSeconds: 120}},
		}},
	}}
	s.Default()
	begin := &autoscaler.Start{
		Scaler: s, LeadSeconds: 95.5, History: autoscaler.NewHistory(from, time.Minute, [][]float64{past}),
		Changes: []autoscaler.Change{{Time: first.Add(-90 * time.Second), From: 20, To: 21}},
	}
	v3, err := begin.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := autoscaler.NewLog(&out)
	log.Start(first, begin)
	spec := int32(21)
	for k := range 120 {
		now := first.Add(time.Duration(k) * 30 * time.Second)
		in := policy.Input{Now: now, Spec: spec, Status: spec, Values: []policy.Value{{Name: "requests", Value: load(now)}}}
		if k >= 40 && k < 50 {
			in.Values[0] = policy.Value{Name: "requests", Err: policy.ErrNoData}
		}
		d := v3.Decide(in)
		step := autoscaler.Step{Input: in, Decision: d}
		if !d.Hold && d.Replicas != spec {
			step.Scaled = true
			v3.Commit(now, spec, d.Replicas)
			spec = d.Replicas
		}
		log.Record(step)
	}
	if err := log.Err(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestRedecide: from its log alone every decision comes out the same, and a log that was
// tampered with, in a value or in the past, does not.
func TestRedecide(t *testing.T) {
	log := logOf(t)
	redo := func(log []byte) autoscaler.Redecision {
		t.Helper()
		out, err := autoscaler.Redecide(t.Context(), autoscaler.ReadLog(bytes.NewReader(log)))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := redo(log); out.Starts != 1 || out.Steps != 120 || len(out.Differences) != 0 {
		t.Errorf("%+v, want 120 steps that are the same", out)
	}
	// Two lives in one file, as after a restart.
	if out := redo(append(bytes.Clone(log), log...)); out.Starts != 2 || out.Steps != 240 || len(out.Differences) != 0 {
		t.Errorf("%+v, want twice that", out)
	}
	lines := bytes.Split(log, []byte("\n"))
	lines[60] = bytes.Replace(lines[60], []byte(`"value":`), []byte(`"value":9`), 1)
	if out := redo(bytes.Join(lines, []byte("\n"))); len(out.Differences) == 0 {
		t.Error("a load of 9 times as much decides the same")
	}
	if out := redo(bytes.Replace(log, []byte(`"leadSeconds":95.5`), []byte(`"leadSeconds":895.5`), 1)); len(out.Differences) == 0 {
		t.Error("a lead of a quarter of an hour decides the same")
	}
	steps := log[bytes.IndexByte(log, '\n')+1:]
	if _, err := autoscaler.Redecide(t.Context(), autoscaler.ReadLog(bytes.NewReader(steps))); !errors.Is(err, autoscaler.ErrNoStart) {
		t.Errorf("a log without a start: %v", err)
	}
	for _, bad := range []string{
		`{"time":"2026-03-04T09:00:00Z","start":{}}`,
		`{"time":"2026-03-04T09:00:00Z","start":{"scaler":{"spec":{}}}}`,
		strings.Replace(string(log), `"stepSeconds":60`, `"stepSeconds":61`, 1),
		strings.Replace(string(log), `"values":[[`, `"values":[[1],[`, 1),
	} {
		if _, err := autoscaler.Redecide(t.Context(), autoscaler.ReadLog(strings.NewReader(bad))); err == nil {
			t.Errorf("no error for %.80s", bad)
		}
	}
}
