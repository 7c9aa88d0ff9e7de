package backtest

import (
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// refusing is a load of bursts whose API server refuses requests from an hour on.
func refusing(t *testing.T, f v1alpha1.ClusterFault) *env {
	t.Helper()
	load := days(1)
	load.Values = bursts(6)()
	f.Kind = v1alpha1.FaultAPIErrors
	return testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = []v1alpha1.ClusterFault{f} })
}

// TestNothingScalesWhereEveryWriteFails: replicas are those of the start for ever, which serve as
// well as if they had been asked for, and every change that was wanted is counted.
func TestNothingScalesWhereEveryWriteFails(t *testing.T) {
	for _, requests := range []string{"", v1alpha1.RequestsAll} {
		e := refusing(t, v1alpha1.ClusterFault{At: "0s", Duration: lasting(7 * time.Hour), Requests: requests})
		w, err := e.world(1, nil, false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := w.Scale()
		static := entrantNamed(t, e, "static")
		want := try(t, e, static, float64(n), catalog{})
		for _, ent := range entrants(t, e) {
			got := try(t, e, ent, configured(ent), catalog{})
			wanted, scored := 0, 0
			for _, d := range got.decisions {
				if d.Scaled {
					t.Fatalf("%s scaled at %v", ent.name, d.Time)
				}
				if d.Skipped != (requests != "") {
					t.Fatalf("%s at %v: skipped %v", ent.name, d.Time, d.Skipped)
				}
				if failed := d.Error != ""; failed != (d.Skipped || !d.Hold && d.Replicas != d.Spec) {
					t.Fatalf("%s at %v: %d of %d, error %q", ent.name, d.Time, d.Replicas, d.Spec, d.Error)
				} else if failed && !d.Skipped {
					wanted++
					if !d.Time.Before(e.scoredFrom) {
						scored++
					}
				}
			}
			if requests == "" && wanted == 0 {
				t.Errorf("%s never wanted anything else", ent.name)
			}
			tally := got.scored.total()
			// The HPA whose floor is raised asks as well.
			if tally.refused != scored && (ent.name != "floor" || tally.refused < scored) {
				t.Errorf("%s: %d refusals are counted, want %d", ent.name, tally.refused, scored)
			}
			// Reading pods at other instants sums the same requests in other parts.
			same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*b }
			if other := want.scored.total(); !same(tally.requests, other.requests) || !same(tally.good, other.good) || tally.podSeconds != other.podSeconds || tally.over != other.over || tally.actions != 0 {
				t.Errorf("%s: %+v, with %d replicas all the time %+v", ent.name, tally, n, other)
			}
			for _, r := range got.timeline {
				if !math.IsNaN(r.Load) && (r.Desired != n || r.Ready != n) {
					t.Fatalf("%s: %+v, want %d replicas", ent.name, r, n)
				}
			}
		}
	}
}

// TestRefusalsEnd: what was refused is asked for again at the next decision, and is granted at the
// first one after the fault; before it nothing is refused.
func TestRefusalsEnd(t *testing.T) {
	e := refusing(t, v1alpha1.ClusterFault{At: "58m", Duration: lasting(20 * time.Minute)})
	calm := testEnv(t, e.recorded)
	until := e.load.Start.Add(78 * time.Minute)
	for _, name := range []string{"hpa", "v2", "v3", "scale"} {
		ent := entrantNamed(t, e, name)
		got, other := try(t, e, ent, configured(ent), catalog{}), try(t, calm, entrantNamed(t, calm, name), configured(ent), catalog{})
		refused, pending, done := 0, false, false
		for i, d := range got.decisions {
			if d.Time.Before(e.load.Start.Add(58*time.Minute)) && string(got.lines[i]) != string(other.lines[i]) {
				t.Fatalf("%s decided otherwise before the fault: %s", name, got.lines[i])
			}
			switch in := during(e, d.Time); {
			case in && d.Scaled || !in && d.Error != "":
				t.Errorf("%s at %v: scaled %v, error %q", name, d.Time, d.Scaled, d.Error)
			case in:
				if pending = d.Error != ""; pending {
					refused++
				}
			case !done && !d.Time.Before(until):
				if done = true; pending && !d.Scaled {
					t.Errorf("%s wanted to scale until %v and did not at %v", name, until, d.Time)
				}
			}
		}
		if refused == 0 {
			t.Errorf("%s wanted nothing in a burst", name)
		}
	}
}

// TestShareOfRefusals: a share of the instants is refused, the same whoever asks and whatever was
// asked before; a larger share refuses what a smaller one does, and who may read may write.
func TestShareOfRefusals(t *testing.T) {
	course := func(share v1alpha1.Decimal, seed uint64, requests string) (out []bool) {
		e := refusing(t, v1alpha1.ClusterFault{At: "0s", Duration: lasting(7 * time.Hour), Share: share, Requests: requests})
		w, err := e.world(seed, nil, false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		api := e.apiServer(seed, w, e.faultsOf(seed))
		w.Every(e.load.Start.Add(decisionPhase), hpaInterval, sim.Act, func() {
			refused := api.write() != nil
			if requests == v1alpha1.RequestsAll && refused != (api.read() != nil) || requests == "" && api.read() != nil {
				t.Fatalf("at %v a write is refused: %v", w.Now(), refused)
			}
			out = append(out, refused)
		})
		for err == nil {
			err = w.WaitUntil(t.Context(), e.load.End())
		}
		return out
	}
	few, many, all := course("0.3", 1, ""), course("0.6", 1, v1alpha1.RequestsAll), course("1", 1, "")
	n := 0.
	for i := range few {
		if few[i] && !many[i] || !all[i] {
			t.Fatalf("instant %d: %v, %v, %v", i, few[i], many[i], all[i])
		}
		if few[i] {
			n++
		}
	}
	total := float64(len(few))
	if spread := math.Sqrt(total * 0.3 * 0.7); math.Abs(n-0.3*total) > 4*spread {
		t.Errorf("%v of %v are refused", n, total)
	}
	differ := 0
	for i, other := range course("0.3", 2, "") {
		if other != few[i] {
			differ++
		}
	}
	if differ == 0 {
		t.Error("the same requests are refused under every seed")
	}
}

// TestRefusalsAsTheClusterSeesThem: the HPA is not able to scale and keeps the number in its status,
// and a scaler counts its errors.
func TestRefusalsAsTheClusterSeesThem(t *testing.T) {
	e := refusing(t, v1alpha1.ClusterFault{At: "100m", Duration: lasting(40 * time.Minute)})
	able := metricnames.HPACondition + `{condition="AbleToScale",status="true"}`
	in, unable, was := 0, 0, 0.
	watchWith(t, e, entrantNamed(t, e, "hpa"), watching{}, func(_ snapshot, w *sim.World, db *promdb.DB, _ *promdb.View) {
		now := w.Now()
		if now.Sub(e.load.Start) < 90*time.Minute {
			return
		}
		desired := ask(t, db, metricnames.HPADesiredReplicas, now)
		switch seen := now.Add(-e.scrape); {
		case !during(e, seen) || !during(e, now):
		case ask(t, db, able, now) == 0:
			unable++
			if desired != was {
				t.Errorf("at %v the status says %v, want %v", now, desired, was)
			}
			fallthrough
		default:
			in++
		}
		was = desired
		if now.Sub(e.load.Start) > 141*time.Minute && ask(t, db, able, now) != 1 {
			t.Errorf("at %v it is still unable", now)
		}
	})
	if unable == 0 || unable == in {
		t.Errorf("it was unable at %d of %d instants", unable, in)
	}
	v3 := entrantNamed(t, e, "v3")
	tr := try(t, e, v3, configured(v3), nil)
	failed := 0.
	for _, d := range tr.decisions {
		if strings.Contains(d.Error, "the API server refuses it") {
			failed++
		}
	}
	db, err := promdb.OpenReadOnly(tr.blocks)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Query(t.Context(), metricnames.ScalerScaleErrors, e.load.End())
	if err := closeWith(db, err); err != nil || failed == 0 || got != failed {
		t.Errorf("%v errors are exposed, %v; want %v", got, err, failed)
	}
}
