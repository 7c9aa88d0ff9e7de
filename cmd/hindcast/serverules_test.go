package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb/promapi"
)

const servedRules = `groups:
- name: scaler
  rules:
  - record: ready:max
    expr: max(kube_deployment_status_replicas_ready)
  - alert: HasReplicas
    expr: kube_deployment_status_replicas_ready > 0
    for: 1m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.policy }} has {{ $value }} of {{ $labels.deployment }} & <more>'}
  - alert: Waits
    expr: sum(kube_deployment_status_replicas_ready) > 0
    for: 1000h
  - alert: Never
    expr: ready:max > 1e6
`

// TestServeRules serves a run with rules: what the rules and alerts say has to agree with
// the series that they left, and where the run kept no rules it has to say so.
func TestServeRules(t *testing.T) {
	home := t.TempDir()
	dir, file := filepath.Join(home, "run"), filepath.Join(home, "my rules.yaml")
	if err := os.WriteFile(file, []byte(servedRules), 0o600); err != nil {
		t.Fatal(err)
	}
	// Another file of the same name is kept beside it.
	other := filepath.Join(home, "other", "my rules.yaml")
	if err := os.MkdirAll(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte("groups: [{name: more, rules: [{record: one, expr: vector(1)}]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"hindcast", "backtest", "--data", "scenario:ramp", "--policies", "hpa,static", "--equal-sla=false", "--rules", file, "--rules", other, "-o",
	}
	var stderr bytes.Buffer
	for _, dir := range []string{dir, dir + "-again"} {
		if code := run(t.Context(), append(slices.Clone(args), dir), nil, io.Discard, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
	}
	for _, name := range []string{"runs/hpa/" + result.RulesFile, "runs/static/" + result.RulesFile, result.RulesDir + "/my rules.yaml"} {
		one, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if two, err := os.ReadFile(filepath.Join(dir+"-again", name)); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s differs from run to run: %v", name, err)
		}
	}
	if kept, err := os.ReadFile(filepath.Join(dir, result.RulesDir, "my rules.yaml")); err != nil || string(kept) != servedRules {
		t.Errorf("it kept %q, %v", kept, err)
	}

	kept, warnings := alertsOfRun(t, dir)
	if len(kept) != 4 || len(warnings) != 0 {
		t.Fatalf("alerts %v, warnings %q", kept, warnings)
	}
	for _, a := range kept {
		if a.Labels["alertname"] == "HasReplicas" {
			value, err := strconv.ParseFloat(a.Value, 64)
			if want := fmt.Sprintf("%s has %v of app & <more>", a.Labels["policy"], value); err != nil || a.Annotations["summary"] != want || value < 1 {
				t.Errorf("%q, want %q, %v", a.Annotations["summary"], want, err)
			}
		}
	}
	groups := ask[struct{ Groups []struct{ File, Name string } }](t, dir, "rules")
	if got := fmt.Sprint(groups.Data.Groups); got != "[{hpa: rules/2-my rules.yaml more} {hpa: rules/my rules.yaml scaler} {static: rules/2-my rules.yaml more} {static: rules/my rules.yaml scaler}]" {
		t.Errorf("groups %s", got)
	}

	// A run of before rules were kept has the series only.
	for _, policy := range []string{"hpa", "static"} {
		if err := os.Remove(filepath.Join(dir, result.RunsDir, policy, result.RulesFile)); err != nil {
			t.Fatal(err)
		}
	}
	old, warnings := alertsOfRun(t, dir)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "not kept with it") {
		t.Errorf("warnings %q", warnings)
	}
	if groups := ask[struct{ Groups []any }](t, dir, "rules"); len(groups.Data.Groups) != 0 || len(groups.Warnings) != 1 {
		t.Errorf("rules %+v", groups)
	}
	for i := range kept {
		kept[i].Annotations, kept[i].Value = old[i].Annotations, old[i].Value
	}
	if got, want := fmt.Sprint(kept), fmt.Sprint(old); got != want {
		t.Errorf("the rules say\n%s\ntheir series\n%s", got, want)
	}

	// What is there has to be whole.
	if err := os.WriteFile(filepath.Join(dir, result.RunsDir, "hpa", result.RulesFile), []byte(`[{"name":`), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr.Reset()
	if code := run(t.Context(), []string{"hindcast", "serve", dir}, nil, io.Discard, &stderr); code != exitBad || !strings.Contains(stderr.String(), "run `hindcast backtest` again") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

type servedAlert struct {
	Labels, Annotations    map[string]string
	State, ActiveAt, Value string
}

func alertsOfRun(t *testing.T, dir string) ([]servedAlert, []string) {
	t.Helper()
	a := ask[struct{ Alerts []servedAlert }](t, dir, "alerts")
	slices.SortFunc(a.Data.Alerts, func(a, b servedAlert) int { return strings.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
	return a.Data.Alerts, a.Warnings
}

type served[T any] struct {
	Data     T
	Warnings []string
}

// ask asks the API of a run as serve makes it.
func ask[T any](t *testing.T, dir, path string) (a served[T]) {
	t.Helper()
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	db, policies, err := openRun(f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	cfg := promapi.Config{Start: f.Result.Dataset.Start, End: f.Result.Dataset.End}
	if cfg.Rules, cfg.NoRules, err = runRules(f, policies); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	promapi.New(db, cfg).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, promapi.Prefix+path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", path, w.Code, w.Body, err)
	}
	return a
}
