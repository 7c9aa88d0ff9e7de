package backtest

import (
	"math"
	"strconv"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/sim"
)

// durationBounds are the bucket bounds of metricnames.HTTPDuration, in seconds, and
// queryBounds those of metricnames.DBQueryDuration.
var (
	durationBounds = []float64{0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	queryBounds    = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1}
)

// durations is the histogram of a pod's response times since its start.
type durations struct {
	pod       *sim.Pod
	restarts  int            // of the pod, at the last scrape
	latencies *sim.Latencies // since the last scrape
	within    []float64      // by durationBounds
	count     float64
	sum       float64 // seconds
}

// take adds what came since the last scrape: to work out the whole again at every
// scrape would cost more than all the rest of it.
func (d *durations) take() {
	if d.restarts != d.pod.Restarts {
		clear(d.within)
		d.restarts, d.count, d.sum = d.pod.Restarts, 0, 0
	}
	for i, le := range durationBounds {
		d.within[i] += d.latencies.Within(time.Duration(le * float64(time.Second)))
	}
	d.count += d.latencies.Total()
	d.sum += d.latencies.Sum()
	d.latencies.Reset()
}

// addApplication adds what the application itself exposes.
func (e *exposer) addApplication(ps *podSeries, p *sim.Pod) error {
	a := e.newPodSet(ps, metricnames.JobApp, p)
	for _, c := range []struct {
		code string
		read func() float64
	}{
		{"200", func() float64 { return p.Completed[sim.Good] + p.Completed[sim.Late] }},
		{"500", func() float64 { return p.Completed[sim.Failed] }},
		{"503", func() float64 { return p.Shed }},
		{"504", func() float64 { return p.Completed[sim.TimedOut] }},
	} {
		a.add(metricnames.HTTPRequests, func() float64 { return math.Floor(c.read()) }, label("code", c.code))
	}
	a.add(metricnames.HTTPInFlight, p.InFlight)
	a.add(metricnames.HTTPQueued, func() float64 { return e.world.Queued(p) })
	a.add(metricnames.HTTPConnections, p.Connections)
	a.add(metricnames.CacheHits, p.CacheHits)
	a.add(metricnames.CacheMisses, p.CacheMisses)
	a.add(metricnames.Transactions, p.Transactions, label("type", "checkout"))
	a.addQueries(p)
	a.addCalls(p)
	a.addDurations(ps, p)
	return a.err
}

func bound(le float64) string { return strconv.FormatFloat(le, 'g', -1, 64) }

// addQueries adds the histogram of the database's queries, which all take the same time.
func (a *adder) addQueries(p *sim.Pod) {
	each := a.world.QueryTime().Seconds()
	for _, le := range queryBounds {
		a.add(metricnames.DBQueryDuration+metricnames.Bucket, func() float64 { return p.Queries() * truth(each <= le) }, label("le", bound(le)))
	}
	a.add(metricnames.DBQueryDuration+metricnames.Bucket, p.Queries, label("le", "+Inf"))
	a.add(metricnames.DBQueryDuration+metricnames.Count, p.Queries)
	a.add(metricnames.DBQueryDuration+metricnames.Sum, func() float64 { return p.Queries() * each })
}

// addCalls adds the summary of the calls of another service, which all take the same
// time. It has no quantiles before the first call.
func (a *adder) addCalls(p *sim.Pod) {
	each := a.world.CallTime().Seconds()
	for _, q := range []string{"0.5", "0.95", "0.99"} {
		a.add(metricnames.ExternalDuration, func() float64 {
			if p.Queries() == 0 {
				return math.NaN()
			}
			return each
		}, label("quantile", q))
	}
	a.add(metricnames.ExternalDuration+metricnames.Count, p.Queries)
	a.add(metricnames.ExternalDuration+metricnames.Sum, func() float64 { return p.Queries() * each })
}

func (a *adder) addDurations(ps *podSeries, p *sim.Pod) {
	name := metricnames.HTTPDuration
	if p.Latencies == nil || !a.keep.keepsAny(name) {
		return
	}
	d := &durations{pod: p, restarts: p.Restarts, latencies: p.Latencies, within: make([]float64, len(durationBounds))}
	ps.durations = d
	for i, le := range durationBounds {
		a.add(name+metricnames.Bucket, func() float64 { return math.Floor(d.within[i]) }, label("le", bound(le)))
	}
	count := func() float64 { return math.Floor(d.count) }
	a.add(name+metricnames.Bucket, count, label("le", "+Inf"))
	a.add(name+metricnames.Count, count)
	a.add(name+metricnames.Sum, func() float64 { return d.sum })
}
