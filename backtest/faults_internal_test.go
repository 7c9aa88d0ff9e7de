package backtest

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// during reports whether an instant is in the only fault of an environment.
func during(e *env, at time.Time) bool {
	f := e.faultsOf(1)[0]
	return !at.Before(e.load.Start.Add(f.at)) && at.Before(e.load.Start.Add(f.end))
}

// TestJobsAreThoseOfTheWorld: an experiment may name each job that Prometheus has.
func TestJobsAreThoseOfTheWorld(t *testing.T) {
	m, ok := metricnames.Find(metricnames.Up)
	if !ok {
		t.Fatal("up is not listed")
	}
	for _, job := range v1alpha1.ScrapeJobs() {
		if !strings.Contains(m.Help, job) {
			t.Errorf("the help of up does not name %s: %s", job, m.Help)
		}
	}
	for _, job := range []string{
		metricnames.JobApp, metricnames.JobCAdvisor, metricnames.JobIngress, metricnames.JobKubeStateMetrics,
		metricnames.JobNodeExporter, metricnames.JobScaler,
	} {
		if !slices.Contains(v1alpha1.ScrapeJobs(), job) {
			t.Errorf("an experiment may not name the job %s", job)
		}
	}
}

// TestPrometheusDown: a Prometheus that is down leaves a hole and no marker in any series,
// answers no query, and its rules see the time before as long as the look-back reaches.
func TestPrometheusDown(t *testing.T) {
	load := days(1)
	load.Values = bursts(4)()
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.Cluster.Faults = []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultScrapeOutage, At: "100m", Duration: lasting(12 * time.Minute)}}
	})
	holes, gone := 0, 0
	watchWith(t, e, entrantNamed(t, e, "hpa"), watching{}, func(seen snapshot, w *sim.World, db *promdb.DB, view *promdb.View) {
		now := w.Now()
		first, last := e.load.Start.Add(100*time.Minute), e.load.Start.Add(112*time.Minute)
		for _, s := range []struct {
			expr  string
			query func(string) (float64, error)
		}{
			{metricnames.DeploymentSpec, func(q string) (float64, error) { return db.Query(t.Context(), q, now) }},
			{metricnames.IngressRequests, func(q string) (float64, error) { return db.Query(t.Context(), q, now) }},
			{metricnames.IngressRequests, func(q string) (float64, error) { return view.Query(t.Context(), q, now) }},
		} {
			// The look-back is 5 minutes: no marker ends a series before.
			_, err := s.query(s.expr)
			switch since := now.Sub(first); {
			case since < 0 || !now.Before(last):
				if err != nil {
					t.Fatalf("%s at %v: %v", s.expr, now, err)
				}
			case since < 5*time.Minute-e.scrape:
				if err != nil {
					t.Fatalf("%s at %v, %v after the last scrape: %v", s.expr, now, since, err)
				}
			case since > 5*time.Minute:
				holes++
				if err == nil {
					t.Fatalf("%s at %v has a value, %v after the last scrape", s.expr, now, since)
				}
			}
			if now.Sub(last) > 0 && now.Sub(last) < 40*time.Minute {
				n, err := s.query("count_over_time(" + s.expr + "[1h])")
				if want := 240. - 48; err != nil || n != want {
					t.Fatalf("%s at %v has %v samples in an hour, %v; want %v", s.expr, now, n, err, want)
				}
			}
		}
		if now.Sub(last) < 0 || now.Sub(last) > e.scrape {
			return
		}
		// What has vanished meanwhile has no marker either: a new Prometheus never saw it.
		was := ask(t, db, `count(last_over_time(kube_pod_created[13m]))`, now)
		gone += int(was) - seen.pods
		if got := ask(t, db, `count(kube_pod_created)`, now); got != float64(seen.pods) {
			t.Errorf("%v pods after the outage, the world has %d", got, seen.pods)
		}
	})
	if holes == 0 || gone == 0 {
		t.Errorf("%d instants without data, %d pods vanished unseen", holes, gone)
	}
}

// TestPoliciesWithoutData: no policy takes missing data for no load, and each goes on when it
// is back.
func TestPoliciesWithoutData(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	for name, tc := range map[string]struct {
		fault v1alpha1.ClusterFault
		blind []string // policies that see nothing during the fault
	}{
		"prometheus":     {v1alpha1.ClusterFault{Kind: v1alpha1.FaultScrapeOutage, At: "250m", Duration: lasting(20 * time.Minute)}, []string{"v3", "scale"}},
		"metrics-server": {v1alpha1.ClusterFault{Kind: v1alpha1.FaultMetricsOutage, At: "250m", Duration: lasting(20 * time.Minute)}, []string{"hpa", "v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = []v1alpha1.ClusterFault{tc.fault} })
			calm := testEnv(t, load)
			for _, ent := range entrants(t, e) {
				blind := slices.Contains(tc.blind, ent.name)
				tr := try(t, e, ent, configured(ent), catalog{})
				other := try(t, calm, entrantNamed(t, calm, ent.name), configured(ent), catalog{})
				out, changed := 0, false
				for i, d := range tr.decisions {
					if now := d.Time; !during(e, now) {
						if now.Before(e.load.Start.Add(250*time.Minute)) && string(tr.lines[i]) != string(other.lines[i]) {
							t.Fatalf("%s decided otherwise before the fault: %s, want %s", ent.name, tr.lines[i], other.lines[i])
						}
						continue
					}
					out++
					changed = changed || blind && string(tr.lines[i]) != string(other.lines[i]) || d.Replicas != other.decisions[i].Replicas
					if blind && d.Replicas < d.Spec {
						t.Errorf("%s lets replicas go at %v without data: %d to %d, %s", ent.name, d.Time, d.Spec, d.Replicas, d.Reason)
					}
				}
				if out == 0 || blind && !changed {
					t.Errorf("%s: %d decisions during the fault, changed: %v", ent.name, out, changed)
				}
				if !blind && changed && ent.name != "floor" {
					t.Errorf("%s does not need what is down, and decided otherwise", ent.name)
				}
			}
		})
	}
}

// TestMetricsServerComesBackBlank: after an outage a pod shows no usage until it was read
// twice, and then that of the time between.
func TestMetricsServerComesBackBlank(t *testing.T) {
	load := days(1)
	load.Values = load.Values[:60]
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.Cluster.Faults = []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultMetricsOutage, At: "20m7s", Duration: lasting(5 * time.Minute)}}
	})
	w, err := e.world(1, e.faultsOf(1), false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	lister := &podLister{world: w}
	for _, at := range []struct {
		after time.Duration
		want  string
	}{
		{20 * time.Minute, "usage"}, {20*time.Minute + 7*time.Second, "error"}, {25 * time.Minute, "error"},
		{25*time.Minute + 7*time.Second, "none"}, {25*time.Minute + 15*time.Second, "none"}, {25*time.Minute + 30*time.Second, "usage"},
	} {
		if err := w.WaitUntil(t.Context(), e.load.Start.Add(at.after)); err != nil {
			t.Fatal(err)
		}
		pods, err := lister.Pods(t.Context(), w.Now())
		got := "none"
		switch {
		case err != nil:
			got = "error"
		case pods[0].Sample != nil:
			got = "usage"
			if s := pods[0].Sample; s.Window != 15*time.Second {
				t.Errorf("at %v the sample is over %v", at.after, s.Window)
			}
		}
		if got != at.want {
			t.Errorf("after %v: %s, want %s", at.after, got, at.want)
		}
	}
}

// TestRandomFaults: a Poisson process has the rate that was asked for and intervals whose
// spread is their mean, and depends on the seed and on nothing else.
func TestRandomFaults(t *testing.T) {
	const perDay, length = 48, 200 * 24 * time.Hour
	times := sim.RandomTimes(7, "fault", 0, perDay, length)
	want := perDay * length.Hours() / 24
	if n := float64(len(times)); math.Abs(n-want) > 4*math.Sqrt(want) {
		t.Errorf("%v faults, want about %v", n, want)
	}
	var sum, squares float64
	last := time.Duration(0)
	for _, at := range times {
		gap := (at - last).Hours()
		sum += gap
		squares += gap * gap
		last = at
	}
	n := float64(len(times))
	mean := sum / n
	// The coefficient of variation of exponential gaps is 1, within 4/sqrt(n) (its standard
	// error is about 1/sqrt(n)).
	if cv := math.Sqrt(squares/n-mean*mean) / mean; math.Abs(cv-1) > 4/math.Sqrt(n) {
		t.Errorf("coefficient of variation of the gaps is %v, want 1", cv)
	}
	if !slices.Equal(times, sim.RandomTimes(7, "fault", 0, perDay, length)) {
		t.Error("the same seed gives other times")
	}
	if slices.Equal(times, sim.RandomTimes(8, "fault", 0, perDay, length)) || slices.Equal(times, sim.RandomTimes(7, "fault", 1, perDay, length)) {
		t.Error("another seed or another fault gives the same times")
	}
}

// TestOutagesOverlap: an instant is in an outage of a job if it is in any of the faults, however
// they overlap.
func TestOutagesOverlap(t *testing.T) {
	e := &env{load: sim.Load{Start: monday}}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []fault
		for range r.IntN(12) {
			at := time.Duration(r.IntN(40)) * time.Second
			job := [...]string{"", metricnames.JobApp, metricnames.JobCAdvisor}[r.IntN(3)]
			kind := [...]string{v1alpha1.FaultScrapeOutage, v1alpha1.FaultScrapeOutage, v1alpha1.FaultMetricsOutage}[r.IntN(3)]
			all = append(all, fault{harm: harm{kind: kind, job: job}, at: at, end: at + time.Duration(r.IntN(10))*time.Second})
		}
		slices.SortStableFunc(all, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
		out := e.outagesOf(all)
		for _, job := range []string{"", metricnames.JobApp, metricnames.JobCAdvisor, metricnames.JobIngress} {
			for half := range 110 {
				at := time.Duration(half-2) * time.Second / 2
				want := slices.ContainsFunc(all, func(f fault) bool {
					return f.kind == v1alpha1.FaultScrapeOutage && f.job == job && f.at <= at && at < f.end
				})
				if got := out.down(job, monday.Add(at)); got != want {
					t.Fatalf("seed %d: job %q down at %v: %v, want %v; %+v", seed, job, at, got, want, all)
				}
			}
		}
	}
}

// TestFaultsThatNobodyMeets: what a policy does not read may be away.
func TestFaultsThatNobodyMeets(t *testing.T) {
	load := days(1)
	load.Values = bursts(5)()
	calm := testEnv(t, load)
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.Cluster.Faults = []v1alpha1.ClusterFault{
			{Kind: v1alpha1.FaultScrapeOutage, Job: metricnames.JobNodeExporter, At: "2h", Duration: lasting(time.Hour)},
			// For less than the time between two scrapes and two readings.
			{Kind: v1alpha1.FaultScrapeOutage, At: "200m1s", Duration: lasting(2 * time.Second)},
		}
	})
	for _, name := range []string{"static", "hpa", "v2", "v3"} {
		with, without := entrantNamed(t, e, name), entrantNamed(t, calm, name)
		a, b := try(t, e, with, configured(with), catalog{}), try(t, calm, without, configured(without), catalog{})
		if !slices.EqualFunc(a.lines, b.lines, bytes.Equal) {
			t.Errorf("%s decided otherwise", name)
		}
		if a.scored.total() != b.scored.total() {
			t.Errorf("%s has another score", name)
		}
	}
}

// TestFaultsInTheResult: the result says what the policies met, and nothing of a world without.
func TestFaultsInTheResult(t *testing.T) {
	faults := []v1alpha1.ClusterFault{
		{Kind: v1alpha1.FaultNodeLoss, At: "2026-06-01T20:00:00Z", Duration: lasting(10 * time.Hour), Share: "0.5"},
		{Kind: v1alpha1.FaultScrapeOutage, At: "90m", Duration: lasting(time.Minute), Job: metricnames.JobApp},
		{Kind: v1alpha1.FaultPodRestart, At: "90m"},
		{Kind: v1alpha1.FaultSlowStart, At: "21h", Duration: lasting(time.Hour), Factor: "2.5", Stage: v1alpha1.StagePull, Share: "0.25"},
		{Kind: v1alpha1.FaultScrapeLag, At: "22h", Duration: lasting(time.Hour), Delay: lasting(90 * time.Second)},
		{Kind: v1alpha1.FaultAPIErrors, At: "22h30m", Duration: lasting(time.Hour)},
		{Kind: v1alpha1.FaultAPIErrors, At: "23h", Duration: lasting(time.Hour), Requests: v1alpha1.RequestsAll, Share: "0.3"},
	}
	e := testEnv(t, days(1), func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = faults })
	start := e.load.Start
	want := []result.Fault{
		{Kind: "scrape-outage", Start: start.Add(90 * time.Minute), End: start.Add(91 * time.Minute), Description: "the targets of app do not answer", Job: "app"},
		{Kind: "pod-restart", Start: start.Add(90 * time.Minute), End: start.Add(90 * time.Minute), Description: "crash of a pod"},
		{Kind: "node-loss", Start: start.Add(20 * time.Hour), End: start.Add(24 * time.Hour), Description: "loss of 50 % of the nodes", Share: 0.5},
		{Kind: "slow-start", Start: start.Add(21 * time.Hour), End: start.Add(22 * time.Hour), Factor: 2.5, Stage: "pull", Share: 0.25,
			Description: "pulling an image takes 2.5 times as long on 25 % of the nodes"},
		{Kind: "scrape-lag", Start: start.Add(22 * time.Hour), End: start.Add(23 * time.Hour), Description: "samples are seen 1 min 30 s late", DelaySeconds: 90},
		{Kind: "api-errors", Start: start.Add(22*time.Hour + 30*time.Minute), End: start.Add(23*time.Hour + 30*time.Minute), Requests: "writes",
			Description: "the API server refuses changes of the scale"},
		{Kind: "api-errors", Start: start.Add(23 * time.Hour), End: start.Add(24 * time.Hour), Requests: "all", Share: 0.3,
			Description: "the API server refuses 30 % of what reads or changes the scale"},
	}
	if got := e.shown(1); !slices.EqualFunc(got, want, func(a, b result.Fault) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, kind := range v1alpha1.FaultKinds() {
		f := harm{kind: kind}
		if f.words() == kind {
			t.Errorf("there are no words for %s", kind)
		}
	}
}

// TestFaultsAreTheSameForAllPolicies: the same nodes fail at the same times whatever the policy,
// and others under another seed.
func TestFaultsAreTheSameForAllPolicies(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.Cluster.Faults = []v1alpha1.ClusterFault{
			{Kind: v1alpha1.FaultNodeLoss, PerDay: "24", Duration: lasting(20 * time.Minute)},
			{Kind: v1alpha1.FaultPodRestart, PerDay: "24", Share: "0.5"}, {Kind: v1alpha1.FaultRollout, PerDay: "12"},
		}
	})
	course := func(name string, seed uint64) (failed []uint64) {
		ent := entrantNamed(t, e, name)
		set, err := ent.build(configured(ent))
		if err != nil {
			t.Fatal(err)
		}
		w, err := e.world(seed, e.faultsOf(seed), false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.Every(e.load.Start, time.Minute, sim.Observe, func() {
			now := uint64(0) // a bit a node
			for i := range e.nodes.Count {
				if lost, _ := w.NodeLost(i); lost {
					now |= 1 << i
				}
			}
			failed = append(failed, now)
		})
		view, err := e.view(seed)
		if err != nil {
			t.Fatal(err)
		}
		metrics, err := newSource(view, set, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.control(t.Context(), task{entrant: ent, seed: seed, faults: e.faultsOf(seed)}, set, w, metrics); err != nil {
			t.Fatal(err)
		}
		return failed
	}
	want := course("static", 1)
	if len(slices.Compact(slices.Clone(want))) < 4 {
		t.Fatalf("nodes fail too rarely: %b", slices.Compact(want))
	}
	for _, name := range []string{"hpa", "v2", "v3", "oracle"} {
		if !slices.Equal(course(name, 1), want) {
			t.Errorf("other nodes fail under %s", name)
		}
	}
	if slices.Equal(course("static", 2), want) {
		t.Error("the same nodes fail under another seed")
	}
}
