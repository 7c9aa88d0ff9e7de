package reports

import (
	_ "embed"
	"errors"
	"html/template"
	"io"
	"io/fs"

	"hindcast.dev/backtest/result"
)

//go:embed page.tmpl
var pageTemplate string

// partsTemplate holds what pages have in common.
//
//go:embed parts.tmpl
var partsTemplate string

// pageOf parses the template of a page with the parts.
func pageOf(text string) (*template.Template, error) {
	return template.Must(template.New("parts").Parse(partsTemplate)).New("page").Parse(text)
}

// page is what the template shows; all strings are escaped by it.
type page struct {
	Title, What     string
	Symbol, Words   string
	Sentence        string
	Notes           []string
	Tables          []tableView // the headline
	Figures         []figureView
	Details         []tableView
	Facts, Measures []fact
	Experiment      string
	Files           []link
}

type tableView struct {
	Caption string
	Columns []columnView
	Rows    [][]cellView
	Note    string
}

type columnView struct {
	Name, Unit string
	Words      bool
}

type cellView struct {
	Text  string
	Words bool // to be set to the left
	Head  bool // names its row
}

type figureView struct {
	SVG            template.HTML // written by svgCanvas, which escapes all text
	Title, Caption string
}

// HTML writes the report of f as one page that needs no other file, no script and no
// network.
func HTML(w io.Writer, f *result.Folder) error {
	pics, err := newPictures(f)
	if err != nil {
		return err
	}
	return writeHTML(w, f, pics)
}

func writeHTML(w io.Writer, f *result.Folder, pics *pictures) error {
	tmpl, err := pageOf(pageTemplate)
	if err != nil {
		return err
	}
	r := &f.Result
	experiment, err := f.Text(result.ExperimentFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p := page{
		Title: plain(r.Dataset.Name), What: what(r), Sentence: plain(sentence(r.Verdict)),
		Facts: facts(r), Measures: measures(r), Experiment: printable(experiment), Files: fileLinks(r),
	}
	symbol, words := outcome(r.Verdict)
	p.Symbol, p.Words = symbol, plain(words)
	for _, n := range remarks(r, pics) {
		p.Notes = append(p.Notes, plain(n))
	}
	head, details := tables(r)
	for _, t := range head {
		p.Tables = append(p.Tables, view(t))
	}
	for _, t := range details {
		p.Details = append(p.Details, view(t))
	}
	for _, fig := range pics.figures {
		p.Figures = append(p.Figures, figureView{template.HTML(fig.svg(true)), fig.title, fig.caption})
	}
	return tmpl.Execute(w, p)
}

func view(t *table) tableView {
	v := tableView{Caption: t.caption, Note: t.notes()}
	for _, c := range t.columns {
		v.Columns = append(v.Columns, columnView{c.name, c.unit, c.words})
	}
	for _, row := range t.rows {
		cells := make([]cellView, len(row))
		for i, cell := range row {
			cells[i] = cellView{Text: plain(cell), Words: t.columns[i].words, Head: i == 0}
		}
		v.Rows = append(v.Rows, cells)
	}
	return v
}
