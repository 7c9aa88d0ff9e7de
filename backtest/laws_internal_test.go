package backtest

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/sim"
)

// TestNothingIsLostUnderAnyPolicy checks the books of the world at every scrape of
// real runs: what was offered was served, failed, shed, timed out, refused or killed, or
// is still in a pod.
func TestNothingIsLostUnderAnyPolicy(t *testing.T) {
	nothingIsLost(t)
}

// nothingIsLost checks the books under every policy, or those of the names, with faults.
func nothingIsLost(t *testing.T, faults ...v1alpha1.ClusterFault) {
	load := days(1)
	load.Values[700] *= 20 // more than any policy can serve
	e := testEnv(t, load, pinned, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = faults })
	for _, ent := range entrants(t, e) {
		if len(faults) > 0 && ent.name != "static" && ent.name != "hpa" && ent.name != "v3" {
			continue // the others would show nothing else
		}
		t.Run(ent.name, func(t *testing.T) {
			set, err := ent.build(configured(ent))
			if err != nil {
				t.Fatal(err)
			}
			var spans struct{ offered, ended, errors float64 }
			w, err := e.world(1, e.faultsOf(1), false, false, func(sp sim.Span) {
				o := outcomeOf(&sp)
				spans.offered += sp.Offered
				spans.ended += o.good + o.bad
				spans.errors += o.errors
				if o.good < 0 || o.errors < 0 || o.errors > o.bad {
					t.Errorf("span at %v: %+v", sp.From, o)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			checks := 0
			w.Every(e.load.Start.Add(7*time.Second), 15*time.Second, sim.Observe, func() {
				checks++
				got := w.Totals()
				ended := got.Flow.Completed.Total() + got.Flow.Shed + got.Refused + got.Killed
				if lost := got.Offered - ended - w.InSystem(); math.Abs(lost) > 1e-9*got.Offered+1e-6 {
					t.Errorf("at %v: offered %v, ended %v, in pods %v: %v lost", w.Now(), got.Offered, ended, w.InSystem(), lost)
				}
				if sent := got.Offered - got.Refused; math.Abs(sent-got.Flow.Arrivals) > 1e-9*sent+1e-6 {
					t.Errorf("at %v: %v sent to pods, %v arrived", w.Now(), sent, got.Flow.Arrivals)
				}
			})
			view, err := e.view(1)
			if err != nil {
				t.Fatal(err)
			}
			metrics, err := newSource(view, set, e.outagesOf(e.faultsOf(1)))
			if err != nil {
				t.Fatal(err)
			}
			tk := task{entrant: ent, seed: 1, faults: e.faultsOf(1)}
			if metrics.needsOwn() {
				closeDB, err := e.attachDB(tk, set, w, metrics, e.catalog(set.exprs(), true, nil))
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := closeDB(&output{}, true); err != nil {
						t.Error(err)
					}
				}()
			}
			if err := e.control(t.Context(), tk, set, w, metrics); err != nil {
				t.Fatal(err)
			}
			if checks < 5000 {
				t.Errorf("only %d checks", checks)
			}
			// Spans count a request where it ends.
			if left := spans.offered - spans.ended - w.InSystem(); math.Abs(left) > 1e-9*spans.offered {
				t.Errorf("spans: offered %v, ended %v, in pods %v", spans.offered, spans.ended, w.InSystem())
			}
			if want := newOffered(e.load).at(e.load.End()); math.Abs(spans.offered-want) > 1e-9*want || spans.errors == 0 {
				t.Errorf("spans offer %v requests with %v errors, the load %v", spans.offered, spans.errors, want)
			}
		})
	}
}

// TestNothingIsLostToFaults checks the same books while everything goes wrong, often.
func TestNothingIsLostToFaults(t *testing.T) {
	nothingIsLost(t, everyFault()...)
}

// everyFault is each kind of fault, again and again.
func everyFault() []v1alpha1.ClusterFault {
	return []v1alpha1.ClusterFault{
		{Kind: v1alpha1.FaultPodRestart, PerDay: "24", Share: "0.4"},
		{Kind: v1alpha1.FaultPodRestart, PerDay: "48"},
		{Kind: v1alpha1.FaultRollout, PerDay: "24"},
		{Kind: v1alpha1.FaultNodeLoss, PerDay: "12", Duration: lasting(9 * time.Minute)},
		{Kind: v1alpha1.FaultNodeLoss, PerDay: "12", Share: "0.5", Duration: lasting(3 * time.Minute)},
		{Kind: v1alpha1.FaultMetricsOutage, PerDay: "6", Duration: lasting(5 * time.Minute)},
		{Kind: v1alpha1.FaultScrapeOutage, PerDay: "6", Duration: lasting(10 * time.Minute)},
		{Kind: v1alpha1.FaultScrapeOutage, PerDay: "6", Duration: lasting(10 * time.Minute), Job: metricnames.JobIngress},
		{Kind: v1alpha1.FaultScrapeOutage, PerDay: "6", Share: "0.5", Duration: lasting(10 * time.Minute), Job: metricnames.JobApp},
		{Kind: v1alpha1.FaultSlowStart, PerDay: "12", Factor: "4", Duration: lasting(20 * time.Minute)},
		{Kind: v1alpha1.FaultSlowStart, PerDay: "12", Factor: "9", Stage: v1alpha1.StagePull, Share: "0.5", Duration: lasting(20 * time.Minute)},
		{Kind: v1alpha1.FaultScrapeLag, PerDay: "6", Delay: lasting(time.Minute), Duration: lasting(20 * time.Minute)},
		{Kind: v1alpha1.FaultAPIErrors, PerDay: "6", Duration: lasting(10 * time.Minute)},
		{Kind: v1alpha1.FaultAPIErrors, PerDay: "6", Share: "0.5", Requests: v1alpha1.RequestsAll, Duration: lasting(30 * time.Minute)},
	}
}

func runPlain(t *testing.T, e *env, name string, value float64) tally {
	t.Helper()
	ent, err := builtIn(e, name)
	if err != nil {
		t.Fatal(err)
	}
	if math.IsNaN(value) {
		value = configured(&ent)
	}
	out, err := e.run(t.Context(), task{entrant: &ent, value: value, seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.scored.total()
}

// TestOracleMeetsTheObjective: with enough replicas to be had, who knows the future
// meets the objective on every kind of load, for less than the peak's size all the time.
func TestOracleMeetsTheObjective(t *testing.T) {
	for _, name := range []string{"shop", "diurnal-weekly", "flash-crowd", "sawtooth", "step", "regime-change", "random-walk"} {
		t.Run(name, func(t *testing.T) {
			e := testEnv(t, scenario(t, name, 2), func(spec *v1alpha1.ExperimentSpec) { spec.MaxReplicas = 30 })
			oracle, static := runPlain(t, e, "oracle", math.NaN()), runPlain(t, e, "static", math.NaN())
			if good := oracle.good / oracle.requests; good < e.objective {
				t.Errorf("the oracle served %.5f well, want %.5f", good, e.objective)
			}
			if good := static.good / static.requests; good < e.objective {
				t.Errorf("the size of the peak all the time served %.5f well, want %.5f", good, e.objective)
			}
			if oracle.podSeconds >= static.podSeconds {
				t.Errorf("the oracle cost %.1f pod-hours, the peak's size all the time %.1f", oracle.podSeconds/3600, static.podSeconds/3600)
			}
		})
	}
}

// TestNobodyMeetsTheObjectiveBelowTheDemand is the converse: where maxReplicas is less
// than the demand most of the time, not even the oracle does.
func TestNobodyMeetsTheObjectiveBelowTheDemand(t *testing.T) {
	e := testEnv(t, scenario(t, "diurnal-weekly", 2), func(spec *v1alpha1.ExperimentSpec) { spec.MaxReplicas = 3 })
	for _, id := range v1alpha1.Policies() {
		value := math.NaN()
		if id == "static" {
			value = 3
		}
		got := runPlain(t, e, id, value)
		if good := got.good / got.requests; good >= e.objective {
			t.Errorf("%s served %.5f well on 3 replicas, of which %d are needed", id, good, e.maxDemand)
		}
	}
}

// TestMoreReplicasServeMore: a larger size all the time is never worse.
func TestMoreReplicasServeMore(t *testing.T) {
	e := testEnv(t, scenario(t, "shop", 2))
	last := runPlain(t, e, "static", 1)
	for n := 2.0; n <= float64(e.maxDemand)+1; n++ {
		got := runPlain(t, e, "static", n)
		if got.good < last.good*(1-1e-9) || got.podSeconds <= last.podSeconds || got.under > last.under {
			t.Errorf("%v replicas: good %v of %v, after %v with one fewer", n, got.good, got.requests, last.good)
		}
		last = got
	}
	if good := last.good / last.requests; good < e.objective {
		t.Errorf("the demand of the peak and one more serve %v well", good)
	}
}

// TestLaterIsTheSame: nothing depends on the date. The load a year's worth of weeks
// later is met in the same way, decision by decision.
func TestLaterIsTheSame(t *testing.T) {
	load := days(2)
	now := testEnv(t, load)
	load.Start = load.Start.Add(52 * 7 * day)
	later := testEnv(t, load)
	ents := entrants(t, later)
	for i, ent := range entrants(t, now) {
		if ent.name == "floor" {
			continue // its two parts are the HPA and "scale"
		}
		a, err := now.run(t.Context(), task{entrant: ent, value: configured(ent), seed: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := later.run(t.Context(), task{entrant: ents[i], value: configured(ents[i]), seed: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.scored.days, b.scored.days) || !slices.Equal(a.scored.rises, b.scored.rises) {
			t.Errorf("%s: %+v, a year later %+v", ent.name, a.scored.total(), b.scored.total())
		}
	}
}

// TestUnitOfTheRecordingDoesNotMatter: with the load scaled to the same peak, a
// recording in a unit four times smaller is the same load to the bit.
func TestUnitOfTheRecordingDoesNotMatter(t *testing.T) {
	load := days(1)
	one := testEnv(t, load)
	for i := range load.Values {
		load.Values[i] *= 4
	}
	four := testEnv(t, load)
	if one.factor != 4*four.factor {
		t.Errorf("factors %v and %v", one.factor, four.factor)
	}
	for i, v := range one.load.Values {
		if w := four.load.Values[i]; math.Float64bits(v) != math.Float64bits(w) && !math.IsNaN(v) {
			t.Fatalf("load at step %d is %v and %v", i, v, w)
		}
	}
	if one.maxDemand != four.maxDemand || one.max != four.max {
		t.Errorf("bounds %d, %d and %d, %d", one.maxDemand, one.max, four.maxDemand, four.max)
	}
}

// TestWarmUpIsScoredForNobody: what happens before the scored part shows in its state
// only, never in its sums.
func TestWarmUpIsScoredForNobody(t *testing.T) {
	load := days(1)
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Warmup = "12h" })
	ent, err := builtIn(e, "hpa")
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.run(t.Context(), task{entrant: &ent, value: 70, seed: 1, latencies: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, past := out.scored.total(), out.past.total()
	gap := 20. // minutes of days(1)
	if got.minutes != 12*60-gap || past.minutes != 12*60 {
		t.Errorf("%v minutes scored, %v before", got.minutes, past.minutes)
	}
	var offered float64
	for _, v := range e.load.Values[12*60:] {
		if !math.IsNaN(v) {
			offered += 60 * v
		}
	}
	if math.Abs(got.requests/offered-1) > 1e-3 {
		t.Errorf("%v requests scored of %v offered in the scored part", got.requests, offered)
	}
	// Response times are those of the same requests: the gap's are not among them.
	if math.Abs(out.latencies.Total()/offered-1) > 1e-3 {
		t.Errorf("response times of %v requests, %v were offered in the scored part", out.latencies.Total(), offered)
	}
}

// TestALostDatabaseIsAnError: a run whose blocks could not be written has failed, even
// where every decision was made.
func TestALostDatabaseIsAnError(t *testing.T) {
	e := testEnv(t, days(2))
	ent, err := builtIn(e, "hpa")
	if err != nil {
		t.Fatal(err)
	}
	var timeline, decisions file
	folder := filepath.Join(t.TempDir(), "tsdb")
	afterADay := func(time.Duration) {
		if err := errors.Join(os.RemoveAll(folder), os.WriteFile(folder, nil, 0o600)); err != nil {
			t.Error(err)
		}
	}
	_, err = e.run(t.Context(), task{
		entrant: &ent, value: 70, seed: 1, timeline: result.NewTimelineWriter(&timeline), latencies: true,
		record: &recording{decisions: &decisions, tsdb: folder, keep: catalog{}},
	}, afterADay)
	if err == nil {
		t.Error("a run without its blocks counts as done")
	}
}
