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

type podSeries struct{ gauges []gauge }

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
			if p.Phase < sim.Starting && e.keep != nil {
				continue // nothing of it is scraped yet
			}
			var err error
			if ps, err = e.podSeries(p); err != nil {
				return err
			}
			e.pods[p] = ps
			e.order = append(e.order, p)
		}
		e.seen[p] = true
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

func (e *exposer) podSeries(p *sim.Pod) (*podSeries, error) {
	ps := &podSeries{}
	pod := []promdb.Label{{Name: "namespace", Value: namespace}, {Name: "pod", Value: p.Name}}
	with := func(ls ...promdb.Label) []promdb.Label { return append(append([]promdb.Label(nil), pod...), ls...) }
	container := with(promdb.Label{Name: "container", Value: e.app})
	var err error
	add := func(name string, ls []promdb.Label, read func() float64) {
		if err != nil || !e.keep.keeps(name) {
			return
		}
		var s *promdb.Series
		if s, err = e.db.Series(name, ls...); err == nil {
			ps.gauges = append(ps.gauges, gauge{s, read})
		}
	}
	add(containerCPU, container, func() float64 { return p.CPUSeconds })
	add(containerMemory, container, func() float64 { return e.world.Memory(p) })
	add(networkReceive, pod, p.ReceivedBytes)
	add(networkTransmit, pod, p.SentBytes)
	add(packetsReceive, pod, func() float64 { return math.Floor(p.ReceivedPackets()) })
	add(packetsTransmit, pod, func() float64 { return math.Floor(p.SentPackets()) })
	add(podReady, with(promdb.Label{Name: "condition", Value: "true"}), func() float64 { return truth(p.Phase == sim.Ready) })
	add(podPhase, with(promdb.Label{Name: "phase", Value: "Pending"}), func() float64 { return truth(p.Phase < sim.Starting) })
	add(podPhase, with(promdb.Label{Name: "phase", Value: "Running"}), func() float64 { return truth(p.Phase >= sim.Starting) })
	requestCPU, requestBytes := e.world.Requests()
	add(podRequests, append(container, promdb.Label{Name: "resource", Value: "cpu"}, promdb.Label{Name: "unit", Value: "core"}),
		func() float64 { return float64(requestCPU) / 1000 })
	add(podRequests, append(container, promdb.Label{Name: "resource", Value: "memory"}, promdb.Label{Name: "unit", Value: "byte"}),
		func() float64 { return float64(requestBytes) })
	e.addService(add, with, p)
	return ps, err
}

// addService adds what the application itself exposes: completions by status code,
// their duration, and requests in flight.
func (e *exposer) addService(add func(string, []promdb.Label, func() float64), with func(...promdb.Label) []promdb.Label, p *sim.Pod) {
	for _, c := range []struct {
		code string
		read func() float64
	}{
		{"200", func() float64 { return p.Completed[sim.Good] + p.Completed[sim.Late] }},
		{"500", func() float64 { return p.Completed[sim.Failed] }},
		{"503", func() float64 { return p.Shed }},
		{"504", func() float64 { return p.Completed[sim.TimedOut] }},
	} {
		add(httpRequests, with(promdb.Label{Name: "code", Value: c.code}), func() float64 { return math.Floor(c.read()) })
	}
	add(httpInFlight, with(), p.InFlight)
	if p.Latencies == nil {
		return
	}
	for _, le := range durationBounds {
		add(httpDuration+"_bucket", with(promdb.Label{Name: "le", Value: strconv.FormatFloat(le, 'g', -1, 64)}),
			func() float64 { return math.Floor(p.Latencies.Within(time.Duration(le * float64(time.Second)))) })
	}
	count := func() float64 { return math.Floor(p.Latencies.Total()) }
	add(httpDuration+"_bucket", with(promdb.Label{Name: "le", Value: "+Inf"}), count)
	add(httpDuration+"_count", with(), count)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
