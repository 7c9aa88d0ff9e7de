package grafana_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/grafana"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/promdb/promapi"
)

// aDay is a run of a day of the shop with everything that the world exposes, made once; aBadDay
// one on which much goes wrong.
var (
	aDay = sync.OnceValues(func() (*result.Folder, error) {
		return simulate(func(*v1alpha1.ExperimentSpec) {})
	})
	aBadDay = sync.OnceValues(func() (*result.Folder, error) {
		return simulate(func(spec *v1alpha1.ExperimentSpec) {
			lasts := metav1.Duration{Duration: 20 * time.Minute}
			spec.App.ErrorRate = "0.0002"
			spec.Cluster.Faults = []v1alpha1.ClusterFault{
				{Kind: v1alpha1.FaultNodeLoss, At: "8h", Duration: lasts, Share: "0.4"},
				{Kind: v1alpha1.FaultPodRestart, At: "11h", Share: "0.5"},
				{Kind: v1alpha1.FaultRollout, At: "13h"},
				{Kind: v1alpha1.FaultScrapeOutage, At: "15h", Duration: lasts, Job: metricnames.JobApp},
				{Kind: v1alpha1.FaultScrapeOutage, At: "17h", Duration: lasts, Job: metricnames.JobIngress},
			}
		})
	})
)

func simulate(change func(*v1alpha1.ExperimentSpec)) (*result.Folder, error) {
	home, err := os.MkdirTemp("", "dashboards-")
	if err != nil {
		return nil, err
	}
	made = append(made, home)
	shop, err := datasets.Find("shop")
	if err != nil {
		return nil, err
	}
	series := shop.Generate(1)
	load, err := os.Create(filepath.Join(home, "load.csv"))
	if err != nil {
		return nil, err
	}
	err = datasets.WriteCSV(load, datasets.Cut(series, series.Start, series.Start.Add(24*time.Hour)))
	if err := load.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Name: "day", Path: load.Name(), Unit: string(series.Unit)}}
	for _, id := range []string{"v3", "v2", "hpa", "oracle"} {
		x.Spec.Policies = append(x.Spec.Policies, v1alpha1.PolicyRef{Name: id})
	}
	x.Spec.App.PeakPods = 8
	x.Spec.EqualSLA = new(false)
	x.Spec.Metrics = v1alpha1.MetricsAll
	x.Spec.Models = []string{"naive"}
	change(&x.Spec)
	x.Default()
	if err := x.Validate(); err != nil {
		return nil, err
	}
	w, err := result.NewWriter(filepath.Join(home, "run"), false)
	if err != nil {
		return nil, err
	}
	if _, err := backtest.Run(context.Background(), x, x.Spec.Datasets[0], w, backtest.Options{Parallel: 2}); err != nil {
		return nil, err
	}
	if err := w.Commit(); err != nil {
		return nil, err
	}
	return result.Open(filepath.Join(home, "run"))
}

// made are the folders of the runs.
var made []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range made {
		if err := os.RemoveAll(dir); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// A grafanaLike asks as Grafana does: range queries with the steps of a panel, instant
// queries at the end of the range.
type grafanaLike struct {
	api        http.Handler
	start, end time.Time
}

func open(t *testing.T, run func() (*result.Folder, error)) (*result.Folder, grafanaLike) {
	t.Helper()
	f, err := run()
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, p := range f.Result.Policies {
		dirs = append(dirs, filepath.Join(f.Dir, result.TSDBDir, p.Name))
	}
	db, err := promdb.OpenReadOnly(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	d := f.Result.Dataset
	return f, grafanaLike{promapi.New(db, promapi.Config{Start: d.Start, End: d.End}), d.Start, d.End}
}

// A line is a series of an answer.
type line struct {
	Metric map[string]string
	Values [][2]any
	Value  [2]any
}

func (g grafanaLike) ask(t *testing.T, expr string, instant bool) []line {
	t.Helper()
	stamp := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	path, form := "query_range", url.Values{"query": {expr}, "start": {stamp(g.start)}, "end": {stamp(g.end)}, "step": {"60"}}
	if instant {
		path, form = "query", url.Values{"query": {expr}, "time": {stamp(g.end)}}
	}
	w := httptest.NewRecorder()
	g.api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, promapi.Prefix+path+"?"+form.Encode(), nil))
	var a struct {
		Error string
		Data  struct{ Result json.RawMessage }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || a.Error != "" {
		t.Fatalf("%s: %s %v", expr, a.Error, err)
	}
	var lines []line
	if err := json.Unmarshal(a.Data.Result, &lines); err != nil {
		var scalar [2]any
		if err := json.Unmarshal(a.Data.Result, &scalar); err != nil {
			t.Fatalf("%s: %v: %.200s", expr, err, a.Data.Result)
		}
		lines = []line{{Value: scalar}}
	}
	for i := range lines {
		if lines[i].Values == nil {
			lines[i].Values = [][2]any{lines[i].Value}
		}
	}
	return lines
}

// numbers are the values of lines that are numbers.
func numbers(t *testing.T, lines []line) []float64 {
	t.Helper()
	var all []float64
	for _, l := range lines {
		for _, p := range l.Values {
			v, err := strconv.ParseFloat(p[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			if !math.IsNaN(v) {
				all = append(all, v)
			}
		}
	}
	return all
}

// TestEveryPanelHasData asks every query of every panel about a simulated day.
func TestEveryPanelHasData(t *testing.T) {
	_, g := open(t, aDay)
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "dashboard\trow\tpanel\tquery\tseries\tvalues\tlowest\thighest")
	asked := 0
	all := dashboards(t)
	for _, name := range []string{"autoscaler.json", "resources.json", "application.json", "backtest.json"} {
		for _, p := range all[name].Panels {
			for _, q := range p.Targets {
				expr := grafana.Fill(q.Expr, chosen)
				lines := g.ask(t, expr, q.Instant)
				values := numbers(t, lines)
				asked++
				if len(values) == 0 {
					t.Errorf("%s: %s: %s %s has no data: %s", name, p.row, p.Title, q.RefID, expr)
					continue
				}
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%d\t%.4g\t%.4g\n", strings.TrimSuffix(name, ".json"), p.row, p.Title, q.RefID,
					len(lines), len(values), slices.Min(values), slices.Max(values))
			}
		}
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d queries\n%s", asked, table.String())
	if asked < 100 {
		t.Errorf("only %d queries", asked)
	}
}

// still are the panels that say the same all day in a backtest, and why.
var still = map[string]string{
	"Difference":              "the scaler is active: what it would do is what runs",
	"Mode":                    "a backtest has one",
	"Time to decide":          "deciding takes no simulated time",
	"Database queries":        "the service model waits as long for every request",
	"Calls of other services": "the service model waits as long for every request",
}

// TestFaultsShow: on a day on which much goes wrong every panel shows that something happens, and those
// about what goes wrong that it does.
func TestFaultsShow(t *testing.T) {
	_, g := open(t, aBadDay)
	wrong := map[string]bool{
		"Errors": true, "Stale, and demotions": true, "Restarts": true, "Targets that cannot be scraped": true, "Errors by code": true,
		"Requests that are not good": true, "Longest queue of a pod": true, "Requests that wait": true, "Error budget burn": true,
	}
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			if p.Targets[0].Instant {
				continue
			}
			moves, lowest, highest := false, math.Inf(1), math.Inf(-1)
			for _, q := range p.Targets {
				for _, l := range g.ask(t, grafana.Fill(q.Expr, chosen), false) {
					values := numbers(t, []line{l})
					if len(values) == 0 {
						continue
					}
					// Rates of a constant differ in their last digits.
					moves = moves || slices.Max(values)-slices.Min(values) > 1e-6*math.Abs(slices.Max(values))
					lowest, highest = min(lowest, slices.Min(values)), max(highest, slices.Max(values))
				}
			}
			if _, ok := still[p.Title]; ok == moves {
				t.Errorf("%s: %s: moves: %v, from %v to %v", name, p.Title, moves, lowest, highest)
			}
			if wrong[p.Title] && highest <= 0 {
				t.Errorf("%s: %s shows nothing wrong: at most %v", name, p.Title, highest)
			}
			if p.Title == "From created to ready" && highest > 1800 {
				t.Errorf("%s: a pod took %v s to become ready", p.Title, highest)
			}
		}
	}
}

// TestVariablesHaveValues: Grafana fills the variables by these queries.
func TestVariablesHaveValues(t *testing.T) {
	_, g := open(t, aDay)
	for name, d := range dashboards(t) {
		for _, v := range d.Templating.List {
			query, ok := v.Query.(map[string]any)
			if !ok {
				continue
			}
			text := strings.TrimSuffix(strings.TrimPrefix(query["query"].(string), "label_values("), ")")
			cut := strings.LastIndex(text, ", ")
			selector, label := grafana.Fill(text[:cut], chosen), text[cut+2:]
			var found []string
			for _, l := range g.ask(t, "count by ("+label+") ("+selector+")", false) {
				found = append(found, l.Metric[label])
			}
			want := chosen[v.Name]
			if v.Name == "policy" {
				want = "oracle"
			}
			if !slices.Contains(found, want) {
				t.Errorf("%s: variable %s has the values %q, without %q", name, v.Name, found, want)
			}
		}
	}
}

// TestFiguresAreTheSimulators compares what the tables of the backtest dashboard say of the
// whole run with what the simulator counted: the same figures from the timelines.
func TestFiguresAreTheSimulators(t *testing.T) {
	f, g := open(t, aDay)
	column := map[string]map[string]float64{}
	for _, p := range grafana.Panels() {
		if p.Board != "hindcast-backtest" || p.Title != "Policies" {
			continue
		}
		for _, q := range p.Queries {
			column[q.Legend] = map[string]float64{}
			for _, l := range g.ask(t, grafana.Fill(q.Expr, chosen), true) {
				column[q.Legend][l.Metric["policy"]] = numbers(t, []line{l})[0]
			}
		}
	}
	for _, p := range f.Result.Policies {
		var hours, requests, good, changes, most float64
		var last *result.Row
		for row, err := range f.Timeline(p.Name) {
			if err != nil {
				t.Fatal(err)
			}
			if !math.IsNaN(row.Load) {
				hours, requests, good = hours+row.PodHours, requests+row.Good+row.Bad, good+row.Good
			}
			if last != nil && row.Desired != last.Desired && !math.IsNaN(row.Load) {
				changes++
			}
			most = max(most, float64(row.Ready))
			last = new(row)
		}
		for _, c := range []struct {
			name            string
			want, tolerance float64
		}{
			{"Replica-hours", hours, 0.01 * hours},
			{"Cost", hours * 0.05, 0.01 * hours * 0.05},
			{"Good requests", good / requests, 2e-4},
			{"Most ready", most, 0},
			{"Changes of size", changes, 0.02*changes + 1},
		} {
			if got, ok := column[c.name][p.Name]; !ok || math.Abs(got-c.want) > c.tolerance {
				t.Errorf("%s of %s: the dashboard says %v, the simulator %v", c.name, p.Name, got, c.want)
			} else {
				t.Logf("%s of %s: the dashboard says %.6g, the simulator %.6g", c.name, p.Name, got, c.want)
			}
		}
	}
}
