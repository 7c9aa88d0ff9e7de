package promapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/util/annotations"

	"hindcast.dev/promdb"
)

// The rules of a run were evaluated while it ran. What is answered is how they stood at its
// end, in the shapes of Prometheus's API. Evaluations took no time: it was simulated.

type ruleGroups struct {
	Groups    []ruleGroup `json:"groups"`
	NextToken string      `json:"groupNextToken,omitempty"`
}

type ruleGroup struct {
	Name           escaped   `json:"name"`
	File           escaped   `json:"file"`
	Rules          []any     `json:"rules"` // alertingRule or recordingRule
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

type alertingRule struct {
	State          string            `json:"state"`
	Name           escaped           `json:"name"`
	Query          escaped           `json:"query"`
	Duration       float64           `json:"duration"`
	KeepFiringFor  float64           `json:"keepFiringFor"`
	Labels         map[string]string `json:"labels"`
	Annotations    map[string]string `json:"annotations"`
	Alerts         []alert           `json:"alerts"` // null where they are not asked for
	Health         string            `json:"health"`
	LastError      escaped           `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"`
	LastEvaluation time.Time         `json:"lastEvaluation"`
	Type           string            `json:"type"`
}

type recordingRule struct {
	Name           escaped           `json:"name"`
	Query          escaped           `json:"query"`
	Labels         map[string]string `json:"labels"`
	Health         string            `json:"health"`
	LastError      escaped           `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"`
	LastEvaluation time.Time         `json:"lastEvaluation"`
	Type           string            `json:"type"`
}

// An alert is one that was pending or firing at the end of the run.
type alert struct {
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	State           string            `json:"state"`
	ActiveAt        *time.Time        `json:"activeAt,omitempty"`
	KeepFiringSince *time.Time        `json:"keepFiringSince,omitempty"`
	Value           string            `json:"value,omitempty"` // unknown where only the series of the alert are left
}

// A server writes markup in labels and annotations as it is, but escaped everywhere else.
type escaped string

// MarshalJSON implements json.Marshaler.
func (s escaped) MarshalJSON() ([]byte, error) { return json.Marshal(string(s)) }

// unescaped writes an answer in which only what is escaped is.
func unescaped(v any, warnings annotations.Annotations) (any, annotations.Annotations, *apiError) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, nil, &apiError{errInternal, err}
	}
	return encoded(bytes.TrimSpace(text.Bytes())), warnings, nil
}

// sortGroups puts groups into the order of a Prometheus server.
func sortGroups(groups []promdb.GroupState) []promdb.GroupState {
	return slices.SortedFunc(slices.Values(groups), func(a, b promdb.GroupState) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Name, b.Name))
	})
}

func (h *Handler) rules(r *http.Request) (any, annotations.Annotations, *apiError) {
	want, fault := h.ruleFilter(r)
	if fault != nil {
		return nil, nil, fault
	}
	limit, token, fault := pageParams(r.URL.Query())
	if fault != nil {
		return nil, nil, fault
	}
	found := ruleGroups{Groups: []ruleGroup{}}
	waiting := token != ""
	for _, g := range h.cfg.Rules {
		if waiting && token != pageToken(g) {
			continue
		}
		waiting = false
		if !want.group(g) {
			continue
		}
		group := ruleGroup{
			Name: escaped(g.Name), File: escaped(g.File), Interval: g.Interval, Limit: g.Limit, LastEvaluation: h.moved(g.LastEvaluation), Rules: []any{},
		}
		for _, rule := range g.Rules {
			if want.rule(rule) {
				group.Rules = append(group.Rules, h.rule(g, rule, !want.noAlerts))
			}
		}
		if len(group.Rules) == 0 {
			continue
		}
		if limit > 0 && len(found.Groups) == limit {
			found.NextToken = pageToken(g)
			break
		}
		found.Groups = append(found.Groups, group)
	}
	if waiting {
		return nil, nil, badData(fmt.Errorf("invalid group_next_token '%v'. were rule groups changed?", token), "group_next_token")
	}
	return unescaped(found, h.noRules())
}

func (h *Handler) rule(g promdb.GroupState, r promdb.RuleState, withAlerts bool) any {
	at := h.moved(g.LastEvaluation)
	if r.Type == promdb.RecordingRule {
		return recordingRule{
			Name: escaped(r.Name), Query: escaped(r.Query), Labels: present(r.Labels), Health: r.Health, LastError: escaped(r.LastError),
			LastEvaluation: at, Type: r.Type,
		}
	}
	rule := alertingRule{
		State: r.State, Name: escaped(r.Name), Query: escaped(r.Query), Duration: r.Duration, KeepFiringFor: r.KeepFiringFor,
		Labels: present(r.Labels), Annotations: present(r.Annotations), Health: r.Health, LastError: escaped(r.LastError),
		LastEvaluation: at, Type: r.Type,
	}
	if withAlerts {
		rule.Alerts = h.alertsOf(r)
	}
	return rule
}

func (h *Handler) alertsOf(r promdb.RuleState) []alert {
	all := []alert{}
	for _, a := range r.Alerts {
		one := alert{
			Labels: present(a.Labels), Annotations: present(a.Annotations), State: a.State, Value: a.Value,
			ActiveAt: new(h.moved(a.ActiveAt)),
		}
		if a.KeepFiringSince != nil {
			one.KeepFiringSince = new(h.moved(*a.KeepFiringSince))
		}
		all = append(all, one)
	}
	return all
}

// present turns no labels into an empty object.
func present(ls map[string]string) map[string]string {
	if ls == nil {
		return map[string]string{}
	}
	return ls
}

// moved moves a time of the run to that of the clients. No time stays none.
func (h *Handler) moved(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(h.cfg.Shift).UTC()
}

// noRules warns where the run had rules of which nothing is known.
func (h *Handler) noRules() annotations.Annotations {
	var warnings annotations.Annotations
	if h.cfg.NoRules != "" {
		warnings.Add(errors.New(h.cfg.NoRules))
	}
	return warnings
}

// A ruleFilter is which rules a request is about.
type ruleFilter struct {
	names, groups, files []string // any of them; empty: all
	kind                 string   // promdb.RecordingRule, promdb.AlertingRule, or "" for both
	matchers             [][]*labels.Matcher
	noAlerts             bool
}

func (h *Handler) ruleFilter(r *http.Request) (f ruleFilter, fault *apiError) {
	f = ruleFilter{names: r.Form["rule_name[]"], groups: r.Form["rule_group[]"], files: r.Form["file[]"]}
	var err error
	if f.matchers, err = h.matchers(r.Form["match[]"]); err != nil {
		return f, &apiError{errBadData, err}
	}
	switch kind := strings.ToLower(r.URL.Query().Get("type")); kind {
	case "":
	case "alert":
		f.kind = promdb.AlertingRule
	case "record":
		f.kind = promdb.RecordingRule
	default:
		return f, badData(fmt.Errorf("not supported value %q", kind), "type")
	}
	if text := strings.ToLower(r.URL.Query().Get("exclude_alerts")); text != "" {
		if f.noAlerts, err = strconv.ParseBool(text); err != nil {
			return f, badData(fmt.Errorf("error converting exclude_alerts: %w", err), "exclude_alerts")
		}
	}
	return f, nil
}

func (f ruleFilter) group(g promdb.GroupState) bool {
	return among(f.groups, g.Name) && among(f.files, g.File)
}

func (f ruleFilter) rule(r promdb.RuleState) bool {
	if !among(f.names, r.Name) || f.kind != "" && f.kind != r.Type {
		return false
	}
	return len(f.matchers) == 0 || slices.ContainsFunc(f.matchers, func(all []*labels.Matcher) bool {
		return !slices.ContainsFunc(all, func(m *labels.Matcher) bool { return !m.Matches(r.Labels[m.Name]) })
	})
}

func among(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }

// pageParams reads how many groups are asked for, 0 for all, and which is the first.
func pageParams(form url.Values) (limit int, token string, fault *apiError) {
	text, token := form.Get("group_limit"), form.Get("group_next_token")
	if text == "" {
		if token != "" {
			return 0, "", badData(errors.New("group_limit needs to be present in order to paginate over the groups"), "group_next_token")
		}
		return 0, "", nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err != nil:
		return 0, "", badData(fmt.Errorf("group_limit needs to be a valid number: %w", err), "group_limit")
	case n <= 0:
		return 0, "", badData(errors.New("group_limit needs to be greater than 0"), "group_limit")
	}
	return int(n), token, nil
}

// pageToken names the group that a page begins with.
func pageToken(g promdb.GroupState) string {
	sum := sha256.Sum256([]byte(g.File + ";" + g.Name))
	return hex.EncodeToString(sum[:])
}

// alerts lists what was pending or firing at the end of the run.
func (h *Handler) alerts(r *http.Request) (any, annotations.Annotations, *apiError) {
	all := []alert{}
	if len(h.cfg.Rules) == 0 {
		var fault *apiError
		if all, fault = h.alertSeries(r.Context()); fault != nil {
			return nil, nil, fault
		}
	}
	for _, g := range h.cfg.Rules {
		for _, rule := range g.Rules {
			all = append(all, h.alertsOf(rule)...)
		}
	}
	return unescaped(map[string]any{"alerts": all}, h.noRules())
}
