package promapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
	"hindcast.dev/promdb/promapi"
)

// ruled are rules of every kind and state over the gauges of ruledWorld. The one called
// Ended is active until the time that is filled in.
const ruled = `
groups:
- name: load
  interval: 2s
  labels: {of: load}
  rules:
  - record: queue:sum
    expr: sum  (queue)
    labels: {level: "all"}
  - record: queue:wrong
    expr: queue * on(team) queue
  - record: queue:many
    expr: queue
- name: alerts
  rules:
  - alert: Long
    expr: queue > 10
    labels: {severity: page, size: '{{ if gt $value 25.0 }}huge{{ else }}big{{ end }}'}
    annotations:
      summary: '{{ $labels.pod }} has {{ $value | humanize }} <waiting> & more'
      others: '{{ with query "queue:sum" }}{{ . | first | value | printf "%%.1f" }}{{ end }}'
      wrong: '{{ query "nothing" | first | value }}'
      late: '{{ $labels.none.of.it }}'
      home: 'at {{ pathPrefix }}'
  - alert: Waits
    expr: queue < 10
    for: 1h
    keep_firing_for: 90m
  - alert: Never
    expr: queue > 1e6
    labels: {severity: page}
    annotations: {runbook: https://example.com/never}
  - alert: Gone
    expr: absent(nothing{pod="x"})
  - alert: NotANumber
    expr: (queue{pod="a"} / 0 * 0) or vector(1e300 * 1e300)
  - alert: Twice
    expr: label_replace(queue, "pod", "same", "", "")
  - alert: Ended
    expr: vector(0.5) and on() vector(time()) < %d
    keep_firing_for: 1h
- name: limited
  limit: 2
  rules:
  - alert: TooMany
    expr: queue
  - alert: Enough
    expr: queue{pod=~"a|b"}
- name: later
  query_offset: 3s
  rules:
  - alert: Later
    expr: queue > 20
`

// ruledWorld writes three gauges that do not change, up to an instant, into dir, evaluates
// rules as if time passed on until until, and returns how they stand then.
func ruledWorld(t *testing.T, dir string, f *promdb.RuleFile, from, to, until time.Time) []promdb.GroupState {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []promdb.GroupState
	// The blocks that are served must not hold what the rules record: a server does that.
	for _, cfg := range []promdb.Config{{Dir: dir}, {}} {
		db, err := promdb.Open(cfg)
		check(err)
		var queues []*promdb.Series
		for _, pod := range []string{"a", "b", `c"<é>`} {
			s, err := db.Series("queue", promdb.Label{Name: "pod", Value: pod}, promdb.Label{Name: "team", Value: "web"})
			check(err)
			queues = append(queues, s)
		}
		for at := from; !at.After(to); at = at.Add(scrape) {
			for i, s := range queues {
				check(db.Append(s, at, 1.5+float64(i)*14))
			}
			check(db.Commit(at))
		}
		if cfg.Dir != "" {
			check(db.Finish())
			continue
		}
		groups, err := db.RuleGroups(time.Second, f)
		check(err)
		for at := to.Add(time.Second); !at.After(until); at = at.Add(time.Second) {
			for _, g := range groups {
				if int64(at.Sub(to).Seconds())%int64(g.Interval().Seconds()) == 0 {
					// Rules that are meant to fail do.
					if err := g.Eval(t.Context(), at); err != nil && g.Name() != "load" && g.Name() != "limited" && g.Name() != "alerts" {
						t.Fatal(err)
					}
				}
			}
		}
		for _, g := range groups {
			all = append(all, g.State())
		}
		check(db.Close())
	}
	return all
}

// ruledServers returns a server that evaluates the rules of a file, of which Ended ends after
// grace, and this API, for which that is over; nil if the server started too late to see it.
func ruledServers(t *testing.T, grace time.Duration) (server *promtest.Server, h http.Handler, file string) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	ends := now.Add(grace)
	file = filepath.Join(t.TempDir(), "rules.yaml")
	text := fmt.Appendf(nil, ruled, ends.Unix())
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := promdb.ParseRules(file, text)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	states := ruledWorld(t, dir, parsed, now.Add(-10*time.Minute), now.Add(-5*time.Second), ends.Add(10*time.Second))
	server = promtest.StartWith(t, dir, fmt.Sprintf("global: {evaluation_interval: 1s}\nrule_files: [%q]\n", file))
	if time.Now().After(ends.Add(-5 * time.Second)) {
		return nil, nil, ""
	}
	h = promapi.New(reader(t, []string{dir}), promapi.Config{Start: now.Add(-10 * time.Minute), End: ends.Add(10 * time.Second), Rules: states})
	return server, h, file
}

// TestPrometheusSaysTheSameOfRules lets a real server evaluate rules while its clock runs,
// and these over simulated time, and wants the same answers but for times.
func TestPrometheusSaysTheSameOfRules(t *testing.T) {
	promtest.RequireVersion(t, promapi.Version) // older ones do not know all that is in the file
	server, h, file := ruledServers(t, 15*time.Second)
	if server == nil { // on a machine with much else to do
		server, h, file = ruledServers(t, time.Minute)
	}
	if server == nil {
		t.Fatal("the server takes a minute to start")
	}

	// The last to happen is that what ended is kept.
	for patience := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, body := server.Get(t, promapi.Prefix+"rules", nil)
		if strings.Contains(string(body), `"keepFiringSince"`) && !strings.Contains(string(body), `"0001-01-01`) {
			break
		}
		if time.Now().After(patience) {
			t.Fatalf("the server does not come to an end of Ended: %s", body)
		}
	}
	page := url.Values{"group_limit": {"2"}}
	_, first := server.Get(t, promapi.Prefix+"rules", page)
	token := regexp.MustCompile(`"groupNextToken":"(\w+)"`).FindSubmatch(first)
	if token == nil {
		t.Fatalf("no token: %s", first)
	}
	for _, form := range []url.Values{
		nil,
		{"type": {"alert"}}, {"type": {"RECORD"}}, {"type": {"other"}},
		{"rule_name[]": {"Long"}}, {"rule_name[]": {"Long", "queue:sum"}}, {"rule_name[]": {"none"}},
		{"rule_group[]": {"load", "later"}}, {"rule_group[]": {"load"}, "type": {"alert"}},
		{"file[]": {file}}, {"file[]": {"other"}},
		{"match[]": {`{severity="page"}`}}, {"match[]": {`{severity="page"}`, `{of=~".+"}`}}, {"match[]": {`{level!=""}`}},
		{"match[]": {`{`}}, {"match[]": {`{a=""}`}},
		{"exclude_alerts": {"true"}}, {"exclude_alerts": {"maybe"}}, {"exclude_alerts": {"0"}},
		page, {"group_limit": {"2"}, "group_next_token": {string(token[1])}}, {"group_limit": {"9"}, "group_next_token": {"none"}},
		{"group_limit": {"0"}}, {"group_limit": {"x"}}, {"group_next_token": {"x"}},
	} {
		wantCode, want := server.Get(t, promapi.Prefix+"rules", form)
		code, got := get(t, h, promapi.Prefix+"rules", form)
		if code != wantCode || timeless(t, got) != timeless(t, want) {
			t.Errorf("rules %v: %d, the server says %d\n%s", form, code, wantCode, firstDifference(timeless(t, got), timeless(t, want)))
		}
		// Without more than one alert of a rule, the bytes are in order as well.
		if !strings.Contains(string(want), `},{"labels"`) && withoutTimes(got) != withoutTimes(want) {
			t.Errorf("rules %v: %s", form, firstDifference(withoutTimes(got), withoutTimes(want)))
		}
	}
	_, want := server.Get(t, promapi.Prefix+"alerts", nil)
	if _, got := get(t, h, promapi.Prefix+"alerts", nil); timeless(t, got) != timeless(t, want) || strings.Count(string(want), `"activeAt"`) < 8 {
		t.Errorf("alerts: %s", firstDifference(timeless(t, got), timeless(t, want)))
	}
}

// firstDifference shows where two answers part.
func firstDifference(got, want string) string {
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	part := func(s string) string { return s[max(0, n-200):min(len(s), n+200)] }
	return fmt.Sprintf("it is\n%s\nwant\n%s", part(got), part(want))
}

var timesOfRules = regexp.MustCompile(`"(activeAt|keepFiringSince|lastEvaluation|evaluationTime)":("[^"]+"|[0-9.e-]+)`)

// withoutTimes takes the times, which the clock of a server decides, out of an answer.
func withoutTimes(body []byte) string { return timesOfRules.ReplaceAllString(string(body), `"$1":0`) }

// timeless is an answer about rules without times, and its alerts sorted: they have no order.
func timeless(t *testing.T, body []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(withoutTimes(body)), &v); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	var sorted func(v any)
	sorted = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				sorted(e)
			}
			if alerts, ok := v["alerts"].([]any); ok {
				slices.SortFunc(alerts, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		case []any:
			for _, e := range v {
				sorted(e)
			}
		}
	}
	sorted(v)
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOfficialClientReadsRules asks for rules and alerts by Prometheus's own client, of a run
// moved by two days.
func TestOfficialClientReadsRules(t *testing.T) {
	const shift = 48 * time.Hour
	since := epoch.Add(time.Hour)
	c := client(t, promapi.Config{Shift: shift, Rules: []promdb.GroupState{
		{Name: "scaler", File: "v3: rules.yaml", Interval: 30, LastEvaluation: end, Rules: []promdb.RuleState{
			{Type: promdb.AlertingRule, Name: "AtMax", Query: "x > 1", Labels: map[string]string{"policy": "v3"}, Health: "ok", State: "firing", Duration: 90,
				Annotations: map[string]string{"summary": "{{ $value }}"}, Alerts: []promdb.AlertState{{
					Labels: map[string]string{"alertname": "AtMax", "policy": "v3"}, Annotations: map[string]string{"summary": "7"},
					State: "firing", ActiveAt: since, Value: "7e+00",
				}}},
			{Type: promdb.RecordingRule, Name: "x:sum", Query: "sum(x)", Health: "err", LastError: "too much"},
		}},
		{Name: "never", File: "hpa: rules.yaml", Interval: 60, Rules: []promdb.RuleState{
			{Type: promdb.AlertingRule, Name: "Idle", Query: "x", Health: "unknown", State: "unknown"},
		}},
	}})
	rules, err := c.Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	alert := &v1.Alert{
		ActiveAt: since.Add(shift), State: v1.AlertStateFiring, Value: "7e+00",
		Labels: model.LabelSet{"alertname": "AtMax", "policy": "v3"}, Annotations: model.LabelSet{"summary": "7"},
	}
	want := v1.RulesResult{Groups: []v1.RuleGroup{
		{Name: "never", File: "hpa: rules.yaml", Interval: 60, Rules: v1.Rules{
			v1.AlertingRule{Name: "Idle", Query: "x", Labels: model.LabelSet{}, Annotations: model.LabelSet{}, Alerts: []*v1.Alert{}, Health: v1.RuleHealthUnknown, State: "unknown"},
		}},
		{Name: "scaler", File: "v3: rules.yaml", Interval: 30, Rules: v1.Rules{
			v1.AlertingRule{
				Name: "AtMax", Query: "x > 1", Duration: 90, Labels: model.LabelSet{"policy": "v3"}, Annotations: model.LabelSet{"summary": "{{ $value }}"},
				Alerts: []*v1.Alert{alert}, Health: v1.RuleHealthGood, LastEvaluation: end.Add(shift), State: "firing",
			},
			v1.RecordingRule{Name: "x:sum", Query: "sum(x)", Labels: model.LabelSet{}, Health: v1.RuleHealthBad, LastError: "too much", LastEvaluation: end.Add(shift)},
		}},
	}}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	alerts, err := c.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The series ALERTS of the small world, which has others, are not read.
	if diff := cmp.Diff(v1.AlertsResult{Alerts: []v1.Alert{*alert}}, alerts); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// Where a run kept no rules, the answer says so: it is not just empty.
func TestRulesThatWereNotKept(t *testing.T) {
	const why = "run it again"
	h := newAPI(t, promapi.Config{NoRules: why})
	for path, want := range map[string]string{"rules": `"groups":[]`, "alerts": `"alertname":"AtMax"`} {
		code, body := get(t, h, promapi.Prefix+path, nil)
		if code != http.StatusOK || !strings.Contains(string(body), want) || !strings.HasSuffix(string(body), `"warnings":["`+why+`"]}`) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}
