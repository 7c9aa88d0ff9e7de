package backtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/datasets"
	"hindcast.dev/internal/metricnames"
)

// lackOf returns how many decisions of a run missed a part of the series of a metric, and how many
// did at most one after another.
func lackOf(tr *trial) (all, longest int) {
	now := 0
	for _, d := range tr.decisions {
		if !slices.ContainsFunc(d.Values, func(v autoscaler.ValueRecord) bool {
			return strings.HasPrefix(v.Error, autoscaler.ErrSeriesMissing.Error())
		}) {
			now = 0
			continue
		}
		all, now = all+1, now+1
		longest = max(longest, now)
	}
	return all, longest
}

// quiet fails if missing series were to be seen in a run: for as long as staleAfter, or now and then.
// One decision may be: pods that were replaced between two looks have no rate yet.
func quiet(t *testing.T, what string, tr *trial) {
	t.Helper()
	if all, longest := lackOf(tr); longest > 1 || all > len(tr.decisions)/1000 {
		t.Errorf("%s: %d of %d decisions lack series without a fault, %d of them together", what, all, len(tr.decisions), longest)
	}
}

// onRequests is a scaler on what the pods say they answered, nothing else, which takes values for
// the load from a share of the targets on.
func onRequests(t *testing.T, e *env, actuation string, share v1alpha1.Decimal) *entrant {
	t.Helper()
	s := scaler(t, actuation)
	s.Spec.Metrics = s.Spec.Metrics[:1]
	s.Spec.Safety.MinSeriesShare = share
	return entrantOf(t, e, "requests", s)
}

// TestHalfTheTargetsAreSilent: Prometheus cannot scrape half of the pods for 20 minutes, on the way
// down, up, and down again. No replica goes that would not have gone anyway, and
// requests fare as well; values count again right after it. Without counting replicas go.
func TestHalfTheTargetsAreSilent(t *testing.T) {
	load := days(1)
	load.Values = slices.Concat(load.Values[:1100], load.Values[:1440], load.Values[:300]) // without the gap
	calm := testEnv(t, load)
	const lasts = 20 * time.Minute
	for name, actuation := range map[string]string{"scale": "{type: Scale}", "floor": "{type: HPAMinReplicas, hpaRef: {name: shop}}"} {
		undisturbed := onRequests(t, calm, actuation, "0.75")
		want := try(t, calm, undisturbed, configured(undisturbed), catalog{})
		quiet(t, name, &want)
		fewer := 0
		for _, at := range []string{"1500m", "2040m", "2500m"} {
			e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
				spec.Cluster.Faults = []v1alpha1.ClusterFault{{
					Kind: v1alpha1.FaultScrapeOutage, Job: metricnames.JobApp, Share: "0.5", At: at, Duration: lasting(lasts),
				}}
			})
			from := e.load.Start.Add(e.faultsOf(1)[0].at)
			until := from.Add(lasts)
			// below is how many decisions in the fault, and shortly after, asked for less than there was
			// when it began, and without it.
			below := func(tr *trial) (n int) {
				first := int32(-1)
				for i, d := range tr.decisions {
					if d.Time.Before(from) || !d.Time.Before(until.Add(2*time.Minute)) {
						continue
					}
					if first < 0 {
						first = d.Spec
					}
					if d.Replicas < min(first, want.decisions[i].Replicas) {
						n++
					}
				}
				return n
			}
			watched := onRequests(t, e, actuation, "0.75")
			got := try(t, e, watched, configured(watched), catalog{})
			if n := below(&got); n > 0 {
				t.Errorf("%s, %s: %d decisions ask for less than before, and than without the fault", name, at, n)
			}
			// A minute of the range, and the scrape before the decision.
			if _, n := lackOf(&got); n < 38 || n > 44 {
				t.Errorf("%s, %s: %d decisions in a row lack series, want those of 20 minutes", name, at, n)
			}
			good, calmly := between(got.timeline, from, until.Add(10*time.Minute)), between(want.timeline, from, until.Add(10*time.Minute))
			if good < calmly-1e-5 {
				t.Errorf("%s, %s: %.7f of the requests are good, %.7f without the fault", name, at, good, calmly)
			}
			blind := onRequests(t, e, actuation, "0")
			tr := try(t, e, blind, configured(blind), catalog{})
			fewer += below(&tr)
			t.Logf("%s, %s: %.7f of the requests are good, %.7f without the fault, %.7f without counting; %d decisions ask for less without", name, at,
				good, calmly, between(tr.timeline, from, until.Add(10*time.Minute)), below(&tr))
		}
		if fewer < 20 {
			t.Errorf("%s: without counting only %d decisions asked for less: the test says little", name, fewer)
		}
	}
}

// TestNothingIsMissingWithoutAFault: pods come and go with the load of every shipped scenario, with rollouts
// and crashes besides; no decision takes that for missing series.
func TestNothingIsMissingWithoutAFault(t *testing.T) {
	for _, sc := range datasets.Scenarios() {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			e := testEnv(t, scenario(t, sc.Name, 1), func(spec *v1alpha1.ExperimentSpec) {
				spec.Cluster.Faults = []v1alpha1.ClusterFault{
					{Kind: v1alpha1.FaultRollout, PerDay: "12"},
					{Kind: v1alpha1.FaultPodRestart, PerDay: "24"},
				}
			})
			for _, name := range []string{"scale", "floor"} {
				ent := entrantNamed(t, e, name)
				tr := try(t, e, ent, configured(ent), catalog{})
				quiet(t, name, &tr)
			}
		})
	}
}
