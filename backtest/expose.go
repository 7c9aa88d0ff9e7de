package backtest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// A catalog says which metric names are kept; nil keeps all.
type catalog map[string]bool

func (c catalog) keeps(name string) bool { return c == nil || c[name] }

// keepsAny reports whether any series of a metric is kept.
func (c catalog) keepsAny(name string) bool {
	return c.keeps(name) || c.keeps(name+metricnames.Bucket) || c.keeps(name+metricnames.Sum) || c.keeps(name+metricnames.Count)
}

// An exposer writes what the world exposes into a database, once a scrape.
type exposer struct {
	env            *env
	world          *sim.World
	db             *promdb.DB
	keep           catalog
	namespace, app string
	out            outages
	unheard        []podOutage
	offered        *offered // what the ingress counts

	fixed  []*seriesSet // what lives as long as the world
	nodes  []sim.Node   // at the scrape; empty where no metric of nodes is kept
	pods   map[*sim.Pod]*podSeries
	order  []*sim.Pod // of pods, to leave in a fixed order
	seen   map[*sim.Pod]bool
	before []func(now time.Time) // what has to be worked out before a scrape
	missed bool                  // Prometheus was down at the last one
	err    error
}

// A seriesSet are series of one target: they come, fail and go together.
type seriesSet struct {
	job    string
	lost   func() bool // its target has gone with its node; nil: it has none
	gauges []gauge
}

// A gauge is a series and the figure it shows; NaN shows none.
type gauge struct {
	series *promdb.Series
	read   func() float64
	shown  bool // its newest sample is a figure
}

// append adds a sample of every series, or ends them where the target is down.
func (s *seriesSet) append(db *promdb.DB, now time.Time, down bool) error {
	for i := range s.gauges {
		g := &s.gauges[i]
		v := math.NaN()
		if !down {
			v = g.read()
		}
		var err error
		switch {
		case !math.IsNaN(v):
			g.shown = true
			err = db.Append(g.series, now, v)
		case g.shown:
			g.shown = false
			err = db.Stale(g.series, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget makes the set new to a Prometheus that comes back: what it does not find then it has
// never seen, and ends no series for it.
func (s *seriesSet) forget() {
	for i := range s.gauges {
		s.gauges[i].shown = false
	}
}

// An adder adds series to a set where they are kept; its first error stays.
type adder struct {
	*exposer
	set    *seriesSet
	labels []promdb.Label
	err    error
}

func label(name, value string) promdb.Label { return promdb.Label{Name: name, Value: value} }

func (a *adder) add(name string, read func() float64, more ...promdb.Label) {
	if a.err != nil || !a.keep.keeps(name) {
		return
	}
	ls := make([]promdb.Label, 0, len(a.labels)+len(more))
	ls = append(append(ls, a.labels...), more...)
	var s *promdb.Series
	if s, a.err = a.db.Series(name, ls...); a.err == nil {
		a.set.gauges = append(a.set.gauges, gauge{series: s, read: read})
	}
}

// addOneOf adds a series for each state, of which the one that is is 1.
func (a *adder) addOneOf(name, key string, states []string, is func() string, more ...promdb.Label) {
	for _, state := range states {
		a.add(name, func() float64 {
			now := is()
			if now == "" {
				return math.NaN()
			}
			return truth(now == state)
		}, append([]promdb.Label{label(key, state)}, more...)...)
	}
}

// conditionStates are the statuses that a condition of Kubernetes may have.
var conditionStates = []string{"true", "false", "unknown"}

func conditionState(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

// newSet returns a set that lives as long as the world.
func (e *exposer) newSet(job string, labels ...promdb.Label) *adder {
	s := &seriesSet{job: job}
	e.fixed = append(e.fixed, s)
	return &adder{exposer: e, set: s, labels: labels}
}

// addUp adds what Prometheus itself says of a target.
func (e *exposer) addUp(set, target *seriesSet, job, instance string, more ...promdb.Label) error {
	a := &adder{exposer: e, set: set, labels: append([]promdb.Label{label("job", job), label("instance", instance)}, more...)}
	a.add(metricnames.Up, func() float64 { return truth(!e.down(target, e.world.Now())) })
	return a.err
}

// silent reports whether the application in a pod does not answer.
func (e *exposer) silent(p *sim.Pod) bool {
	now := e.world.Now()
	return p.Lost || slices.ContainsFunc(e.unheard, func(o podOutage) bool {
		return !now.Before(o.from) && now.Before(o.until) && o.hits(p)
	})
}

// down reports whether the target of a set does not answer.
func (e *exposer) down(s *seriesSet, now time.Time) bool {
	return e.out.down(s.job, now) || s.lost != nil && s.lost()
}

func newExposer(e *env, set setup, w *sim.World, out outages, db *promdb.DB, keep catalog) (*exposer, *watchers, error) {
	x := &exposer{
		env: e, world: w, out: out, db: db, keep: keep, namespace: e.namespace, app: e.app, offered: newOffered(e.load),
		pods: map[*sim.Pod]*podSeries{}, seen: map[*sim.Pod]bool{},
	}
	for _, add := range []func() error{x.addIngress, x.addDeployment, x.addNodes} {
		if err := add(); err != nil {
			return nil, nil, err
		}
	}
	watched, err := x.addControllers(set)
	return x, watched, err
}

// scrape appends one sample of everything; the first error stays.
func (e *exposer) scrape() {
	if e.err != nil {
		return
	}
	if e.out.prometheus(e.world.Now()) {
		e.missed = true
		return
	}
	if e.missed {
		e.missed = false
		e.forget()
	}
	if err := e.append(); err != nil {
		e.err = fmt.Errorf("scrape at %s: %w", e.world.Now().UTC().Format(time.RFC3339), err)
	}
}

// forget makes everything new to a Prometheus that was down.
func (e *exposer) forget() {
	for _, s := range e.fixed {
		s.forget()
	}
	for _, p := range e.order {
		for _, s := range e.pods[p].all() {
			s.forget()
		}
	}
}

func (e *exposer) append() error {
	now := e.world.Now()
	for _, do := range e.before {
		do(now)
	}
	for _, s := range e.fixed {
		if err := s.append(e.db, now, e.down(s, now)); err != nil {
			return err
		}
	}
	for _, p := range e.world.Pods() {
		e.seen[p] = true
		if err := e.appendPod(p, now); err != nil {
			return err
		}
	}
	return e.endPods(now)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unix is an instant as kube-state-metrics shows it, in whole seconds; NaN: not yet.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.Unix())
}
