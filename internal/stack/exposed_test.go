package stack_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/metricnames"
)

const (
	page        = "../../docs/dashboards-live.md"
	exposedFile = "../metricnames/testdata/exposed.txt"
)

// What was real and what was not.
const (
	realParts = "etcd, kube-apiserver, kube-controller-manager with the HPA, kube-scheduler, Prometheus, kube-state-metrics, " +
		"node_exporter (of the machine of the test, for every node), the hindcast controller; " +
		"the HTTP server of the kubelet with cAdvisor's exporter, so the names, labels and cgroups of the container_* series"
	standIns = "kwok for what a kubelet does to pods, the figures behind the container_* series and metrics-server (the app's requests " +
		"times what the manifests say that one costs), an HTTP server for Tomcat and its JMX exporter, its client for users and ingress-nginx; " +
		"nobody for Alertmanager"
)

// jobs are where the metrics of each source are scraped.
var jobs = map[metricnames.Source]string{
	metricnames.Ingress: "ingress-nginx", metricnames.CAdvisor: "cadvisor", metricnames.KubeStateMetrics: "kube-state-metrics",
	metricnames.NodeExporter: "node-exporter", metricnames.App: "app", metricnames.Scaler: "hindcast",
}

// An exposure is what a target exposes of a metric.
type exposure struct {
	metric metricnames.Metric
	kind   string
	labels []string
}

// everyMetricIsExposed wants every metric of the one list to be exposed by a target of its
// job, with the type and the labels of the list.
func (s *stack) everyMetricIsExposed() []exposure {
	t := s.t
	t.Helper()
	var metadata []struct {
		Target       map[string]string
		Metric, Type string
	}
	s.api("targets/metadata", nil, &metadata)
	kinds := map[string]string{} // by job and metric
	for _, m := range metadata {
		kinds[m.Target["job"]+" "+m.Metric] = m.Type
	}
	var all []exposure
	for _, m := range metricnames.All() {
		job, ok := jobs[m.Source]
		if !ok {
			continue // Prometheus makes `up` itself
		}
		kind := kinds[job+" "+m.Name]
		if kind != string(m.Type) {
			t.Errorf("%s: a %s in the list, and %q of job %s", m.Name, m.Type, kind, job)
		}
		e := exposure{metric: m, kind: kind}
		for _, name := range m.Series() {
			have := s.labels(fmt.Sprintf(`%s{job=%q}`, name, job))
			for _, l := range m.SeriesLabels(name) {
				if !slices.Contains(have, l) {
					t.Errorf("%s of job %s has no label %s: it has %v", name, job, l, have)
				}
			}
			if len(have) > len(e.labels) {
				e.labels = have
			}
		}
		all = append(all, e)
	}
	if len(all) < 80 {
		t.Errorf("only %d metrics", len(all))
	}
	return all
}

// labels returns the names of the labels that series of the last minutes have.
func (s *stack) labels(selector string) []string {
	s.t.Helper()
	var series []map[string]string
	s.api("series", url.Values{"match[]": {selector}, "start": {unix(time.Now().Add(-2 * time.Minute))}, "end": {unix(time.Now())}}, &series)
	names := map[string]bool{}
	for _, labels := range series {
		for name := range labels {
			names[name] = true
		}
	}
	delete(names, "__name__")
	return slices.Sorted(maps.Keys(names))
}

// table returns the lines as the page has them. A query follows in full, as the figures say
// nothing about another one of the same name.
func table(lines []line) string {
	var text, queries strings.Builder
	fmt.Fprintf(&text, "Real parts: %s.\n\nStand-ins: %s.\n", realParts, standIns)
	row := ""
	for i, l := range lines {
		if i == 0 || l.board != lines[i-1].board {
			fmt.Fprintf(&text, "\n### %s.json\n\n| row | panel | query | of | series | last value | |\n|---|---|---|---|--:|--:|---|\n", l.board)
			row = ""
		}
		shown := l.row
		if row == l.row {
			shown = ""
		}
		row = l.row
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %d | %s | %s |\n", shown, l.panel, l.legend, l.from, l.series, l.value(), l.verdict())
		fmt.Fprintf(&queries, "# %s: %s\n%s\n", l.panel, l.legend, l.expr)
		if i == len(lines)-1 || l.board != lines[i+1].board {
			fmt.Fprintf(&text, "\n<details><summary>These queries in PromQL</summary>\n\n```promql\n%s```\n\n</details>\n", &queries)
			queries.Reset()
		}
	}
	return text.String()
}

// cutPage returns what the page has before its tables, the tables, and what comes after.
func cutPage(t *testing.T, text string) (before, tables, after string) {
	t.Helper()
	const begin, end = "<!-- queries: begin -->\n", "\n<!-- queries: end -->"
	before, rest, ok := strings.Cut(text, begin)
	tables, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables", page)
	}
	return before + begin, tables, end + after
}

// write puts the tables into the page, and what the real exporters expose into the file
// by which the list is checked where none of them is at hand.
func write(t *testing.T, lines []line, exposed []exposure) {
	t.Helper()
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, _, after := cutPage(t, string(old))
	if err := os.WriteFile(page, []byte(before+table(lines)+after), 0o644); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString("# What real exporters expose of the metrics in the list: metric, type, labels. make dashboards-live writes it.\n")
	for _, e := range exposed {
		switch e.metric.Source {
		case metricnames.CAdvisor, metricnames.KubeStateMetrics, metricnames.NodeExporter:
			fmt.Fprintln(&list, e.metric.Name, e.kind, strings.Join(e.labels, ","))
		default: // ours, and played
		}
	}
	if err := os.WriteFile(exposedFile, []byte(list.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
