package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/autoscaler"
	"hindcast.dev/backtest/result"
)

func TestPrintDecision(t *testing.T) {
	at := time.Date(2026, time.January, 5, 10, 0, 5, 0, time.UTC)
	state := result.Row{Ready: 4, Desired: 6, Load: 512.5, Demand: 5}
	for _, tc := range []struct {
		name string
		rec  *autoscaler.Record
		want string
	}{
		{"before the first", nil, "  no decision yet\n"},
		{"everything", &autoscaler.Record{
			Time: at, Spec: 4, Replicas: 6, Scaled: true, Reason: "Rise: more load is coming",
			Values: []autoscaler.ValueRecord{
				{Name: "requests", Value: new(512.5)},
				{Name: "queue", Error: "no data"},
				{Name: "ratio", NotFinite: "NaN"},
			},
			Pods: []autoscaler.PodRecord{
				{Count: 3, Phase: "Running", Ready: true, MilliCPU: new(int64(400)), Bytes: 230 << 20, SampleAge: 5},
				{Count: 1, Phase: "Running", Ready: true, MilliCPU: new(int64(90)), Bytes: 1 << 20, SampleAge: 20},
				{Name: "app-4", Phase: "Pending"},
				{Name: "app-5", Phase: "Running", Ready: true, Deleting: true},
			},
			Forecast: &autoscaler.ForecastEntry{Model: "ridge", HorizonSeconds: 180, Point: new(700.0), Quantile: 0.99, Upper: new(800.0)},
			Proposals: []autoscaler.ProposalEntry{
				{Source: "requests", Replicas: 16, Detail: "50 a replica"},
				{Source: "queue", Replicas: 4, Error: "no data"},
			},
			Clamps: []autoscaler.ClampEntry{{Name: "max", From: 16, To: 12}, {Name: "step", From: 12, To: 6}},
			Error:  "scale: conflict",
		}, `  at 2026-01-05T10:00:05Z it went from 4 to 6: Rise: more load is coming
  saw      requests = 512.5
  saw      queue: no data
  saw      ratio: NaN
  saw      3 settled pods, each: ready, 400 m CPU, 230 MiB, 5 s old
  saw      a settled pod: ready, 90 m CPU, 1 MiB, 20 s old
  saw      app-4: Pending, no sample
  saw      app-5: deleting, no sample
  forecast ridge: highest load of the next 3m0s: 700 expected, 800 at quantile 0.99
  wish     requests: 16 (50 a replica)
  wish     queue: 4 error: no data
  limit    max: 16 -> 12
  limit    step: 12 -> 6
  error    scale: conflict
`},
		{"held", &autoscaler.Record{Time: at, Spec: 4, Replicas: 4, Hold: true, Reason: "NoData: holding"},
			"  at 2026-01-05T10:00:05Z it kept 4: NoData: holding\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			printDecision(&b, "v3", state, tc.rec)
			want := "v3: 4 ready, 6 asked for; the load of 512.5 requests/s needs 5\n" + tc.want
			if d := cmp.Diff(want, b.String()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestDecisionAt looks for the last of a log's decisions that is not later.
func TestDecisionAt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "decisions.jsonl")
	log := `{"time":"2026-01-05T00:00:05Z","replicas":1}
{"time":"2026-01-05T00:00:20Z","replicas":2}
{"time":"2026-01-05T00:00:35Z","replicas":3}
not JSON
`
	if err := os.WriteFile(name, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		at   string
		want int32 // 0: none
	}{{"00:00:04", 0}, {"00:00:05", 1}, {"00:00:19", 1}, {"00:00:20", 2}, {"00:00:34", 2}} {
		at, err := parseTime("2026-01-05 " + tc.at)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := decisionAt(name, at)
		if err != nil {
			t.Errorf("at %s: %v", tc.at, err)
		} else if rec == nil && tc.want != 0 || rec != nil && rec.Replicas != tc.want {
			t.Errorf("at %s: got %+v, want %d replicas", tc.at, rec, tc.want)
		}
	}
	if _, err := decisionAt(name, time.Date(2026, time.January, 6, 0, 0, 0, 0, time.UTC)); err == nil || !strings.HasPrefix(err.Error(), name+":4: ") {
		t.Errorf("got %v, want an error with file and line", err)
	}
	empty := filepath.Join(t.TempDir(), "decisions.jsonl")
	if _, err := decisionAt(empty, time.Now()); err == nil || !strings.Contains(err.Error(), empty) || !strings.HasSuffix(err.Error(), ": make the run again") {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := decisionAt(empty, time.Now()); err == nil || err.Error() != empty+": is empty; make the run again" {
		t.Errorf("an empty file: %v", err)
	}
}

// TestPrintRefusals: a change that was refused was not made, and where nothing could be read nothing
// was decided.
func TestPrintRefusals(t *testing.T) {
	at := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	for want, rec := range map[string]autoscaler.Record{
		"  at 2026-01-05T12:00:00Z it could not go from 5 to 7: ScaleUp: more\n  error    set replicas to 7: refused\n": {
			Time: at, Spec: 5, Replicas: 7, Reason: "ScaleUp: more", Error: "set replicas to 7: refused",
		},
		"  at 2026-01-05T12:00:00Z it went from 5 to 7: ScaleUp: more\n": {Time: at, Spec: 5, Replicas: 7, Reason: "ScaleUp: more", Scaled: true},
		"  at 2026-01-05T12:00:00Z it kept 5: Steady\n":                  {Time: at, Spec: 5, Replicas: 5, Reason: "Steady"},
		"  at 2026-01-05T12:00:00Z it decided nothing: FailedGetScale: read replicas: refused\n": {
			Time: at, Skipped: true, Reason: "FailedGetScale: read replicas: refused", Error: "read replicas: refused",
		},
	} {
		var b strings.Builder
		printDecision(&b, "v3", result.Row{}, &rec)
		if _, got, _ := strings.Cut(b.String(), "\n"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2026, time.January, 5, 13, 30, 0, 0, time.UTC)
	for _, s := range []string{"2026-01-05T13:30:00Z", "2026-01-05T14:30:00+01:00", "2026-01-05T13:30:00", "2026-01-05 13:30:00", "2026-01-05 13:30"} {
		if got, err := parseTime(s); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "now", "13:30", "2026-13-05", "1767619800"} {
		if got, err := parseTime(s); err == nil {
			t.Errorf("%q: got %v, want an error", s, got)
		}
	}
}

// TestPrintHits: what was hit under a policy is told for as long as the fault is, of the first seed.
func TestPrintHits(t *testing.T) {
	noon := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	r := &result.Result{Seed: 7, Faults: []result.Fault{
		{Start: noon, End: noon.Add(10 * time.Minute), Description: "loss of a node"},
		{Start: noon.Add(time.Hour), End: noon.Add(time.Hour), Description: "crash of a pod"},
	}}
	hits := []result.Hit{
		{Seed: 7, Fault: 0, Nodes: []string{"node-1"}, Pods: []string{"app-3", "app-9"}}, {Seed: 7, Fault: 1, Pods: []string{}},
		{Seed: 8, Fault: 0, Nodes: []string{"node-2"}},
	}
	for after, want := range map[time.Duration]string{
		-time.Second:                 "",
		0:                            "  hit      by the loss of a node: node-1, app-3, app-9\n",
		40 * time.Minute:             "  hit      by the loss of a node: node-1, app-3, app-9\n",
		40*time.Minute + time.Second: "",
		time.Hour:                    "  hit      by the crash of a pod: nothing\n",
	} {
		var b strings.Builder
		printHits(&b, r, hits, noon.Add(after))
		if b.String() != want {
			t.Errorf("after %v: %q, want %q", after, b.String(), want)
		}
	}
}

// TestPrintFaults: those that go on, and those that ended shortly before; never those to come.
func TestPrintFaults(t *testing.T) {
	noon := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	faults := []result.Fault{
		{Start: noon, End: noon.Add(10 * time.Minute), Description: "Prometheus is down"},
		{Start: noon.Add(time.Hour), End: noon.Add(time.Hour), Description: "crash of a pod"},
	}
	for after, want := range map[time.Duration]string{
		-time.Second:                   "",
		0:                              "fault since 2026-01-05T12:00:00Z: Prometheus is down\n",
		10*time.Minute - time.Second:   "fault since 2026-01-05T12:00:00Z: Prometheus is down\n",
		10 * time.Minute:               "fault from 2026-01-05T12:00:00Z to 2026-01-05T12:10:00Z: Prometheus is down\n",
		40 * time.Minute:               "fault from 2026-01-05T12:00:00Z to 2026-01-05T12:10:00Z: Prometheus is down\n",
		40*time.Minute + time.Second:   "",
		time.Hour:                      "fault at 2026-01-05T13:00:00Z: crash of a pod\n",
		90*time.Minute + time.Second:   "",
		time.Hour - time.Second:        "",
		time.Hour + 30*time.Minute - 1: "fault at 2026-01-05T13:00:00Z: crash of a pod\n",
	} {
		var b strings.Builder
		printFaults(&b, faults, noon.Add(after))
		if b.String() != want {
			t.Errorf("after %v: %q, want %q", after, b.String(), want)
		}
	}
}
