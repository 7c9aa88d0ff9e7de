package sim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"hindcast.dev/sim"
)

// A course is when a pod was created, accepted by its node, running and ready.
type course struct{ created, started, running, ready time.Duration }

// coursesOf scales a world to n replicas at some times and returns what became of each pod.
func coursesOf(t *testing.T, cfg sim.Config, length time.Duration, scale map[time.Duration]int32) (map[string]course, map[string]string) {
	t.Helper()
	w := newWorld(t, cfg)
	at := time.Duration(0)
	for ; at < length; at += time.Second {
		wait(t, w, at)
		if n, ok := scale[at]; ok {
			if err := w.SetScale(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	courses, nodes := map[string]course{}, map[string]string{}
	for _, p := range w.Pods() {
		if p.Phase != sim.Ready {
			t.Fatalf("%s is not ready after %v", p.Name, length)
		}
		courses[p.Name] = course{p.Created.Sub(monday), p.Started.Sub(monday), p.Running.Sub(monday), p.ReadyAt.Sub(monday)}
		nodes[p.Name] = p.Node
	}
	return courses, nodes
}

// alike reports whether durations are the same but for the rounding of a few stages.
func alike(a, b time.Duration) bool { return (a - b).Abs() <= 4*time.Nanosecond }

// TestSlowStartByAFactor: a start that is slow throughout takes as many times as long, and so
// does a stage of it; the other stages take as long as ever.
func TestSlowStartByAFactor(t *testing.T) {
	cfg := config(t, constant(50, 90))
	cfg.InitialReplicas = 1
	cfg.TimeToReady = sim.LogNormal{P50: 40 * time.Second, P95: 90 * time.Second}
	scale := map[time.Duration]int32{time.Minute: 4, 3 * time.Minute: 8}
	plain, _ := coursesOf(t, cfg, 80*time.Minute, scale)
	for stage, k := range map[sim.Stage]float64{0: 2.5, sim.AcceptStage: 3, sim.PullStage: 7, sim.StartStage: 1.5} {
		cfg.Faults = []sim.Fault{{Kind: sim.SlowStart, For: 90 * time.Minute, Factor: k, Stage: stage}}
		slow, _ := coursesOf(t, cfg, 80*time.Minute, scale)
		if len(slow) != 8 {
			t.Fatalf("%d pods", len(slow))
		}
		times := func(d time.Duration, of sim.Stage) time.Duration {
			if stage == 0 || stage == of {
				return time.Duration(float64(d) * k)
			}
			return d
		}
		for name, got := range slow {
			was := plain[name]
			if was.created < time.Minute {
				if got != was {
					t.Errorf("stage %d: %s was ready before and is %+v, was %+v", stage, name, got, was)
				}
				continue
			}
			if got.created != was.created || !alike(got.started-got.created, times(was.started-was.created, sim.AcceptStage)) ||
				!alike(got.running-got.started, times(was.running-was.started, sim.PullStage)) ||
				!alike(got.ready-got.running, times(was.ready-was.running, sim.StartStage)) {
				t.Errorf("stage %d: %s is %+v, was %+v", stage, name, got, was)
			}
		}
	}
}

// TestSlowStartForAWhile: what a start has done when it becomes slow stays done, and what is left
// when it is over goes on at full speed.
func TestSlowStartForAWhile(t *testing.T) {
	cfg := config(t, constant(50, 60))
	cfg.InitialReplicas, cfg.TimeToReady = 1, always
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		created := time.Duration(1+r.IntN(300)) * time.Second
		from := time.Duration(r.Int64N(int64(400 * time.Second)))
		lasts := time.Duration(1 + r.Int64N(int64(10*time.Minute)))
		k := 1.5 + 4*r.Float64()
		cfg.Faults = []sim.Fault{{Kind: sim.SlowStart, At: from, For: lasts, Factor: k}}
		courses, _ := coursesOf(t, cfg, 30*time.Minute, map[time.Duration]int32{created: 2})
		want := created + 100*time.Second
		if from < want { // else it is ready before
			begin := max(from, created)
			left := 100*time.Second - (begin - created)
			slowly := max(from+lasts-begin, 0)
			if need := time.Duration(float64(left) * k); need <= slowly {
				want = begin + need
			} else {
				want = begin + slowly + left - time.Duration(float64(slowly)/k)
			}
		}
		if got := courses["shop-1"].ready; !alike(got, want) {
			t.Errorf("seed %d: created at %v, slow by %v from %v for %v: ready at %v, want %v", seed, created, k, from, lasts, got, want)
		}
	}
}

// TestSlowStartsOverlap: of several the slowest counts.
func TestSlowStartsOverlap(t *testing.T) {
	cfg := config(t, constant(50, 60))
	cfg.InitialReplicas, cfg.TimeToReady = 1, always
	cfg.Faults = []sim.Fault{
		{Kind: sim.SlowStart, At: 100 * time.Second, For: 80 * time.Second, Factor: 2},
		{Kind: sim.SlowStart, At: 140 * time.Second, For: 100 * time.Second, Factor: 4},
	}
	courses, _ := coursesOf(t, cfg, 30*time.Minute, map[time.Duration]int32{100 * time.Second: 2})
	// 40 s at a half, 100 s at a quarter, and the 55 s that are left.
	if got, want := courses["shop-1"].ready, 295*time.Second; !alike(got, want) {
		t.Errorf("ready at %v, want %v", got, want)
	}
}

// TestColdNodes: only pods on the share of nodes are slow, and the nodes are the same however
// many pods there are.
func TestColdNodes(t *testing.T) {
	cold := func(seed uint64, replicas int32) map[string]bool {
		cfg := config(t, constant(50, 60))
		cfg.Seed, cfg.InitialReplicas, cfg.TimeToReady = seed, 1, always
		cfg.Faults = []sim.Fault{{Kind: sim.SlowStart, For: time.Hour, Factor: 3, Stage: sim.PullStage, Share: 0.5}}
		courses, nodes := coursesOf(t, cfg, 20*time.Minute, map[time.Duration]int32{time.Minute: replicas})
		out := map[string]bool{}
		for name, c := range courses {
			if name == "shop-0" {
				continue
			}
			took := c.ready - c.created
			if !alike(took, 100*time.Second) && !alike(took, 146*time.Second) { // a pull of 23 s, thrice
				t.Errorf("%s took %v", name, took)
			}
			slow := took > 101*time.Second
			if was, ok := out[nodes[name]]; ok && was != slow {
				t.Errorf("%s is slow for some pods only", nodes[name])
			}
			out[nodes[name]] = slow
		}
		return out
	}
	others := false
	for seed := range uint64(4) {
		few, many := cold(seed, 6), cold(seed, 8)
		n := 0
		for node, slow := range many {
			if was, ok := few[node]; ok && was != slow {
				t.Errorf("seed %d: whether %s is cold depends on the pods", seed, node)
			}
			if slow {
				n++
			}
		}
		if len(many) != 4 || n != 2 {
			t.Errorf("seed %d: cold are %v, want two of four", seed, many)
		}
		for node, slow := range many {
			others = others || cold(0, 8)[node] != slow
		}
	}
	if !others {
		t.Error("the same nodes are cold under every seed")
	}
}

// TestSlowRestart: a container that starts again in its place is slow as well, but has no image to pull.
func TestSlowRestart(t *testing.T) {
	cfg := config(t, constant(50, 31))
	cfg.InitialReplicas, cfg.TimeToReady = 6, always
	for stage, missing := range map[sim.Stage]time.Duration{0: 150 * time.Second, sim.StartStage: 150 * time.Second, sim.PullStage: 75 * time.Second} {
		cfg.Faults = []sim.Fault{
			{Kind: sim.PodRestart, At: 301 * time.Second, Share: 0.5},
			{Kind: sim.SlowStart, At: time.Minute, For: time.Hour, Factor: 2, Stage: stage},
		}
		_, ready := readyTime(t, cfg, 30*time.Minute)
		if want := 6*30*time.Minute - 3*missing; !alike(ready, want) {
			t.Errorf("stage %d: %v of ready pods, want %v", stage, ready, want)
		}
	}
}

// TestSlowStartOfNobody: where nothing starts, and where a start is slow by nothing, every span is
// what it is without.
func TestSlowStartOfNobody(t *testing.T) {
	spans := func(scale bool, faults ...sim.Fault) (out []sim.Span) {
		cfg := config(t, steps(100, 800, 300, 50))
		cfg.InitialReplicas, cfg.Faults = 3, faults
		cfg.OnSpan = func(s sim.Span) { out = append(out, s) }
		w := newWorld(t, cfg)
		if wait(t, w, 30*time.Second); scale {
			if err := w.SetScale(5); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, w, 4*time.Minute-time.Nanosecond)
		return out
	}
	for name, pair := range map[string][2][]sim.Span{
		"nothing starts":       {spans(false), spans(false, sim.Fault{Kind: sim.SlowStart, For: time.Hour, Factor: 9})},
		"it is over":           {spans(true), spans(true, sim.Fault{Kind: sim.SlowStart, For: 30 * time.Second, Factor: 9})},
		"it has not begun yet": {spans(true), spans(true, sim.Fault{Kind: sim.SlowStart, At: 3 * time.Minute, For: time.Hour, Factor: 9, Stage: sim.PullStage})},
	} {
		if len(pair[0]) != len(pair[1]) {
			t.Fatalf("%s: %d spans, want %d", name, len(pair[1]), len(pair[0]))
		}
		for i, want := range pair[0] {
			if got := pair[1][i]; got != want {
				t.Errorf("%s: span %+v, want %+v", name, got, want)
			}
		}
	}
}
