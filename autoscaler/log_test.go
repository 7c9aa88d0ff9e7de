package autoscaler_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// writeLog returns the log of steps.
func writeLog(t testing.TB, steps ...autoscaler.Step) string {
	t.Helper()
	var out bytes.Buffer
	log := autoscaler.NewLog(&out)
	for _, s := range steps {
		log.Record(s)
	}
	if err := log.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// readLog returns the records of a log without faults.
func readLog(t testing.TB, text string) []autoscaler.Record {
	t.Helper()
	var out []autoscaler.Record
	for rec, err := range autoscaler.ReadLog(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

// TestLogRoundTrip writes a step in which every field is set, and finds each in the
// record that is read back.
func TestLogRoundTrip(t *testing.T) {
	young := start.Add(-time.Minute)
	step := autoscaler.Step{
		Input: policy.Input{
			Now: start.Add(123456789), Spec: 3, Status: 4,
			Values: []policy.Value{
				{Name: "load", Value: 0.1 + 0.2},
				{Name: "queue", Err: fmt.Errorf("query <queue>: %w", policy.ErrNoData)},
				{Name: "disk", Err: errors.New("timeout")},
			},
			Pods: []policy.Pod{
				{Name: "shop-0", Phase: policy.PodPending, RequestMilliCPU: 500, RequestBytes: 1 << 29},
				{
					Name: "shop-1", Phase: policy.PodRunning, Started: young, Ready: true, ReadyChanged: young.Add(time.Second),
					Sample: &policy.PodSample{MilliCPU: 250, Bytes: 1 << 28, Time: start.Add(-15 * time.Second), Window: 15 * time.Second},
				},
				{Name: "shop-2", Phase: policy.PodFailed, Deleting: true, Started: start.Add(-time.Hour)},
			},
			PodsErr: errors.New("half an answer"),
		},
		Decision: policy.Decision{
			Replicas: 5, Raw: 9, Reason: "ScaleUp: more \"load\"\nahead",
			Proposals: []policy.Proposal{
				{Source: "load", Replicas: 9, Detail: "util 83 % / target 70 %"},
				{Source: "queue", Replicas: 3, Err: policy.ErrNoData},
			},
			Clamps:   []policy.Clamp{{Name: "max step", From: 9, To: 5}},
			Forecast: &policy.Forecast{Model: "ridge", Horizon: 150 * time.Second, Point: 90, Quantile: 0.99, Upper: 99.5, Observed: 80},
		},
		Scaled: true,
		Err:    errors.New("late"),
	}
	text := writeLog(t, step)
	if n := strings.Count(text, "\n"); n != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("%d line ends, want one at the end:\n%s", n, text)
	}
	recs := readLog(t, text)
	if len(recs) != 1 {
		t.Fatalf("%d records", len(recs))
	}
	in := recs[0].Input()
	want := step.Input
	for i := range in.Values {
		if errors.Is(in.Values[i].Err, policy.ErrNoData) != errors.Is(want.Values[i].Err, policy.ErrNoData) {
			t.Errorf("%s: no data or not: %v, was %v", want.Values[i].Name, in.Values[i].Err, want.Values[i].Err)
		}
	}
	if diff := cmp.Diff(want, in, cmp.Comparer(sameText)); diff != "" {
		t.Errorf("input: %s", diff)
	}
	want2 := autoscaler.Record{
		Time: step.Input.Now, Spec: 3, Status: 4, Values: recs[0].Values, Pods: recs[0].Pods, PodsError: "half an answer",
		Replicas: 5, Raw: 9, Reason: step.Decision.Reason,
		Proposals: []autoscaler.ProposalEntry{
			{Source: "load", Replicas: 9, Detail: "util 83 % / target 70 %"}, {Source: "queue", Replicas: 3, Error: "no data"},
		},
		Clamps:   []autoscaler.ClampEntry{{Name: "max step", From: 9, To: 5}},
		Forecast: &autoscaler.ForecastEntry{Model: "ridge", HorizonSeconds: 150, Point: new(90.0), Quantile: 0.99, Upper: new(99.5), Observed: new(80.0)},
		Scaled:   true, Error: "late",
	}
	if diff := cmp.Diff(want2, recs[0]); diff != "" {
		t.Errorf("record: %s", diff)
	}
}

// sameText compares errors by what they say.
func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

// TestLogHasNoNumberForNothing: what JSON cannot show is null, stays apart from 0, and
// comes back as it was.
func TestLogHasNoNumberForNothing(t *testing.T) {
	values := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat64, 5e-324}
	step := autoscaler.Step{Input: policy.Input{Now: start}}
	for _, v := range values {
		step.Input.Values = append(step.Input.Values, policy.Value{Name: "v", Value: v})
		step.Decision.Forecast = &policy.Forecast{Point: v, Upper: v, Observed: v, Quantile: v}
		var line map[string]any
		if err := json.Unmarshal([]byte(writeLog(t, step)), &line); err != nil {
			t.Fatalf("forecast of %v: %v", v, err)
		}
		if null := line["forecast"].(map[string]any)["upper"] == nil; null != (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("upper of %v is null: %v", v, null)
		}
	}
	rec := readLog(t, writeLog(t, step))[0]
	in := rec.Input()
	for i, v := range in.Values {
		if v.Err != nil || math.Float64bits(v.Value) != math.Float64bits(values[i]) {
			t.Errorf("%v came back as %v, %v", values[i], v.Value, v.Err)
		}
		if finite := rec.Values[i].Value != nil; finite == (math.IsNaN(values[i]) || math.IsInf(values[i], 0)) {
			t.Errorf("%v is written as %+v", values[i], rec.Values[i])
		}
	}
}

// A brokenDisk takes so many bytes.
type brokenDisk struct {
	room int
	err  error
	got  bytes.Buffer
}

func (d *brokenDisk) Write(p []byte) (int, error) {
	if d.got.Len()+len(p) > d.room {
		return 0, d.err
	}
	return d.got.Write(p)
}

// TestLogKeepsItsFirstError: a full disk stops the log for good, and the error says so,
// even when there would be room again; what was recorded before is whole.
func TestLogKeepsItsFirstError(t *testing.T) {
	disk := &brokenDisk{room: 1 << 17, err: errors.New("disk full")}
	log := autoscaler.NewLog(disk)
	step := autoscaler.Step{Input: policy.Input{Now: start}, Decision: policy.Decision{Reason: strings.Repeat("x", 1000)}}
	for range 1000 {
		log.Record(step)
	}
	if err := log.Err(); !errors.Is(err, disk.err) {
		t.Fatalf("error %v", err)
	}
	before := disk.got.Len()
	if before == 0 {
		t.Error("nothing was written before the disk was full")
	}
	disk.room = 1 << 30
	log.Record(step)
	if err := log.Err(); !errors.Is(err, disk.err) || disk.got.Len() != before {
		t.Errorf("error %v, %d bytes more", err, disk.got.Len()-before)
	}
}

// TestLogOfAnImpossibleTime: a record that cannot be written is an error that names the
// decision, and does not take the records before it along.
func TestLogOfAnImpossibleTime(t *testing.T) {
	var out bytes.Buffer
	log := autoscaler.NewLog(&out)
	log.Record(autoscaler.Step{Input: policy.Input{Now: start}})
	log.Record(autoscaler.Step{Input: policy.Input{Now: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}})
	log.Record(autoscaler.Step{Input: policy.Input{Now: after(60)}})
	if err := log.Err(); err == nil || !strings.Contains(err.Error(), "10000-01-01") {
		t.Errorf("error %v", err)
	}
	if recs := readLog(t, out.String()); len(recs) != 1 || !recs[0].Time.Equal(start) {
		t.Errorf("%d records: %v", len(recs), recs)
	}
}

// TestLogGroupsSettledPods: a large workload at rest takes a line that does not grow
// with it, and order and count of the pods are kept.
func TestLogGroupsSettledPods(t *testing.T) {
	in := policy.Input{Now: start}
	for i := range 1000 {
		p := settledPod(i)
		if i == 700 {
			p.Sample.MilliCPU = 900
		}
		in.Pods = append(in.Pods, p)
	}
	text := writeLog(t, autoscaler.Step{Input: in})
	rec := readLog(t, text)[0]
	if len(rec.Pods) != 3 || len(text) > 2000 {
		t.Errorf("%d entries in %d bytes", len(rec.Pods), len(text))
	}
	back := rec.Input().Pods
	if len(back) != 1000 {
		t.Fatalf("%d pods", len(back))
	}
	names := map[string]bool{}
	for i, p := range back {
		if want := in.Pods[i]; *p.Sample != *want.Sample || p.Phase != want.Phase || !p.Ready || p.RequestMilliCPU != want.RequestMilliCPU {
			t.Errorf("pod %d: %+v, want %+v", i, p, want)
		}
		names[p.Name] = true
	}
	if len(names) != 1000 {
		t.Errorf("%d names for 1000 pods", len(names))
	}
}

func settledPod(i int) policy.Pod {
	return policy.Pod{
		Name: fmt.Sprintf("shop-%d", i), Phase: policy.PodRunning, Ready: true,
		Started: start.Add(-time.Hour - time.Duration(i)*time.Second), ReadyChanged: start.Add(-50*time.Minute - time.Duration(i)*time.Second),
		RequestMilliCPU: 500, RequestBytes: 1 << 29,
		Sample: &policy.PodSample{MilliCPU: 300, Bytes: 1 << 28, Time: start.Add(-20 * time.Second), Window: 15 * time.Second},
	}
}

// TestGroupingLosesNothing is the promise of the log: random pods, young and old, with
// old and new samples and without, decide the same after a trip through the log, for
// HPAs of any delays and for V2.
func TestGroupingLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	grouped, moved := 0, 0
	for trial := range 4000 {
		in := randomInput(r)
		text := writeLog(t, autoscaler.Step{Input: in})
		rec := readLog(t, text)[0]
		for _, p := range rec.Pods {
			grouped += max(p.Count-1, 0)
		}
		cfg := policy.HPAConfig{
			CPUInitialization:     time.Duration(r.IntN(3)) * 90 * time.Minute,
			InitialReadinessDelay: time.Duration(r.IntN(3)) * 90 * time.Minute,
		}
		for name, build := range map[string]func() (policy.Policy, error){
			"cpu":    func() (policy.Policy, error) { return policy.NewHPA(resourceSpec(corev1.ResourceCPU, true), cfg) },
			"memory": func() (policy.Policy, error) { return policy.NewHPA(resourceSpec(corev1.ResourceMemory, true), cfg) },
			"value":  func() (policy.Policy, error) { return policy.NewHPA(resourceSpec(corev1.ResourceCPU, false), cfg) },
			"v2":     func() (policy.Policy, error) { return policy.NewV2(policy.V2Config{}) },
		} {
			var got [2]policy.Decision
			for i, in := range []policy.Input{in, rec.Input()} {
				p, err := build()
				if err != nil {
					t.Fatal(err)
				}
				got[i] = p.Decide(in)
			}
			if diff := cmp.Diff(got[0], got[1], cmp.Comparer(sameText)); diff != "" {
				t.Fatalf("trial %d, %s: %s\n%s", trial, name, diff, text)
			}
			if got[0].Replicas != in.Spec {
				moved++
			}
		}
		// What was read and is written again is the same line.
		if again := writeLog(t, autoscaler.Step{Input: rec.Input()}); len(readLog(t, again)[0].Pods) != len(rec.Pods) {
			t.Fatalf("trial %d: grouped otherwise the second time:\n%s%s", trial, text, again)
		}
	}
	if grouped < 1000 || moved < 1000 {
		t.Errorf("only %d pods were grouped and %d decisions were moves: the test says little", grouped, moved)
	}
}

// randomInput has runs of settled pods, so that there is something to group.
func randomInput(r *rand.Rand) policy.Input {
	in := policy.Input{Now: start, Spec: int32(1 + r.IntN(12))}
	if r.IntN(40) == 0 {
		in.PodsErr = errors.New("forbidden")
	}
	level := int64(r.IntN(900))
	for i := range 1 + r.IntN(12) {
		p := settledPod(i)
		p.Sample.MilliCPU = level
		if r.IntN(10) == 0 {
			p.Sample.MilliCPU = int64(r.IntN(900))
		}
		switch r.IntN(16) {
		case 0:
			p.Sample = nil
		case 1:
			p.Phase = policy.PodPending
		case 2:
			p.Phase, p.Ready = policy.PodFailed, false
		case 3:
			p.Deleting = true
		case 4:
			p.Ready = false
		case 5:
			p.Started, p.ReadyChanged = time.Time{}, time.Time{}
		case 6:
			p.ReadyChanged = time.Time{}
		case 7:
			p.ReadyChanged = start.Add(-time.Duration(r.IntN(1200)) * time.Second)
		case 8:
			p.Started = start.Add(-time.Duration(r.IntN(1200)) * time.Second)
			p.ReadyChanged = p.Started.Add(time.Duration(r.IntN(300)) * time.Second)
		case 9: // metrics that stopped before the pod was ready
			p.Sample.Time = p.ReadyChanged.Add(time.Duration(r.IntN(31)) * time.Second)
		case 10:
			p.RequestMilliCPU, p.RequestBytes = 0, 0
		case 11:
			p.Name = ""
		}
		in.Pods = append(in.Pods, p)
	}
	return in
}

// resourceSpec is an HPA on a resource, as a share of the request or as an amount.
func resourceSpec(name corev1.ResourceName, percent bool) autoscalingv2.HorizontalPodAutoscalerSpec {
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(60))}
	if !percent {
		target = autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse("300m"))}
	}
	return autoscalingv2.HorizontalPodAutoscalerSpec{
		MaxReplicas: 100,
		Metrics: []autoscalingv2.MetricSpec{{
			Type:     autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{Name: name, Target: target},
		}},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))},
		},
	}
}

// BenchmarkLog writes the record of a workload of 20 settled pods and a forecast.
func BenchmarkLog(b *testing.B) {
	step := autoscaler.Step{
		Input:    policy.Input{Now: start, Spec: 20, Status: 20, Values: []policy.Value{{Name: "load", Value: 1234.5}}},
		Decision: policy.Decision{Replicas: 20, Raw: 20, Reason: "Steady: as many as the load ahead needs", Forecast: &policy.Forecast{Model: "ridge"}},
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 20 {
		p := settledPod(i)
		p.Sample.MilliCPU += int64(r.IntN(3))
		step.Input.Pods = append(step.Input.Pods, p)
	}
	log := autoscaler.NewLog(discard{})
	b.ReportAllocs()
	for b.Loop() {
		log.Record(step)
	}
	if err := log.Err(); err != nil {
		b.Fatal(err)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
