package grafana_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"hindcast.dev/grafana"
)

// The rules of Grafana's dashboard-linter as its documentation has them
// (github.com/grafana/dashboard-linter, docs/rules), since it is published as no module that could be
// pinned here. Those about Loki are left out. Exclusions are in its own file, .lint.

// A violation is a rule that is broken, by a panel or by its dashboard as a whole.
type violation struct {
	rule, dashboard, panel string
	target                 int // of the panel; -1: none of them
	what                   string
}

// unitsOfGrafana are those that our panels may have, of the list of Grafana's value formats.
var unitsOfGrafana = []string{"none", "short", "percentunit", "s", "bytes", "Bps", "pps", "reqps", "ops", "iops"}

// marker is a range that no query has: what it stands for was $__rate_interval.
const marker = 4999 * time.Second

func lintBoard(d board) []violation {
	var all []violation
	add := func(rule, what string) { all = append(all, violation{rule, d.Title, "", -1, what}) }
	if d.Editable {
		add("uneditable-dashboard", "can be edited")
	}
	sources := 0
	for _, v := range d.Templating.List {
		switch v.Type {
		case "datasource":
			sources++
			if v.Name != "datasource" || v.Label != "Data Source" || v.Query != "prometheus" {
				add("template-datasource-rule", v.Name+" is called "+v.Label)
			}
		case "query":
			if v.Refresh != 2 {
				add("template-on-time-change-reload-rule", v.Name)
			}
			text, _ := v.Query.(map[string]any)["query"].(string)
			m := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(text)
			if m == nil {
				add("template-label-promql-rule", v.Name+": "+text)
			} else if _, err := parser.NewParser(parser.Options{}).ParseExpr(grafana.Fill(m[1], chosen)); err != nil {
				add("template-label-promql-rule", v.Name+": "+err.Error())
			}
		}
	}
	if sources != 1 {
		add("template-datasource-rule", "not one data source")
	}
	for _, name := range []string{"job", "instance"} {
		if !slices.ContainsFunc(d.Templating.List, func(v variable) bool {
			return v.Name == name && v.Label == name && v.Multi && v.AllValue == ".+" && v.Datasource.UID == "${datasource}"
		}) {
			add("template-"+name+"-rule", "no such variable")
		}
	}
	for _, p := range d.Panels {
		all = append(all, lintPanel(d.Title, p)...)
	}
	return all
}

func lintPanel(dashboard string, p panel) []violation {
	var all []violation
	add := func(rule string, target int, what string) {
		all = append(all, violation{rule, dashboard, p.Title, target, what})
	}
	if p.Datasource.UID != "${datasource}" {
		add("panel-datasource-rule", -1, p.Datasource.UID)
	}
	if p.Title == "" || p.Description == "" {
		add("panel-title-description-rule", -1, "")
	}
	if !slices.Contains(unitsOfGrafana, p.FieldConfig.Defaults.Unit) {
		add("panel-units-rule", -1, p.FieldConfig.Defaults.Unit)
	}
	if len(p.Targets) == 0 {
		add("panel-no-targets-rule", -1, "")
	}
	values := maps.Clone(chosen)
	values["__rate_interval"] = "4999s"
	for i, q := range p.Targets {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(grafana.Fill(q.Expr, values))
		if err != nil {
			add("target-promql-rule", i, err.Error())
			continue
		}
		parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
			s, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			for _, name := range []string{"job", "instance"} {
				if !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == name }) {
					add("target-"+name+"-rule", i, s.Name)
				}
			}
			rated := false
			for k, n := range path {
				c, ok := n.(*parser.Call)
				if !ok || !slices.Contains([]string{"rate", "irate", "increase"}, c.Func.Name) {
					continue
				}
				rated = true
				if m, ok := path[k+1].(*parser.MatrixSelector); ok && m.Range != marker {
					add("target-rate-interval-rule", i, m.Range.String())
				}
			}
			if strings.HasSuffix(s.Name, "_total") && !rated {
				add("target-counter-agg-rule", i, s.Name)
			}
			return nil
		})
	}
	return all
}

// An exclusion is why a rule may be broken, everywhere or in some panels.
type exclusion struct {
	Reason  string
	Entries []*struct {
		Dashboard, Panel string
		TargetIdx        *int
		used             bool
	}
	used bool
}

func (e *exclusion) covers(v violation) bool {
	e.used = true
	if len(e.Entries) == 0 {
		return true
	}
	for _, x := range e.Entries {
		if (x.Dashboard == "" || x.Dashboard == v.dashboard) && (x.Panel == "" || x.Panel == v.panel) && (x.TargetIdx == nil || *x.TargetIdx == v.target) {
			x.used = true
			return true
		}
	}
	return false
}

// TestLint: the dashboards follow the rules but for exclusions that are needed and say why.
func TestLint(t *testing.T) {
	text, err := os.ReadFile(".lint")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Exclusions map[string]*exclusion }
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		t.Fatal(err)
	}
	for name, d := range dashboards(t) {
		for _, v := range lintBoard(d) {
			if e := file.Exclusions[v.rule]; e == nil || !e.covers(v) {
				t.Errorf("%s: %s: %s target %d: %s", v.rule, name, v.panel, v.target, v.what)
			}
		}
	}
	for rule, e := range file.Exclusions {
		if !strings.HasSuffix(e.Reason, ".") {
			t.Errorf("%s is excluded without a reason", rule)
		}
		if !e.used {
			t.Errorf("%s is excluded and not broken", rule)
		}
		for _, x := range e.Entries {
			if !x.used {
				t.Errorf("%s: the exclusion of %q of %q is not needed", rule, x.Panel, x.Dashboard)
			}
		}
	}
}

// TestLintFinds breaks each rule once.
func TestLintFinds(t *testing.T) {
	worst := board{Title: "d", Editable: true}
	worst.Templating.List = []variable{
		{Name: "source", Type: "datasource", Query: "prometheus"},
		{Name: "a", Type: "query", Query: map[string]any{"query": "label_values(up{, x)"}},
	}
	worst.Panels = []panel{{Targets: []target{{Expr: "rate(x_total[5m])"}, {Expr: "sum(x_total)"}, {Expr: "sum("}}}, {Title: "p"}}
	var found []string
	for _, v := range lintBoard(worst) {
		found = append(found, v.rule)
	}
	for _, rule := range []string{
		"template-datasource-rule", "template-job-rule", "template-instance-rule", "template-label-promql-rule", "template-on-time-change-reload-rule",
		"panel-datasource-rule", "panel-title-description-rule", "panel-units-rule", "panel-no-targets-rule", "target-promql-rule",
		"target-rate-interval-rule", "target-job-rule", "target-instance-rule", "target-counter-agg-rule", "uneditable-dashboard",
	} {
		if !slices.Contains(found, rule) {
			t.Errorf("%s was not found", rule)
		}
	}
}
