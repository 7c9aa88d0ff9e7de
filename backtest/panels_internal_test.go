package backtest

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/grafana"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// panelLines is what the simulator says a panel shows, by the name of the line.
type panelLines map[string]float64

// A scene is the world at a scrape.
type scene struct {
	at          time.Time
	spec        int32
	status      int32
	ready       int32
	pods        []podScene
	nodes       []sim.Node
	nodesReady  int
	failed      map[string]float64 // targets that do not answer, by job
	arrived     float64
	requestsCPU float64
	requestsMem float64
}

type podScene struct {
	name                        string
	restarts                    int
	pending, placed, ready      bool
	created, started, readyAt   float64 // s since 1970
	lost, running               bool
	memory, queued, inFlight    float64
	connections, calls          float64
	cpu, received, sent         float64
	receivedPackets             float64
	sentPackets                 float64
	disk                        sim.Consumption
	hits, lookups, transactions float64
	codes                       map[string]float64
}

func (s *scene) take(w *sim.World) {
	*s = scene{at: w.Now(), ready: w.Ready(), nodes: w.Nodes(nil), failed: map[string]float64{}, arrived: math.Floor(w.Totals().Offered)}
	s.spec, s.status = w.Scale()
	milli, bytes := w.Requests()
	s.requestsCPU, s.requestsMem = float64(milli)/1000, float64(bytes)
	for i := range s.nodes {
		if lost, known := w.NodeLost(i); lost {
			s.failed[metricnames.JobNodeExporter]++
			s.failed[metricnames.JobCAdvisor]++
			if known {
				s.nodesReady--
			}
		}
		s.nodesReady++
	}
	for _, p := range w.Pods() {
		one := podScene{
			name: p.Name, restarts: p.Restarts, pending: p.Phase < sim.Starting, running: p.Phase >= sim.Starting && !p.Lost, placed: !p.Started.IsZero(),
			ready: !p.ReadyAt.IsZero(), created: float64(p.Created.Unix()), started: float64(p.Started.Unix()), readyAt: float64(p.ReadyAt.Unix()), lost: p.Lost,
		}
		if p.Phase >= sim.Starting && p.Lost {
			s.failed[metricnames.JobApp]++
		}
		if one.running {
			one.memory, one.queued, one.inFlight, one.connections = w.Memory(p), w.Queued(p), p.InFlight(), p.Connections()
			one.cpu, one.received, one.sent = p.CPUSeconds, p.ReceivedBytes(), p.SentBytes()
			one.receivedPackets, one.sentPackets = math.Floor(p.ReceivedPackets()), math.Floor(p.SentPackets())
			one.disk = w.Consumption(p)
			one.hits, one.lookups, one.transactions, one.calls = p.CacheHits(), p.CacheHits()+p.CacheMisses(), p.Transactions(), p.Queries()
			one.codes = map[string]float64{
				"200": math.Floor(p.Completed[sim.Good] + p.Completed[sim.Late]), "500": math.Floor(p.Completed[sim.Failed]),
				"503": math.Floor(p.Shed), "504": math.Floor(p.Completed[sim.TimedOut]),
			}
		}
		s.pods = append(s.pods, one)
	}
}

// settled reports whether the same containers ran, on nodes that all answered, from one scene to the other: then a
// rate is the difference over the time between them.
func settled(all []scene) bool {
	same := func(a, b podScene) bool {
		return a.name == b.name && a.restarts == b.restarts && a.running && b.running
	}
	for i := range all {
		if !slices.EqualFunc(all[0].pods, all[i].pods, same) || len(all[i].failed) > 0 {
			return false
		}
	}
	return true
}

func total(pods []podScene, of func(podScene) float64) (sum float64) {
	for _, p := range pods {
		sum += of(p)
	}
	return sum
}

// gauges are the panels that show the last scrape.
func (s *scene) gauges(e *env, price float64) map[string]panelLines {
	count := func(is func(podScene) bool) float64 {
		return total(s.pods, func(p podScene) float64 { return truth(is(p)) })
	}
	var toReady, toNode, memories, queues []float64
	for _, p := range s.pods {
		if p.ready && p.restarts == 0 {
			toReady = append(toReady, p.readyAt-p.created)
		}
		if p.placed {
			toNode = append(toNode, p.started-p.created)
		}
		if p.running {
			memories, queues = append(memories, p.memory), append(queues, p.queued)
		}
	}
	for _, values := range [][]float64{toReady, toNode, memories, queues} {
		slices.Sort(values)
	}
	phases := panelLines{"Running": count(func(p podScene) bool { return !p.pending })}
	if n := count(func(p podScene) bool { return p.pending }); n > 0 {
		phases["Pending"] = n
	}
	if phases["Running"] == 0 {
		delete(phases, "Running")
	}
	nodes, allocatable := float64(len(s.nodes)), 0.0
	memory, disk := panelLines{}, panelLines{}
	for _, n := range s.nodes {
		allocatable += float64(n.Bytes)
		if !n.Down {
			memory[n.Name] = 1 - (float64(n.Bytes)-n.Memory)/(float64(n.Bytes)+sim.SystemBytes)
			disk[n.Name+" /"] = (sim.SystemDiskBytes + n.DiskBytes) / sim.NodeDiskBytes
		}
	}
	all := float64(len(s.pods))
	placed := count(func(p podScene) bool { return p.placed })
	down := panelLines{}
	for _, job := range v1alpha1.ScrapeJobs() {
		down[job] = s.failed[job]
	}
	if count(func(p podScene) bool { return !p.pending }) == 0 {
		delete(down, metricnames.JobApp)
	}
	out := map[string]panelLines{
		"Ready":                          {"": float64(s.ready)},
		"Cost an hour":                   {"": float64(s.status) * price},
		"Replicas":                       {"asked for": float64(s.spec), "ready": float64(s.ready)},
		"Would do, and runs":             {"runs": float64(s.spec)},
		"From created to ready":          quantiles(toReady, "slowest", "median"),
		"Pods by phase":                  phases,
		"Scheduling time":                quantiles(toNode, "slowest", "median"),
		"Memory":                         {"requested": all * s.requestsMem},
		"CPU":                            {"requested": all * s.requestsCPU, "limit": all * float64(e.limitMilliCPU) / 1000},
		"CPU of a pod":                   {"limit": float64(e.limitMilliCPU) / 1000},
		"Requested cores":                {"requested by pods": placed * s.requestsCPU, "for pods": 4 * nodes, "of the nodes": 4 * nodes},
		"Requested memory":               {"requested by pods": placed * s.requestsMem, "for pods": allocatable, "of the nodes": allocatable + nodes*sim.SystemBytes},
		"Nodes":                          {"exist": nodes, "ready": float64(s.nodesReady)},
		"Memory of nodes":                memory,
		"File systems of nodes":          disk,
		"Targets that cannot be scraped": down,
		"In flight, and waiting":         {},
		"Connections":                    {},
		"Longest queue of a pod":         {},
		"Memory of a pod":                {"limit": float64(e.limitBytes)},
	}
	if len(memories) > 0 {
		out["Memory"]["used"] = total(s.pods, func(p podScene) float64 { return p.memory })
		maps.Copy(out["Memory of a pod"], quantiles(memories, "largest", "median"))
		out["In flight, and waiting"] = panelLines{
			"in flight": total(s.pods, func(p podScene) float64 { return p.inFlight }), "waiting": total(s.pods, func(p podScene) float64 { return p.queued }),
		}
		out["Connections"][""] = total(s.pods, func(p podScene) float64 { return p.connections })
		out["Longest queue of a pod"][""] = queues[len(queues)-1]
	}
	return out
}

// quantiles are the highest and the median of sorted values, as PromQL has it: between the two in the middle.
func quantiles(sorted []float64, highest, median string) panelLines {
	n := len(sorted)
	if n == 0 {
		return panelLines{}
	}
	return panelLines{highest: sorted[n-1], median: (sorted[(n-1)/2] + sorted[n/2]) / 2}
}

// rate is that of a counter with a sample at the first and the last scene, and between, of a window that begins
// before the first and ends after the last: Prometheus draws the line on to both ends, but not below zero.
func rate(first, last float64, from, to time.Time, window time.Duration) float64 {
	rise, sampled := last-first, to.Sub(from).Seconds()
	if rise == 0 {
		return 0
	}
	start, end := window.Seconds()-sampled-decisionPhase.Seconds(), decisionPhase.Seconds()
	return rise * (sampled + min(start, sampled*first/rise) + end) / sampled / window.Seconds()
}

// rates are the panels of what happened from one scene to another in which the same containers ran.
func rates(from, to *scene, window time.Duration, w *sim.World) map[string]panelLines {
	each := func(first, last float64) float64 { return rate(first, last, from.at, to.at, window) }
	sum := func(of func(podScene) float64) (all float64) {
		for i, p := range to.pods {
			all += each(of(from.pods[i]), of(p))
		}
		return all
	}
	var cpus []float64
	codes := panelLines{}
	for i, p := range to.pods {
		cpus = append(cpus, each(from.pods[i].cpu, p.cpu))
		for code, n := range p.codes {
			codes[code] += each(from.pods[i].codes[code], n)
		}
	}
	slices.Sort(cpus)
	answered := codes["200"] + codes["500"] + codes["503"] + codes["504"]
	delete(codes, "200")
	cores := sum(func(p podScene) float64 { return p.cpu })
	transactions := sum(func(p podScene) float64 { return p.transactions })
	lookups := sum(func(p podScene) float64 { return p.lookups })
	node := func(of func(sim.Consumption) float64) (n float64) {
		for i := range to.nodes {
			n += each(of(from.nodes[i].Used), of(to.nodes[i].Used))
		}
		return n
	}
	busy := panelLines{}
	for i, n := range to.nodes {
		used := (n.Used.CPUSeconds - from.nodes[i].Used.CPUSeconds) / to.at.Sub(from.at).Seconds()
		busy[n.Name] = (used + sim.SystemCores) / 4
	}
	wait, call := w.QueryTime().Seconds(), w.CallTime().Seconds()
	// Within its bucket a histogram knows no more than that values are spread evenly.
	i := slices.IndexFunc(queryBounds, func(le float64) bool { return wait <= le })
	query := func(q float64) float64 { return queryBounds[i-1] + q*(queryBounds[i]-queryBounds[i-1]) }
	return map[string]panelLines{
		"Rate":                          {"answered": answered, "arrived": each(from.arrived, to.arrived)},
		"Errors by code":                codes,
		"Transactions":                  {"checkout": transactions},
		"Transactions for each request": {"": transactions / answered},
		"Cache hits":                    {"": sum(func(p podScene) float64 { return p.hits }) / lookups},
		"Database queries":              {"p50": query(0.5), "p95": query(0.95), "p99": query(0.99)},
		"Calls of other services":       {"mean": call, "p99": call},
		"CPU":                           {"used": cores},
		"CPU of a pod":                  {"busiest": cpus[len(cpus)-1], "median": (cpus[(len(cpus)-1)/2] + cpus[len(cpus)/2]) / 2, "idlest": cpus[0]},
		"Requested CPU that is used":    {"": cores / (float64(len(to.pods)) * to.requestsCPU)},
		"Network":                       {"received": sum(func(p podScene) float64 { return p.received }), "sent": sum(func(p podScene) float64 { return p.sent })},
		"Packets":                       {"received": sum(func(p podScene) float64 { return p.receivedPackets }), "sent": sum(func(p podScene) float64 { return p.sentPackets })},
		"Disk":                          {"read": sum(func(p podScene) float64 { return p.disk.ReadBytes }), "written": sum(func(p podScene) float64 { return p.disk.WrittenBytes })},
		"Disk operations":               {"reads": sum(func(p podScene) float64 { return p.disk.Reads }), "writes": sum(func(p podScene) float64 { return p.disk.Writes })},
		"CPU of nodes":                  busy,
		"Network of nodes":              {"received": node(func(c sim.Consumption) float64 { return c.ReceivedBytes }), "sent": node(func(c sim.Consumption) float64 { return c.SentBytes })},
		"Disk of nodes":                 {"read": node(func(c sim.Consumption) float64 { return c.ReadBytes }), "written": node(func(c sim.Consumption) float64 { return c.WrittenBytes })},
		"Disk operations of nodes":      {"reads": node(func(c sim.Consumption) float64 { return c.Reads }), "writes": node(func(c sim.Consumption) float64 { return c.Writes })},
	}
}

// A panelCheck compares panels with what the simulator says, and counts the lines.
type panelCheck struct {
	values   map[string]string // of the dashboards' variables
	compared map[string]int    // by panel and line
}

// lines are what a query of a panel shows at an instant.
func (c *panelCheck) lines(t *testing.T, q grafana.Query, db *promdb.DB, at time.Time) panelLines {
	t.Helper()
	answer, err := db.QueryVector(context.WithoutCancel(t.Context()), grafana.Fill(q.Expr, c.values), at)
	if err != nil {
		t.Fatalf("%s: %v", q.Expr, err)
	}
	out := panelLines{}
	for _, s := range answer {
		labels := map[string]string{}
		for _, l := range s.Labels {
			labels[l.Name] = l.Value
		}
		delete(labels, "policy") // of one
		out[grafana.Name(q.Legend, labels)] = s.Value
	}
	return out
}

// look compares what panels show at an instant with what they should, which may be about as much off.
// A line that is NaN must not be there. whole are panels that must show nothing else.
func (c *panelCheck) look(t *testing.T, db *promdb.DB, at time.Time, want map[string]panelLines, about func(title, line string) float64, whole func(title string) bool) {
	t.Helper()
	for _, p := range grafana.Panels() {
		if p.Board == "hindcast-backtest" || want[p.Title] == nil {
			continue
		}
		got := panelLines{}
		for _, q := range p.Queries {
			maps.Copy(got, c.lines(t, q, db, at))
		}
		for name, v := range want[p.Title] {
			g, ok := got[name]
			if math.IsNaN(v) {
				if ok {
					t.Errorf("%v: %s, %q: the panel shows %v, the simulator knows of none", at, p.Title, name, g)
				}
				continue
			}
			c.compared[p.Title+"/"+name]++
			if !ok || !(math.Abs(g-v) <= 1e-9*math.Abs(v)+about(p.Title, name)) {
				t.Errorf("%v: %s, %q: the panel shows %v (%v), the simulator says %v", at, p.Title, name, g, ok, v)
			}
		}
		for name := range got {
			if _, ok := want[p.Title][name]; !ok && whole(p.Title) {
				t.Errorf("%v: %s shows %q", at, p.Title, name)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// decisions are those of a loop, as its log has them.
type decisions struct {
	part []byte // of a line
	all  []autoscaler.Record
}

func (d *decisions) Write(p []byte) (int, error) {
	d.part = append(d.part, p...)
	for {
		line, rest, ok := bytes.Cut(d.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		d.all = append(d.all, autoscaler.Record{})
		if err := json.Unmarshal(line, &d.all[len(d.all)-1]); err != nil {
			return 0, err
		}
		d.part = append(d.part[:0], rest...)
	}
}

// before are those that a scrape can have seen.
func (d *decisions) before(scrape time.Time) []autoscaler.Record {
	n := len(d.all)
	for n > 0 && !d.all[n-1].Time.Before(scrape) {
		n--
	}
	return d.all[:n]
}

// lastSet is the number that was last set, first before any was.
func lastSet(all []autoscaler.Record, first int32) float64 {
	for _, r := range slices.Backward(all) {
		switch {
		case r.Set != nil:
			return float64(*r.Set)
		case r.Scaled:
			return float64(r.Replicas)
		}
	}
	return float64(first)
}

// rounding is what figures of the same numbers in another order may differ by.
func rounding(string, string) float64 { return 1e-9 }

// TestPanelsShowTheWorld: what the panels of the dashboards of a cluster show is what the simulator counted: a cluster
// in which pods come and go, crash, and lose a node, a scaler that sees well and badly, and requests of users.
func TestPanelsShowTheWorld(t *testing.T) {
	compared, ran := map[string]int{}, 0
	scenes := map[string]func(*testing.T, map[string]int){
		"a cluster": panelsOfACluster, "a scaler": panelsOfAScaler, "users": panelsOfUsers,
	}
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			ran++
			scene(t, compared)
		})
	}
	if ran < len(scenes) || t.Failed() {
		return // Some were asked for by name.
	}
	titles := map[string]bool{}
	for key := range compared {
		titles[strings.SplitN(key, "/", 2)[0]] = true
	}
	for _, p := range grafana.Panels() {
		if p.Board != "hindcast-backtest" && !titles[p.Title] {
			t.Errorf("%s was never compared", p.Title)
		}
	}
	t.Logf("%d lines of panels were compared", len(compared))
}

// panelsOfACluster are hours in which pods come and go, crash, and lose a node.
func panelsOfACluster(t *testing.T, compared map[string]int) {
	t.Helper()
	load := days(1)
	load.Values = bursts(5)()
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.Cluster.Nodes.Count = 3
		spec.App.ErrorRate = "0.0005"
		spec.Cluster.Faults = []v1alpha1.ClusterFault{
			{Kind: v1alpha1.FaultPodRestart, At: "2h10m", Share: "0.5"},
			{Kind: v1alpha1.FaultNodeLoss, At: "3h10m", Duration: lasting(15 * time.Minute)},
		}
	})
	check := panelCheck{compared: compared, values: map[string]string{
		"namespace": e.namespace, "deployment": e.app, "scaler": e.app, "metric": "served", "horizon": "3m", "policy": ".*",
		"latency": "0.25", "objective": "0.999", "price": "0.05", "__rate_interval": "2m", "__range": "1h",
	}}
	exact := 0
	var past []scene
	specs := []int32{}
	var now scene
	hook := func(w *sim.World) {
		w.Every(e.load.Start, e.scrape, sim.Observe, func() { now.take(w) })
	}
	var raises, sizes decisions
	var scrapes []time.Time
	showHPA := func(db *promdb.DB) {
		for _, at := range scrapes {
			if seen := sizes.before(at); len(seen) > 0 {
				last := seen[len(seen)-1]
				check.look(t, db, at.Add(decisionPhase), map[string]panelLines{"The HPA": {
					"desired": float64(last.Replicas), "current": float64(last.Status), "floor": lastSet(raises.before(at), 1), "most": 20,
				}}, rounding, func(string) bool { return true })
			}
		}
	}
	watchWith(t, e, entrantNamed(t, e, "floor"), watching{hook, &raises, &sizes, showHPA}, func(_ snapshot, w *sim.World, db *promdb.DB, _ *promdb.View) {
		past, specs = append(past, now), append(specs, now.spec)
		window := int(2 * time.Minute / e.scrape) // samples within two minutes, the newest 5 s old
		if len(past) > window {
			past = past[1:]
		}
		steady := len(past) == window && settled(past)
		// Every few minutes, and whenever something is out of order.
		odd := len(now.failed) > 0 || slices.ContainsFunc(now.pods, func(p podScene) bool { return p.pending })
		if n := len(specs); n%16 != 0 && (!odd || n%4 != 0) {
			return
		}
		want := now.gauges(e, 0.05)
		changes := 0.0
		hour := specs[max(0, len(specs)-int(time.Hour/e.scrape)):]
		for i := 1; i < len(hour); i++ {
			changes += truth(hour[i] != hour[i-1])
		}
		want["Changes of size"] = panelLines{"": changes}
		scrapes = append(scrapes, now.at)
		if steady {
			exact++
			for title, f := range rates(&past[0], &now, 2*time.Minute, w) {
				if want[title] == nil {
					want[title] = panelLines{}
				}
				maps.Copy(want[title], f)
			}
		}
		if after := now.at.Sub(e.load.Start); after > 131*time.Minute && after < 190*time.Minute {
			want["Restarts"] = panelLines{"": float64(len(w.Hits()[0].Pods))}
		}
		check.look(t, db, w.Now(), want, func(title, _ string) float64 {
			if title == "Restarts" { // the increase of an hour is extrapolated
				return 0.4
			}
			return 1e-9
		}, func(title string) bool { // The other lines are not the simulator's to say.
			return title == "Nodes" || title == "Pods by phase" || strings.HasSuffix(title, "of nodes")
		})
	})
	if exact < 20 {
		t.Errorf("only %d looks at rates", exact)
	}
	for _, key := range []string{"Pods by phase/Pending", "Targets that cannot be scraped/app", "From created to ready/slowest"} {
		if compared[key] == 0 {
			t.Errorf("%s was never compared", key)
		}
	}
	t.Logf("rates were compared %d times", exact)
}
