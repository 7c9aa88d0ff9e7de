package backtest

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/sim"
)

// A harm is what a fault does.
type harm struct {
	kind     string
	job      string        // of a scrape-outage; empty: Prometheus itself
	share    float64       // 0: one, or all, as the kind has it; of a scrape-outage: of the pods
	factor   float64       // of a slow-start
	stage    string        // of a slow-start; empty: all of it
	delay    time.Duration // of a scrape-lag
	requests string        // of api-errors
}

// A plannedFault is a fault of the experiment: at a time, or so often a day.
type plannedFault struct {
	harm
	at     time.Duration // since the start of the load
	perDay float64       // 0: once, at at
	lasts  time.Duration
}

// A fault is one that happens, under one seed and whatever the policy.
type fault struct {
	harm
	at  time.Duration
	end time.Duration // at, where it does not last
}

// planFaults reads the faults of an experiment for this load.
func (e *env) planFaults(spec *v1alpha1.ExperimentSpec) error {
	if err := spec.FaultsWithin(e.recorded.Name, e.load.Start, e.load.End()); err != nil {
		return err
	}
	for i := range spec.Cluster.Faults {
		f := &spec.Cluster.Faults[i]
		p := plannedFault{perDay: f.PerDay.Or(0), lasts: f.Duration.Duration, harm: harm{
			kind: f.Kind, job: f.Job, share: f.Share.Or(0),
			factor: f.Factor.Or(0), stage: f.Stage, delay: f.Delay.Duration,
		}}
		if f.Kind == v1alpha1.FaultAPIErrors {
			p.requests = cmp.Or(f.Requests, v1alpha1.RequestsWrites)
		}
		if f.At != "" {
			var err error
			if p.at, err = f.When(e.load.Start); err != nil {
				return err
			}
		}
		e.faults = append(e.faults, p)
	}
	return nil
}

// faultsOf returns the faults that happen under a seed, in order of time.
func (e *env) faultsOf(seed uint64) []fault {
	length := e.load.End().Sub(e.load.Start)
	var all []fault
	for i, p := range e.faults {
		times := []time.Duration{p.at}
		if p.perDay > 0 {
			times = sim.RandomTimes(seed, "fault", uint64(i), p.perDay, length)
		}
		for _, at := range times {
			// To the second: what a log of the cluster would show.
			at = at.Truncate(time.Second)
			all = append(all, fault{harm: p.harm, at: at, end: min(at+p.lasts, length)})
		}
	}
	slices.SortStableFunc(all, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return all
}

// randomScrapes reports whether it depends on the seed which scrapes fail.
func (e *env) randomScrapes() bool {
	return slices.ContainsFunc(e.faults, func(p plannedFault) bool {
		return p.kind == v1alpha1.FaultScrapeOutage && p.perDay > 0
	})
}

// shown are the faults of a seed as the result has them.
func (e *env) shown(seed uint64) []result.Fault {
	var out []result.Fault
	for _, f := range e.faultsOf(seed) {
		out = append(out, result.Fault{
			Kind: f.kind, Start: e.load.Start.Add(f.at).UTC(), End: e.load.Start.Add(f.end).UTC(),
			Description: f.words(), Job: f.job, Share: f.share,
			Factor: f.factor, Stage: f.stage, DelaySeconds: f.delay.Seconds(), Requests: f.requests,
		})
	}
	return out
}

// words say what happens.
func (f *harm) words() string {
	some := func(one, all string) string {
		if f.share == 0 {
			return one
		}
		return percent(f.share, 2) + " of the " + all
	}
	switch f.kind {
	case v1alpha1.FaultScrapeOutage:
		switch {
		case f.partial():
			return percent(f.share, 2) + " of the pods do not answer Prometheus"
		case f.job != "":
			return "the targets of " + f.job + " do not answer"
		}
		return "Prometheus is down"
	case v1alpha1.FaultMetricsOutage:
		return "metrics-server is down"
	case v1alpha1.FaultPodRestart:
		return "crash of " + some("a pod", "ready pods")
	case v1alpha1.FaultNodeLoss:
		return "loss of " + some("a node", "nodes")
	case v1alpha1.FaultRollout:
		return "rollout of a new version"
	case v1alpha1.FaultSlowStart:
		return f.slowStart()
	case v1alpha1.FaultScrapeLag:
		return "samples are seen " + words(f.delay) + " late"
	case v1alpha1.FaultAPIErrors:
		partly := f.share > 0 && f.share < 1
		switch reads := f.requests == v1alpha1.RequestsAll; {
		case partly && reads:
			return "the API server refuses " + percent(f.share, 2) + " of what reads or changes the scale"
		case partly:
			return "the API server refuses " + percent(f.share, 2) + " of the changes of the scale"
		case reads:
			return "the API server refuses what reads or changes the scale"
		}
		return "the API server refuses changes of the scale"
	}
	return f.kind
}

// partial reports a scrape-outage of some of the pods.
func (f *harm) partial() bool {
	return f.kind == v1alpha1.FaultScrapeOutage && f.share > 0 && f.share < 1
}

func (f *harm) slowStart() string {
	times := strconv.FormatFloat(f.factor, 'g', -1, 64) + " times as long"
	where := ""
	if f.share > 0 && f.share < 1 {
		where = " on " + percent(f.share, 2) + " of the nodes"
	}
	switch f.stage {
	case v1alpha1.StagePull:
		return "pulling an image takes " + times + where
	case v1alpha1.StageStart:
		return "containers take " + times + " until they are ready" + where
	}
	return "pods take " + times + " until they are ready" + where
}

// worldly are the faults that the world itself meets.
var worldly = map[string]sim.FaultKind{
	v1alpha1.FaultMetricsOutage: sim.MetricsOutage,
	v1alpha1.FaultPodRestart:    sim.PodRestart,
	v1alpha1.FaultNodeLoss:      sim.NodeLoss,
	v1alpha1.FaultRollout:       sim.Rollout,
	v1alpha1.FaultSlowStart:     sim.SlowStart,
}

var stages = map[string]sim.Stage{v1alpha1.StagePull: sim.PullStage, v1alpha1.StageStart: sim.StartStage}

// inWorld returns those faults that the world itself meets; the others are its observers'.
func (e *env) inWorld(all []fault) []sim.Fault {
	var out []sim.Fault
	for _, f := range all {
		if kind, ok := worldly[f.kind]; ok {
			out = append(out, sim.Fault{Kind: kind, At: f.at, For: f.end - f.at, Share: f.share, Factor: f.factor, Stage: stages[f.stage]})
		}
	}
	return out
}

// hitsOf says which of all faults met what, of those that the world met.
func hitsOf(seed uint64, all []fault, met []sim.Hit) []result.Hit {
	var places []int // of the world's faults among all
	for i, f := range all {
		if _, ok := worldly[f.kind]; ok {
			places = append(places, i)
		}
	}
	var out []result.Hit
	for _, h := range met {
		out = append(out, result.Hit{Seed: seed, Fault: places[h.Fault], Nodes: h.Nodes, Pods: append([]string{}, h.Pods...)})
	}
	return out
}

// outages are the times in which Prometheus cannot scrape the targets of a job, or, with no
// name of a job, is down itself: it scrapes nothing, evaluates no rule and answers no query. Those
// of a job are in order of time and apart, as every scrape of every target asks for them.
type outages map[string][]outage

type outage struct{ from, until time.Time }

// outagesOf returns the outages among faults, which are in order of time.
func (e *env) outagesOf(all []fault) outages {
	out := outages{}
	for _, f := range all {
		if f.kind != v1alpha1.FaultScrapeOutage || f.partial() {
			continue
		}
		next := outage{e.load.Start.Add(f.at), e.load.Start.Add(f.end)}
		before := out[f.job]
		if n := len(before); n > 0 && !next.from.After(before[n-1].until) {
			if next.until.After(before[n-1].until) {
				before[n-1].until = next.until
			}
			continue
		}
		out[f.job] = append(before, next)
	}
	return out
}

// down reports whether scrapes of a job fail at an instant.
func (o outages) down(job string, at time.Time) bool {
	all := o[job]
	i := sort.Search(len(all), func(i int) bool { return at.Before(all[i].until) })
	return i < len(all) && !at.Before(all[i].from)
}

// prometheus reports whether Prometheus itself is down.
func (o outages) prometheus(at time.Time) bool { return o.down("", at) }

// A podOutage is a time in which Prometheus cannot scrape some of the pods.
type podOutage struct {
	outage
	hits func(p *sim.Pod) bool
}

// podOutagesOf returns those among faults. Each pod is hit or not by a draw of its own: the
// n-th is, or is not, under every policy.
func (e *env) podOutagesOf(seed uint64, all []fault) []podOutage {
	var out []podOutage
	for i, f := range all {
		if f.partial() {
			out = append(out, podOutage{
				outage{e.load.Start.Add(f.at), e.load.Start.Add(f.end)},
				func(p *sim.Pod) bool { return sim.Chance(seed, "scrapes of "+p.Name, uint64(i)) < f.share },
			})
		}
	}
	return out
}
