package manifests_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"hindcast.dev/internal/promtest"
)

// TestPromtool: the rules are what Prometheus's own tool takes for rules, and do what their
// unit tests want.
func TestPromtool(t *testing.T) {
	tool := promtest.Promtool(t)
	const dir = "monitoring/rules"
	tests, err := filepath.Glob(filepath.Join(dir, "*_test.yaml"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("unit tests of the rules: %v, %v", tests, err)
	}
	check := []string{"check", "rules"}
	for _, name := range present(t, dir, "*.yaml") {
		check = append(check, filepath.Join(dir, name))
	}
	for _, args := range [][]string{check, append([]string{"test", "rules"}, tests...)} {
		if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// An alert is what a rule file says of one.
type alert struct {
	Alert       string            `json:"alert"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var all []alert
	for _, name := range present(t, "monitoring/rules", "*.yaml") {
		text, err := os.ReadFile(filepath.Join("monitoring/rules", name))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []alert `json:"rules"`
			} `json:"groups"`
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.Groups {
			all = append(all, slices.DeleteFunc(g.Rules, func(a alert) bool { return a.Alert == "" })...)
		}
	}
	return all
}

// TestEveryAlertHasARunbook, a unit test, a severity and a summary; and no runbook is about
// an alert that is no more.
func TestEveryAlertHasARunbook(t *testing.T) {
	const runbooks = "../docs/runbooks"
	index, err := os.ReadFile(filepath.Join(runbooks, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("monitoring/rules/alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"README.md"}
	for _, a := range alerts(t) {
		page := a.Alert + ".md"
		wanted = append(wanted, page)
		if got, want := a.Annotations["runbook_url"], "https://hindcast.dev/docs/runbooks/"+page; got != want {
			t.Errorf("%s: runbook_url is %q, want %q", a.Alert, got, want)
		}
		if s := a.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity %q", a.Alert, s)
		}
		if a.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", a.Alert)
		}
		text, err := os.ReadFile(filepath.Join(runbooks, page))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, part := range []string{"# " + a.Alert + "\n", "\n## Impact\n", "\n## Look at\n", "\n## Do\n"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %q", page, strings.TrimSpace(part))
			}
		}
		if !strings.Contains(string(index), "["+a.Alert+"]("+page+")") {
			t.Errorf("the list of runbooks lacks %s", a.Alert)
		}
		if !strings.Contains(string(tests), "alertname: "+a.Alert+"\n    exp_alerts:\n") ||
			!strings.Contains(string(tests), "alertname: "+a.Alert+"\n    exp_alerts: []\n") {
			t.Errorf("no unit test in which %s fires and one in which it does not", a.Alert)
		}
	}
	if len(wanted) < 11 {
		t.Errorf("only %d alerts", len(wanted)-1)
	}
	entries, err := os.ReadDir(runbooks)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(wanted, e.Name()) {
			t.Errorf("%s is about no alert", e.Name())
		}
	}
}
