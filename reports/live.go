package reports

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"

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
	return writePages(dir, page.Bytes(), text.Bytes())
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
	b.WriteString("\n## What ran, and what would have\n\n")
	if err := markdownTables(&b, "###", head); err != nil {
		return err
	}
	markdownFigures(&b, figures)
	b.WriteString("\n## Details\n\n")
	if err := markdownTables(&b, "###", details); err != nil {
		return err
	}
	b.WriteString("## How it was found out\n\n")
	for _, f := range append(liveFacts(v), liveMeasures()...) {
		fmt.Fprintf(&b, "- **%s**: %s\n", markdown(f.Name), markdown(f.Value))
	}
	_, err := w.Write(b.Bytes())
	return err
}
