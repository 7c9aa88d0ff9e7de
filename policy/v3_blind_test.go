package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// TestV3Gap: one query that fails is no reason to scale, unless the CPU of the pods says
// that the load grew: then it tells the load, and the straight line of its rise counts. From
// the second on what the fallback asks for counts. Nothing goes down.
func TestV3Gap(t *testing.T) {
	// From 95 to 142.5 in the minute of three values, carried on for 2 min 30 s.
	surging := int32(math.Ceil((142.5 + 47.5/60*150) / 10))
	for _, tc := range []struct {
		name          string
		cpu           int64 // after 1000
		wishes        int32 // of the fallback
		hold          bool
		first, second int32
	}{
		{"as before", 1000, 15, false, 10, 15},
		{"within the tolerance", 1090, 16, false, 10, 16},
		{"grown by half", 1500, 15, false, surging, surging},
		{"grown by half, and the fallback is more cautious", 1500, 40, false, 40, 40},
		{"grown by half, and the fallback cannot tell", 1500, 40, true, surging, surging},
		{"fallen", 500, 5, false, 10, 10},
		{"the fallback cannot tell", 1000, 15, true, 10, 10},
		{"no pods", 0, 15, false, 10, 15},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hpa := &stub{n: 14}
			cfg := v3Config(clockwork(always(95)))
			cfg.Fallback = hpa
			cpu := func(at time.Time) int64 {
				if at.Before(since(hm(3, 0))) {
					return 1000
				}
				return tc.cpu
			}
			r := &v3Run{v: mustV3(t, cfg), load: always(95), spec: 10, cpu: cpu, err: noDataIn(hm(3, 0), hms(3, 1, 30))}
			tell(t, r, []expect{{hms(2, 59, 30), 10, "Steady"}})
			hpa.n, hpa.hold = tc.wishes, tc.hold
			tell(t, r, []expect{{hm(3, 0), tc.first, "Gap"}, {hms(3, 0, 30), tc.second, "Gap"}})
			hpa.n = 1
			after := "Steady" // the values are back, and with them the load of before
			if tc.second > 10 {
				after = "ScaleDown"
			}
			tell(t, r, []expect{{hm(3, 1), tc.second, "Gap"}, {hms(3, 1, 30), 10, after}})
		})
	}
}

// TestV3ByCPU: a rise that no model knows of begins with an outage, and the CPU of the pods
// follows the load. V3 asks for what it would with data: the load, and its straight line.
func TestV3ByCPU(t *testing.T) {
	load := func(t time.Time) float64 { return 100 + max(0, t.Sub(epoch.Add(hm(3, 0))).Seconds()) } // 1 a second from 3:00 on
	cfg := v3Config(clockwork(always(100)))
	cfg.Fallback = &stub{n: 1, hold: true}
	blind := &v3Run{
		v: mustV3(t, cfg), load: load, spec: 10, err: noDataIn(hm(3, 0), hm(4, 0)),
		cpu: func(t time.Time) int64 { return int64(7 * load(t)) },
	}
	seeing := &v3Run{v: mustV3(t, v3Config(clockwork(always(100)))), load: load, spec: 10}
	blind.until(hms(3, 0, 30))
	seeing.until(hms(3, 0, 30))
	for blind.at <= hm(3, 6) {
		now := load(since(blind.at))
		d := blind.step()
		seeing.step()
		if want := int32(math.Ceil((now + 150) / 10)); blind.spec != want {
			t.Errorf("%v: %d replicas, want %d: %+v", blind.at, blind.spec, want, d)
		}
		if blind.at < hm(3, 4) && blind.spec != seeing.spec { // later on the model has learned of the rise
			t.Errorf("%v: %d replicas, %d with data", blind.at, blind.spec, seeing.spec)
		}
	}
}

// TestV3ByCPUOfFullPods: pods that are full show no rise, which ends no surge that was under
// way, as long as the last value counts.
func TestV3ByCPUOfFullPods(t *testing.T) {
	load := func(t time.Time) float64 { return 100 + max(0, t.Sub(epoch.Add(hm(3, 0))).Seconds()) }
	cfg := v3Config(clockwork(always(100)))
	cfg.Fallback = &stub{n: 1, hold: true}
	r := &v3Run{
		v: mustV3(t, cfg), load: load, spec: 10, err: noDataIn(hm(3, 3), hm(4, 0)),
		cpu: func(t time.Time) int64 { return int64(min(250, load(t))) },
	}
	r.until(hms(3, 2, 30)) // 250 now
	before := r.spec
	r.until(hms(3, 3, 30))
	if got, want := r.spec-before, int32(6); got != want { // a minute of the line
		t.Errorf("%d replicas, and %d a minute later, want %d more", before, r.spec, want)
	}
}

// TestV3ByCPUOfStartingPods: a pod counts once a sample lies after it became ready, as for
// an HPA: before, it used CPU to start.
func TestV3ByCPUOfStartingPods(t *testing.T) {
	ready := hm(3, 0)
	for _, tc := range []struct {
		name  string
		at    time.Duration // of the only decision without a value
		alter func(p *policy.Pod)
		grown bool
	}{
		{"its sample begins before it was ready", ready + 10*time.Second, nil, false},
		{"its sample begins after", ready + 15*time.Second, nil, true},
		{"it is not ready", ready + 15*time.Second, func(p *policy.Pod) { p.Ready = false }, false},
		{"it ends", ready + 15*time.Second, func(p *policy.Pod) { p.Deleting = true }, false},
		{"it has no sample", ready + 15*time.Second, func(p *policy.Pod) { p.Sample = nil }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := v3Config(clockwork(always(95)))
			cfg.Fallback = &stub{n: 1, hold: true}
			v := mustV3(t, cfg)
			in := policy.Input{Spec: 10, Status: 10, Values: []policy.Value{{Value: 95}}}
			for at := time.Duration(0); at < ready; at += 30 * time.Second {
				in.Now = since(at)
				in.Pods = []policy.Pod{servingPod(in.Now, 1000)}
				v.Decide(in)
			}
			in.Now = since(tc.at)
			second := servingPod(in.Now, 1000)
			second.Started, second.ReadyChanged = since(ready-time.Minute), since(ready)
			if tc.alter != nil {
				tc.alter(&second)
			}
			in.Pods = []policy.Pod{servingPod(in.Now, 1000), second}
			in.Values = []policy.Value{{Err: policy.ErrNoData}}
			if d := v.Decide(in); (d.Replicas > 10) != tc.grown {
				t.Errorf("%d replicas: %+v", d.Replicas, d)
			}
		})
	}
}

// TestV3CPUFloor: never fewer than the fallback asks for, with data and without, and more
// where the load ahead needs more; while the fallback cannot tell there is no floor.
func TestV3CPUFloor(t *testing.T) {
	hpa := &stub{n: 14}
	cfg := v3Config(clockwork(always(95)))
	cfg.Fallback, cfg.CPUFloor = hpa, true
	r := &v3Run{
		v: mustV3(t, cfg), load: always(95), spec: 10,
		err: noDataIn(hm(5, 0), hm(5, 1)),
	}
	tell(t, r, []expect{{hm(3, 0), 14, "CPUFloor"}})
	hpa.n = 16
	tell(t, r, []expect{{hms(3, 0, 30), 16, "CPUFloor"}})
	hpa.n = 9
	tell(t, r, []expect{{hm(3, 1), 10, "ScaleDown"}, {hms(3, 1, 30), 10, "Steady"}})
	hpa.n, hpa.hold = 16, true
	tell(t, r, []expect{{hm(4, 0), 10, "Steady"}})
	hpa.hold = false
	tell(t, r, []expect{{hms(4, 0, 30), 16, "CPUFloor"}})
	hpa.n = 17 // the first query that fails is no reason to ask for less
	tell(t, r, []expect{{hms(4, 59, 30), 17, "CPUFloor"}})
	hpa.n = 18
	d := r.step()
	if len(d.Proposals) != 2 || d.Proposals[1].Source != "fallback" || r.spec != 18 {
		t.Errorf("%d replicas: %+v", r.spec, d)
	}
}

// TestV3CPUFloorOfASpec: a spec with a CPU floor decides as often as an HPA, on pods that
// request CPU.
func TestV3CPUFloorOfASpec(t *testing.T) {
	for _, floor := range []bool{false, true} {
		s := &v1alpha1.PredictiveScaler{Spec: v1alpha1.PredictiveScalerSpec{
			MaxReplicas: 10, Actuation: v1alpha1.Actuation{Type: v1alpha1.ActuationScale},
			Metrics: []v1alpha1.Metric{{Name: "load", Query: "load", Target: v1alpha1.MetricTarget{PerReplica: "10"}}},
			Safety:  v1alpha1.Safety{CPUFloor: floor},
		}}
		s.Default()
		want := 30 * time.Second
		if floor {
			want = 15 * time.Second
		}
		for _, request := range []int64{500, 0} {
			fallback, err := policy.FallbackFor(&s.Spec, request)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := policy.V3FromSpec(&s.Spec, policy.Workload{RequestMilliCPU: request, Fallback: fallback})
			switch {
			case request == 0 && floor:
				if err == nil || !strings.Contains(err.Error(), "spec.safety.cpuFloor: the pods request no cpu") {
					t.Errorf("pods without a request: %v", err)
				}
			case err != nil || cfg.CPUFloor != floor || cfg.Interval != want || fallback != nil && fallback.Needs().Interval != want:
				t.Errorf("floor %t, request %d: every %v, floor %t: %v", floor, request, cfg.Interval, cfg.CPUFloor, err)
			}
		}
	}
}
