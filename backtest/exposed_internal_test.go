package backtest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// bursts is a load of so many hours in which pods come and go.
func bursts(hours int) func() []float64 {
	return func() []float64 {
		values := days(1).Values[:hours*60]
		for i := range values {
			if i%60 < 20 {
				values[i] *= 3
			}
		}
		return values
	}
}

// entrantNamed returns one of entrants.
func entrantNamed(t *testing.T, e *env, name string) *entrant {
	t.Helper()
	for _, ent := range entrants(t, e) {
		if ent.name == name {
			return ent
		}
	}
	t.Fatalf("no entrant %s", name)
	return nil
}

// TestExposedIsWhatIsListed: every series of runs has a name of package metricnames and
// the labels that are listed there, and every metric listed is exposed.
func TestExposedIsWhatIsListed(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	e := testEnv(t, load)
	exposed := map[string]bool{}
	for _, name := range []string{"v3", "floor", "hpa"} {
		tr := try(t, e, entrantNamed(t, e, name), configured(entrantNamed(t, e, name)), nil)
		db, err := promdb.OpenReadOnly(tr.blocks)
		if err != nil {
			t.Fatal(err)
		}
		series, err := db.QueryVector(t.Context(), `last_over_time({__name__=~".+"}[1d])`, e.load.End())
		if err := closeWith(db, err); err != nil {
			t.Fatal(err)
		}
		shapes := map[string]bool{}
		for _, s := range series {
			var labels []string
			metric := ""
			for _, l := range s.Labels {
				switch l.Name {
				case "__name__":
					metric = l.Value
				case "policy":
				default:
					labels = append(labels, l.Name)
				}
			}
			shapes[metric+" "+strings.Join(labels, " ")] = true
			exposed[metric] = true
		}
		for _, shape := range slices.Sorted(maps.Keys(shapes)) {
			metric, labels, _ := strings.Cut(shape, " ")
			m, ok := metricnames.Find(metric)
			if !ok {
				t.Errorf("%s: %s is not listed", name, metric)
				continue
			}
			want := strings.Join(m.SeriesLabels(metric), " ")
			// Its help says so.
			unplaced := strings.ReplaceAll(want, " node", "")
			ofApp := want + " namespace pod"
			early := labels == unplaced && strings.Contains(m.Help, "node is missing")
			if app := metric == "up" && labels == ofApp; labels != want && !early && !app {
				t.Errorf("%s: %s has the labels %q, listed are %q", name, metric, labels, want)
			}
		}
	}
	for _, m := range metricnames.All() {
		for _, name := range m.Series() {
			if exposed[name] != m.InBacktest() {
				t.Errorf("%s: exposed %v, listed as %v", name, exposed[name], m.InBacktest())
			}
		}
	}
}

func closeWith(r *promdb.Reader, err error) error {
	if closing := r.Close(); err == nil {
		return closing
	}
	return err
}

// A moment is the world at a scrape, as far as TestSeriesShowTheWorld does not look.
type moment struct {
	totals             sim.Totals
	nodes              []sim.Node
	unscheduled        int
	queued, open       float64
	hits, lookups      float64
	transactions       float64
	reads, writes      float64
	living             int // containers that run
	wroteBytes         float64
	readyTime          float64
	querySeconds       float64
	requested, limited float64
}

func (m *moment) take(w *sim.World) {
	*m = moment{totals: w.Totals(), nodes: w.Nodes(nil)}
	for _, p := range w.Pods() {
		m.requested += 0.5
		m.limited++
		if p.Started.IsZero() {
			m.unscheduled++
		}
		if !p.ReadyAt.IsZero() {
			m.readyTime += float64(p.ReadyAt.Unix())
		}
		if p.Phase < sim.Starting {
			continue
		}
		m.living++
		m.queued += w.Queued(p)
		m.open += p.Connections()
		m.hits += p.CacheHits()
		m.lookups += math.Floor(p.Completed.Total())
		m.transactions += p.Transactions()
		used := w.Consumption(p)
		m.reads += used.Reads
		m.writes += used.Writes
		m.wroteBytes += used.WrittenBytes
		m.querySeconds += p.Queries() * w.QueryTime().Seconds()
	}
}

// TestMetricsShowTheWorld: what dashboards ask for equals what the world was at the last
// scrape, and nodes count what pods that are gone did.
func TestMetricsShowTheWorld(t *testing.T) {
	load := days(1)
	load.Values = bursts(5)()
	e := testEnv(t, load)
	ent := entrantNamed(t, e, "floor")
	looks, unscheduled, warm := 0, 0, 0
	var m moment
	hook := func(w *sim.World) {
		w.Every(e.load.Start, e.scrape, sim.Observe, func() { m.take(w) })
	}
	watchWith(t, e, ent, watching{world: hook}, func(seen snapshot, w *sim.World, db *promdb.DB, _ *promdb.View) {
		if looks++; looks%9 != 0 && m.unscheduled == 0 && seen.at.Sub(e.load.Start) > 3*time.Minute {
			return
		}
		unscheduled += m.unscheduled
		var cpu, memory, disk, requested float64
		for _, n := range m.nodes {
			cpu += n.Used.CPUSeconds
			memory += float64(n.Bytes) - n.Memory
			disk += n.DiskBytes
			requested += float64(n.RequestedCPU) / 1000
		}
		nodes := float64(len(m.nodes))
		elapsed := seen.at.Sub(e.load.Start).Seconds()
		for _, q := range []struct {
			expr string
			want float64
		}{
			{`count(kube_pod_info)`, float64(seen.pods)},
			{`count(kube_pod_info{node=~"node-.*"})`, float64(seen.pods - m.unscheduled)},
			{`sum(kube_pod_status_scheduled{condition="false"})`, float64(m.unscheduled)},
			{`sum(kube_pod_status_phase)`, float64(seen.pods)},
			{`sum(kube_pod_status_ready_time)`, m.readyTime},
			{`sum(kube_pod_container_resource_requests{resource="cpu"})`, m.requested},
			{`sum(kube_pod_container_resource_limits{resource="cpu"})`, m.limited},
			{`sum(kube_pod_container_resource_limits{resource="memory"})`, float64(seen.pods) * (1 << 30)},
			{`sum(kube_deployment_status_replicas_unavailable)`, math.Max(float64(seen.spec-seen.ready), 0)},
			{`sum(kube_node_status_condition{condition="Ready",status="true"})`, nodes},
			{`sum(kube_node_status_condition)`, 4 * nodes},
			{`sum(kube_node_status_allocatable{resource="cpu"})`, 4 * nodes},
			{`sum(kube_node_status_capacity{resource="memory"})`, nodes * (16<<30 + sim.SystemBytes)},
			{`sum by (node) (kube_pod_container_resource_requests{resource="cpu",node!=""})`, requested},
			{`sum(node_cpu_seconds_total{mode!="idle"})`, cpu + nodes*sim.SystemCores*elapsed},
			{`sum(node_memory_MemAvailable_bytes)`, memory},
			{`sum(node_network_receive_bytes_total)`, m.totals.Flow.Arrivals * 1024},
			{`sum(node_network_transmit_bytes_total)`, m.totals.Flow.Completed.Total() * 12 * 1024},
			{`sum(node_filesystem_size_bytes - node_filesystem_avail_bytes)`, disk + nodes*sim.SystemDiskBytes},
			{`sum(container_fs_reads_total)`, m.reads},
			{`sum(container_fs_writes_total)`, m.writes},
			{`sum(container_fs_writes_bytes_total)`, m.wroteBytes},
			{`sum(http_requests_queued)`, m.queued},
			{`sum(http_connections_active)`, m.open},
			{`sum(cache_hits_total)`, m.hits},
			{`sum(cache_hits_total) + sum(cache_misses_total)`, m.lookups},
			{`sum(business_transactions_total)`, m.transactions},
			{`sum(db_query_duration_seconds_sum)`, m.querySeconds},
			{`sum(db_query_duration_seconds_sum) + sum(external_api_duration_seconds_sum)`, 0.02 * m.lookups},
			{`sum(up{job="app"})`, float64(m.living)},
			{`count(up)`, float64(m.living) + 2*nodes + 3},
		} {
			if got := ask(t, db, q.expr, w.Now()); math.Abs(got-q.want) > 1e-9*math.Abs(q.want) {
				t.Fatalf("%s at %v is %v, the world says %v", q.expr, w.Now(), got, q.want)
			}
		}
		// A node's CPUs are never busy and idle for longer than they exist.
		all := ask(t, db, `sum(node_cpu_seconds_total)`, w.Now())
		if capacity := 4 * nodes * elapsed; all < capacity*(1-1e-9) {
			t.Fatalf("at %v CPUs were busy or idle for %v of %v core-seconds", w.Now(), all, capacity)
		}
		// Four in five look-ups are answered by the cache.
		if m.lookups > 1e5 {
			warm++
			if share := ask(t, db, `sum(cache_hits_total) / (sum(cache_hits_total) + sum(cache_misses_total))`, w.Now()); math.Abs(share-0.8) > 1e-3 {
				t.Fatalf("a share of %v look-ups is answered by the cache", share)
			}
		}
	})
	if looks < 1000 || unscheduled == 0 || warm == 0 {
		t.Errorf("%d looks, %d pods without a node, %d with a warm cache", looks, unscheduled, warm)
	}
}

// TestMeanResponseTime: the sum and the count of the histogram give the mean response
// time that the service model knows for a steady load.
func TestMeanResponseTime(t *testing.T) {
	load := days(1)
	load.Values = slices.Repeat([]float64{300}, 180)
	e := testEnv(t, load)
	ent := entrantNamed(t, e, "static")
	tr := try(t, e, ent, 4, nil)
	db, err := promdb.OpenReadOnly(tr.blocks)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Query(t.Context(), `sum(rate(http_request_duration_seconds_sum[30m])) / sum(rate(http_request_duration_seconds_count[30m]))`, e.load.End().Add(-time.Minute))
	if err := closeWith(db, err); err != nil {
		t.Fatal(err)
	}
	rate := e.load.Values[0] / 4
	if want := e.service.Steady(rate, 1).MeanLatency.Seconds(); math.Abs(got-want) > 0.005*want {
		t.Errorf("mean response time is %v s, the model says %v s", got, want)
	}
}

// TestScalerMetrics: what hindcast shows of a scaler is what its decisions say.
func TestScalerMetrics(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	for i := range 6 {
		load.Values[200+i] = math.NaN()
	}
	e := testEnv(t, load)
	e.faults = []plannedFault{{harm: harm{kind: v1alpha1.FaultScrapeOutage, job: metricnames.JobApp}, at: 4 * time.Hour, lasts: 10 * time.Minute}}
	ent := entrantNamed(t, e, "scale")
	tr := try(t, e, ent, configured(ent), nil)
	db, err := promdb.OpenReadOnly(tr.blocks)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	value := func(expr string, at time.Time) float64 {
		t.Helper()
		v, err := db.Query(t.Context(), expr, at)
		if err != nil {
			t.Fatalf("%s at %v: %v", expr, at, err)
		}
		return v
	}
	reasons := map[string]float64{}
	errs := map[string]float64{}
	stale := 0
	for i, d := range tr.decisions {
		reason, _, _ := strings.Cut(d.Reason, ":")
		reasons[reason]++
		for _, v := range d.Values {
			if v.Error != "" {
				errs[v.Name]++
			}
		}
		scraped := d.Time.Add(e.scrape) // the next scrape is 10 s later
		if i%7 != 0 && reason != "Stale" || !scraped.Before(e.load.End()) {
			continue
		}
		for expr, want := range map[string]float64{
			"hindcast_scaler_desired_replicas":                    float64(d.Replicas),
			"hindcast_scaler_current_replicas":                    float64(d.Status),
			"hindcast_scaler_max_replicas":                        20,
			`hindcast_scaler_mode{mode="Active"}`:                 1,
			"sum(hindcast_scaler_mode)":                           1,
			"sum(hindcast_scaler_decisions_total)":                float64(i + 1),
			"hindcast_scaler_decision_duration_seconds_count":     float64(i + 1),
			"hindcast_scaler_stale":                               truth(reason == "Stale"),
			`hindcast_scaler_query_errors_total{metric="served"}`: errs["served"],
		} {
			if got := value(expr, scraped); got != want {
				t.Fatalf("%s at %v is %v, the decision says %v: %s", expr, scraped, got, want, d.Reason)
			}
		}
		if reason == "Stale" {
			stale++
		}
		if v := d.Values[0].Value; v != nil && !strings.HasPrefix(d.Reason, "Stale") {
			if got := value(`hindcast_scaler_observed{metric="served"}`, scraped); got != *v {
				t.Fatalf("observed at %v is %v, want %v", scraped, got, *v)
			}
		}
	}
	end := e.load.End().Add(-time.Minute)
	if stale == 0 || errs["served"] == 0 {
		t.Errorf("%d decisions without data, %v failed queries: the outage did nothing", stale, errs)
	}
	for reason, n := range reasons {
		if got := value(fmt.Sprintf("hindcast_scaler_decisions_total{reason=%q}", reason), end.Add(59*time.Second)); got != n {
			t.Errorf("%v decisions for %s, want %v", got, reason, n)
		}
	}
	// Quantiles are in order, and the accuracy is a share.
	if n, err := db.QueryVector(t.Context(), `count(hindcast_scaler_forecast{quantile="0.5"} > ignoring(quantile) hindcast_scaler_forecast{quantile="0.95"})`, end); err != nil || len(n) > 0 {
		t.Errorf("medians above the 95th percentile: %v, %v", n, err)
	}
	if n := value(`count(hindcast_scaler_forecast{quantile="0.5"})`, end); n != 4 {
		t.Errorf("%v medians, want two horizons of two metrics", n)
	}
	if a := value(`max(hindcast_scaler_accuracy_ratio)`, end); !(a > 0 && a <= 1) {
		t.Errorf("accuracy is %v", a)
	}
}

// TestOutageLeavesNoSamples: while the targets of a job are down Prometheus says so, and
// their series are gone, at the ingress as in the store that all runs share.
func TestOutageLeavesNoSamples(t *testing.T) {
	load := days(1)
	load.Values = load.Values[:180]
	from := load.Start.Add(time.Hour)
	until := from.Add(20 * time.Minute)
	e := testEnvWith(t, load, func(e *env) {
		for _, job := range []string{metricnames.JobApp, metricnames.JobIngress, metricnames.JobNodeExporter} {
			e.faults = append(e.faults, plannedFault{harm: harm{kind: v1alpha1.FaultScrapeOutage, job: job}, at: time.Hour, lasts: 20 * time.Minute})
		}
	})
	ent := entrantNamed(t, e, "hpa")
	down, up := 0, 0
	watchWith(t, e, ent, watching{}, func(seen snapshot, w *sim.World, db *promdb.DB, view *promdb.View) {
		out := !seen.at.Before(from) && seen.at.Before(until)
		if out {
			down++
		} else {
			up++
		}
		if seen.at.Second() != 0 {
			return
		}
		for expr, missing := range map[string]bool{
			"http_requests_total":                out,
			"node_cpu_seconds_total":             out,
			metricnames.IngressRequests:          out,
			"container_memory_working_set_bytes": false,
			"kube_deployment_spec_replicas":      false,
			`up{job="app"} == 1`:                 out,
			`up{job="node-exporter"} == 0`:       !out,
			`up{job="cadvisor"} == 1`:            false,
		} {
			got, err := db.QueryVector(t.Context(), expr, w.Now())
			if err != nil {
				t.Fatal(err)
			}
			if (len(got) == 0) != missing {
				t.Fatalf("%s at %v: %v, missing should be %v", expr, w.Now(), got, missing)
			}
		}
		if _, err := view.Query(t.Context(), metricnames.IngressRequests, w.Now()); (err != nil) != out {
			t.Fatalf("the shared store at %v: %v", w.Now(), err)
		}
	})
	if down != 80 || up == 0 {
		t.Errorf("%d scrapes failed, %d did not", down, up)
	}
}
