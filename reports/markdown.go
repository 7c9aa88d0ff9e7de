package reports

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"

	"hindcast.dev/backtest/result"
)

// Markdown writes the report of f as GitHub Markdown. Pictures are links into the
// folder's plots, which Write draws.
func Markdown(w io.Writer, f *result.Folder) error {
	pics, err := newPictures(f)
	if err != nil {
		return err
	}
	return writeMarkdown(w, f, pics)
}

func writeMarkdown(w io.Writer, f *result.Folder, pics *pictures) error {
	r := &f.Result
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Backtest of %s\n\n%s\n\n", markdown(r.Dataset.Name), markdown(what(r)))
	symbol, words := outcome(r.Verdict)
	fmt.Fprintf(&b, "**%s %s.** %s\n\n", markdown(symbol), markdown(words), markdown(sentence(r.Verdict)))
	if notes := remarks(r, pics); len(notes) > 0 {
		b.WriteString("## What to know before you trust this\n\n")
		for _, n := range notes {
			fmt.Fprintf(&b, "- %s\n", markdown(n))
		}
		b.WriteString("\n")
	}
	head, details := tables(r)
	if err := markdownTables(&b, "##", head); err != nil {
		return err
	}
	markdownFigures(&b, pics.figures)
	b.WriteString("## Details\n\n")
	if err := markdownTables(&b, "###", details); err != nil {
		return err
	}
	b.WriteString("## How it was computed\n\n")
	for _, f := range facts(r) {
		fmt.Fprintf(&b, "- **%s**: %s\n", markdown(f.Name), markdown(f.Value))
	}
	b.WriteString("\n")
	for _, m := range measures(r) {
		fmt.Fprintf(&b, "- **%s**: %s\n", markdown(m.Name), markdown(m.Value))
	}
	b.WriteString("\n## Files\n\n")
	for _, l := range fileLinks(r) {
		fmt.Fprintf(&b, "- [%s](%s): %s\n", markdown(l.Name), target(l.Path), markdown(l.What))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// markdownTables writes each table below its caption.
func markdownTables(b *bytes.Buffer, level string, tables []*table) error {
	for _, t := range tables {
		fmt.Fprintf(b, "%s %s\n\n", level, markdown(t.caption))
		if err := t.markdown(b); err != nil {
			return err
		}
		if n := t.notes(); n != "" {
			fmt.Fprintf(b, "\n%s\n", markdown(n))
		}
		b.WriteString("\n")
	}
	return nil
}

// markdownFigures shows the pictures that lie beside the page.
func markdownFigures(b *bytes.Buffer, figures []*figure) {
	b.WriteString("## Pictures\n\n")
	for _, fig := range figures {
		fmt.Fprintf(b, "![%s](%s)\n\n**%s.** %s\n\n", markdown(fig.alt),
			result.PlotsDir+"/"+fig.name+".svg", markdown(fig.title), markdown(fig.caption))
	}
}

// target escapes a path of the folder as the target of a Markdown link.
func target(path string) string {
	return strings.NewReplacer("(", "%28", ")", "%29").Replace((&url.URL{Path: "./" + path}).String())
}
