package backtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// watch runs an entrant with every metric in its own database. look is called
// decisionPhase after each scrape with what the world was at that scrape.
func watch(t *testing.T, e *env, ent *entrant, look func(seen snapshot, w *sim.World, db *promdb.DB, view *promdb.View)) trial {
	t.Helper()
	return watchWith(t, e, ent, watching{}, look)
}

// watching is what a run that is watched gives besides.
type watching struct {
	world          func(*sim.World) // gets the world before it moves and before anything is scraped; nil: nobody does
	decisions, hpa io.Writer        // get the decisions of the policy, and of the HPA whose floor it raises
	after          func(*promdb.DB) // is told of the end of the run, when all decisions are written; nil: nobody is
}

// watchWith is watch, and gives more.
func watchWith(t *testing.T, e *env, ent *entrant, more watching, look func(seen snapshot, w *sim.World, db *promdb.DB, view *promdb.View)) trial {
	t.Helper()
	set, err := ent.build(configured(ent))
	if err != nil {
		t.Fatal(err)
	}
	var rows []result.Row
	w, err := e.world(1, e.faultsOf(1), true, true, func(sp sim.Span) { rows = append(rows, row(&sp, e.demand(sp.Load))) })
	if err != nil {
		t.Fatal(err)
	}
	view, err := e.view(1)
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := newSource(view, set, e.outagesOf(e.faultsOf(1)))
	if err != nil {
		t.Fatal(err)
	}
	tk := task{entrant: ent, seed: 1, faults: e.faultsOf(1)}
	if more.world != nil {
		more.world(w)
	}
	closeDB, err := e.attachDB(tk, set, w, metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeDB(&output{}, true); err != nil {
			t.Error(err)
		}
	}()
	tk.record = &recording{decisions: more.decisions, hpa: more.hpa}
	var seen snapshot
	w.Every(e.load.Start, e.scrape, sim.Observe, func() { seen.take(w) })
	w.Every(e.load.Start.Add(decisionPhase), e.scrape, sim.Act, func() { look(seen, w, metrics.own, view) })
	if err := e.control(t.Context(), tk, set, w, metrics); err != nil {
		t.Fatal(err)
	}
	if more.after != nil {
		more.after(metrics.own)
	}
	return trial{timeline: rows}
}

// A snapshot is the world at a scrape.
type snapshot struct {
	at                       time.Time
	spec, status, ready      int32
	pods, podsReady, pending int
	cpu, memory, inFlight    float64
	ended, received          float64
	restarts                 int
	updated                  int32
	versions                 int // of pods
	running                  int // pods whose container runs
	nodesUp, nodesReady      int
	booted                   float64 // when the nodes that are up did, seconds
}

func (s *snapshot) take(w *sim.World) {
	spec, status := w.Scale()
	*s = snapshot{at: w.Now(), spec: spec, status: status, ready: w.Ready()}
	newest := 0
	for _, p := range w.Pods() {
		newest = max(newest, p.Revision)
	}
	versions := map[int]bool{}
	for _, p := range w.Pods() {
		versions[p.Revision] = true
		if p.Revision == newest && !p.Deleting {
			s.updated++
		}
	}
	s.versions = len(versions)
	for _, p := range w.Pods() {
		s.pods++
		switch {
		case p.Phase == sim.Ready:
			s.podsReady++
		case p.Phase < sim.Starting:
			s.pending++
		}
		s.cpu += p.CPUSeconds
		s.memory += w.Memory(p)
		s.inFlight += p.InFlight()
		s.received += p.ReceivedBytes()
		s.ended += p.Completed.Total() + p.Shed
		s.restarts += p.Restarts
		if p.Phase >= sim.Starting && !p.Lost {
			s.running++
		}
	}
	for i, n := range w.Nodes(nil) {
		failed, known := w.NodeLost(i)
		if !failed {
			s.nodesUp++
			s.booted += float64(n.Booted.Unix())
		}
		if !known {
			s.nodesReady++
		}
	}
}

// seriesQueries are the queries of V3 and others over what no policy can change.
func seriesQueries(e *env) []string {
	m := metricnames.IngressRequests + `{ingress="shop"}`
	return []string{
		e.loadQuery(),
		"sum(rate(" + m + "[1m]))",
		"sum(irate(" + m + "[1m]))",
		"increase(" + m + "[5m]) / 300",
		"max_over_time(sum(rate(" + m + "[1m]))[10m:30s])",
		m,
		"absent(" + m + ")",
	}
}

// TestSharedStoreIsTheOwnDatabase: what all runs share for speed answers to the bit as
// the database that a run fills as its time passes, at every decision.
func TestSharedStoreIsTheOwnDatabase(t *testing.T) {
	sharedStoreIsTheOwnDatabase(t)
}

// TestSharedStoreWithOutages is the same where the seed says which scrapes fail.
func TestSharedStoreWithOutages(t *testing.T) {
	sharedStoreIsTheOwnDatabase(t,
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultScrapeOutage, PerDay: "24", Duration: lasting(7 * time.Minute)},
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultScrapeOutage, PerDay: "24", Duration: lasting(3 * time.Minute), Job: metricnames.JobIngress},
	)
}

func sharedStoreIsTheOwnDatabase(t *testing.T, faults ...v1alpha1.ClusterFault) {
	t.Helper()
	load := days(1)
	load.Values = load.Values[:10*60]
	for i := range 7 {
		load.Values[300+i] = math.NaN()
	}
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = faults })
	ent, err := builtIn(e, "v3")
	if err != nil {
		t.Fatal(err)
	}
	looks, missing := 0, 0
	watch(t, e, &ent, func(seen snapshot, w *sim.World, db *promdb.DB, view *promdb.View) {
		if looks++; looks%5 != 0 && seen.at.Sub(e.load.Start) > 10*time.Minute {
			return // the queries take time: all of the first minutes, then one look in five
		}
		for _, expr := range seriesQueries(e) {
			own, ownErr := db.Query(t.Context(), expr, w.Now())
			shared, sharedErr := view.Query(t.Context(), expr, w.Now())
			if math.Float64bits(own) != math.Float64bits(shared) || errors.Is(ownErr, promdb.ErrNoData) != errors.Is(sharedErr, promdb.ErrNoData) {
				t.Fatalf("%s at %v: own %v, %v; shared %v, %v", expr, w.Now(), own, ownErr, shared, sharedErr)
			}
			if ownErr != nil {
				missing++
			}
		}
		ownRange, ownErr := db.QueryRange(t.Context(), e.loadQuery(), w.Now().Add(-5*time.Minute), w.Now(), time.Minute)
		sharedRange, sharedErr := view.QueryRange(t.Context(), e.loadQuery(), w.Now().Add(-5*time.Minute), w.Now(), time.Minute)
		if fmt.Sprint(ownRange, ownErr) != fmt.Sprint(sharedRange, sharedErr) {
			t.Fatalf("range at %v: own %v, %v; shared %v, %v", w.Now(), ownRange, ownErr, sharedRange, sharedErr)
		}
	})
	if looks < 2000 || missing == 0 {
		t.Errorf("%d looks, %d answers without data", looks, missing)
	}
}

// ask returns the answer of a query, 0 where there is no data.
func ask(t *testing.T, db *promdb.DB, expr string, at time.Time) float64 {
	t.Helper()
	v, err := db.Query(context.WithoutCancel(t.Context()), expr, at)
	if err != nil && !errors.Is(err, promdb.ErrNoData) {
		t.Fatalf("%s: %v", expr, err)
	}
	return v
}

// TestSeriesShowTheWorld: at every look the series say what the world was at the last
// scrape, pods that are gone are gone, and metrics-server's twin says what PromQL says.
// The app's queries are not exact to the bit, as sums in another order are not.
func TestSeriesShowTheWorld(t *testing.T) {
	seriesShowTheWorld(t)
}

// TestSeriesShowFaults is the same in a world in which things go wrong.
func TestSeriesShowFaults(t *testing.T) {
	last := seriesShowTheWorld(t,
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultPodRestart, PerDay: "72", Share: "0.3"},
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultPodRestart, PerDay: "72"},
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultMetricsOutage, PerDay: "6", Duration: lasting(5 * time.Minute)},
	)
	if last.restarts == 0 {
		t.Error("no pod of the end has restarted")
	}
}

// TestSeriesShowRollouts is the same in a world in which new versions are rolled out.
func TestSeriesShowRollouts(t *testing.T) {
	seriesShowTheWorld(t, v1alpha1.ClusterFault{Kind: v1alpha1.FaultRollout, PerDay: "48"})
}

// TestSeriesShowLostNodes is the same in a world that loses nodes.
func TestSeriesShowLostNodes(t *testing.T) {
	seriesShowTheWorld(t,
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultNodeLoss, PerDay: "24", Duration: lasting(20 * time.Minute)},
		v1alpha1.ClusterFault{Kind: v1alpha1.FaultNodeLoss, PerDay: "24", Duration: lasting(3 * time.Minute), Share: "0.3"},
	)
}

func seriesShowTheWorld(t *testing.T, faults ...v1alpha1.ClusterFault) (last snapshot) {
	t.Helper()
	load := days(1)
	load.Values = load.Values[:8*60]
	for i := range load.Values {
		if i%60 < 20 {
			load.Values[i] *= 3 // pods come and go
		}
	}
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Faults = faults })
	ent, err := builtIn(e, "hpa")
	if err != nil {
		t.Fatal(err)
	}
	rollouts := slices.ContainsFunc(faults, func(f v1alpha1.ClusterFault) bool { return f.Kind == v1alpha1.FaultRollout })
	reboots := slices.ContainsFunc(faults, func(f v1alpha1.ClusterFault) bool { return f.Kind == v1alpha1.FaultNodeLoss })
	down, unknown, mixed := 0, 0, 0
	looks, twins, gone, pending := 0, 0, 0, 0
	most := 0
	watch(t, e, &ent, func(seen snapshot, w *sim.World, db *promdb.DB, _ *promdb.View) {
		looks++
		now := w.Now()
		pending += seen.pending
		if most = max(most, seen.pods); seen.pods < most {
			gone++
		}
		for _, q := range []struct {
			expr string
			want float64
		}{
			{`kube_deployment_spec_replicas{namespace="default",deployment="shop"}`, float64(seen.spec)},
			{`kube_deployment_status_replicas`, float64(seen.status)},
			{`kube_deployment_status_replicas_ready`, float64(seen.ready)},
			{`sum(kube_pod_status_ready)`, float64(seen.pods)},
			{`sum(kube_pod_status_ready{condition="true"})`, float64(seen.podsReady)},
			{`sum(kube_pod_status_phase{phase="Pending"})`, float64(seen.pending)},
			{`count(container_cpu_usage_seconds_total)`, float64(seen.running)},
			{`sum(up{job="app"})`, float64(seen.running)},
			{`sum(up{job="cadvisor"})`, float64(seen.nodesUp)},
			{`sum(up{job="node-exporter"})`, float64(seen.nodesUp)},
			{`sum(node_boot_time_seconds)`, seen.booted},
			{`sum(kube_node_status_condition{condition="Ready",status="true"})`, float64(seen.nodesReady)},
			{`sum(kube_node_status_condition{condition="MemoryPressure",status="unknown"})`, float64(e.nodes.Count - seen.nodesReady)},
			{`sum(kube_pod_container_resource_requests{resource="cpu"})`, 0.5 * float64(seen.pods)},
			{`sum(container_cpu_usage_seconds_total)`, seen.cpu},
			{`sum(container_memory_working_set_bytes{container="shop"})`, seen.memory},
			{`sum(http_requests_in_flight)`, seen.inFlight},
			{`kube_deployment_status_replicas_updated`, float64(seen.updated)},
			{`kube_deployment_status_replicas_unavailable`, float64(seen.status - seen.ready)},
			{`count(count by (created_by_name) (kube_pod_info))`, float64(seen.versions)},
			{`sum(kube_pod_container_status_restarts_total)`, float64(seen.restarts)},
			{`sum(container_network_receive_bytes_total)`, seen.received},
		} {
			if looks%3 != 0 && now.Sub(e.load.Start) > 5*time.Minute {
				break
			}
			if got := ask(t, db, q.expr, now); math.Abs(got-q.want) > 1e-9*math.Abs(q.want) {
				t.Fatalf("%s at %v is %v, the world says %v", q.expr, now, got, q.want)
			}
		}
		down, unknown = down+e.nodes.Count-seen.nodesUp, unknown+e.nodes.Count-seen.nodesReady
		for expr, want := range map[string]float64{
			// A container that starts again counts from 0, and nothing else does, but on a machine that boots.
			`sum(resets(container_cpu_usage_seconds_total[1d]) and on(pod) kube_pod_created)`: float64(seen.restarts),
			`sum(resets(container_network_receive_bytes_total[1d]))`:                          0,
			`sum(resets(node_network_receive_bytes_total[1d]))`:                               0,
			`sum(resets(node_disk_written_bytes_total[1d]))`:                                  0,
		} {
			if reboots {
				break
			}
			if got := ask(t, db, expr, now); got != want {
				t.Fatalf("%s at %v is %v, want %v", expr, now, got, want)
			}
		}
		// One that ends before it has answered anything between two scrapes shows no fall.
		n := ask(t, db, `sum(resets(http_request_duration_seconds_count[1d]) and on(pod) kube_pod_created)`, now)
		if n > float64(seen.restarts) || n < 0.8*float64(seen.restarts)-3 {
			t.Fatalf("the histograms at %v fall %v times, the world has %d restarts", now, n, seen.restarts)
		}
		if seen.versions > 1 {
			mixed++
		}
		if w.MetricsServed() {
			twins += compareTwin(t, w, db, seen.at)
		}
		last = seen
	})
	if rollouts != (mixed > 0) {
		t.Errorf("pods of two versions at %d looks", mixed)
	}
	if reboots != (down > 0 && unknown > 0) {
		t.Errorf("nodes were down at %d looks, unknown at %d", down, unknown)
	}
	if looks < 1000 || twins < 1000 || gone == 0 || pending == 0 {
		t.Errorf("%d looks, %d samples compared, pods fewer than before %d times, %d pending", looks, twins, gone, pending)
	}
	return last
}

// compareTwin compares the CPU sample of every pod with the rate over the same two
// scrapes. Both divide the same difference of the same counter by the same 15 s, so
// they are equal to the bit; the API then rounds up to whole millicores. A pod's first
// window starts with its container, before the first scrape, and is left out.
func compareTwin(t *testing.T, w *sim.World, db *promdb.DB, at time.Time) int {
	t.Helper()
	pods, err := (&podLister{world: w}).Pods(t.Context(), w.Now())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rates, err := db.QueryVector(t.Context(), `irate(container_cpu_usage_seconds_total[31s])`, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		if p.Sample == nil || p.Sample.Window != 15*time.Second || !p.Sample.Time.Equal(at) {
			continue
		}
		for _, r := range rates {
			if !slices.Contains(r.Labels, promdb.Label{Name: "pod", Value: p.Name}) {
				continue
			}
			n++
			if want := int64(math.Ceil(r.Value * 1000)); p.Sample.MilliCPU != want {
				t.Fatalf("%s at %v: metrics-server says %d m, PromQL %v cores", p.Name, at, p.Sample.MilliCPU, r.Value)
			}
		}
	}
	return n
}

// TestCountersAddUpToTheTimeline: for a size that never changes, the counters of the
// app show what the timeline counts, but for the part of a request by which each may be
// rounded down. Where pods come and go, what they did after their last scrape is missing,
// and no counter ever falls.
func TestCountersAddUpToTheTimeline(t *testing.T) {
	load := days(1)
	load.Values = load.Values[:6*60]
	for i := range load.Values {
		if i%60 < 20 {
			load.Values[i] *= 3
		}
	}
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.App.ErrorRate, spec.SLO.Objective = "0.01", "95"
	})
	for name, value := range map[string]float64{"static": float64(e.max), "hpa": 70} {
		t.Run(name, func(t *testing.T) {
			ent, err := builtIn(e, name)
			if err != nil {
				t.Fatal(err)
			}
			tr := try(t, e, &ent, value, nil)
			db, err := promdb.OpenReadOnly(tr.blocks)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			last := e.load.End().Add(-time.Minute) // a scrape, and the start of a row
			var good, ended, errs float64
			for _, row := range tr.timeline {
				if row.Time.Before(last) {
					good += row.Good
					ended += row.Good + row.Bad
					errs += row.Errors
				}
			}
			total := func(expr string) float64 {
				t.Helper()
				v, err := db.Query(t.Context(), expr, last)
				if err != nil && !errors.Is(err, promdb.ErrNoData) {
					t.Fatalf("%s: %v", expr, err)
				}
				return v
			}
			series := total(`count(last_over_time(http_requests_total[1d]))`)
			completed := total(`sum(max_over_time(http_requests_total[1d]))`)
			failures := total(`sum(max_over_time(http_requests_total{code=~"500|503"}[1d]))`)
			// A pod that goes is scraped 15 s before at worst, and drains in that time.
			unseen := 0.0
			if name == "hpa" {
				unseen = 0.01 * ended
				if series < 80 {
					t.Errorf("only %v series: pods did not come and go", series)
				}
			}
			if completed > ended || ended-completed > series+unseen {
				t.Errorf("the app counted %v requests in %v series, the timeline %v", completed, series, ended)
			}
			if name == "static" && (failures > errs || errs-failures > series) {
				t.Errorf("the app counted %v errors, the timeline %v", failures, errs)
			}
			if failures == 0 || good >= ended {
				t.Errorf("%v failures", failures)
			}
			for _, counter := range []string{
				metricnames.IngressRequests, metricnames.ContainerCPU,
				metricnames.ContainerReceiveBytes, metricnames.ContainerTransmitBytes,
				metricnames.ContainerReceivePackets, metricnames.ContainerTransmitPackets,
				metricnames.ContainerReads, metricnames.ContainerWrites,
				metricnames.ContainerReadBytes, metricnames.ContainerWrittenBytes,
				metricnames.HTTPRequests, metricnames.HTTPDuration + "_bucket", metricnames.HTTPDuration + "_count",
				metricnames.HTTPDuration + "_sum", metricnames.DBQueryDuration + "_bucket", metricnames.DBQueryDuration + "_sum",
				metricnames.ExternalDuration + "_count", metricnames.CacheHits, metricnames.CacheMisses, metricnames.Transactions,
				metricnames.NodeCPU, metricnames.NodeReceiveBytes, metricnames.NodeWrittenBytes, metricnames.NodeReads,
			} {
				if n := total("count(" + counter + ")"); n == 0 {
					t.Errorf("no series of %s", counter)
				}
				if n := total("sum(resets(" + counter + "[1d]))"); n != 0 {
					t.Errorf("%s falls %v times", counter, n)
				}
			}
			// Buckets hold each other, and the last one everything.
			if n := total(`count(http_request_duration_seconds_bucket{le="0.1"} > ignoring(le) http_request_duration_seconds_bucket{le="0.25"})`); n != 0 {
				t.Errorf("%v buckets are larger than the next", n)
			}
			if n := total(`count(http_request_duration_seconds_bucket{le="+Inf"} != ignoring(le) http_request_duration_seconds_count)`); n != 0 {
				t.Errorf("%v histograms do not add up", n)
			}
		})
	}
}

// TestMoreMetricsChangeNoDecision: a run that keeps every series decides as one that
// keeps what it needs.
func TestMoreMetricsChangeNoDecision(t *testing.T) {
	load := days(1)
	load.Values = load.Values[:6*60]
	e := testEnv(t, load, pinned)
	for _, ent := range entrants(t, e) {
		needed, all := try(t, e, ent, configured(ent), catalog{}), try(t, e, ent, configured(ent), nil)
		for i, line := range needed.lines {
			if string(line) != string(all.lines[i]) {
				t.Errorf("%s: with the metrics needed\n%swith all\n%s", ent.name, line, all.lines[i])
				break
			}
		}
		if needed.samples >= all.samples {
			t.Errorf("%s: %d samples needed, %d in all", ent.name, needed.samples, all.samples)
		}
		if !slices.Equal(needed.scored.days, all.scored.days) {
			t.Errorf("%s: scores differ", ent.name)
		}
		// And a run that is not recorded, as those of a sweep, scores the same.
		out, err := e.run(t.Context(), task{entrant: ent, value: configured(ent), seed: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out.scored.days, all.scored.days) {
			t.Errorf("%s: scores of a run without a record differ", ent.name)
		}
	}
}
