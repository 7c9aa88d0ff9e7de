// Command pictures draws what the panels of the dashboards ask for about a run, and
// writes the list of all panels into a page between its marks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/grafana"
	"hindcast.dev/promdb"
	"hindcast.dev/reports"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 3 {
		return fmt.Errorf("want a run, a page and the folder of its pictures, got %q", args)
	}
	f, err := result.Open(args[0])
	if err != nil {
		return err
	}
	var dirs []string
	for _, p := range f.Result.Policies {
		dirs = append(dirs, filepath.Join(f.Dir, result.TSDBDir, p.Name))
	}
	db, err := promdb.OpenReadOnly(dirs...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d := &drawer{ctx: ctx, db: db, start: f.Result.Dataset.Start, end: f.Result.Dataset.End, folder: args[2]}
	if err := os.MkdirAll(d.folder, 0o755); err != nil {
		return err
	}
	list, err := d.list(filepath.Dir(args[1]))
	if err != nil {
		return err
	}
	return between(args[1], list)
}

// The marks in the page between which the list goes.
const (
	begin = "<!-- panels: begin -->\n"
	end   = "<!-- panels: end -->"
)

func between(name, list string) error {
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the panels", name)
	}
	return os.WriteFile(name, []byte(before+begin+list+end+after), 0o644)
}

// A drawer draws panels about a run.
type drawer struct {
	ctx        context.Context
	db         *promdb.Reader
	start, end time.Time
	folder     string
}

// list describes all panels and draws those that are shown.
func (d *drawer) list(page string) (string, error) {
	var b strings.Builder
	var board, row string
	for _, p := range grafana.Panels() {
		if p.Board != board {
			about := grafana.Boards()[p.Board]
			fmt.Fprintf(&b, "\n## %s\n\n%s Its uid is `%s`.\n", about[0], about[1], p.Board)
			board, row = p.Board, ""
		}
		if p.Row != row {
			fmt.Fprintf(&b, "\n### %s\n", p.Row)
			row = p.Row
		}
		fmt.Fprintf(&b, "\n**%s**. %s\n", p.Title, p.About)
		shown, ok := views[p.Board+"/"+p.Title]
		switch {
		case p.Board == "hindcast-backtest" && p.Title == "Policies":
			if err := d.table(&b, p); err != nil {
				return "", err
			}
		case ok && !p.Instant:
			name := p.Board + "-" + slug(p.Title) + ".svg"
			chart, err := d.chart(p, shown)
			if err != nil {
				return "", err
			}
			if err := os.WriteFile(filepath.Join(d.folder, name), chart.SVG(), 0o644); err != nil {
				return "", err
			}
			path, err := filepath.Rel(page, filepath.Join(d.folder, name))
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "\n![%s](%s)\n", p.Title, filepath.ToSlash(path))
		}
	}
	b.WriteString("\n")
	return b.String(), nil
}

// values are those of the variables; the rate interval is set with the step.
func (d *drawer) values(policy string, step time.Duration) map[string]string {
	return map[string]string{
		"namespace": "default", "deployment": "app", "scaler": "app", "metric": "requests", "horizon": "3m",
		"policy": policy, "candidate": "v3", "baseline": "v2", "latency": "0.25", "objective": "0.999", "price": "0.05",
		"__rate_interval": promdb.FormatDuration(step + 15*time.Second), "__range": promdb.FormatDuration(d.end.Sub(d.start)),
	}
}

func (d *drawer) chart(p grafana.Panel, v view) (reports.Chart, error) {
	from, to, step := d.start.Add(v.window.after), d.end, v.window.step
	if v.window.length > 0 {
		to = from.Add(v.window.length)
	}
	if to.After(d.end) {
		return reports.Chart{}, fmt.Errorf("%s: the run ends at %s, before %s", p.Title, d.end, to)
	}
	u, ok := units[p.Unit]
	if !ok {
		return reports.Chart{}, fmt.Errorf("%s: no words for unit %q", p.Title, p.Unit)
	}
	words := u.words
	if v.words != "" {
		words = v.words
	}
	chart := reports.Chart{Title: p.Title, YLabel: words, Scale: u.scale, Start: from, Step: step, Holds: p.Holds, Stacked: p.Stacked}
	for _, q := range p.Queries {
		series, err := d.db.QueryRanges(d.ctx, grafana.Fill(q.Expr, d.values(v.policy, step)), from, to, step)
		if err != nil {
			return reports.Chart{}, err
		}
		for _, s := range series {
			labels := map[string]string{}
			for _, l := range s.Labels {
				labels[l.Name] = l.Value
			}
			chart.Series = append(chart.Series, reports.ChartSeries{
				Name:   grafana.Name(grafana.Fill(q.Legend, d.values(v.policy, step)), labels),
				Values: s.Values, Reference: q.Reference,
			})
		}
	}
	if len(chart.Series) == 0 {
		return reports.Chart{}, fmt.Errorf("%s: no data", p.Title)
	}
	return chart, nil
}

// table writes the table of the policies, at the end of the run.
func (d *drawer) table(b *strings.Builder, p grafana.Panel) error {
	rows := map[string][]string{}
	var order []string
	fmt.Fprintf(b, "\n| policy |")
	for k, q := range p.Queries {
		fmt.Fprintf(b, " %s |", q.Legend)
		samples, err := d.db.QueryVector(d.ctx, grafana.Fill(q.Expr, d.values(".*", time.Minute)), d.end)
		if err != nil {
			return err
		}
		for _, s := range samples {
			policy := s.Labels[len(s.Labels)-1].Value
			if rows[policy] == nil {
				rows[policy] = make([]string, len(p.Queries))
				order = append(order, policy)
			}
			rows[policy][k] = figure(s.Value)
		}
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("--:|", len(p.Queries)))
	for _, policy := range order {
		fmt.Fprintf(b, "| %s | %s |\n", policy, strings.Join(rows[policy], " | "))
	}
	return nil
}

// figure writes a number for the table; shares near 1 differ in their last digits.
func figure(v float64) string {
	switch {
	case v > 0.99 && v <= 1:
		return fmt.Sprintf("%.6f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}
