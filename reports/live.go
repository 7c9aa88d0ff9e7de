package reports

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"hindcast.dev/backtest/result"
	"hindcast.dev/live/liveview"
)

//go:embed live.tmpl
var liveTemplate string

// livePage is what the template shows; all strings are escaped by it.
type livePage struct {
	Title, What             string
	Symbol, Words, Sentence string
	Notes                   []string
	Tables, Details         []tableView
	Figures                 []figureView
	Facts, Measures         []fact
}

// WriteLive draws what was seen of a live scaler into dir: report.html, report.md and the
// pictures as SVG and PNG under plots.
func WriteLive(v *liveview.View, dir string) error {
	figures := liveFigures(v)
	if err := writePlots(figures, dir); err != nil {
		return err
	}
	var page, text bytes.Buffer
	if err := errors.Join(liveHTML(&page, v, figures), liveMarkdown(&text, v, figures)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	err := errors.Join(
		writeWhole(filepath.Join(dir, result.HTMLFile), page.Bytes()),
		writeWhole(filepath.Join(dir, result.MarkdownFile), text.Bytes()),
	)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// LiveHTML writes the page alone; it needs no other file, no script and no network.
func LiveHTML(w io.Writer, v *liveview.View) error { return liveHTML(w, v, liveFigures(v)) }

// liveName names the scaler.
func liveName(v *liveview.View) string { return plain(v.Namespace) + "/" + plain(v.Name) }

func liveHTML(w io.Writer, v *liveview.View, figures []*figure) error {
	tmpl, err := pageOf(liveTemplate)
	if err != nil {
		return err
	}
	symbol, words, sentence := liveOutcome(v)
	p := livePage{
		Title: liveName(v), What: liveWhat(v), Symbol: symbol, Words: words, Sentence: sentence,
		Notes: liveNotes(v), Figures: figureViews(figures), Facts: liveFacts(v), Measures: liveMeasures(),
	}
	head, details := liveTables(v)
	for _, t := range head {
		p.Tables = append(p.Tables, view(t))
	}
	for _, t := range details {
		p.Details = append(p.Details, view(t))
	}
	return tmpl.Execute(w, p)
}

func liveMarkdown(w io.Writer, v *liveview.View, figures []*figure) error {
	var b bytes.Buffer
	symbol, words, sentence := liveOutcome(v)
	fmt.Fprintf(&b, "# Live: %s\n\n%s\n\n**%s %s.** %s\n\n", markdown(liveName(v)), markdown(liveWhat(v)),
		markdown(symbol), markdown(words), markdown(sentence))
	b.WriteString("## What to know before you trust this\n\n")
	for _, n := range liveNotes(v) {
		fmt.Fprintf(&b, "- %s\n", markdown(n))
	}
	head, details := liveTables(v)
	writeTables := func(title string, all []*table) error {
		fmt.Fprintf(&b, "\n## %s\n\n", title)
		for _, t := range all {
			fmt.Fprintf(&b, "### %s\n\n", markdown(t.caption))
			if err := t.markdown(&b); err != nil {
				return err
			}
			if n := t.notes(); n != "" {
				fmt.Fprintf(&b, "\n%s\n", markdown(n))
			}
			b.WriteString("\n")
		}
		return nil
	}
	if err := writeTables("What ran, and what would have", head); err != nil {
		return err
	}
	b.WriteString("## Pictures\n\n")
	for _, fig := range figures {
		fmt.Fprintf(&b, "![%s](%s)\n\n**%s.** %s\n\n", markdown(fig.alt), result.PlotsDir+"/"+fig.name+".svg", markdown(fig.title), markdown(fig.caption))
	}
	if err := writeTables("Details", details); err != nil {
		return err
	}
	b.WriteString("## How it was found out\n\n")
	for _, f := range append(liveFacts(v), liveMeasures()...) {
		fmt.Fprintf(&b, "- **%s**: %s\n", markdown(f.Name), markdown(f.Value))
	}
	_, err := w.Write(b.Bytes())
	return err
}
