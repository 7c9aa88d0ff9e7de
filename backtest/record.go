package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
)

// record runs a task and writes its timeline and response times: all that its scores
// are computed from. Of the first seed it keeps the decisions and the blocks as well.
func (b *bench) record(ctx context.Context, t task, first bool) (out output, err error) {
	folder := []string{result.RunsDir, t.entrant.name}
	if !first {
		folder = append(folder, result.SeedDir(t.seed))
	}
	at := func(name string) []string { return append(slices.Clip(folder), name) }
	timeline, err := b.out.Create(at(result.TimelineFile)...)
	if err != nil {
		return output{}, err
	}
	t.timeline = result.NewTimelineWriter(timeline)
	if first {
		out, err = b.recordDecisions(ctx, t, at)
	} else {
		out, err = b.runner.one(ctx, t)
	}
	if err == nil {
		t.timeline.Write(result.Row{Time: b.env.load.End(), Load: math.NaN(), P99: math.NaN()})
	}
	if err := errors.Join(err, t.timeline.Close()); err != nil {
		return output{}, err
	}
	return out, b.out.WriteFile(latencyTable(out.latencies), at(result.LatencyFile)...)
}

// recordDecisions runs a task and writes its decisions, its blocks, and how its rules
// stood at the end.
func (b *bench) recordDecisions(ctx context.Context, t task, at func(string) []string) (out output, err error) {
	name := t.entrant.name
	blocks, err := b.out.Path(result.TSDBDir, name)
	if err != nil {
		return output{}, err
	}
	decisions, err := b.out.Create(at(result.DecisionsFile)...)
	if err != nil {
		return output{}, err
	}
	defer func() { err = errors.Join(err, decisions.Close()) }()
	t.record = &recording{decisions: decisions, tsdb: blocks, keep: catalog{}}
	if b.x.Spec.Metrics == v1alpha1.MetricsAll {
		t.record.keep = nil
	}
	if t.entrant.floor {
		hpa, err := b.out.Create(at(result.HPADecisionsFile)...)
		if err != nil {
			return output{}, err
		}
		defer func() { err = errors.Join(err, hpa.Close()) }()
		t.record.hpa = hpa
	}
	watch := b.timing.start()
	out, err = b.runner.one(ctx, t)
	b.timing.stop(name, watch, out)
	if out.ruleFault != nil {
		b.note(fmt.Sprintf("%s: a rule failed, and was evaluated again at its next turn: %v.", name, out.ruleFault))
	}
	if err == nil && out.rules != nil {
		if err := b.writeRuleStates(out.rules, at(result.RulesFile)...); err != nil {
			return output{}, err
		}
	}
	for _, expr := range out.silent {
		b.note(fmt.Sprintf("%s: the query %s never had data in the simulated world, so that metric decided nothing.", name, expr))
	}
	return out, err
}
