package grafana

import "regexp"

// A Panel is what a panel of a dashboard asks for, for what draws it without Grafana.
type Panel struct {
	Board, Row, Title, About, Unit string
	// Holds says that a value lasts until the next one, Stacked that lines stand upon each
	// other, Instant that only the last values count.
	Holds, Stacked, Instant bool
	Queries                 []Query
}

// A Query is PromQL with the variables of Grafana, and what its series are called:
// {{label}} stands for the value of a label.
type Query struct{ Expr, Legend string }

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
					out.Queries = append(out.Queries, Query{matchers.Replace(q.expr), q.legend})
				}
				all = append(all, out)
			}
		}
	}
	return all
}

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
