package backtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// A task is one run: a policy with its knob at a value, under one seed.
type task struct {
	entrant   *entrant
	value     float64
	seed      uint64
	latencies bool                   // collects response times
	timeline  *result.TimelineWriter // gets every span; nil: nobody does
	record    *recording             // nil: not recorded
	refused   func(at time.Time)     // is told of refused changes; nil: nobody is
	faults    []fault                // of the seed; run draws them
}

// An outcome of a task, in two parts: the warm-up and what is scored.
type output struct {
	past, scored scored
	latencies    *sim.Latencies // of the scored part; nil unless asked for
	samples      uint64         // appended to the run's database
	queries      int64
	silent       []string       // expressions of the policy that never had data
	alerts       []result.Alert // nil where no rules were evaluated
	rules        []promdb.GroupState
	ruleFault    error // the first that a rule failed with
	hits         []result.Hit
	ceiling      ceiling
	// faults are the shares of good requests during each fault; nil unless there is a timeline.
	faults []result.Number
}

// A recording is where the decisions and series of a run are written down.
type recording struct {
	decisions io.Writer
	hpa       io.Writer // decisions of the HPA whose floor the policy raises; nil: there is none
	tsdb      string    // folder for blocks
	keep      catalog   // nil: every metric
}

// advanced is told of simulated time that passed.
type advanced func(time.Duration)

// run carries out a task. Nothing it does depends on other tasks.
func (e *env) run(ctx context.Context, t task, progress advanced) (out output, err error) {
	set, err := t.entrant.build(t.value)
	if err != nil {
		return output{}, fmt.Errorf("policy %s: %w", t.entrant.name, err)
	}
	past := newScorer(e.load.Start, e.scoredFrom, e.objective)
	now := newScorer(e.scoredFrom, e.load.End(), e.objective)
	out.ceiling = ceiling{most: set.most(), from: e.scoredFrom}
	t.faults = e.faultsOf(t.seed)
	var during *toll
	if t.timeline != nil && len(t.faults) > 0 {
		during = e.tollOf(t.faults)
		defer func() { out.faults = during.shares() }()
	}
	onSpan := func(sp sim.Span) {
		d := e.demand(sp.Load)
		if during != nil {
			during.add(&sp)
		}
		past.add(&sp, d)
		now.add(&sp, d)
		out.ceiling.add(&sp, d)
		if t.timeline != nil {
			t.timeline.Write(row(&sp, d))
		}
		if out.latencies != nil && !sp.Gap && !sp.From.Before(e.scoredFrom) {
			out.latencies.Add(sp.Flow.Latencies)
		}
	}
	t.refused = func(at time.Time) {
		past.refuse(at)
		now.refuse(at)
	}
	if t.latencies {
		out.latencies = e.service.NewLatencies()
	}
	needs := set.policy.Needs()
	exprs := set.exprs()
	lost := e.outagesOf(t.faults)
	view, err := e.view(t.seed)
	if err != nil {
		return output{}, err
	}
	metrics, err := newSource(view, set, lost)
	if err != nil {
		return output{}, fmt.Errorf("policy %s: %w", t.entrant.name, err)
	}
	judged := e.rules.wantedBy(exprs, t.record != nil)
	keep := e.catalog(exprs, needs.Pods || set.hpa != nil, t.record)
	if judged {
		keep = e.rules.addTo(keep)
	}
	histograms := (t.record != nil || metrics.needsOwn()) && keep.keepsAny(metricnames.HTTPDuration)
	w, err := e.world(t.seed, t.faults, t.latencies || t.timeline != nil, histograms, onSpan)
	if err != nil {
		return output{}, err
	}
	if t.record != nil || metrics.needsOwn() {
		var closeDB func(*output, bool) error
		if closeDB, err = e.attachDB(t, set, w, metrics, keep); err != nil {
			return output{}, err
		}
		defer func() { err = errors.Join(err, closeDB(&out, err == nil)) }()
		if judged {
			j, err := e.judge(ctx, w, lost, metrics.own)
			if err != nil {
				return output{}, err
			}
			defer func() { out.alerts, out.rules, out.ruleFault = j.alerts(), j.states(), j.fault }()
		}
	}
	if progress != nil {
		w.Every(e.load.Start.Add(day), day, sim.Observe, func() { progress(day) })
	}
	if err := e.control(ctx, t, set, w, metrics); err != nil {
		return output{}, err
	}
	out.past, out.scored = past.finish(), now.finish()
	out.hits = hitsOf(t.seed, t.faults, w.Hits())
	out.queries, out.silent = metrics.queries, metrics.silent()
	return out, nil
}

// control runs the loops of a setup until the load ends.
func (e *env) control(ctx context.Context, t task, set setup, w *sim.World, metrics *source) error {
	first := e.load.Start.Add(decisionPhase)
	api := e.apiServer(t.seed, w, t.faults)
	api.refused = t.refused
	cfg := autoscaler.Config{
		Policy:  set.policy,
		Clock:   clock{w},
		Querier: metrics,
		Pods:    &podLister{world: w},
		Scaler:  deployment{api},
		First:   first,

		LeastSources: set.leastSources,
	}
	var logs []*autoscaler.Log
	record := func(watched *watcher, to io.Writer) autoscaler.Recorder {
		var all recorders
		if to != nil {
			logs = append(logs, autoscaler.NewLog(to))
			all = append(all, logs[len(logs)-1])
		}
		if watched != nil {
			all = append(all, watched)
		}
		return all
	}
	var decisions, hpaDecisions io.Writer
	if t.record != nil {
		decisions, hpaDecisions = t.record.decisions, t.record.hpa
	}
	cfg.Recorder = record(metrics.watched.policy, decisions)
	if set.hpa != nil {
		floored := autoscaler.Config{
			Policy: set.hpa, Clock: clock{w}, Querier: metrics, Pods: &podLister{world: w}, Scaler: deployment{api},
		}
		floored.Recorder = record(metrics.watched.hpa, hpaDecisions)
		inner, err := autoscaler.New(floored)
		if err != nil {
			return err
		}
		w.Every(first, inner.Interval(), sim.Act, func() { inner.Step(ctx, w.Now()) })
		cfg.Scaler = floor{api, set.hpa, set.hpa.MinReplicas()}
	}
	loop, err := autoscaler.New(cfg)
	if err != nil {
		return err
	}
	if err := loop.Run(ctx); err != nil {
		return err
	}
	var errs []error
	for _, log := range logs {
		errs = append(errs, log.Err())
	}
	return errors.Join(errs...)
}

// attachDB opens the run's own database and fills it once a scrape. The returned
// function closes it, keeping its blocks where the run is recorded and all is well.
func (e *env) attachDB(t task, set setup, w *sim.World, metrics *source, keep catalog) (func(*output, bool) error, error) {
	cfg := promdb.Config{Delay: e.scrapeDelay, ExternalLabels: map[string]string{"policy": t.entrant.name}}
	if late := e.lagsOf(t.faults); late != nil {
		cfg.Lag = late.at
	}
	if t.record != nil {
		cfg.Dir = t.record.tsdb
	}
	db, err := promdb.Open(cfg)
	if err != nil {
		return nil, err
	}
	exp, watched, err := newExposer(e, set, w, metrics.lost, db, keep)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	exp.unheard = e.podOutagesOf(t.seed, t.faults)
	metrics.own, metrics.watched = db, *watched
	w.Every(e.load.Start, e.scrape, sim.Observe, exp.scrape)
	return func(out *output, ok bool) error {
		out.samples = db.Stats().Samples
		if exp.err != nil || !ok || t.record == nil {
			return errors.Join(exp.err, db.Close())
		}
		if err := db.Finish(); err != nil {
			return errors.Join(err, db.Close())
		}
		return nil
	}, nil
}

// catalog returns which metrics a run keeps: those that its policy reads, by queries or
// as pods' usage, and what shows the size of the Deployment; all where the recording
// asks for all or where an expression does not name its metrics.
func (e *env) catalog(exprs []string, pods bool, rec *recording) catalog {
	if rec != nil && rec.keep == nil {
		return nil
	}
	keep := catalog{
		metricnames.IngressRequests: true, metricnames.ContainerCPU: pods, metricnames.ContainerMemory: pods,
		metricnames.DeploymentSpec: true, metricnames.DeploymentStatus: true, metricnames.DeploymentReady: true,
	}
	for _, expr := range exprs {
		names, exact, err := promdb.MetricNames(expr)
		if err != nil || !exact {
			return nil
		}
		for _, name := range names {
			keep[name] = true
		}
	}
	return keep
}

// row is the line of the timeline that a span becomes.
func row(sp *sim.Span, d int32) result.Row {
	o := outcomeOf(sp)
	r := result.Row{
		Time: sp.From, Load: sp.Load, Demand: d, Desired: sp.Desired, Ready: sp.Ready,
		Good: o.good, Bad: o.bad, P99: math.NaN(),
		PodHours: sp.PodTime.Hours(), Errors: o.errors, NodeHours: sp.NodeTime.Hours(),
	}
	if sp.Gap {
		r.Load = math.NaN()
	}
	if sp.Flow.Latencies != nil {
		// No response takes no time: 0 stands for none.
		if p99 := sp.Flow.Latencies.Quantile(0.99); p99 > 0 {
			r.P99 = p99.Seconds()
		}
	}
	return r
}
