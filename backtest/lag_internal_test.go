package backtest

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// late is a scrape-lag of six hours from an hour on.
func late(at string, delay time.Duration) v1alpha1.ClusterFault {
	return v1alpha1.ClusterFault{Kind: v1alpha1.FaultScrapeLag, At: at, Duration: lasting(7 * time.Hour), Delay: lasting(delay)}
}

// TestLagIsADelay: a lag throughout is a scrape delay that is as much longer: every decision of
// every policy is the same, to the byte, and is not what it is without.
func TestLagIsADelay(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	calm := testEnv(t, load)
	for _, n := range []time.Duration{20 * time.Second, 100 * time.Second} {
		lagging := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = []v1alpha1.ClusterFault{late("0s", n)} })
		delayed := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
			spec.Cluster.ScrapeDelay = &metav1.Duration{Duration: n + spec.Cluster.ScrapeDelay.Duration}
		})
		for _, name := range []string{"hpa", "v2", "v3", "scale", "floor"} {
			of := func(e *env) trial {
				ent := entrantNamed(t, e, name)
				return try(t, e, ent, configured(ent), catalog{})
			}
			got, want, plain := of(lagging), of(delayed), of(calm)
			if !slices.EqualFunc(got.lines, want.lines, bytes.Equal) || !slices.Equal(got.scored.days, want.scored.days) {
				t.Errorf("%s with a lag of %v is not what it is with the delay", name, n)
			}
			asks := name != "hpa" && name != "v2"
			if same := slices.EqualFunc(got.lines, plain.lines, bytes.Equal); same == asks {
				t.Errorf("%s asks Prometheus: %v; the same as without a lag: %v", name, asks, same)
			}
		}
	}
}

// TestWhatIsSeenLate: the counter of the load at an instant is that of the last scrape that may be seen,
// for who asks the shared store and the run's own alike: at first nothing new comes, then what is as
// old as the delay, and all of it when the lag is over.
func TestWhatIsSeenLate(t *testing.T) {
	const n = 150 * time.Second
	load := days(1)
	load.Values = load.Values[:180]
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		f := late("3607s", n)
		f.Duration = lasting(40 * time.Minute)
		spec.Cluster.Faults = []v1alpha1.ClusterFault{f}
	})
	from, until := e.load.Start.Add(3607*time.Second), e.load.Start.Add(3607*time.Second+40*time.Minute)
	counts := map[int64]float64{}
	total := newOffered(e.load)
	for at := e.load.Start; at.Before(e.load.End()); at = at.Add(e.scrape) {
		counts[at.Unix()] = math.Floor(total.at(at))
	}
	held := 0
	watchWith(t, e, entrantNamed(t, e, "static"), watching{}, func(_ snapshot, w *sim.World, db *promdb.DB, view *promdb.View) {
		now := w.Now()
		seen := now.Add(-e.scrapeDelay)
		if !now.Before(from) && now.Before(until) {
			held++
			if seen = now.Add(-n - e.scrapeDelay); seen.Before(from.Add(-e.scrapeDelay)) {
				seen = from.Add(-e.scrapeDelay)
			}
		}
		if seen.Before(e.load.Start) {
			return
		}
		want := counts[seen.Truncate(e.scrape).Unix()]
		own, err := db.Query(t.Context(), metricnames.IngressRequests, now)
		if err != nil || own != want {
			t.Fatalf("at %v the run's own database has %v, %v; want %v", now, own, err, want)
		}
		shared, err := view.Query(t.Context(), metricnames.IngressRequests, now)
		if err != nil || shared != want {
			t.Fatalf("at %v the shared store has %v, %v; want %v", now, shared, err, want)
		}
		if values, err := view.QueryRange(t.Context(), metricnames.IngressRequests, now, now, time.Minute); err != nil || values[0] != want {
			t.Fatalf("at %v a range of the shared store has %v, %v; want %v", now, values, err, want)
		}
	})
	if held < 100 {
		t.Errorf("only %d instants were late", held)
	}
}

// TestLagsNeverUnsee: what a query has seen, a later one sees, however lags overlap.
func TestLagsNeverUnsee(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		var all lags
		for range 1 + r.IntN(5) {
			from := monday.Add(time.Duration(r.IntN(600)) * time.Second)
			all = append(all, lag{from, from.Add(time.Duration(1+r.IntN(300)) * time.Second), time.Duration(r.IntN(200_000)) * time.Millisecond})
		}
		last := time.Time{}
		for i := range 1000 {
			now := monday.Add(time.Duration(i) * time.Second)
			seen := now.Add(-all.at(now))
			if seen.Before(last) || seen.After(now) {
				t.Fatalf("seed %d: at %v up to %v is seen, after %v; %+v", seed, now, seen, last, all)
			}
			last = seen
		}
	}
}

// TestRulesSeeWhatIsLate: the rules of Prometheus itself are not late, and what they record is
// seen by others when it is.
func TestRulesSeeWhatIsLate(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	ran := func(faults ...v1alpha1.ClusterFault) trial {
		e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = faults })
		if err := e.rules.add([]*promdb.RuleFile{rulesOf(t, "test.yaml", testRules)}); err != nil {
			t.Fatal(err)
		}
		ent := entrantNamed(t, e, "static")
		return try(t, e, ent, configured(ent), catalog{})
	}
	calm, lagging := ran(), ran(late("0s", time.Minute))
	if len(calm.alerts) == 0 || !slices.Equal(calm.alerts, lagging.alerts) {
		t.Errorf("alerts %+v, without a lag %+v", lagging.alerts, calm.alerts)
	}
}
