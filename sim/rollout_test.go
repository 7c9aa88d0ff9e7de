package sim_test

import (
	"testing"
	"time"

	"hindcast.dev/sim"
)

// TestRollout: a rolling update of eight pods may surge to ten and sink to six. So it replaces four
// of them in a wave, two of them again in another that is ready a time to ready later, and costs two
// pods for two such times.
func TestRollout(t *testing.T) {
	const at = 5*time.Minute + time.Second
	cfg := config(t, constant(50, 21))
	cfg.InitialReplicas, cfg.TimeToReady = 8, always
	cfg.Faults = []sim.Fault{{Kind: sim.Rollout, At: at}}
	var ready time.Duration
	cfg.OnSpan = func(s sim.Span) { ready += time.Duration(s.Ready) * s.To.Sub(s.From) }
	w := newWorld(t, cfg)
	for _, step := range []struct {
		after         time.Duration
		updated, have int32
		ready         int32
	}{
		{-time.Nanosecond, 8, 8, 8}, // all are of the newest
		{time.Nanosecond, 4, 10, 6},
		{100*time.Second - 1, 4, 10, 6},
		{100*time.Second + 1, 8, 10, 6},
		{200*time.Second - 1, 8, 10, 6},
		{200*time.Second + 1, 8, 8, 8},
	} {
		wait(t, w, at+step.after)
		if _, have := w.Scale(); w.Updated() != step.updated || have != step.have || w.Ready() != step.ready {
			t.Errorf("%v after: %d updated of %d, %d ready; want %d of %d, %d", step.after, w.Updated(), have, w.Ready(), step.updated, step.have, step.ready)
		}
	}
	wait(t, w, 20*time.Minute)
	if want := 8*20*time.Minute - 2*200*time.Second; ready != want {
		t.Errorf("%v of ready pods, want %v", ready, want)
	}
	if got := w.Totals().Killed; got > 1e-2 {
		t.Errorf("%v requests killed by a rollout that lets pods drain", got)
	}
}

// TestRolloutKeepsItsBounds: whatever the size, and while it is changed, a rolling update has no
// more pods than a quarter above it, rounded up, takes none away when no more than three quarters,
// rounded up, are ready, and ends with pods of the new version only.
func TestRolloutKeepsItsBounds(t *testing.T) {
	for n := int32(1); n <= 21; n++ {
		cfg := config(t, constant(20, 40))
		cfg.InitialReplicas = n
		cfg.Nodes.Count = 20
		cfg.Faults = []sim.Fault{{Kind: sim.Rollout, At: 2 * time.Minute}}
		w := newWorld(t, cfg)
		size := n
		fewest := n
		for s := 100; s < 30*60; s++ {
			if s == 300 {
				size = n + 3
				if err := w.SetScale(size); err != nil {
					t.Fatal(err)
				}
			}
			wait(t, w, time.Duration(s)*time.Second)
			if _, have := w.Scale(); have > size+(size+3)/4 {
				t.Fatalf("%d replicas: %d pods after %ds", size, have, s)
			}
			if s < 300 {
				fewest = min(fewest, w.Ready())
			}
		}
		if want := n - n/4; fewest < want {
			t.Errorf("%d replicas: %d were ready, want %d at least", n, fewest, want)
		}
		if _, have := w.Scale(); have != size || w.Updated() != size || w.Ready() != size {
			t.Errorf("%d replicas: at the end %d, %d updated, %d ready", size, have, w.Updated(), w.Ready())
		}
		for _, p := range w.Pods() {
			if p.Revision != 1 {
				t.Errorf("%d replicas: %s is of version %d", size, p.Name, p.Revision)
			}
		}
	}
}

// TestRolloutKillsWhatDoesNotDrain: without a grace the requests in the pods that go are lost.
func TestRolloutKillsWhatDoesNotDrain(t *testing.T) {
	cfg := config(t, constant(400, 21))
	cfg.InitialReplicas, cfg.TimeToReady = 4, always
	cfg.Faults = []sim.Fault{{Kind: sim.Rollout, At: 5 * time.Minute}}
	killed := func(grace time.Duration) float64 {
		cfg.Grace = grace
		w := newWorld(t, cfg)
		wait(t, w, 20*time.Minute)
		return w.Totals().Killed
	}
	if got := killed(30 * time.Second); got > 1e-2 {
		t.Errorf("%v requests killed with a grace", got)
	}
	// Four pods in a steady state, each with its quarter of the load at an answer in 25 ms or more.
	if got, least := killed(0), 400*0.025; got < 0.9*least || got > 4*least {
		t.Errorf("%v requests killed without a grace, want about %v", got, least)
	}
}
