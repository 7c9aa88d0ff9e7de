package policy_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hindcast.dev/policy"
)

// v2Start is a Monday.
var v2Start = time.Date(2024, 11, 4, 9, 0, 0, 0, time.UTC)

// v2Input returns the input of check k, from 1: that many pods share the total CPU.
func v2Input(k int, spec, pods int32, totalMilliCPU int64) policy.Input {
	in := policy.Input{Now: v2Start.Add(time.Duration(k-1) * 30 * time.Second), Spec: spec, Status: pods}
	for i := range int64(pods) {
		cpu := totalMilliCPU / int64(pods)
		if i < totalMilliCPU%int64(pods) {
			cpu++
		}
		in.Pods = append(in.Pods, policy.Pod{
			Name:   fmt.Sprintf("shop-%d", i),
			Sample: &policy.PodSample{MilliCPU: cpu, Bytes: 220 << 20},
		})
	}
	return in
}

func newV2(t testing.TB, cfg policy.V2Config) *policy.V2 {
	t.Helper()
	v, err := policy.NewV2(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ExampleNewV2() {
	v, err := policy.NewV2(policy.V2Config{Max: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	cpu := &policy.PodSample{MilliCPU: 260, Bytes: 220 << 20}
	d := v.Decide(policy.Input{
		Now:  time.Date(2024, 11, 4, 9, 0, 0, 0, time.UTC),
		Spec: 1, Status: 1,
		Pods: []policy.Pod{{Name: "shop-0", Sample: cpu}},
	})
	fmt.Println(d.Replicas, d.Reason)
	fmt.Println(d.Proposals[0].Source, d.Proposals[0].Detail)

	// Output:
	// 2 Scaled: up, CPU per pod is high
	// heuristic CPU per pod 260.0 m, total 260 m, 1 pods
}

func TestV2Heuristic(t *testing.T) {
	for _, tc := range []struct {
		name       string
		spec, pods int32
		total      int64
		wish, want int32
		reason     string
	}{
		{"high", 1, 1, 251, 2, 2, "Scaled"},
		{"not above high", 1, 1, 250, 1, 1, "Kept"},
		{"high, the new pod has no metrics yet", 2, 1, 900, 2, 2, "Kept"},
		{"high at max", 6, 6, 6000, 6, 6, "Kept"},
		{"low", 3, 3, 147, 2, 2, "Scaled"},
		{"not below low", 3, 3, 150, 3, 3, "Kept"},
		{"low at min", 1, 1, 3, 1, 1, "Kept"},
		{"low, pods that go are still seen", 2, 3, 60, 2, 2, "Kept"},
		{"counts seen pods, not spec", 2, 4, 400, 4, 4, "Scaled"},
		{"one pod less seen than asked for", 3, 2, 300, 2, 3, "Dampened"},
		{"one pod more seen than asked for", 3, 4, 600, 4, 3, "Dampened"},
		{"more pods seen than max", 4, 8, 800, 8, 6, "Scaled"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newV2(t, policy.V2Config{}).Decide(v2Input(1, tc.spec, tc.pods, tc.total))
			checkV2(t, d, "heuristic", tc.wish, tc.want, tc.reason)
		})
	}
}

// TestV2Dampening trains a model on one load, so that it answers the same number to
// every load, and shows it pods that are busy or idle.
func TestV2Dampening(t *testing.T) {
	for _, tc := range []struct {
		name           string
		wish           int32 // of the model
		spec           int32
		milliCPUPerPod int64
		want           int32
		reason         string
	}{
		{"up by one, CPU high", 3, 2, 251, 3, "Scaled: up"},
		{"up by one, CPU not above high", 3, 2, 250, 2, "Dampened"},
		{"down by one, CPU low", 3, 4, 49, 3, "Scaled: down"},
		{"down by one, CPU not below low", 3, 4, 50, 4, "Dampened"},
		{"up by one, CPU low", 3, 2, 3, 2, "Dampened"},
		{"down by one, CPU high", 3, 4, 700, 4, "Dampened"},
		{"up by two", 4, 2, 100, 4, "Scaled: two or more"},
		{"down by two", 2, 4, 100, 2, "Scaled: two or more"},
		{"down by two, CPU high", 2, 4, 251, 2, "Scaled: two or more"},
		{"to min, CPU below 100 m", 1, 2, 99, 1, "Scaled: to the minimum"},
		{"to min, CPU 100 m", 1, 2, 100, 2, "Dampened"},
		{"near min, CPU below 100 m", 2, 3, 99, 3, "Dampened"},
		{"to max, CPU above 800 m", 6, 5, 801, 6, "Scaled: up"},
		{"to max, CPU not above high", 6, 5, 250, 5, "Dampened"},
		{"down to max, CPU above 800 m", 6, 7, 801, 6, "Scaled: to the maximum"},
		{"down to max, CPU 800 m", 6, 7, 800, 7, "Dampened"},
		{"as it is", 3, 3, 900, 3, "Kept"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := newV2(t, policy.V2Config{})
			for k := 1; k <= 20; k++ {
				v.Decide(v2Input(k, tc.wish, tc.wish, 200*int64(tc.wish)))
			}
			d := v.Decide(v2Input(21, tc.spec, tc.spec, tc.milliCPUPerPod*int64(tc.spec)))
			checkV2(t, d, "model", tc.wish, tc.want, tc.reason)
		})
	}
}

func checkV2(t *testing.T, d policy.Decision, source string, wish, want int32, reason string) {
	t.Helper()
	if len(d.Proposals) != 1 || d.Proposals[0].Source != source || d.Proposals[0].Replicas != wish || d.Raw != wish {
		t.Errorf("proposals %+v, raw %d; want %d from the %s", d.Proposals, d.Raw, wish, source)
	}
	if d.Replicas != want || d.Hold || !strings.HasPrefix(d.Reason, reason) {
		t.Errorf("replicas %d, hold %t, %q; want %d, %q", d.Replicas, d.Hold, d.Reason, want, reason)
	}
	if clamped := len(d.Clamps) > 0; clamped != (wish != want) {
		t.Errorf("clamps %+v from wish %d to %d", d.Clamps, wish, want)
	}
	for _, c := range d.Clamps {
		if c.From != wish || c.To != want {
			t.Errorf("clamp %+v, want from %d to %d", c, wish, want)
		}
	}
}

// TestV2Formula trains a model on one load and asks it about the same.
func TestV2Formula(t *testing.T) {
	for _, tc := range []struct {
		total int64
		want  int32
	}{{0, 1}, {1, 1}, {200, 1}, {201, 2}, {400, 2}, {401, 3}, {1000, 5}, {1001, 6}, {1200, 6}, {9000, 6}} {
		v := newV2(t, policy.V2Config{})
		var d policy.Decision
		for k := 1; k <= 20; k++ {
			d = v.Decide(v2Input(k, 3, 3, tc.total))
		}
		if d.Raw != tc.want || d.Proposals[0].Source != "model" {
			t.Errorf("total %d m: wish %d of %s, want %d of the model", tc.total, d.Raw, d.Proposals[0].Source, tc.want)
		}
	}
}

// TestV2TrainsAtTens tells by the answers when a model was trained: a load that began
// at check 21 is known from check 30 on, one that began at 31 from 40 on.
func TestV2TrainsAtTens(t *testing.T) {
	v := newV2(t, policy.V2Config{})
	for k := 1; k <= 49; k++ {
		total, want, source := int64(100), int32(1), "model"
		switch {
		case k < 20:
			source = "heuristic"
		case k >= 31:
			total = 1150
		case k >= 21:
			total = 700
		}
		if k >= 30 {
			want = 4
		}
		if k >= 40 {
			want = 6
		}
		d := v.Decide(v2Input(k, 1, 1, total))
		if p := d.Proposals[0]; p.Source != source || source == "model" && p.Replicas != want {
			t.Errorf("check %d, total %d m: %d of the %s (%s), want %d of the %s", k, total, p.Replicas, p.Source, p.Detail, want, source)
		}
	}
}

func TestV2Skips(t *testing.T) {
	down := errors.New("metrics API is down")
	for name, tc := range map[string]struct {
		in   policy.Input
		want error
	}{
		"error":      {policy.Input{Now: v2Start, Spec: 4, PodsErr: down}, down},
		"no pods":    {policy.Input{Now: v2Start, Spec: 4}, policy.ErrNoData},
		"no samples": {policy.Input{Now: v2Start, Spec: 4, Pods: []policy.Pod{{Name: "a", Phase: policy.PodRunning, Ready: true}}}, policy.ErrNoData},
	} {
		d := newV2(t, policy.V2Config{}).Decide(tc.in)
		if !d.Hold || d.Replicas != 4 || !strings.HasPrefix(d.Reason, "Skipped: ") || !errors.Is(d.Proposals[0].Err, tc.want) {
			t.Errorf("%s: %+v, want 4 held because of %v", name, d, tc.want)
		}
	}
}

// TestV2CountsSkippedChecks follows a run whose 5th check finds no metrics: the 20th
// sample comes at check 21, and from there to check 29 there is no model.
func TestV2CountsSkippedChecks(t *testing.T) {
	v := newV2(t, policy.V2Config{})
	for k := 1; k <= 31; k++ {
		in := v2Input(k, 2, 2, 300)
		if k == 5 {
			in.PodsErr = errors.New("gone")
		}
		d := v.Decide(in)
		switch source := d.Proposals[0].Source; {
		case k == 5:
			if !d.Hold || source != "metrics" {
				t.Errorf("check 5: %+v", d)
			}
		case k <= 20:
			if d.Hold || source != "heuristic" {
				t.Errorf("check %d: %+v, want the heuristic", k, d)
			}
		case k <= 29:
			if !d.Hold || !errors.Is(d.Proposals[0].Err, policy.ErrNoModel) {
				t.Errorf("check %d: %+v, want %v", k, d, policy.ErrNoModel)
			}
		default:
			if d.Hold || source != "model" {
				t.Errorf("check %d: %+v, want the model", k, d)
			}
		}
	}
}

// TestV2ListsPodsOfMetrics counts the pods that the metrics API lists, no others.
func TestV2ListsPodsOfMetrics(t *testing.T) {
	sample := func(milliCPU int64) *policy.PodSample { return &policy.PodSample{MilliCPU: milliCPU} }
	d := newV2(t, policy.V2Config{}).Decide(policy.Input{Now: v2Start, Spec: 4, Pods: []policy.Pod{
		{Name: "ready", Phase: policy.PodRunning, Ready: true, Sample: sample(400)},
		{Name: "starting", Phase: policy.PodRunning, Sample: sample(500)},
		{Name: "going", Phase: policy.PodRunning, Deleting: true, Sample: sample(30)},
		{Name: "pending", Phase: policy.PodPending},
	}})
	// 930 m over 3 pods are 310 m, above 250 m: one more than the 3 seen.
	if d.Raw != 4 || !strings.Contains(d.Proposals[0].Detail, "CPU per pod 310.0 m, total 930 m, 3 pods") {
		t.Errorf("%+v, want 4 because of 310 m over 3 pods", d)
	}
}

// TestV2RoundsHalfToEven looks for models of two trees that disagree by one.
func TestV2RoundsHalfToEven(t *testing.T) {
	want := map[string]int32{"1.50": 2, "2.50": 2, "3.50": 4, "4.50": 4, "5.50": 6}
	seen := make(map[string]bool)
	r := rand.New(rand.NewPCG(1, 1))
	for seed := range uint64(60) {
		v := newV2(t, policy.V2Config{Trees: 2, Seed: seed + 1})
		for k := 1; k <= 29; k++ {
			d := v.Decide(v2Input(k, 3, 3, int64(r.IntN(1200))))
			y, _, ok := strings.Cut(strings.TrimPrefix(d.Proposals[0].Detail, "prediction "), ", ")
			n, half := want[y]
			if !ok || d.Proposals[0].Source != "model" || !half {
				continue
			}
			seen[y] = true
			if d.Raw != n {
				t.Errorf("prediction %s became %d, want %d", y, d.Raw, n)
			}
		}
	}
	if len(seen) != len(want) {
		t.Errorf("only saw predictions %v", seen)
	}
}

func TestV2ConfigScale(t *testing.T) {
	got := policy.V2Config{HighMilliCPU: 300, Max: 9}.Scale(1.5)
	want := policy.V2Config{
		Interval: 30 * time.Second, Min: 1, Max: 9,
		TargetMilliCPU: 300, HighMilliCPU: 450, LowMilliCPU: 75,
		MinScaleDownMilliCPU: 100, MaxScaleUpMilliCPU: 800,
		Trees: 50, Seed: 42, HistoryMax: 1000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Scale(1.5) (-want +got):\n%s", diff)
	}
}

func TestNewV2ListsAllFaults(t *testing.T) {
	_, err := policy.NewV2(policy.V2Config{
		Interval: -1, Min: 3, Max: 2, TargetMilliCPU: math.NaN(), HighMilliCPU: 10, LowMilliCPU: 20,
		MaxScaleUpMilliCPU: math.Inf(1), Trees: -1, HistoryMax: 19,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"interval", "max 2", "target NaN", "low 20 m is above high 10 m", "max scale up", "-1 trees", "19 samples"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	if _, err := policy.NewV2(policy.V2Config{}.Scale(0)); err != nil {
		// A product of 0 means the default, as any zero does.
		t.Errorf("scaled by 0: %v", err)
	}
	if _, err := policy.NewV2(policy.V2Config{}.Scale(-1)); err == nil {
		t.Error("scaled by -1: no error")
	}
}

// TestV2Units scales CPU and all thresholds by 4, which floating point does without
// rounding: the decisions stay.
func TestV2Units(t *testing.T) {
	cfg := policy.V2Config{HistoryMax: 60}
	big := policy.V2Config{HistoryMax: 60, MinScaleDownMilliCPU: 400, MaxScaleUpMilliCPU: 3200}.Scale(4)
	a, b := newV2(t, cfg), newV2(t, big)
	r := rand.New(rand.NewPCG(2, 2))
	spec := int32(1)
	for k := 1; k <= 300; k++ {
		total := int64(r.IntN(1500))
		in, in4 := v2Input(k, spec, spec, total), v2Input(k, spec, spec, total)
		for i := range in4.Pods {
			s := *in.Pods[i].Sample
			s.MilliCPU *= 4
			in4.Pods[i].Sample = &s
		}
		d, d4 := a.Decide(in), b.Decide(in4)
		if diff := cmp.Diff(d, d4, cmpopts.IgnoreFields(policy.Proposal{}, "Detail")); diff != "" {
			t.Fatalf("check %d (-1x +4x):\n%s", k, diff)
		}
		spec = d.Replicas
	}
}

func TestV2TwiceIsTheSame(t *testing.T) {
	run := func() []policy.Decision {
		v := newV2(t, policy.V2Config{HistoryMax: 50})
		r := rand.New(rand.NewPCG(9, 9))
		var ds []policy.Decision
		spec := int32(1)
		for k := 1; k <= 200; k++ {
			d := v.Decide(v2Input(k, spec, spec, int64(r.IntN(1400))))
			ds = append(ds, d)
			spec = d.Replicas
		}
		return ds
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
}

// BenchmarkV2 makes checks with a full history, one in ten of them with a training.
func BenchmarkV2(b *testing.B) {
	v := newV2(b, policy.V2Config{})
	var ins []policy.Input
	r := rand.New(rand.NewPCG(1, 1))
	for k := range 2880 {
		load := 700 + 500*math.Sin(2*math.Pi*float64(k)/2880) + 60*r.NormFloat64()
		ins = append(ins, v2Input(k+1, 3, 3, int64(max(0, load))))
	}
	for _, in := range ins {
		v.Decide(in)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		v.Decide(ins[i%len(ins)])
	}
}
