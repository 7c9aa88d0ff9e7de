package promdb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/promdb"
)

const someRules = `
groups:
- name: load
  interval: 30s
  rules:
  - record: queue:doubled
    expr: 2 * sum(queue)
  - record: queue:again
    expr: queue:doubled + 1
- name: alerts
  labels: {team: web}
  rules:
  - alert: QueueLong
    expr: queue > 10
    for: 1m
    keep_firing_for: 45s
    labels: {severity: page}
    annotations: {summary: '{{ $value }} wait in {{ $labels.pod }}'}
  - alert: QueueGone
    expr: absent(queue)
`

func parseRules(t testing.TB, text string) *promdb.RuleFile {
	t.Helper()
	f, err := promdb.ParseRules("some.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRulesInTime follows two alerts and two recording rules through ten minutes of
// samples every 15 s; what should happen when is worked out by hand from the meaning of
// for and keep_firing_for.
func TestRulesInTime(t *testing.T) {
	f := parseRules(t, someRules)
	db := open(t, promdb.Config{Delay: time.Second, ExternalLabels: map[string]string{"policy": "v3"}})
	groups, err := db.RuleGroups(scrape, f)
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) != 2 || groups[0].Interval() != 30*time.Second || groups[1].Interval() != scrape {
		t.Fatalf("groups %v", groups)
	}
	if got := fmt.Sprint(groups[1].Alerts(), groups[0].Alerts()); got != "[QueueLong QueueGone] []" {
		t.Errorf("alerts %s", got)
	}
	s := handle(t, db, "queue", promdb.Label{Name: "pod", Value: "a"})
	var fired []string
	for k := range 40 {
		at := epoch.Add(time.Duration(k) * scrape)
		// Long from 1:00 to 3:45 inclusive and at 6:00 only, gone from 8:00 on.
		switch v := 5.0; {
		case k == 32:
			err = db.Stale(s, at)
		case k > 32:
			err = nil
		default:
			if k >= 4 && k <= 15 || k == 24 {
				v = 20 + float64(k)
			}
			err = db.Append(s, at, v)
		}
		if err != nil {
			t.Fatal(err)
		}
		commit(t, db, at)
		eval := at.Add(5 * time.Second)
		for i, g := range groups {
			if i == 0 && k%2 == 1 {
				continue
			}
			if err := g.Eval(t.Context(), eval); err != nil {
				t.Fatal(err)
			}
		}
		firing := groups[1].Firing()
		for _, a := range firing {
			fired = append(fired, fmt.Sprintf("%v %s", time.Duration(k)*scrape, a.Labels[0].Value))
		}
		if k%2 == 0 && k < 32 {
			// Seen at the instant of the evaluation only by the rules themselves.
			want, err := db.Query(t.Context(), "2*queue", eval.Add(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := db.Query(t.Context(), `queue:doubled{policy="v3"}`, eval.Add(time.Second)); err != nil || got != want {
				t.Fatalf("after %v: recorded %v, %v, want %v", at.Sub(epoch), got, err, want)
			}
			if got, err := db.Query(t.Context(), `queue:again`, eval.Add(time.Second)); err != nil || got != want+1 {
				t.Fatalf("after %v: recorded from recorded %v, %v, want %v", at.Sub(epoch), got, err, want+1)
			}
		}
	}
	// Long is seen from 1:00 on, fires after 1 m of that, and goes on for 45 s after 4:00, when
	// it is first not seen. The single long queue does not fire.
	var want []string
	for d := 2 * time.Minute; d < 4*time.Minute+45*time.Second; d += scrape {
		want = append(want, fmt.Sprintf("%v QueueLong", d))
	}
	for d := 8 * time.Minute; d < 10*time.Minute; d += scrape {
		want = append(want, fmt.Sprintf("%v QueueGone", d))
	}
	if got, want := strings.Join(fired, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("fired\n%s\nwant\n%s", got, want)
	}
	// And the database remembers it: from the evaluation at 2:00 on.
	for expr, want := range map[string]float64{
		`ALERTS{alertname="QueueLong",alertstate="firing",severity="page",team="web",policy="v3",pod="a"}`: 1,
		`ALERTS_FOR_STATE{alertname="QueueLong"}`:                                                          float64(epoch.Add(time.Minute + 5*time.Second).Unix()),
	} {
		if got, err := db.Query(t.Context(), expr, epoch.Add(3*time.Minute)); err != nil || got != want {
			t.Errorf("%s is %v, %v, want %v", expr, got, err, want)
		}
	}
	if _, err := db.Query(t.Context(), `ALERTS{alertname="QueueLong"}`, epoch.Add(5*time.Minute)); !errors.Is(err, promdb.ErrNoData) {
		t.Errorf("an alert that was resolved: %v", err)
	}
	// What is recorded ends with what it is made of.
	if _, err := db.Query(t.Context(), `queue:doubled`, epoch.Add(8*time.Minute+30*time.Second)); !errors.Is(err, promdb.ErrNoData) {
		t.Errorf("recorded from a series that is gone: %v", err)
	}
}

// TestRulesKeepTime: rules are evaluated at the pace of the database.
func TestRulesKeepTime(t *testing.T) {
	db := open(t, promdb.Config{})
	groups, err := db.RuleGroups(scrape, parseRules(t, someRules))
	if err != nil {
		t.Fatal(err)
	}
	s := handle(t, db, "queue")
	if err := db.Append(s, epoch, 1); err != nil {
		t.Fatal(err)
	}
	if err := groups[0].Eval(t.Context(), epoch); !errors.Is(err, promdb.ErrAhead) {
		t.Errorf("with a batch open: %v", err)
	}
	commit(t, db, epoch)
	if err := groups[0].Eval(t.Context(), epoch.Add(-time.Second)); !errors.Is(err, promdb.ErrAhead) {
		t.Errorf("in the past: %v", err)
	}
	if err := groups[0].Eval(t.Context(), epoch.Add(time.Second)); err != nil {
		t.Error(err)
	}
	if err := db.Commit(epoch); !errors.Is(err, promdb.ErrAhead) {
		t.Errorf("a commit before an evaluation: %v", err)
	}
	if before := db.Stats(); before.Samples != 3 || before.Queries != 2 {
		t.Errorf("stats %+v", before)
	}
}

// TestARuleThatFails keeps none of the others from being evaluated, and says so.
func TestARuleThatFails(t *testing.T) {
	db := open(t, promdb.Config{})
	groups, err := db.RuleGroups(scrape, parseRules(t, `
groups:
- name: mixed
  rules:
  - {record: matched, expr: a * on (x) b}
  - {record: fine, expr: sum(a)}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range []string{"1", "2"} {
		for _, name := range []string{"a", "b"} {
			if err := db.Append(handle(t, db, name, promdb.Label{Name: "pod", Value: pod}), epoch, 3); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit(t, db, epoch)
	if err := groups[0].Eval(t.Context(), epoch); err == nil || !strings.Contains(err.Error(), "rule matched") {
		t.Errorf("many-to-many matching: %v", err)
	}
	if got, err := db.Query(t.Context(), "fine", epoch); err != nil || got != 6 {
		t.Errorf("the other rule recorded %v, %v", got, err)
	}
}

func TestRuleFilesAreChecked(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"no YAML":       {"groups: [", "some.yaml:1: "},
		"unknown field": {"groups:\n- name: a\n  rule: []", "some.yaml:3: "},
		"no expression": {"groups:\n- name: a\n  rules:\n  - record: x\n    expr: ''", "some.yaml:5:"},
		"bad PromQL":    {"groups:\n- name: a\n  rules:\n  - record: x\n    expr: sum(", "some.yaml:5:"},
		"looks ahead":   {"groups:\n- name: a\n  rules:\n  - record: x\n    expr: q offset -5m", "look ahead"},
		"two faults":    {"groups:\n- name: a\n  rules:\n  - {record: x, expr: 'sum('}\n  - {alert: y, expr: ')'}", "some.yaml:5:"},
	} {
		_, err := promdb.ParseRules("some.yaml", []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tc.want)
		}
	}
	names, exact, err := parseRules(t, someRules).Metrics()
	if fmt.Sprint(names, exact, err) != "[queue queue:doubled] true <nil>" {
		t.Errorf("rules read %v, %v, %v", names, exact, err)
	}
	if got := fmt.Sprint(parseRules(t, someRules).Records()); got != "[ALERTS ALERTS_FOR_STATE queue:again queue:doubled]" {
		t.Errorf("rules record %s", got)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte(someRules))
	f.Add([]byte("groups: []"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := promdb.ParseRules("fuzz.yaml", text)
		if err != nil {
			return
		}
		if _, _, err := file.Metrics(); err != nil {
			t.Errorf("what was read cannot be taken apart: %v", err)
		}
	})
}

// TestRuleStates looks at the groups of TestRulesInTime as they stand after an evaluation,
// worked out by hand.
func TestRuleStates(t *testing.T) {
	db := open(t, promdb.Config{ExternalLabels: map[string]string{"policy": "v3"}})
	groups, err := db.RuleGroups(scrape, parseRules(t, someRules))
	if err != nil {
		t.Fatal(err)
	}
	states := func() []promdb.GroupState {
		var all []promdb.GroupState
		for _, g := range groups {
			all = append(all, g.State())
		}
		return all
	}
	load := promdb.GroupState{Name: "load", File: "some.yaml", Interval: 30, Rules: []promdb.RuleState{
		{Type: "recording", Name: "queue:doubled", Query: "2 * sum(queue)", Labels: map[string]string{"policy": "v3"}, Health: "unknown"},
		{Type: "recording", Name: "queue:again", Query: "queue:doubled + 1", Labels: map[string]string{"policy": "v3"}, Health: "unknown"},
	}}
	long := promdb.RuleState{
		Type: "alerting", Name: "QueueLong", Query: "queue > 10", Health: "unknown", State: "unknown", Duration: 60, KeepFiringFor: 45,
		Labels:      map[string]string{"policy": "v3", "severity": "page", "team": "web"},
		Annotations: map[string]string{"summary": "{{ $value }} wait in {{ $labels.pod }}"},
	}
	gone := promdb.RuleState{
		Type: "alerting", Name: "QueueGone", Query: "absent(queue)", Health: "unknown", State: "unknown",
		Labels: map[string]string{"policy": "v3", "team": "web"}, Annotations: map[string]string{},
	}
	want := []promdb.GroupState{load, {Name: "alerts", File: "some.yaml", Interval: 15, Rules: []promdb.RuleState{long, gone}}}
	if diff := cmp.Diff(want, states()); diff != "" {
		t.Errorf("before any evaluation (-want +got):\n%s", diff)
	}

	s := handle(t, db, "queue", promdb.Label{Name: "pod", Value: "a"})
	for k := range 10 { // long from 0:30 on, so that it fires at 1:30; not any more from 2:00 on
		at := epoch.Add(time.Duration(k) * scrape)
		v := 5.0
		if k >= 2 && k < 8 {
			v = 20 + float64(k)
		}
		if err := db.Append(s, at, v); err != nil {
			t.Fatal(err)
		}
		commit(t, db, at)
		for i, g := range groups {
			if i == 1 || k%2 == 0 {
				if err := g.Eval(t.Context(), at); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range want {
			if i == 1 || k%2 == 0 {
				want[i].LastEvaluation = at
			}
			for j := range want[i].Rules {
				want[i].Rules[j].Health = "ok"
			}
		}
		active := &want[1].Rules[0]
		active.State, active.Alerts = "inactive", nil
		want[1].Rules[1].State = "inactive"
		if k >= 2 {
			a := promdb.AlertState{
				Labels:      map[string]string{"alertname": "QueueLong", "pod": "a", "policy": "v3", "severity": "page", "team": "web"},
				Annotations: map[string]string{"summary": fmt.Sprintf("%d wait in a", 20+min(k, 7))},
				State:       "pending", ActiveAt: epoch.Add(30 * time.Second), Value: fmt.Sprintf("2.%de+01", min(k, 7)),
			}
			if k >= 6 {
				a.State = "firing"
			}
			if k >= 8 {
				a.KeepFiringSince = new(epoch.Add(2 * time.Minute))
			}
			active.State, active.Alerts = a.State, []promdb.AlertState{a}
		}
		if diff := cmp.Diff(want, states()); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", at.Sub(epoch), diff)
		}
	}
}
