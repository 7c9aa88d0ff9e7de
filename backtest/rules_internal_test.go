package backtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb"
)

const testRules = `
groups:
- name: load
  interval: 30s
  rules:
  - {record: 'app:served:rate1m', expr: 'sum(rate(http_requests_total[1m]))'}
- name: alerts
  rules:
  - {alert: Short, expr: 'sum(kube_pod_status_ready{condition="false"}) > 0', for: 30s}
  - {alert: NoPods, expr: 'sum(kube_deployment_status_replicas) == 0'}
  - {alert: Always, expr: 'vector(1)'}
`

func rulesOf(t testing.TB, name, text string) *promdb.RuleFile {
	t.Helper()
	f, err := promdb.ParseRules(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAlertsOfARun: alerts are counted in the scored part as the series that they leave
// say, a run that keeps the metrics needed keeps those of the rules, and rules change no
// decision.
func TestAlertsOfARun(t *testing.T) {
	load := days(1)
	load.Values = bursts(6)()
	e, plain := testEnv(t, load), testEnv(t, load)
	if err := e.rules.add([]*promdb.RuleFile{rulesOf(t, "test.yaml", testRules)}); err != nil {
		t.Fatal(err)
	}
	ent := entrantNamed(t, e, "hpa")
	tr := try(t, e, ent, configured(ent), catalog{})
	before := try(t, plain, entrantNamed(t, plain, "hpa"), configured(ent), catalog{})
	if len(tr.lines) != len(before.lines) || string(tr.lines[len(tr.lines)-1]) != string(before.lines[len(before.lines)-1]) {
		t.Error("rules changed a decision")
	}
	if before.alerts != nil || tr.ruleFault != nil {
		t.Errorf("alerts without rules: %v; fault %v", before.alerts, tr.ruleFault)
	}
	db, err := promdb.OpenReadOnly(tr.blocks)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var firings int
	var seconds float64
	was := false
	for at := e.load.Start.Add(decisionPhase); at.Before(e.load.End()); at = at.Add(e.rules.interval) {
		v, err := db.QueryVector(t.Context(), `ALERTS{alertname="Short",alertstate="firing",policy="hpa"}`, at)
		if err != nil {
			t.Fatal(err)
		}
		on := len(v) > 0
		if !at.Before(e.scoredFrom) {
			if on {
				seconds += e.rules.interval.Seconds()
			}
			if on && !was {
				firings++
			}
		}
		was = on
	}
	scored := e.load.End().Sub(e.scoredFrom).Seconds()
	want := []result.Alert{{Name: "Always", Firings: 1, Seconds: scored}, {Name: "NoPods"}, {Name: "Short", Firings: firings, Seconds: seconds}}
	if firings < 3 {
		t.Errorf("pods were missing %d times", firings)
	}
	for i, a := range tr.alerts {
		if a.Name != want[i].Name || a.Firings != want[i].Firings || math.Abs(a.Seconds-want[i].Seconds) > e.rules.interval.Seconds() {
			t.Errorf("alert %+v, the series say %+v", a, want[i])
		}
	}
	if len(tr.alerts) != len(want) {
		t.Errorf("alerts %+v", tr.alerts)
	}
	// The rule's own metrics were kept for it.
	end := e.load.End().Add(-time.Minute)
	served, err := db.Query(t.Context(), "app:served:rate1m", end)
	if err != nil || !(served > 0) {
		t.Errorf("recorded %v, %v", served, err)
	}
	if n, err := db.QueryVector(t.Context(), "container_fs_reads_total", end); err != nil || len(n) > 0 {
		t.Errorf("kept without need: %v, %v", n, err)
	}
}

// TestRulesWhilePrometheusIsDown: no rule is evaluated, so that what fires is silent for so
// long and leaves no series; it is the same firing afterwards. At the end the rules stand as
// at the last evaluation that there was.
func TestRulesWhilePrometheusIsDown(t *testing.T) {
	const lasts, last = 2 * time.Hour, 10 * time.Minute
	load := days(1)
	faults := []plannedFault{
		{harm: harm{kind: v1alpha1.FaultScrapeOutage}, at: 15 * time.Hour, lasts: lasts},
		{harm: harm{kind: v1alpha1.FaultScrapeOutage}, at: load.End().Sub(load.Start) - last, lasts: last},
	}
	ran := func(faults []plannedFault) (*env, trial, result.Alert) {
		t.Helper()
		e := testEnvWith(t, load, func(e *env) { e.faults = faults })
		if err := e.rules.add([]*promdb.RuleFile{rulesOf(t, "test.yaml", testRules)}); err != nil {
			t.Fatal(err)
		}
		ent := entrantNamed(t, e, "hpa")
		tr := try(t, e, ent, configured(ent), catalog{})
		i := slices.IndexFunc(tr.alerts, func(a result.Alert) bool { return a.Name == "Always" })
		if i < 0 {
			t.Fatalf("alerts %+v", tr.alerts)
		}
		return e, tr, tr.alerts[i]
	}
	_, _, all := ran(nil)
	e, tr, some := ran(faults)
	if all.Firings != 1 || some.Firings != 1 || math.Abs(all.Seconds-some.Seconds-(lasts+last).Seconds()) > e.rules.interval.Seconds() {
		t.Errorf("it fires as %+v, without outages as %+v", some, all)
	}
	for _, s := range tr.rules {
		if ago := load.End().Add(-last).Sub(s.LastEvaluation); ago < 0 || ago > 30*time.Second {
			t.Errorf("%s was evaluated at %v, the outage begins %v later", s.Name, s.LastEvaluation, ago)
		}
	}
	db, err := promdb.OpenReadOnly(tr.blocks)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for at, want := range map[time.Duration]int{14 * time.Hour: 1, 16 * time.Hour: 0, 18 * time.Hour: 1} {
		if v, err := db.QueryVector(t.Context(), `ALERTS{alertname="Always"}`, load.Start.Add(at)); err != nil || len(v) != want {
			t.Errorf("after %v the series are %v, %v, want %d", at, v, err, want)
		}
	}
}

// TestFiringsAreCountedInTheScoredPart: a stretch that began before counts once it is in,
// with the time since.
func TestFiringsAreCountedInTheScoredPart(t *testing.T) {
	at := func(minute int) time.Time { return monday.Add(time.Duration(minute) * time.Minute) }
	for name, tc := range map[string]struct {
		on      []bool // every minute from 0
		count   int
		minutes float64
	}{
		"before":        {[]bool{true, true, false, false, false, false}, 0, 0},
		"across":        {[]bool{false, true, true, true, true, false}, 1, 2},
		"twice":         {[]bool{true, false, false, true, false, true}, 2, 1},
		"at the border": {[]bool{false, false, false, true, true, true}, 1, 2},
	} {
		f := &firing{}
		for i, on := range tc.on {
			f.note(on, at(i), at(3))
		}
		if f.count != tc.count || f.firing.Minutes() != tc.minutes {
			t.Errorf("%s: %d firings, %v, want %d, %v minutes", name, f.count, f.firing, tc.count, tc.minutes)
		}
	}
}
