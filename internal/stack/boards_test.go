package stack_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"hindcast.dev/grafana"
	"hindcast.dev/internal/metricnames"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/dashboards-live.md, and internal/metricnames/testdata/exposed.txt")

// scrapes is the scrape interval of prometheus.yml. Grafana's $__rate_interval is four of
// them where a panel is not so long that a point of it is more.
const (
	scrapes      = 15 * time.Second
	rateInterval = 4 * scrapes
)

// length is for how long the stack runs before it is asked: a panel looks back by the
// shortest horizon, three minutes, and HPA and scaler are to have done something.
const length = 6 * time.Minute

// boardsOfClusters are the dashboards that show a cluster. That of a backtest shows a run
// behind `hindcast serve`: the tests of grafana/ ask its queries of one.
var boardsOfClusters = []string{"autoscaler", "resources", "application"}

// An exemption is a reason why a query rightly has no data here. Its proof is a query that
// has data exactly because the reason holds.
type exemption struct{ why, proof string }

// exempt returns the exemption of a query, or none.
func exempt(expr string) *exemption {
	if foresight := `,policy="oracle"`; strings.Contains(expr, foresight) {
		return &exemption{"only a backtest has the policy oracle", strings.ReplaceAll(expr, foresight, `,policy=""`)}
	}
	return nil
}

// A line is one row of the table of queries.
type line struct {
	board, row, panel, legend, expr, from string
	instant                               bool
	series                                int
	last                                  float64
	empty                                 *exemption
}

// questions returns the lines of every query of the dashboards, not asked yet.
func questions(t *testing.T) []line {
	t.Helper()
	var lines []line
	boards := map[string]bool{}
	for _, p := range grafana.Panels() {
		board := strings.TrimPrefix(p.Board, "hindcast-")
		if !slices.Contains(boardsOfClusters, board) {
			continue
		}
		boards[board] = true
		for _, q := range p.Queries {
			lines = append(lines, line{
				board: board, row: p.Row, panel: p.Title, legend: legend(q.Legend), expr: q.Expr, from: strings.Join(sources(t, q.Expr), ", "),
				instant: p.Instant, last: math.NaN(), empty: exempt(q.Expr),
			})
		}
	}
	if len(boards) != len(boardsOfClusters) || len(lines) < 100 {
		t.Errorf("only %d queries of %d dashboards", len(lines), len(boards))
	}
	return lines
}

// TestPlaneDashboards runs what manifests/ install and asks every query of every panel, as
// Grafana would when somebody opens the dashboards.
func TestPlaneDashboards(t *testing.T) {
	if os.Getenv("HINDCAST_PLANE") == "" {
		t.Skip("HINDCAST_PLANE is not set; make test-all builds the plane and sets it")
	}
	s := start(t)
	time.Sleep(time.Until(s.began.Add(length)))
	s.targetsAreUp()
	s.rulesWork()
	lines := s.askEveryPanel()
	exposed := s.everyMetricIsExposed()
	s.goneIsGone()
	if *update && !t.Failed() {
		write(t, lines, exposed)
	}
}

// measured are the two columns of a row that only a stack can tell.
var measured = regexp.MustCompile(`(?m) \| [0-9]+ \| [-+.e0-9A-Za-z]+( \| [^|]+ \|)$`)

// TestPageListsEveryQuery: the page shows every query as the dashboards ask it today, and
// no other.
func TestPageListsEveryQuery(t *testing.T) {
	lines := questions(t)
	for i := range lines {
		if lines[i].empty == nil {
			lines[i].series = 1
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := cutPage(t, string(text))
	if n := len(measured.FindAllString(shown, -1)); n != len(lines) {
		t.Errorf("%s has %d rows of figures, and there are %d queries: make dashboards-live", page, n, len(lines))
	}
	have := strings.Split(measured.ReplaceAllString(shown, "$1"), "\n")
	want := strings.Split(measured.ReplaceAllString(table(lines), "$1"), "\n")
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			t.Fatalf("%s is not up to date, make dashboards-live: it has\n%s\nand should have\n%s", page,
				strings.Join(have[min(i, len(have)):min(i+3, len(have))], "\n"), strings.Join(want[min(i, len(want)):min(i+3, len(want))], "\n"))
		}
	}
}

// targetsAreUp wants every job of prometheus.yml to have targets, and all to be up; but
// nobody plays Alertmanager.
func (s *stack) targetsAreUp() {
	up := map[string]bool{}
	for _, l := range s.instant("up") {
		job := l.Metric["job"]
		up[job] = true
		if l.last() != 1 && job != "alertmanager" {
			s.t.Errorf("target is down: %v", l.Metric)
		}
	}
	for _, job := range []string{
		"alertmanager", "app", "cadvisor", "hindcast", "ingress-nginx", "kube-state-metrics", "kube-state-metrics-self",
		"kubelet", "node-exporter", "prometheus",
	} {
		if !up[job] {
			s.t.Errorf("job %s has no target", job)
		}
	}
}

// silent are the rules that rightly record nothing, with a query that has data exactly because
// all is well.
var silent = map[string]string{
	"namespace_scaler_mode:hindcast_scaler_left:seconds": `namespace_scaler_mode:hindcast_scaler_seen:seconds` +
		` and on (namespace, scaler) hindcast_scaler_mode and on () job:hindcast_controller_seen:seconds`,
}

// rulesWork wants every rule of the manifests to be evaluated without an error, and those
// that record to have recorded something.
func (s *stack) rulesWork() {
	var answer struct {
		Groups []struct {
			Rules []struct{ Name, Type, Health, LastError, State string }
		}
	}
	s.api("rules", nil, &answer)
	n := 0
	for _, g := range answer.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" {
				s.t.Errorf("rule %s: %s %s", r.Name, r.Health, r.LastError)
			}
			if r.Type == "recording" && len(s.instant(r.Name)) == 0 {
				if proof, ok := silent[r.Name]; !ok || len(s.instant(proof)) == 0 {
					s.t.Errorf("rule %s records nothing", r.Name)
				}
			}
			if r.State == "firing" || r.State == "pending" {
				s.t.Logf("alert %s is %s", r.Name, r.State)
			}
		}
	}
	want := 0
	for _, text := range s.configMap("prometheus-rules") {
		want += len(ruleStarts.FindAllString(text, -1))
	}
	if n != want || n == 0 {
		s.t.Errorf("%d rules are evaluated, and the manifests have %d", n, want)
	}
}

var ruleStarts = regexp.MustCompile(`(?m)^ *- (alert|record):`)

func (s *stack) askEveryPanel() []line {
	t := s.t
	t.Helper()
	chosen := map[string]map[string]string{}
	for _, board := range boardsOfClusters {
		chosen[board] = s.variables(board)
		t.Logf("%s: %v", board, chosen[board])
	}
	lines := questions(t)
	for i := range lines {
		l := &lines[i]
		expr := grafana.Fill(l.expr, chosen[l.board])
		answers := s.instant(expr)
		if !l.instant {
			answers = s.ranged(expr)
		}
		for _, a := range answers {
			// A line that ended long ago is no data of now.
			if v := a.last(); !math.IsNaN(v) && time.Since(a.at()) < 4*scrapes {
				l.series++
				l.last = v
			}
		}
		switch {
		case l.empty != nil && l.series > 0:
			t.Errorf("%s: %s: %s has data, and was not to: %s", l.board, l.panel, l.legend, l.empty.why)
		case l.empty != nil && len(s.instant(grafana.Fill(l.empty.proof, chosen[l.board]))) == 0:
			t.Errorf("%s: %s: %s has no data, and not for the reason that %s", l.board, l.panel, l.legend, l.empty.why)
		case l.empty == nil && l.series == 0:
			t.Errorf("%s: %s: %s has no data: %s", l.board, l.panel, l.legend, expr)
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "dashboard\trow\tpanel\tquery\tof\tseries\tlast value\tok")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", l.board, l.row, l.panel, l.legend, l.from, l.series, l.value(), l.verdict())
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d queries\n%s\nReal parts: %s.\nStand-ins: %s.", len(lines), &table, realParts, standIns)
	return lines
}

// legend names a query by its legend, without the policy that a cluster has none of.
func legend(text string) string {
	return cmp.Or(strings.TrimSpace(strings.ReplaceAll(text, "{{policy}}", "")), "value")
}

func (l line) value() string {
	if l.series == 0 {
		return "-"
	}
	return strconv.FormatFloat(l.last, 'g', 4, 64)
}

func (l line) verdict() string {
	switch {
	case l.empty != nil:
		return "empty: " + l.empty.why
	case l.series == 0:
		return "NO DATA"
	}
	return "ok"
}

// sources returns who exposes the metrics of a query, whatever the values of its variables:
// PromQL takes a duration for a number too, and it is as good a text as any.
func sources(t *testing.T, expr string) []string {
	t.Helper()
	root, err := parser.NewParser(parser.Options{}).ParseExpr(variable.ReplaceAllString(expr, "1m"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			m, ok := metricnames.Find(v.Name)
			if !ok {
				t.Errorf("nobody exposes %q", v.Name)
			}
			if !slices.Contains(all, string(m.Source)) {
				all = append(all, string(m.Source))
			}
		}
		return nil
	})
	return all
}

var variable = regexp.MustCompile(`\$\w+`)

// variables returns what Grafana chooses when a dashboard is opened: the default or the
// first value of each variable, in their order.
func (s *stack) variables(board string) map[string]string {
	t := s.t
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "grafana", board+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Templating struct {
			List []struct {
				Name, Type string
				Query      any
				AllValue   string
				Sort       int
				Current    struct{ Value string }
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	chosen := map[string]string{
		"__rate_interval": seconds(rateInterval), "__range": seconds(time.Since(s.began)),
	}
	const numerical = 3
	for _, v := range file.Templating.List {
		switch {
		case v.Type == "datasource":
		case v.Current.Value == "$__all":
			chosen[v.Name] = v.AllValue
		case v.Type != "query":
			chosen[v.Name] = v.Current.Value
		default:
			m := labelValues.FindStringSubmatch(v.Query.(map[string]any)["query"].(string))
			if m == nil {
				t.Fatalf("%s: variable %s: %v", board, v.Name, v.Query)
			}
			found := s.labelValues(grafana.Fill(m[1], chosen), m[2])
			if v.Sort == numerical {
				slices.SortFunc(found, func(a, b string) int { return leading(a) - leading(b) })
			}
			if len(found) == 0 {
				t.Fatalf("%s: variable %s has no value", board, v.Name)
			}
			chosen[v.Name] = found[0]
		}
	}
	return chosen
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// leading is the number at the start of text.
func leading(text string) int {
	n := 0
	for _, r := range text {
		if r < '0' || r > '9' {
			break
		}
		n = 10*n + int(r-'0')
	}
	return n
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }

// goneIsGone deletes a pod and wants its series to end with it: a sum over pods that
// still has those of five minutes ago shows what is not there.
func (s *stack) goneIsGone() {
	t := s.t
	t.Helper()
	// One that all have scraped: the HPA makes and removes pods meanwhile.
	var gone, series string
	for deadline := time.Now().Add(2 * time.Minute); gone == "" && time.Now().Before(deadline); time.Sleep(time.Second) {
		for _, p := range s.pods(sampleNamespace, "app.kubernetes.io/name="+sampleName, 1) {
			series = fmt.Sprintf(`count by (__name__) ({__name__=~"container_memory_working_set_bytes|kube_pod_info|http_requests_total",namespace=%q,pod=%q})`, sampleNamespace, p.Name)
			if p.DeletionTimestamp == nil && len(s.instant(series)) == 3 {
				gone = p.Name
				break
			}
		}
	}
	if gone == "" {
		t.Fatal("no pod has all three metrics")
	}
	s.kubectl("delete", "pod", "-n", sampleNamespace, gone, "--wait")
	left := s.instant(series)
	// Prometheus would show the last sample for five minutes.
	for deadline := time.Now().Add(3 * time.Minute); len(left) > 0 && time.Now().Before(deadline); time.Sleep(time.Second) {
		left = s.instant(series)
	}
	for _, l := range left {
		t.Errorf("%s of %s is still there minutes after the pod", l.Metric["__name__"], gone)
	}
}
