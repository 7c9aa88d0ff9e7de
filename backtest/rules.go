package backtest

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// A ruleSet are the rule files of an experiment.
type ruleSet struct {
	interval time.Duration // between evaluations of groups that do not say
	files    []*promdb.RuleFile
	reads    []string        // names of metrics
	exact    bool            // reads holds every one
	records  map[string]bool // names of metrics that the rules add
}

func (r *ruleSet) add(files []*promdb.RuleFile) error {
	r.files, r.exact, r.records = files, true, map[string]bool{}
	for _, f := range files {
		names, exact, err := f.Metrics()
		if err != nil {
			return err
		}
		r.reads = append(r.reads, names...)
		r.exact = r.exact && exact
		for _, name := range f.Records() {
			r.records[name] = true
		}
	}
	return nil
}

// wantedBy reports whether a run has to evaluate the rules: where it is recorded, or where
// its policy reads what they record.
func (r *ruleSet) wantedBy(exprs []string, recorded bool) bool {
	if len(r.files) == 0 || recorded {
		return len(r.files) > 0
	}
	for _, expr := range exprs {
		names, exact, err := promdb.MetricNames(expr)
		if err != nil || !exact || slices.ContainsFunc(names, func(name string) bool { return r.records[name] }) {
			return true
		}
	}
	return false
}

// addTo adds to a catalog what the rules read.
func (r *ruleSet) addTo(keep catalog) catalog {
	if keep == nil || !r.exact {
		return nil
	}
	for _, name := range r.reads {
		keep[name] = true
	}
	return keep
}

// A judge evaluates rules as time passes and takes note of the alerts that fire in the
// scored part.
type judge struct {
	env     *env
	groups  []*promdb.RuleGroup
	firings map[string]*firing
	fault   error
}

// A firing is what became of an alert: any of its instances.
type firing struct {
	count   int
	firing  time.Duration   // in the scored part
	groups  map[string]bool // that have it on: a name may stand in several
	on      bool            // at the last evaluation of any
	counted bool            // this time
	at      time.Time       // of the last evaluation
}

// judge lets the world evaluate the rules from decisionPhase after the start on, so that
// they see the newest scrape and are seen by a decision of the same instant no earlier than
// any sample.
func (e *env) judge(ctx context.Context, w *sim.World, lost outages, db *promdb.DB) (*judge, error) {
	groups, err := db.RuleGroups(e.rules.interval, e.rules.files...)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	j := &judge{env: e, groups: groups, firings: map[string]*firing{}}
	for _, g := range groups {
		for _, name := range g.Alerts() {
			if j.firings[name] == nil {
				j.firings[name] = &firing{groups: map[string]bool{}}
			}
		}
		w.Every(e.load.Start.Add(decisionPhase), g.Interval(), sim.Observe, func() {
			now := w.Now()
			if lost.prometheus(now) {
				j.pause(now)
				return
			}
			if err := g.Eval(ctx, now); err != nil && j.fault == nil && ctx.Err() == nil {
				j.fault = fmt.Errorf("at %s: %w", now.UTC().Format(time.RFC3339), err)
			}
			j.note(g, now)
		})
	}
	return j, nil
}

// pause takes note that nothing is evaluated, so that nobody is told of an alert; one that
// goes on afterwards is the same.
func (j *judge) pause(now time.Time) {
	for _, f := range j.firings {
		if f.on {
			f.last(now, j.env.scoredFrom)
		}
		f.on, f.at = false, now
	}
}

// note takes note of what fires in a group at an evaluation.
func (j *judge) note(g *promdb.RuleGroup, now time.Time) {
	on := map[string]bool{}
	for _, s := range g.Firing() {
		for _, l := range s.Labels {
			if l.Name == "alertname" {
				on[l.Value] = true
			}
		}
	}
	for _, name := range g.Alerts() {
		f := j.firings[name]
		if on[name] {
			f.groups[g.Name()] = true
		} else {
			delete(f.groups, g.Name())
		}
		f.note(len(f.groups) > 0, now, j.env.scoredFrom)
	}
}

func (f *firing) note(on bool, now, scoredFrom time.Time) {
	if f.on {
		f.last(now, scoredFrom)
	}
	f.on, f.at = on, now
	f.counted = f.counted && on
	if on && !f.counted && !now.Before(scoredFrom) {
		f.counted = true
		f.count++
	}
}

// last adds the time since the last evaluation.
func (f *firing) last(now, scoredFrom time.Time) {
	from := f.at
	if from.Before(scoredFrom) {
		from = scoredFrom
	}
	f.firing += max(0, now.Sub(from))
}

// states returns the groups as the last evaluation left them.
func (j *judge) states() []promdb.GroupState {
	out := make([]promdb.GroupState, 0, len(j.groups))
	for _, g := range j.groups {
		out = append(out, g.State())
	}
	return out
}

// alerts returns what fired until the end of the load, by name; alerts that never fired
// are among them.
func (j *judge) alerts() []result.Alert {
	out := make([]result.Alert, 0, len(j.firings))
	for name, f := range j.firings {
		if f.on {
			f.last(j.env.load.End(), j.env.scoredFrom)
			f.at = j.env.load.End()
		}
		out = append(out, result.Alert{Name: name, Firings: f.count, Seconds: f.firing.Seconds()})
	}
	slices.SortFunc(out, func(a, b result.Alert) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// keepRules writes the rule files into the run, as they were read, and takes note under
// which names. Of files of the same name all but the first get a number.
func (b *bench) keepRules() error {
	b.keptRules = map[string]string{}
	taken := map[string]bool{}
	for _, f := range b.opt.Rules {
		base := path.Base(filepath.ToSlash(f.Name()))
		if base == "-" { // standard input
			base = "rules.yaml"
		}
		name := base
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%d-%s", n, base)
		}
		taken[name] = true
		b.keptRules[f.Name()] = path.Join(result.RulesDir, name)
		if err := b.out.WriteFile(f.Text(), result.RulesDir, name); err != nil {
			return err
		}
	}
	return nil
}

// writeRuleStates writes how rules stood at the end, of the files that were kept.
func (b *bench) writeRuleStates(states []promdb.GroupState, name ...string) error {
	for i := range states {
		states[i].File = b.keptRules[states[i].File]
	}
	return b.out.WriteJSON(states, name...)
}
