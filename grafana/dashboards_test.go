package grafana_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"hindcast.dev/grafana"
	"hindcast.dev/internal/metricnames"
)

// board is what the tests look at of a dashboard's JSON.
type board struct {
	UID, Title, Description string
	Time                    struct{ From, To string }
	Panels                  []panel
	Templating              struct {
		List []variable
	}
	Editable bool
}

type variable struct {
	Name, Type, Label, Description, AllValue string
	Query                                    any
	Datasource                               struct{ UID string }
	Multi                                    bool
	Refresh                                  int
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds thresholds
		}
		Overrides []struct {
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	Targets []target
	row     string
}

type target struct {
	Expr, RefID, LegendFormat string
	Instant, Range            bool
	Datasource                struct{ UID string }
}

type thresholds struct {
	Steps []struct {
		Color string
		Value *float64
	}
}

// dashboards reads the files; the rows among the panels are told by the panels in them.
func dashboards(t testing.TB) map[string]board {
	t.Helper()
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) != 4 {
		t.Fatalf("dashboards: %q, %v", names, err)
	}
	all := map[string]board{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d board
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		row := ""
		for i := range d.Panels {
			if d.Panels[i].Type == "row" {
				row = d.Panels[i].Title
			}
			d.Panels[i].row = row
		}
		d.Panels = slices.DeleteFunc(d.Panels, func(p panel) bool { return p.Type == "row" })
		all[name] = d
	}
	return all
}

// The files are what the Go code describes.
func TestFresh(t *testing.T) {
	files, err := grafana.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(name); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the code describes: make dashboards (%v)", name, err)
		}
	}
	for name := range dashboards(t) {
		if files[name] == nil {
			t.Errorf("%s is no longer described", name)
		}
	}
}

// The files fit the schema of Grafana, and nothing in them is unknown to it.
func TestSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for name := range dashboards(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard
		// Its error is not nil where there is none.
		if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(d.Panels) < 10 {
			t.Errorf("%s: the schema sees %d panels", name, len(d.Panels))
		}
	}
}

// uids are in links and bookmarks of users: they never change.
var uids = map[string]string{
	"autoscaler.json": "hindcast-autoscaler", "resources.json": "hindcast-resources",
	"application.json": "hindcast-application", "backtest.json": "hindcast-backtest",
}

func TestHouseRules(t *testing.T) {
	for name, d := range dashboards(t) {
		if d.UID != uids[name] {
			t.Errorf("%s: uid %q", name, d.UID)
		}
		if d.Title == "" || d.Description == "" || d.Time.To != "now" {
			t.Errorf("%s: title %q, description %q, until %q", name, d.Title, d.Description, d.Time.To)
		}
		known := map[string]bool{}
		for _, v := range d.Templating.List {
			known[v.Name] = true
			if v.Label == "" || v.Description == "" {
				t.Errorf("%s: variable %s has no label or description", name, v.Name)
			}
		}
		used := map[string]bool{"datasource": true}
		var grid [200][24]string
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			what := name + ": " + p.row + ": " + p.Title
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("%s: id %d", what, p.ID)
			}
			ids[p.ID] = true
			if p.Title == "" || titles[p.row+p.Title] {
				t.Errorf("%s: there are two of it", what)
			}
			titles[p.row+p.Title] = true
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: description %q", what, p.Description)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: no unit", what)
			}
			if p.Datasource.UID != "${datasource}" || p.Datasource.Type != "prometheus" {
				t.Errorf("%s: data source %v", what, p.Datasource)
			}
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
					if x >= 24 || grid[y][x] != "" {
						t.Fatalf("%s: lies over %q at %d,%d", what, grid[y][min(x, 23)], x, y)
					}
					grid[y][x] = p.Title
				}
			}
			if len(p.Targets) == 0 {
				t.Errorf("%s: no query", what)
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if refs[q.RefID] || q.RefID == "" || q.LegendFormat == "" || q.Instant == q.Range || q.Datasource.UID != "${datasource}" {
					t.Errorf("%s: query %+v", what, q)
				}
				refs[q.RefID] = true
				if strings.Contains(strings.Join(strings.Fields(q.Expr), " "), "or vector(") {
					t.Errorf("%s: no data is not zero: %s", what, q.Expr)
				}
				if strings.Contains(q.Expr, "@") {
					t.Errorf("%s: %s", what, q.Expr)
				}
				for _, v := range variables.FindAllStringSubmatch(q.Expr+" "+q.LegendFormat, -1) {
					used[v[1]] = true
					if !known[v[1]] && !strings.HasPrefix(v[1], "__") {
						t.Errorf("%s: variable %s is not defined", what, v[1])
					}
				}
			}
		}
		for _, v := range d.Templating.List {
			text, err := json.Marshal(v.Query)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range variables.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = true
				if !known[m[1]] {
					t.Errorf("%s: variable %s wants %s, which is not defined", name, v.Name, m[1])
				}
			}
		}
		for v := range known {
			if !used[v] {
				t.Errorf("%s: variable %s is not used", name, v)
			}
		}
	}
}

var variables = regexp.MustCompile(`\$\{?(\w+)\}?`)

// chosen are the values of the variables in the tests: those that Grafana would choose
// for a run of a day.
var chosen = map[string]string{
	"namespace": "default", "deployment": "app", "scaler": "app", "metric": "requests", "horizon": "3m",
	"policy": ".*", "candidate": "v3", "baseline": "v2",
	"latency": "0.25", "objective": "0.999", "price": "0.05",
	"__range": "24h", "__rate_interval": "2m",
}

// TestQueriesAreAboutKnownSeries parses every query and wants its metrics and labels
// from the one list of names.
func TestQueriesAreAboutKnownSeries(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	checked := 0
	for name, d := range dashboards(t) {
		queries := map[string]string{}
		for _, panel := range d.Panels {
			for _, q := range panel.Targets {
				queries[q.Expr] = panel.Title
			}
		}
		for _, v := range d.Templating.List {
			if query, ok := v.Query.(map[string]any); ok {
				m := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(query["query"].(string))
				if m == nil {
					t.Errorf("%s: variable %s: %v", name, v.Name, query)
					continue
				}
				queries["sum by ("+m[2]+") ("+m[1]+")"] = "variable " + v.Name
			}
		}
		for _, query := range slices.Sorted(maps.Keys(queries)) {
			what := name + ": " + queries[query]
			expr, err := p.ParseExpr(grafana.Fill(query, chosen))
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
				selector, ok := node.(*parser.VectorSelector)
				if !ok {
					return nil
				}
				checked++
				metric, ok := metricnames.Find(selector.Name)
				if !ok {
					t.Errorf("%s: nobody exposes %q", what, selector.Name)
					return nil
				}
				have := append(metric.SeriesLabels(selector.Name), "policy", model.MetricNameLabel)
				for _, m := range selector.LabelMatchers {
					if !slices.Contains(have, m.Name) {
						t.Errorf("%s: %s has no label %s", what, selector.Name, m.Name)
					}
				}
				for _, above := range path {
					if a, ok := above.(*parser.AggregateExpr); ok {
						for _, l := range a.Grouping {
							if !slices.Contains(have, l) {
								t.Errorf("%s: %s has no label %s to group by", what, selector.Name, l)
							}
						}
					}
				}
				return nil
			})
		}
	}
	if checked < 150 {
		t.Errorf("only %d selectors checked", checked)
	}
}

// The page of the dashboards says of every panel what its description does.
func TestPageListsEveryPanel(t *testing.T) {
	page, err := os.ReadFile("../docs/dashboards.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range grafana.Panels() {
		if want := "\n**" + p.Title + "**. " + p.About + "\n"; !strings.Contains(string(page), want) {
			t.Errorf("docs/dashboards.md is not up to date, make dashboards-pictures: no%s", want)
		}
	}
	for _, about := range grafana.Boards() {
		if !strings.Contains(string(page), "\n## "+about[0]+"\n\n"+about[1]+" ") {
			t.Errorf("docs/dashboards.md is not up to date, make dashboards-pictures: no %s", about[0])
		}
	}
}
