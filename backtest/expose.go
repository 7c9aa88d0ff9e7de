package backtest

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// The names of the series that the world exposes, as a real cluster would.
const (
	ingressRequests = "nginx_ingress_controller_requests"

	containerCPU     = "container_cpu_usage_seconds_total"
	containerMemory  = "container_memory_working_set_bytes"
	networkReceive   = "container_network_receive_bytes_total"
	networkTransmit  = "container_network_transmit_bytes_total"
	packetsReceive   = "container_network_receive_packets_total"
	packetsTransmit  = "container_network_transmit_packets_total"
	podReady         = "kube_pod_status_ready"
	podPhase         = "kube_pod_status_phase"
	podRequests      = "kube_pod_container_resource_requests"
	deploymentSpec   = "kube_deployment_spec_replicas"
	deploymentStatus = "kube_deployment_status_replicas"
	deploymentReady  = "kube_deployment_status_replicas_ready"
	httpRequests     = "http_requests_total"
	httpDuration     = "http_request_duration_seconds"
	httpInFlight     = "http_requests_in_flight"
)

// durationBounds are the bucket bounds of httpDuration, in seconds.
var durationBounds = []float64{0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

const namespace = "default"

// A catalog says which metric names are kept; nil keeps all.
type catalog map[string]bool

func (c catalog) keeps(name string) bool { return c == nil || c[name] }

// An exposer writes what the world exposes into a database, once a scrape.
type exposer struct {
	world   *sim.World
	db      *promdb.DB
	keep    catalog
	app     string
	offered *offered // what the ingress counts

	ingress    *promdb.Series
	deployment []gauge
	pods       map[*sim.Pod]*podSeries
	order      []*sim.Pod // of pods, to leave in a fixed order
	seen       map[*sim.Pod]bool
	err        error
}

// A gauge is a series and the figure it shows.
type gauge struct {
	series *promdb.Series
	read   func() float64
}

// podSeries are the series of one pod: what the API server knows of it from its
// creation, what its container shows once it runs.
type podSeries struct {
	gauges    []gauge
	running   bool // those of the container are among them
	durations *durations
}

// durations is the histogram of a pod's response times since its start.
type durations struct {
	latencies *sim.Latencies // since the last scrape
	within    []float64      // by durationBounds
	count     float64
}

// take adds what came since the last scrape: to work out the whole again at every
// scrape would cost more than all the rest of it.
func (d *durations) take() {
	for i, le := range durationBounds {
		d.within[i] += d.latencies.Within(time.Duration(le * float64(time.Second)))
	}
	d.count += d.latencies.Total()
	d.latencies.Reset()
}

func newExposer(e *env, w *sim.World, db *promdb.DB, keep catalog) (*exposer, error) {
	x := &exposer{
		world: w, db: db, keep: keep, app: e.app, offered: newOffered(e.load),
		pods: map[*sim.Pod]*podSeries{}, seen: map[*sim.Pod]bool{},
	}
	var err error
	if x.ingress, err = ingressSeries(db, e.app); err != nil {
		return nil, err
	}
	deployment := []promdb.Label{{Name: "namespace", Value: namespace}, {Name: "deployment", Value: e.app}}
	for _, m := range []struct {
		name string
		read func() float64
	}{
		{deploymentSpec, func() float64 { spec, _ := w.Scale(); return float64(spec) }},
		{deploymentStatus, func() float64 { _, status := w.Scale(); return float64(status) }},
		{deploymentReady, func() float64 { return float64(w.Ready()) }},
	} {
		if !keep.keeps(m.name) {
			continue
		}
		s, err := db.Series(m.name, deployment...)
		if err != nil {
			return nil, err
		}
		x.deployment = append(x.deployment, gauge{s, m.read})
	}
	return x, nil
}

func ingressSeries(db *promdb.DB, app string) (*promdb.Series, error) {
	return db.Series(ingressRequests, promdb.Label{Name: "namespace", Value: namespace}, promdb.Label{Name: "ingress", Value: app})
}

// scrape appends one sample of everything; the first error stays.
func (e *exposer) scrape() {
	if e.err != nil {
		return
	}
	if err := e.append(); err != nil {
		e.err = fmt.Errorf("scrape at %s: %w", e.world.Now().UTC().Format(time.RFC3339), err)
	}
}

func (e *exposer) append() error {
	now := e.world.Now()
	if err := e.db.Append(e.ingress, now, math.Floor(e.offered.at(now))); err != nil {
		return err
	}
	for _, g := range e.deployment {
		if err := e.db.Append(g.series, now, g.read()); err != nil {
			return err
		}
	}
	for _, p := range e.world.Pods() {
		ps := e.pods[p]
		if ps == nil {
			ps = &podSeries{}
			if err := e.addPod(ps, p); err != nil {
				return err
			}
			e.pods[p] = ps
			e.order = append(e.order, p)
		}
		if !ps.running && p.Phase >= sim.Starting {
			ps.running = true
			if err := e.addContainer(ps, p); err != nil {
				return err
			}
		}
		e.seen[p] = true
		if ps.durations != nil {
			ps.durations.take()
		}
		for _, g := range ps.gauges {
			if err := e.db.Append(g.series, now, g.read()); err != nil {
				return err
			}
		}
	}
	return e.markStale(now)
}

// markStale ends the series of pods that are gone.
func (e *exposer) markStale(now time.Time) error {
	kept := e.order[:0]
	for _, p := range e.order {
		if e.seen[p] {
			kept = append(kept, p)
			continue
		}
		for _, g := range e.pods[p].gauges {
			if err := e.db.Stale(g.series, now); err != nil {
				return err
			}
		}
		delete(e.pods, p)
	}
	e.order = kept
	clear(e.seen)
	return e.db.Commit(now)
}

// A podAdder adds series of one pod where they are kept; its first error stays.
type podAdder struct {
	*exposer
	pod    string
	series *podSeries
	err    error
}

func (a *podAdder) add(name string, read func() float64, more ...promdb.Label) {
	if a.err != nil || !a.keep.keeps(name) {
		return
	}
	ls := append([]promdb.Label{{Name: "namespace", Value: namespace}, {Name: "pod", Value: a.pod}}, more...)
	var s *promdb.Series
	if s, a.err = a.db.Series(name, ls...); a.err == nil {
		a.series.gauges = append(a.series.gauges, gauge{s, read})
	}
}

// addPod adds the series of kube-state-metrics.
func (e *exposer) addPod(ps *podSeries, p *sim.Pod) error {
	a := &podAdder{exposer: e, pod: p.Name, series: ps}
	label := func(name, value string) promdb.Label { return promdb.Label{Name: name, Value: value} }
	a.add(podReady, func() float64 { return truth(p.Phase == sim.Ready) }, label("condition", "true"))
	a.add(podPhase, func() float64 { return truth(p.Phase < sim.Starting) }, label("phase", "Pending"))
	a.add(podPhase, func() float64 { return truth(p.Phase >= sim.Starting) }, label("phase", "Running"))
	requestCPU, requestBytes := e.world.Requests()
	a.add(podRequests, func() float64 { return float64(requestCPU) / 1000 },
		label("container", e.app), label("resource", "cpu"), label("unit", "core"))
	a.add(podRequests, func() float64 { return float64(requestBytes) },
		label("container", e.app), label("resource", "memory"), label("unit", "byte"))
	return a.err
}

// addContainer adds the series of cAdvisor, and what the application itself exposes:
// completions by status code, their duration, and requests in flight.
func (e *exposer) addContainer(ps *podSeries, p *sim.Pod) error {
	a := &podAdder{exposer: e, pod: p.Name, series: ps}
	container := promdb.Label{Name: "container", Value: e.app}
	a.add(containerCPU, func() float64 { return p.CPUSeconds }, container)
	a.add(containerMemory, func() float64 { return e.world.Memory(p) }, container)
	a.add(networkReceive, p.ReceivedBytes)
	a.add(networkTransmit, p.SentBytes)
	a.add(packetsReceive, func() float64 { return math.Floor(p.ReceivedPackets()) })
	a.add(packetsTransmit, func() float64 { return math.Floor(p.SentPackets()) })
	for _, c := range []struct {
		code string
		read func() float64
	}{
		{"200", func() float64 { return p.Completed[sim.Good] + p.Completed[sim.Late] }},
		{"500", func() float64 { return p.Completed[sim.Failed] }},
		{"503", func() float64 { return p.Shed }},
		{"504", func() float64 { return p.Completed[sim.TimedOut] }},
	} {
		a.add(httpRequests, func() float64 { return math.Floor(c.read()) }, promdb.Label{Name: "code", Value: c.code})
	}
	a.add(httpInFlight, p.InFlight)
	if p.Latencies == nil || !e.keep.keeps(httpDuration+"_bucket") && !e.keep.keeps(httpDuration+"_count") {
		return a.err
	}
	d := &durations{latencies: p.Latencies, within: make([]float64, len(durationBounds))}
	ps.durations = d
	for i, le := range durationBounds {
		a.add(httpDuration+"_bucket", func() float64 { return math.Floor(d.within[i]) },
			promdb.Label{Name: "le", Value: strconv.FormatFloat(le, 'g', -1, 64)})
	}
	count := func() float64 { return math.Floor(d.count) }
	a.add(httpDuration+"_bucket", count, promdb.Label{Name: "le", Value: "+Inf"})
	a.add(httpDuration+"_count", count)
	return a.err
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
