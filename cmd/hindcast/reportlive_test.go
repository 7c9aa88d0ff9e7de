package main

import (
	"math"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hindcast.dev/internal/livetest"
	"hindcast.dev/internal/promtest"
)

// liveStory implements the verb. Both scalers decide 8 replicas where 10 run and 8 are
// needed, so that every hour in Shadow would take 2 replica-hours less; the controller of
// web begins anew at six.
func (s *servers) liveStory(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: livestory NAME")
	}
	story := func(scaler string, pods ...livetest.Pod) livetest.Story {
		return livetest.Story{
			Namespace: "shop", Scaler: scaler, Start: shopStart, End: shopStart.Add(12 * time.Hour), Pods: pods,
			PerReplica: 10, Lead: 3 * time.Minute,
			Mode: func(time.Time) string { return "Shadow" }, Reason: func(time.Time) string { return "Steady" },
			Load: func(time.Time) float64 { return 78 },
			Ran:  func(time.Time) int { return 10 }, Decided: func(time.Time) int { return 8 },
			Stale:    func(time.Time) bool { return false },
			Accuracy: func(time.Time) float64 { return 0.97 }, Skill: func(time.Time) float64 { return math.NaN() },
			Quantiles: map[string]func(time.Time) float64{"0.95": func(time.Time) float64 { return 80 }},
		}
	}
	pod := func(name string, from, to float64) livetest.Pod {
		at := func(h float64) time.Time { return shopStart.Add(time.Duration(h * float64(time.Hour))) }
		return livetest.Pod{Name: name, Span: livetest.Span{From: at(from), To: at(to)}}
	}
	text, err := livetest.OpenMetrics(story("web", pod("a", 0, 6), pod("b", 6, 12)), story("till", pod("a", 0, 6), pod("b", 6, 12)))
	ts.Check(err)
	dir := filepath.Join(s.t.TempDir(), "data")
	promtest.Backfill(s.t, dir, text)
	ts.Setenv(args[0], promtest.Start(s.t, dir).URL())
}
