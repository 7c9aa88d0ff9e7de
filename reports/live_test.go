package reports_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/live/liveview"
	"hindcast.dev/reports"
)

// lived is a view of a day in Shadow by the minute, with an hour in which nothing was seen.
func lived() *liveview.View {
	const n = 1440
	series := func(f func(hour float64) float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			if i >= 600 && i < 660 {
				values[i] = math.NaN()
				continue
			}
			values[i] = f(float64(i) / 60)
		}
		return values
	}
	load := func(h float64) float64 { return 100 + 80*math.Sin(2*math.Pi*h/24) }
	rises := func(per float64) []float64 { return series(func(float64) float64 { return per }) }
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	sums := liveview.Sums{Mode: "Shadow", WatchedHours: 23, ReplicaHours: 400, DecidedReplicaHours: 308, ShortHours: 0.5, DecidedShortHours: 0.1}
	v := &liveview.View{
		Namespace: "shop", Name: "web", Server: "http://prometheus:9090", From: start, To: start.Add((n - 1) * time.Minute), Step: time.Minute, Steps: n,
		Desired: series(func(h float64) float64 { return math.Ceil(load(h+0.05) / 10) }), Current: series(func(h float64) float64 { return math.Ceil(load(h-0.5) / 9) }),
		Fewest: rises(2), Most: rises(25),
		Metrics: []liveview.Metric{{
			Name: "requests", Observed: series(load), Skill: liveview.Rolling{Values: rises(0.3), Last: 0.3, Mean: 0.3, Lowest: 0.3, KnownSeconds: 3600},
			Horizons: []liveview.Horizon{{
				Ahead: 3 * time.Minute, Came: series(func(h float64) float64 { return load(h + 0.05) }),
				Quantiles: []liveview.Quantile{
					{Level: 0.5, Forecasts: series(func(h float64) float64 { return load(h + 0.05) }), Judged: 1300, Held: 0.52},
					{Level: 0.99, Forecasts: series(func(h float64) float64 { return load(h+0.05) + 9 }), Judged: 1300, Held: 0.994},
				},
				Accuracy: liveview.Rolling{Values: rises(0.95), Last: 0.95, Mean: 0.95, Lowest: 0.94, KnownSeconds: 3600},
			}},
		}},
		Modes: []liveview.Mode{{Name: "Shadow", Values: rises(1), Seconds: 82800}}, Stale: rises(0),
		Reasons:     []liveview.Events{{Name: "Steady", Rises: rises(2), Total: 2760}},
		QueryErrors: []liveview.Events{{Name: "requests", Rises: rises(0)}},
		Demotions:   liveview.Events{Rises: rises(0)}, ScaleErrors: liveview.Events{Rises: rises(0)}, DecisionSeconds: 0.02,
		Sums: []liveview.Sums{sums},
		Running: liveview.Cumulative{
			ReplicaHours: series(func(h float64) float64 { return 17 * h }), DecidedReplicaHours: series(func(h float64) float64 { return 13 * h }),
			ShortHours: series(func(h float64) float64 { return h / 48 }), DecidedShortHours: series(func(h float64) float64 { return h / 240 }),
		},
		Verdict:        liveview.Verdict{Sums: sums, Cost: liveview.Less, Short: liveview.Less, PerReplicaHour: 0.05},
		WatchedSeconds: 82800, Gaps: []liveview.Gap{{From: start.Add(10 * time.Hour), To: start.Add(11 * time.Hour)}},
		Controllers: []liveview.Controller{{Labels: `pod="a"`, First: start, Last: start.Add(23 * time.Hour)}},
	}
	return v
}

// drawnLive draws a view and returns the page and the Markdown.
func drawnLive(t *testing.T, v *liveview.View) (page, text []byte, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "report")
	if err := reports.WriteLive(v, dir); err != nil {
		t.Fatal(err)
	}
	return readFile(t, filepath.Join(dir, result.HTMLFile)), readFile(t, filepath.Join(dir, result.MarkdownFile)), dir
}

func pageText(t *testing.T, page []byte) string {
	t.Helper()
	for _, e := range elements(t, page) {
		if e.name == "html" {
			return strings.Join(strings.Fields(e.text), " ")
		}
	}
	t.Fatal("no page")
	return ""
}

// The page and the Markdown say the verdict with its figures, in words that follow from
// them, and all that a reader needs to doubt it.
func TestLiveSaysItsVerdict(t *testing.T) {
	page, text, dir := drawnLive(t, lived())
	shown := pageText(t, page)
	for _, want := range []string{
		"Live: shop/web", "would have cost less, and been short for less time",
		"In 23.0 h in Shadow its decisions would have taken 308 replica-hours where 400 ran (23 % less), and would have been short of what the load needed for 6 min where what ran was for 30 min.",
		"At 0.05 a replica-hour that is 15.40 instead of 20.00.",
		"Nobody carried out the decisions", "No request and no response time was measured",
		"No decision was seen for 60 min, in 1 stretch",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, want := range []string{"would have taken 308 replica-hours", "| Shadow |", "plots/replicas.svg"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the Markdown does not say %q", want)
		}
	}
	if strings.Contains(shown, "NaN") || strings.Contains(shown, "Inf") {
		t.Error("a number without a value shows")
	}
	for _, name := range []string{"replicas", "sums", "forecast-requests-3m0s", "accuracy", "reasons", "states"} {
		for _, ext := range []string{".svg", ".png"} {
			if _, err := os.Stat(filepath.Join(dir, result.PlotsDir, name+ext)); err != nil {
				t.Error(err)
			}
		}
	}
	var alone bytes.Buffer
	if err := reports.LiveHTML(&alone, lived()); err != nil || !bytes.Equal(alone.Bytes(), page) {
		t.Errorf("the page alone is another one (%v)", err)
	}
}

// The words follow from what compares how.
func TestLiveVerdicts(t *testing.T) {
	for _, tc := range []struct {
		cost, short liveview.Than
		symbol      string
		words       string
	}{
		{liveview.Less, liveview.Less, "▲", "would have cost less, and been short for less time"},
		{liveview.Less, liveview.Same, "▲", "would have cost less, and been short for as long"},
		{liveview.Same, liveview.Less, "▲", "would have cost the same, and been short for less time"},
		{liveview.Same, liveview.Same, "=", "would have cost the same, and been short for as long"},
		{liveview.Less, liveview.More, "?", "would have cost less, but been short for longer"},
		{liveview.More, liveview.Less, "?", "would have cost more, but been short for less time"},
		{liveview.More, liveview.More, "▼", "would have cost more, and been short for longer"},
		{liveview.Same, liveview.More, "▼", "would have cost the same, and been short for longer"},
		{liveview.More, liveview.Same, "▼", "would have cost more, and been short for as long"},
		{liveview.Unknown, liveview.Less, "○", "no verdict"},
	} {
		v := lived()
		v.Verdict.Cost, v.Verdict.Short = tc.cost, tc.short
		var page bytes.Buffer
		if err := reports.LiveHTML(&page, v); err != nil {
			t.Fatal(err)
		}
		if shown := pageText(t, page.Bytes()); !strings.Contains(shown, tc.symbol+" "+tc.words) {
			t.Errorf("%v, %v: no %q", tc.cost, tc.short, tc.symbol+" "+tc.words)
		}
	}
	v := lived()
	v.Verdict = liveview.Verdict{PerReplicaHour: math.NaN()}
	page, _, _ := drawnLive(t, v)
	if shown := pageText(t, page); !strings.Contains(shown, "It was not seen in Shadow") || strings.Contains(shown, "Nobody carried out") {
		t.Error("a verdict without a time in Shadow")
	}
}

// Names come from a server: they show as text and do nothing.
func TestHostileNamesInALiveReport(t *testing.T) {
	v := lived()
	hostile := hostileTrace
	v.Name, v.Metrics[0].Name, v.Reasons[0].Name, v.QueryErrors[0].Name = hostile, hostile, hostile, hostile
	v.Modes[0].Name, v.Controllers[0].Labels, v.Server = hostile, hostile, hostile
	v.Notes = []string{hostile}
	v.Missing = []liveview.Missing{{Name: hostile, Lacks: "x"}}
	page, text, dir := drawnLive(t, v)
	for _, e := range elements(t, page) {
		if e.name == "img" || e.name == "script" {
			t.Errorf("a name became <%s>", e.name)
		}
		for name := range e.attrs {
			if strings.HasPrefix(name, "on") {
				t.Errorf("a name became %s of <%s>", name, e.name)
			}
		}
	}
	if !strings.Contains(pageText(t, page), "</script><img onerror=alert(1) src=x>") {
		t.Error("the name does not show as text")
	}
	if m := regexp.MustCompile(`<[a-zA-Z/!]`).Find(text); m != nil || bytes.ContainsAny(text, "\x1b\r") {
		t.Errorf("HTML or control characters in the Markdown: %q", m)
	}
	plots, err := filepath.Glob(filepath.Join(dir, result.PlotsDir, "*"))
	if err != nil || len(plots) != 12 {
		t.Fatalf("%d plots, %v", len(plots), err)
	}
	for _, p := range plots {
		if base := filepath.Base(p); !regexp.MustCompile(`^[a-z0-9-]+\.(svg|png)$`).MatchString(base) {
			t.Errorf("a name became the file %q", base)
		}
	}
}

// What is missing is named, and nothing of it is drawn.
func TestLiveReportOfAlmostNothing(t *testing.T) {
	v := lived()
	none := make([]float64, v.Steps)
	for i := range none {
		none[i] = math.NaN()
	}
	v.Desired, v.Current, v.Fewest, v.Most, v.Stale = none, none, none, none, none
	v.StaleSeconds, v.DecisionSeconds = math.NaN(), math.NaN()
	v.Metrics, v.Reasons, v.QueryErrors, v.Sums, v.Modes, v.Controllers = nil, nil, nil, nil, nil, nil
	v.Demotions, v.ScaleErrors = liveview.Events{Total: math.NaN()}, liveview.Events{Total: math.NaN()}
	v.Running = liveview.Cumulative{ReplicaHours: none, DecidedReplicaHours: none, ShortHours: none, DecidedShortHours: none}
	v.Verdict = liveview.Verdict{PerReplicaHour: math.NaN()}
	v.Missing = []liveview.Missing{{Name: "hindcast_scaler_mode", Lacks: "the mode"}}
	page, _, dir := drawnLive(t, v)
	shown := pageText(t, page)
	if !strings.Contains(shown, "There is no sample of hindcast_scaler_mode, so the page lacks the mode.") {
		t.Error("what is missing is not named")
	}
	if strings.Contains(shown, "NaN") {
		t.Error("a number without a value shows")
	}
	if !strings.Contains(shown, "The mode of the scaler is not known") {
		t.Error("a verdict on a mode that nobody knows")
	}
	if plots, err := filepath.Glob(filepath.Join(dir, result.PlotsDir, "*.svg")); err != nil || len(plots) > 1 {
		t.Errorf("drawn of nothing: %v, %v", plots, err)
	}
}
