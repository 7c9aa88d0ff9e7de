package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hindcast.dev/backtest/result"
)

// ScoresText writes how well models forecast each load, for a terminal.
func ScoresText(w io.Writer, all []result.Scores) error {
	var b bytes.Buffer
	if len(all) > 1 {
		if err := OverviewText(&b, all); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	for i := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		if err := scoresText(&b, &all[i]); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// OverviewText writes all models on all loads, for a terminal.
func OverviewText(w io.Writer, all []result.Scores) error {
	var b bytes.Buffer
	for i, t := range overviewTables(all) {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s\n", plain(t.caption))
		if err := t.text(&b); err != nil {
			return err
		}
		writeWrapped(&b, t.notes())
	}
	_, err := w.Write(b.Bytes())
	return err
}

// OverviewMarkdown writes the same as Markdown.
func OverviewMarkdown(w io.Writer, all []result.Scores) error {
	var b bytes.Buffer
	if err := markdownTables(&b, "##", overviewTables(all)); err != nil {
		return err
	}
	_, err := w.Write(append(bytes.TrimRight(b.Bytes(), "\n"), '\n'))
	return err
}

func scoresText(b *bytes.Buffer, s *result.Scores) error {
	facts := scoreFacts(s)
	width := 0
	for _, f := range facts {
		width = max(width, len(f.Name))
	}
	for _, f := range facts {
		fmt.Fprintf(b, "%-*s  %s\n", width, f.Name, plain(f.Value))
	}
	for _, t := range scoreTables(s) {
		fmt.Fprintf(b, "\n%s\n", plain(t.caption))
		if err := t.text(b); err != nil {
			return err
		}
		writeWrapped(b, t.notes())
	}
	return nil
}

func writeWrapped(b *bytes.Buffer, text string) {
	for _, line := range wrap(plain(text), 100) {
		fmt.Fprintln(b, line)
	}
}

// ScoresMarkdown writes the same as tables of GitHub Markdown.
func ScoresMarkdown(w io.Writer, all []result.Scores) error {
	var b bytes.Buffer
	level := "#"
	if len(all) > 1 {
		fmt.Fprintf(&b, "# Forecasts of %s\n\n", plural(len(all), "load", "loads"))
		if err := markdownTables(&b, "##", overviewTables(all)); err != nil {
			return err
		}
		level = "##"
	}
	for i := range all {
		s := &all[i]
		fmt.Fprintf(&b, "%s Forecasts of %s\n\n", level, markdown(s.Dataset))
		for _, f := range scoreFacts(s)[1:] {
			fmt.Fprintf(&b, "- **%s**: %s\n", markdown(f.Name), markdown(f.Value))
		}
		b.WriteString("\n")
		if err := markdownTables(&b, level+"#", scoreTables(s)); err != nil {
			return err
		}
	}
	_, err := w.Write(append(bytes.TrimRight(b.Bytes(), "\n"), '\n'))
	return err
}

// scoreFacts say what was scored, the load's name first.
func scoreFacts(s *result.Scores) []fact {
	l := &s.Load
	step := duration(l.StepSeconds)
	if l.RecordedSeconds != l.StepSeconds {
		step += ", of values recorded every " + duration(l.RecordedSeconds)
	}
	warmUp := l.ScoredFrom.Sub(l.Start).Seconds()
	scored := fmt.Sprintf("%s after a warm-up of %s", duration(float64(l.Points)*l.StepSeconds-warmUp), duration(warmUp))
	if l.Missing > 0 {
		scored += "; " + plural(l.Missing, "value is missing", "values are missing")
	}
	facts := []fact{
		{"load", s.Dataset}, {"unit", l.Unit + ", " + l.UnitFrom}, {"step", step}, {"scored", scored},
		{"seasons", seasonWords(l.SeasonSeconds)}, {"refit", s.Refit},
	}
	switch {
	case l.NoiseFloor.Defined():
		facts = append(facts, fact{"noise", fmt.Sprintf("if these are counts at a rate that changes slowly, a WAPE of about %s %% is chance", hundredths(l.NoiseFloor))})
	default:
		facts = append(facts, fact{"noise", "none: no counts, so that there is no floor to name"})
	}
	for _, n := range s.Notes {
		facts = append(facts, fact{"note", n})
	}
	if t := bestWords(s); t != "" {
		facts = append(facts, fact{"best", t})
	}
	return facts
}

func seasonWords(seasons []float64) string {
	if len(seasons) == 0 {
		return "none found in the warm-up"
	}
	var found []string
	for _, s := range seasons {
		found = append(found, duration(s))
	}
	return strings.Join(found, ", ") + ", found in the warm-up"
}

// bestWords says which model is best at the main horizon, and whether that is more than
// luck.
func bestWords(s *result.Scores) string {
	d := s.Best
	if d == nil || !d.Difference.Defined() {
		return ""
	}
	verdict := "by luck as well as not"
	if d.Interval[1] < 0 {
		verdict = "beyond chance"
	}
	return fmt.Sprintf("%s before %s at %s, by %s %% of its error (%s %% interval %s to %s %%, blocks of %s; p %s, bootstrap %s): %s",
		d.First, d.Second, duration(s.MainSeconds), hundredths(-d.Difference), percent(result.Number(d.Level)),
		hundredths(-d.Interval[1]), hundredths(-d.Interval[0]), duration(float64(d.BlockSteps)*s.Load.StepSeconds),
		probability(d.P), probability(d.BootstrapP), verdict)
}

// probability writes a p-value.
func probability(p result.Number) string {
	switch {
	case !p.Defined():
		return undefined
	case p < .001:
		return "< 0.001"
	}
	return significant(float64(p), 2)
}

// hundredths writes a fraction as a percentage with two decimals.
func hundredths(n result.Number) string {
	if !n.Defined() {
		return undefined
	}
	text := strconv.FormatFloat(100*float64(n), 'f', 2, 64)
	if text == "-0.00" {
		text = "0.00"
	}
	return signed(text)
}

// mainModel is the model to be looked at: auto, else the best at the main horizon that is
// not there to be beaten, else the first.
func mainModel(s *result.Scores) string {
	if m := s.Model("auto"); m != nil && len(m.Horizons) > 0 {
		return m.Name
	}
	ranked := rankedModels(s, s.MainSeconds)
	for _, m := range ranked {
		if !simple(m.Name) {
			return m.Name
		}
	}
	if len(ranked) > 0 {
		return ranked[0].Name
	}
	return ""
}

// rankedModels are those with a WAPE at a horizon, the least first.
func rankedModels(s *result.Scores, horizon float64) []*result.ModelScores {
	var ranked []*result.ModelScores
	for i := range s.Models {
		if h := s.Models[i].At(horizon); h != nil && h.WAPE.Defined() {
			ranked = append(ranked, &s.Models[i])
		}
	}
	slices.SortStableFunc(ranked, func(a, b *result.ModelScores) int {
		return cmp.Compare(a.At(horizon).WAPE, b.At(horizon).WAPE)
	})
	return ranked
}

// horizonsOf are the horizons of all models in seconds, ascending.
func horizonsOf(s *result.Scores) []float64 {
	var all []float64
	for _, m := range s.Models {
		for _, h := range m.Horizons {
			all = append(all, h.HorizonSeconds)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// horizonName says how far ahead, and what for.
func horizonName(s *result.Scores, seconds float64) string {
	if seconds == s.ReadySeconds {
		return duration(seconds) + " (ready)"
	}
	return duration(seconds)
}

// wapeAt is the WAPE of a model at a horizon, undefined where it has none.
func wapeAt(s *result.Scores, name string, horizon float64) result.Number {
	if m := s.Model(name); m != nil {
		if h := m.At(horizon); h != nil {
			return h.WAPE
		}
	}
	return result.Number(math.NaN())
}
