package grafana

import (
	"regexp"
	"strings"
)

// A Panel is what a panel of a dashboard asks for, for what draws it without Grafana.
type Panel struct {
	Board, Row, Title, About, Unit string
	// Holds says that a value lasts until the next one, Stacked that lines stand upon each
	// other, Instant that only the last values count.
	Holds, Stacked, Instant bool
	Queries                 []Query
}

// A Query is PromQL with the variables of Grafana, and what its series are called:
// {{label}} stands for the value of a label. A reference is there to measure others
// against.
type Query struct {
	Expr, Legend string
	Reference    bool
}

// Panels returns the panels of all dashboards in their order.
func Panels() []Panel {
	var all []Panel
	for _, b := range boards() {
		for _, r := range b.rows {
			for _, p := range r.panels {
				out := Panel{
					Board: b.uid, Row: r.title, Title: p.title, About: p.about, Unit: p.unit,
					Holds: p.kind == steps || p.kind == states, Stacked: p.kind == stack, Instant: p.kind == number || p.kind == columns,
				}
				for _, q := range p.queries {
					out.Queries = append(out.Queries, Query{matchers.Replace(q.expr), q.legend, q.dashed})
				}
				all = append(all, out)
			}
		}
	}
	return all
}

// Boards returns the titles and the descriptions of the dashboards by their uid.
func Boards() map[string][2]string {
	all := map[string][2]string{}
	for _, b := range boards() {
		all[b.uid] = [2]string{b.title, b.about}
	}
	return all
}

// Name returns what a series is called in the words of a legend.
func Name(legend string, labels map[string]string) string {
	name := label.ReplaceAllStringFunc(legend, func(l string) string { return labels[label.FindStringSubmatch(l)[1]] })
	return strings.Join(strings.Fields(name), " ")
}

var label = regexp.MustCompile(`\{\{ *(\w+) *\}\}`)

var variable = regexp.MustCompile(`\$\{?(\w+)\}?`)

// Fill puts values in the place of the variables of a query. One without a value stays.
func Fill(expr string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(expr, func(v string) string {
		if value, ok := values[variable.FindStringSubmatch(v)[1]]; ok {
			return value
		}
		return v
	})
}
