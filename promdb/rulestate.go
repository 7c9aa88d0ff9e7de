package promdb

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
)

// A GroupState is a rule group as it stands after an evaluation: what a Prometheus server
// says of it at /api/v1/rules, in the time of the run. How long evaluations took is left
// out: simulated time stands still meanwhile.
type GroupState struct {
	Name string `json:"name"`
	File string `json:"file"`
	// Interval between evaluations, in seconds.
	Interval float64 `json:"interval"`
	// Limit is how many series or alerts a rule may give; 0: any number.
	Limit int `json:"limit"`
	// LastEvaluation is zero where there was none.
	LastEvaluation time.Time   `json:"lastEvaluation"`
	Rules          []RuleState `json:"rules"`
}

// The types of a RuleState.
const (
	RecordingRule = "recording"
	AlertingRule  = "alerting"
)

// A RuleState is a rule of a group, in its order. Labels are those of the rule and the
// external labels: every series of the rule has them.
type RuleState struct {
	Type      string            `json:"type"` // RecordingRule or AlertingRule
	Name      string            `json:"name"`
	Query     string            `json:"query"`
	Labels    map[string]string `json:"labels"`
	Health    string            `json:"health"` // ok, err or unknown
	LastError string            `json:"lastError,omitempty"`

	// What follows only alerting rules have.

	State         string            `json:"state,omitempty"` // firing, pending, inactive or unknown
	Duration      float64           `json:"duration,omitempty"`
	KeepFiringFor float64           `json:"keepFiringFor,omitempty"` // both in seconds
	Annotations   map[string]string `json:"annotations,omitempty"`   // as written: templates
	Alerts        []AlertState      `json:"alerts,omitempty"`        // sorted by labels
}

// An AlertState is an alert that is pending or firing, its annotations expanded.
type AlertState struct {
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	State           string            `json:"state"`
	ActiveAt        time.Time         `json:"activeAt"`
	KeepFiringSince *time.Time        `json:"keepFiringSince,omitempty"`
	Value           string            `json:"value"` // a float64, as strconv writes it with an exponent
}

// State returns the group as it stands after the last Eval.
func (g *RuleGroup) State() GroupState {
	s := GroupState{
		Name: g.group.Name(), File: g.group.File(), Interval: g.group.Interval().Seconds(), Limit: g.group.Limit(),
		LastEvaluation: g.last,
	}
	for _, rule := range g.group.Rules() {
		r := RuleState{
			Type: RecordingRule, Name: rule.Name(), Query: rule.Query().String(),
			Labels: g.db.labelled(rule.Labels()), Health: string(rule.Health()),
		}
		if err := rule.LastError(); err != nil {
			if failed, ok := errors.AsType[*failedQuery](err); ok {
				err = failed.err // a server does not repeat the query
			}
			r.LastError = err.Error()
		}
		if a, ok := rule.(*rules.AlertingRule); ok {
			r.Type, r.State = AlertingRule, a.State().String()
			r.Duration, r.KeepFiringFor = a.HoldDuration().Seconds(), a.KeepFiringFor().Seconds()
			r.Annotations, r.Alerts = a.Annotations().Map(), g.db.alertStates(a)
		}
		s.Rules = append(s.Rules, r)
	}
	return s
}

func (db *DB) alertStates(rule *rules.AlertingRule) []AlertState {
	active := rule.ActiveAlerts()
	slices.SortFunc(active, func(a, b *rules.Alert) int { return labels.Compare(a.Labels, b.Labels) })
	var out []AlertState
	for _, a := range active {
		s := AlertState{
			Labels: db.labelled(a.Labels), Annotations: a.Annotations.Map(), State: a.State.String(),
			ActiveAt: a.ActiveAt.UTC(), Value: strconv.FormatFloat(a.Value, 'e', -1, 64),
		}
		if !a.KeepFiringSince.IsZero() {
			s.KeepFiringSince = new(a.KeepFiringSince.UTC())
		}
		out = append(out, s)
	}
	return out
}

// labelled returns labels as the series of a rule have them.
func (db *DB) labelled(ls labels.Labels) map[string]string {
	all := ls.Map()
	for _, l := range db.external {
		all[l.Name] = l.Value
	}
	return all
}
