package reports

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"

	"hindcast.dev/backtest/result"
)

//go:embed scores.tmpl
var scoresTemplate string

// scoresPage is what the template shows; all strings are escaped by it.
type scoresPage struct {
	Title, What             string
	Symbol, Words, Sentence string
	Overview                []tableView // of several loads
	Figures                 []figureView
	Loads                   []scoresSection
	Measures                []fact
	Files                   []link
}

// scoresSection is one load.
type scoresSection struct {
	ID, Name, Sentence string
	Notes              []string
	Figures            []figureView
	Tables             []tableView
	Facts              []fact
}

// WriteScores draws the scores of a folder into it: report.html, report.md and the
// pictures as SVG and PNG under plots.
func WriteScores(f *result.ScoresFolder, dir string) error {
	figures := make([][]*figure, len(f.All))
	var all []*figure
	if fig := loadsFigure(f.All); fig != nil {
		all = append(all, fig)
	}
	overview := all
	for i := range f.All {
		var err error
		if figures[i], err = scoreFigures(f, i); err != nil {
			return err
		}
		all = append(all, figures[i]...)
	}
	if err := writePlots(all, dir); err != nil {
		return err
	}
	var page, text bytes.Buffer
	if err := errors.Join(scoresHTML(&page, f, overview, figures), ScoresMarkdown(&text, f.All)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return writePages(dir, page.Bytes(), text.Bytes())
}

func scoresHTML(b *bytes.Buffer, f *result.ScoresFolder, overview []*figure, figures [][]*figure) error {
	tmpl, err := pageOf(scoresTemplate)
	if err != nil {
		return err
	}
	p := scoresPage{Measures: scoreMeasures(), Files: scoreFiles(f)}
	for i := range f.All {
		s := &f.All[i]
		_, words := scoreOutcome(s)
		section := scoresSection{ID: "load-" + itoa(i+1), Name: plain(s.Dataset), Sentence: words, Figures: figureViews(figures[i])}
		for _, n := range s.Notes {
			section.Notes = append(section.Notes, plain(n))
		}
		for _, t := range scoreTables(s) {
			section.Tables = append(section.Tables, view(t))
		}
		for _, fact := range scoreFacts(s) {
			if fact.Name != "note" {
				fact.Value = plain(fact.Value)
				section.Facts = append(section.Facts, fact)
			}
		}
		p.Loads = append(p.Loads, section)
	}
	if len(f.All) == 1 {
		s := &f.All[0]
		p.Title = "Forecasts of " + plain(s.Dataset)
		p.What = fmt.Sprintf("%s scored out of sample on %s of load, at every step of %s.", plural(len(s.Models), "model", "models"),
			duration(float64(s.Load.Points)*s.Load.StepSeconds-s.Load.ScoredFrom.Sub(s.Load.Start).Seconds()), duration(s.Load.StepSeconds))
		p.Symbol, p.Sentence = scoreOutcome(s)
		p.Words = "accuracy " + duration(s.MainSeconds) + " ahead"
	} else {
		p.Title = "Forecasts of " + plural(len(f.All), "load", "loads")
		p.What = "Models scored out of sample."
		p.Figures = figureViews(overview)
		for _, t := range overviewTables(f.All) {
			p.Overview = append(p.Overview, view(t))
		}
	}
	return tmpl.Execute(b, p)
}

func figureViews(figures []*figure) []figureView {
	var views []figureView
	for _, fig := range figures {
		views = append(views, figureView{template.HTML(fig.svg(true)), fig.title, fig.caption})
	}
	return views
}

// scoreOutcome says in one sentence how good the main model is, with a symbol that needs
// no colour.
func scoreOutcome(s *result.Scores) (symbol, sentence string) {
	name := mainModel(s)
	m := s.Model(name)
	if m == nil {
		return "○", "No model could be scored."
	}
	h := m.At(s.MainSeconds)
	if h == nil || !h.WAPE.Defined() {
		return "○", plain(name) + " has no accuracy: the load was 0 all the time."
	}
	sentence = fmt.Sprintf("%s is %s %% accurate %s ahead", plain(name), hundredths(h.Accuracy), duration(s.MainSeconds))
	switch n, v := h.SkillNaive, h.SkillSeasonal; {
	case !n.Defined() || !v.Defined():
		symbol = "="
	case n > 0 && v > 0:
		symbol = "▲"
		sentence += fmt.Sprintf(", with %s %% less error than the last value and %s %% less than seasonal naive", percent(n), percent(v))
	default:
		symbol = "▼"
		worse := func(skill result.Number) string {
			if skill > 0 {
				return percent(skill) + " % less"
			}
			return percent(-skill) + " % more"
		}
		sentence += fmt.Sprintf(", with %s error than the last value and %s than seasonal naive", worse(n), worse(v))
	}
	if ranked := rankedModels(s, s.MainSeconds); ranked[0].Name != name {
		best := ranked[0]
		sentence += fmt.Sprintf("; %s is the best, with %s %%", plain(best.Name), hundredths(best.At(s.MainSeconds).Accuracy))
	}
	return symbol, sentence + fmt.Sprintf(". Its 80 %% interval held %s %% of what came.", hundredths(h.Coverage80))
}

// scoreMeasures name every formula with its denominator.
func scoreMeasures() []fact {
	return []fact{
		{"out of sample", "At every step after the warm-up each model forecasts from what was observed until then, and is compared with what came. The warm-up is scored for nobody."},
		{"accuracy, WAPE", "Accuracy = 1 − WAPE; WAPE = sum of |load − forecast| / sum of |load|."},
		{"skill", "1 − WAPE of the model / WAPE of last value, or of seasonal naive: the part of their error that the model saves. Below 0 it adds to it."},
		{"MASE, RMSSE", "Mean absolute (root of the mean squared) error / that of the seasonal naive forecast on the warm-up."},
		{"pinball", "Mean loss of the quantiles at 0.5, 0.9, 0.95 and 0.99, in the unit of the load."},
		{"coverage, width", "Share of what came within the interval, and its mean width / mean load. Intervals are calibrated online by the model's own newest errors."},
		{"bias", "Sum of (forecast − load) / sum of load: above 0, forecasts are too high."},
		{"noise floor", "√(2D / πμ), μ counts a step and D their index of dispersion: the WAPE that chance alone makes where the rate changes slowly."},
		{"best of two", "Diebold-Mariano test on absolute errors with the correction of Harvey, Leybourne and Newbold, and beside it a circular block bootstrap."},
	}
}

func scoreFiles(f *result.ScoresFolder) []link {
	files := []link{
		{result.ScoresFile, result.ScoresFile, "all scores, in the format of forecast eval --json"},
		{result.MarkdownFile, result.MarkdownFile, "the tables as Markdown"},
		{result.TimingFile, result.TimingFile, "what fits and updates took on the machine that made this"},
	}
	for i := range f.All {
		if s := &f.All[i]; s.Shown != "" {
			path := result.ForecastsDir + "/" + result.ShownFile(i)
			files = append(files, link{path, path, "forecasts of " + plain(s.Shown) + " for " + plain(s.Dataset)})
		}
	}
	return files
}
