package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
)

// smallRun is a run of all policies with what is awkward to score: two seeds, sweeps, a
// gap, hours without load, a peak beyond all bounds, and paid nodes.
func smallRun(t *testing.T) string {
	t.Helper()
	var load strings.Builder
	load.WriteString("timestamp,value\n")
	start := time.Date(2026, 6, 1, 0, 0, 30, 0, time.UTC)
	for i := range 12 * 60 {
		at := start.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
		v := 100 + 80*math.Sin(float64(i)/40) + 20*math.Sin(float64(i)*1.3)
		switch {
		case i%200 < 15:
			v = 0
		case i >= 500 && i < 512:
			fmt.Fprintf(&load, "%s,\n", at)
			continue
		case i >= 600 && i < 604:
			v *= 12
		}
		fmt.Fprintf(&load, "%s,%.3f\n", at, max(v, 0))
	}
	file := filepath.Join(t.TempDir(), "load.csv")
	if err := os.WriteFile(file, []byte(load.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Name: "small", Path: file}}
	x.Spec.App.PeakPods = 6
	x.Spec.Cluster.Nodes.PerNodeHour = "0.2"
	x.Spec.Cluster.Faults = []v1alpha1.ClusterFault{
		{Kind: v1alpha1.FaultPodRestart, PerDay: "24", Share: "0.5"},
		{Kind: v1alpha1.FaultSlowStart, At: "5h7m7s", Duration: metav1.Duration{Duration: time.Hour}, Factor: "3"},
		{Kind: v1alpha1.FaultScrapeLag, At: "8h", Duration: metav1.Duration{Duration: 30 * time.Minute}, Delay: metav1.Duration{Duration: time.Minute}},
	}
	x.Spec.MinReplicas = new(int32(2))
	x.Spec.Seeds = 2
	x.Spec.Seed = new(uint64(3))
	x.Spec.Models = []string{"naive"}
	x.Default()
	if err := x.Validate(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := result.NewWriter(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backtest.Run(t.Context(), x, x.Spec.Datasets[0], w, backtest.Options{Parallel: 2}); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestScoresOfARunCanBeRecomputed(t *testing.T) {
	dir := smallRun(t)
	var out, errs bytes.Buffer
	if code := run([]string{dir}, &out, &errs); code != exitAgree {
		t.Fatalf("exit %d: %s\n%s", code, errs.String(), out.String())
	}
	for _, want := range []string{"static ", "hpa ", "v2 ", "v3 ", "oracle ", "as a point of its sweep", "v3 against hpa, as-configured", "v3 against v2, equal-sla"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing of %q", want)
		}
	}
	if n := strings.Count(out.String(), "faults["); n < 5*8 {
		t.Errorf("only %d lines of faults", n)
	}
	if n := strings.Count(out.String(), "\n"); n < 5*22+4*12 {
		t.Errorf("only %d lines", n)
	}
	t.Run("every score counts", func(t *testing.T) { spoilEachScore(t, dir) })
	t.Run("every column counts", func(t *testing.T) { spoilEachColumn(t, dir) })
}

// spoilEachScore changes one number of result.json after the other by a millionth.
func spoilEachScore(t *testing.T, dir string) {
	name := filepath.Join(dir, "result.json")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}()
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	spoilt := 0
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for k, child := range v {
				walk(path+"."+k, child, func(x any) { v[k] = x })
			}
		case float64:
			set(v + 1e-6*max(math.Abs(v), 1))
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			set(v)
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			if code := run([]string{dir}, &out, &errs); code != exitDiffer {
				t.Errorf("%s spoilt: exit %d, %s", path, code, errs.String())
			}
			spoilt++
		}
	}
	list, ok := doc["policies"].([]any)
	if !ok || len(list) == 0 {
		t.Fatal("no policies")
	}
	first := func(any) {}
	walk("policies[1]", list[1], first)
	if spoilt != 22 {
		t.Errorf("%d numbers of a policy, want 22", spoilt)
	}
	spoilt = 0
	faults, ok := doc["faults"].([]any)
	if !ok || len(faults) == 0 {
		t.Fatal("no faults")
	}
	if last, ok := faults[len(faults)-1].(map[string]any); ok {
		walk("faults[].requestsGood", last["requestsGood"], first)
	}
	if spoilt != 5 {
		t.Errorf("%d numbers of a fault, want 5", spoilt)
	}
}

// spoilEachColumn makes one figure of a timeline larger, a column at a time.
func spoilEachColumn(t *testing.T, dir string) {
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, result.RunsDir, "hpa", result.TimelineFile)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var rows []result.Row
	for row, err := range f.Timeline("hpa") {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	// Only where something changes does the moment count.
	last := len(rows) - 2
	for last > 0 && rows[last].Ready == rows[last-1].Ready {
		last--
	}
	for column, spoil := range map[string]func(*result.Row){
		"time":      func(r *result.Row) { r.Time = r.Time.Add(time.Millisecond) },
		"load":      func(r *result.Row) { r.Load *= 3 },
		"demand":    func(r *result.Row) { r.Demand++ },
		"desired":   func(r *result.Row) { r.Desired++ },
		"ready":     func(r *result.Row) { r.Ready++ },
		"good":      func(r *result.Row) { r.Good++ },
		"bad":       func(r *result.Row) { r.Bad++ },
		"podHours":  func(r *result.Row) { r.PodHours += 0.001 },
		"nodeHours": func(r *result.Row) { r.NodeHours += 0.001 },
		"errors":    func(r *result.Row) { r.Errors += r.Good + r.Bad },
	} {
		changed := append([]result.Row(nil), rows...)
		spoil(&changed[last])
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w := result.NewTimelineWriter(file)
		for _, r := range changed {
			w.Write(r)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := run([]string{dir}, &out, &errs); code == exitAgree {
			t.Errorf("a spoilt %s went unnoticed", column)
		}
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUnreadableRuns(t *testing.T) {
	empty := t.TempDir()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "result.json"), []byte(`{"schema":"hindcast/result/v1","policies":[{"name":"hpa"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "usage"},
		{[]string{"a", "b"}, "usage"},
		{[]string{empty}, "result.json"},
		{[]string{other}, "timeline.csv.gz"},
	} {
		var out, errs bytes.Buffer
		if code := run(tc.args, &out, &errs); code != exitUnreadable || !strings.Contains(errs.String(), tc.want) {
			t.Errorf("%q: exit %d, %q", tc.args, code, errs.String())
		}
	}
}

// TestFrontierOfAFewPoints holds the interpolation against figures worked out by hand:
// half-way between 1 % and 0.01 % of bad requests lies 0.1 %.
func TestFrontierOfAFewPoints(t *testing.T) {
	points := []spot{{good: 0.99, price: 10}, {good: 0.985, price: 11}, {good: 0.9999, price: 20}, {good: 0.9999, price: 25}}
	for good, want := range map[float64]float64{0.9: 10, 0.99: 10, 0.999: 15, 0.9999: 20} {
		if got := cheapest(points, good).price; math.Abs(got-want) > 1e-4 {
			t.Errorf("at %v: price %v, want %v", good, got, want)
		}
	}
	if got := cheapest(points, 0.99999).price; !math.IsNaN(got) {
		t.Errorf("beyond all points: price %v", got)
	}
}
