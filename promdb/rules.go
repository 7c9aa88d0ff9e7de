package promdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors: )?line (\d+): `)

// A RuleFile is a file of recording and alerting rules, in the format of Prometheus.
type RuleFile struct {
	name   string
	text   []byte
	groups []rulefmt.RuleGroup
}

// ParseRules reads a rule file as a Prometheus server does: unknown fields are errors. The
// error joins all faults, each on a line with the place.
func ParseRules(name string, text []byte) (*RuleFile, error) {
	parsed, faults := rulefmt.Parse(text, false, model.UTF8Validation, newExprCache(), silent())
	if len(faults) > 0 {
		var lines []string
		for _, fault := range faults {
			// The parser writes "line:column: fault", or "yaml: line 3: fault".
			line := yamlLine.ReplaceAllString(oneLine(fault), "$1: ")
			if line = name + ":" + line; !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		return nil, errors.New(strings.Join(lines, "\n"))
	}
	return &RuleFile{name: name, text: slices.Clone(text), groups: parsed.Groups}, nil
}

// Name returns the name that the file was read under.
func (f *RuleFile) Name() string { return f.name }

// Text returns the file as it was read.
func (f *RuleFile) Text() []byte { return slices.Clone(f.text) }

// Metrics returns the sorted names of the metrics that the rules select, those that they
// record among them; exact as in MetricNames.
func (f *RuleFile) Metrics() (names []string, exact bool, err error) {
	exact = true
	for rule := range f.rules() {
		some, all, err := MetricNames(rule.Expr)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", f.name, err)
		}
		names = append(names, some...)
		exact = exact && all
	}
	slices.Sort(names)
	return slices.Compact(names), exact, nil
}

// Records returns the names of the metrics that evaluating the file adds, sorted: those
// of the recording rules and, where there are alerts, the two of alerts.
func (f *RuleFile) Records() []string {
	var names []string
	for rule := range f.rules() {
		if rule.Record != "" {
			names = append(names, rule.Record)
		} else {
			names = append(names, alertMetric, alertForMetric)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// What a rule has to say comes back as an error.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// The series that alerts leave.
const (
	alertMetric    = "ALERTS"
	alertForMetric = "ALERTS_FOR_STATE"
)

func (f *RuleFile) rules() func(func(rulefmt.Rule) bool) {
	return func(yield func(rulefmt.Rule) bool) {
		for _, g := range f.groups {
			for _, r := range g.Rules {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// A RuleGroup evaluates rules one after the other and adds what they give to a DB. It is
// Prometheus's own; the time is an argument.
type RuleGroup struct {
	db       *DB
	group    *rules.Group
	appender *ruleAppender
	last     time.Time // of Eval
}

// RuleGroups returns the groups of the files, in order. A group without an interval of
// its own is to be evaluated every interval.
func (db *DB) RuleGroups(interval time.Duration, files ...*RuleFile) ([]*RuleGroup, error) {
	if err := db.writable(); err != nil {
		return nil, err
	}
	var out []*RuleGroup
	for _, f := range files {
		for _, g := range f.groups {
			group, err := db.ruleGroup(f.name, g, interval)
			if err != nil {
				return nil, fmt.Errorf("%s: group %s: %w", f.name, g.Name, err)
			}
			out = append(out, group)
		}
	}
	return out, nil
}

func (db *DB) ruleGroup(file string, g rulefmt.RuleGroup, interval time.Duration) (*RuleGroup, error) {
	external := make(map[string]string, len(db.external))
	for _, l := range db.external {
		external[l.Name] = l.Value
	}
	externalLabels := labels.FromMap(external)
	var list []rules.Rule
	for _, r := range g.Rules {
		expr, err := parse(r.Expr)
		if err != nil {
			return nil, err
		}
		ls := rules.FromMaps(g.Labels, r.Labels)
		if r.Record != "" {
			list = append(list, rules.NewRecordingRule(r.Record, expr, ls))
			continue
		}
		list = append(list, rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor),
			ls, labels.FromMap(r.Annotations), externalLabels, "", true, silent()))
	}
	if g.Interval != 0 {
		interval = time.Duration(g.Interval)
	}
	appender := &ruleAppender{db: db}
	options := rules.GroupOptions{
		Name: g.Name, File: file, Interval: interval, Limit: g.Limit, Rules: list,
		Opts: &rules.ManagerOptions{
			QueryFunc:  db.ruleQuery,
			NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
			Appendable: appender,
			Logger:     silent(),
			// A simulated server has no address; templates may ask for its path.
			ExternalURL: &url.URL{},
		},
	}
	if g.QueryOffset != nil {
		options.QueryOffset = new(time.Duration(*g.QueryOffset))
	}
	return &RuleGroup{db: db, group: rules.NewGroup(options), appender: appender}, nil
}

// ruleQuery answers a query of a rule: it sees everything up to at, what other rules have
// just recorded included. What rules record is seen by others after Config.Delay, so that
// nobody sees more by them than without.
func (db *DB) ruleQuery(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	db.queryCount.Add(1)
	return db.eval.instant(ctx, expr, at, 0)
}

// Name returns the name of the group.
func (g *RuleGroup) Name() string { return g.group.Name() }

// Interval is how often the group is to be evaluated.
func (g *RuleGroup) Interval() time.Duration { return g.group.Interval() }

// Eval evaluates every rule at an instant, which must not be before that of the last
// Commit, and commits what it gives. The open batch must be committed. A rule that fails
// does not keep the others from being evaluated; the error joins those of all that did.
func (g *RuleGroup) Eval(ctx context.Context, at time.Time) (err error) {
	if err := g.db.writable(); err != nil {
		return err
	}
	ms := ceilMilli(at)
	if ms < g.db.committed || g.db.app != nil {
		return fmt.Errorf("evaluate rules at %s: %w", stamp(at), ErrAhead)
	}
	defer g.db.caught(&err)
	g.group.Eval(ctx, at)
	g.db.committed, g.last = ms, at.UTC()
	errs := []error{ctx.Err(), g.appender.err}
	for _, r := range g.group.Rules() {
		if e := r.LastError(); e != nil {
			errs = append(errs, fmt.Errorf("rule %s: %w", r.Name(), e))
		}
	}
	return errors.Join(errs...)
}

// Alerts returns the names of the alerting rules of the group, in its order.
func (g *RuleGroup) Alerts() []string {
	var names []string
	for _, r := range g.group.Rules() {
		if a, ok := r.(*rules.AlertingRule); ok {
			names = append(names, a.Name())
		}
	}
	return names
}

// Firing returns the alerts that fired at the last evaluation, as series sorted by their
// labels; the name is the label alertname.
func (g *RuleGroup) Firing() []Sample {
	var out []Sample
	for _, r := range g.group.Rules() {
		a, ok := r.(*rules.AlertingRule)
		if !ok {
			continue
		}
		for _, alert := range a.ActiveAlerts() {
			if alert.State == rules.StateFiring {
				out = append(out, Sample{Labels: fromLabels(alert.Labels), Value: alert.Value})
			}
		}
	}
	slices.SortFunc(out, func(a, b Sample) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// A ruleAppender gives every series of a rule the external labels, which aggregation may
// have taken.
type ruleAppender struct {
	db  *DB
	err error // the first
}

// Appender implements storage.Appendable.
func (a *ruleAppender) Appender(ctx context.Context) storage.Appender {
	return labelled{Appender: a.db.tsdb.Appender(ctx), rules: a}
}

type labelled struct {
	storage.Appender
	rules *ruleAppender
}

// Append implements storage.Appender.
func (l labelled) Append(ref storage.SeriesRef, ls labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	db := l.rules.db
	if len(db.external) > 0 {
		b := labels.NewBuilder(ls)
		for _, e := range db.external {
			b.Set(e.Name, e.Value)
		}
		ls = b.Labels()
	}
	db.sampleCount++
	got, err := l.Appender.Append(ref, ls, t, v)
	// A series that ends where it was never written is no fault.
	if err != nil && l.rules.err == nil && !(math.IsNaN(v) && errors.Is(err, storage.ErrOutOfOrderSample)) {
		l.rules.err = fmt.Errorf("append to %s: %w", ls, err)
	}
	return got, err
}
