package metricnames_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hindcast.dev/internal/metricnames"
)

var update = flag.Bool("update", false, "rewrite the table of docs/metrics.md")

// TestNames holds the list to the rules of Prometheus's own naming guide.
func TestNames(t *testing.T) {
	valid := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	seen := map[string]bool{}
	var last metricnames.Metric
	for _, m := range metricnames.All() {
		if !valid.MatchString(m.Name) {
			t.Errorf("%q is no name of a metric", m.Name)
		}
		for _, series := range m.Series() {
			if seen[series] {
				t.Errorf("%s is listed twice", series)
			}
			seen[series] = true
			if found, ok := metricnames.Find(series); !ok || found.Name != m.Name {
				t.Errorf("%s is found as %q", series, found.Name)
			}
		}
		ours := m.Source == metricnames.Scaler || m.Source == metricnames.App
		if total := strings.HasSuffix(m.Name, "_total"); ours && total != (m.Type == metricnames.Counter) {
			t.Errorf("%s is a %s", m.Name, m.Type)
		}
		if ours && m.Unit == "seconds" && !strings.HasSuffix(m.Name, "_seconds") {
			t.Errorf("%s is in seconds", m.Name)
		}
		if m.Help == "" || !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: help is %q", m.Name, m.Help)
		}
		if slices.Contains(m.Labels, "le") || slices.Contains(m.Labels, "quantile") != (m.Name == metricnames.ScalerForecast) {
			t.Errorf("%s: labels %v", m.Name, m.Labels)
		}
		if m.Source == last.Source && m.Name < last.Name && ours {
			t.Errorf("%s comes after %s", m.Name, last.Name)
		}
		last = m
	}
	if _, ok := metricnames.Find("http_requests_total_sum"); ok {
		t.Error("a counter has a sum")
	}
}

func TestSeriesLabels(t *testing.T) {
	for series, want := range map[string]string{
		"http_request_duration_seconds_bucket":             "le namespace pod",
		"http_request_duration_seconds_count":              "namespace pod",
		"external_api_duration_seconds":                    "namespace pod quantile",
		"external_api_duration_seconds_sum":                "namespace pod",
		"hindcast_scaler_forecast":                         "horizon metric namespace quantile scaler",
		"kube_deployment_status_replicas_ready":            "deployment namespace",
		"hindcast_scaler_decision_duration_seconds_bucket": "le namespace scaler",
	} {
		m, ok := metricnames.Find(series)
		if got := strings.Join(m.SeriesLabels(series), " "); !ok || got != want {
			t.Errorf("%s has labels %q, want %q", series, got, want)
		}
	}
}

// TestExposed holds the list to what kube-state-metrics, node_exporter and cAdvisor were
// seen to expose: the name, the type, and labels, of which a series may have more than we
// list. The file says how it is made.
func TestExposed(t *testing.T) {
	text, err := os.ReadFile("testdata/exposed.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{} // name to type and labels
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] != "#" {
			seen[fields[0]] = fields[1:]
		}
	}
	for _, m := range metricnames.All() {
		switch m.Source {
		case metricnames.CAdvisor, metricnames.KubeStateMetrics, metricnames.NodeExporter:
		default:
			continue
		}
		found, ok := seen[m.Name]
		if !ok {
			t.Errorf("%s exposes no %s", m.Source, m.Name)
			continue
		}
		if found[0] != string(m.Type) {
			t.Errorf("%s is a %s, and a %s of %s", m.Name, m.Type, found[0], m.Source)
		}
		for _, label := range m.Labels {
			if !slices.Contains(strings.Split(found[1], ","), label) {
				t.Errorf("%s has no label %s: it has %s", m.Name, label, found[1])
			}
		}
		delete(seen, m.Name)
	}
	for name := range seen {
		t.Errorf("%s is not in the list any more: make dashboards-live", name)
	}
}

const page = "../../docs/metrics.md"

// TestPage: the table of docs/metrics.md is this list. -update rewrites it.
func TestPage(t *testing.T) {
	var table strings.Builder
	var source metricnames.Source
	for _, m := range metricnames.All() {
		if m.Source != source {
			source = m.Source
			fmt.Fprintf(&table, "\n### %s\n\n| metric | type | unit | labels | |\n|---|---|---|---|---|\n", source)
		}
		labels := "`" + strings.Join(m.Labels, "` `") + "`"
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, m.Unit, labels, m.Help)
	}
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics: begin -->\n", "\n<!-- metrics: end -->"
	before, rest, ok := bytes.Cut(old, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", page)
	}
	want := slices.Concat(before, []byte(begin), []byte(table.String()), []byte(end), after)
	if bytes.Equal(old, want) {
		return
	}
	if !*update {
		t.Fatalf("%s is not up to date: go test ./internal/metricnames -run TestPage -update", page)
	}
	if err := os.WriteFile(page, want, 0o644); err != nil {
		t.Fatal(err)
	}
}
