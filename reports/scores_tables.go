package reports

import (
	"cmp"
	"slices"
	"strings"

	"hindcast.dev/backtest/result"
)

// scoreTables are the tables of one load.
func scoreTables(s *result.Scores) []*table {
	all := []*table{pointsTable(s), intervalsTable(s)}
	if t := hoursTable(s); t != nil {
		all = append(all, t)
	}
	if t := weightsTable(s); t != nil {
		all = append(all, t)
	}
	return all
}

// pointsTable holds how far off point forecasts were.
func pointsTable(s *result.Scores) *table {
	t := &table{
		caption: "Point forecasts",
		columns: []column{
			{"model", "", true}, {"horizon", "", false}, {"points", "", false}, {"accuracy", "%", false}, {"WAPE", "%", false},
			{"skill, naive", "%", false}, {"skill, seasonal", "%", false}, {"MASE", "", false}, {"RMSSE", "", false},
			{"pinball", "", false}, {"within 10 %", "%", false}, {"bias", "%", false},
		},
	}
	for _, m := range s.Models {
		for _, h := range m.Horizons {
			t.add(m.Name, horizonName(s, h.HorizonSeconds), count(h.N), hundredths(h.Accuracy), hundredths(h.WAPE),
				hundredths(h.SkillNaive), hundredths(h.SkillSeasonal), number(h.MASE), number(h.RMSSE),
				fourDigits(h.Pinball), hundredths(h.Within10), hundredths(h.Bias))
		}
	}
	var best []string
	for _, h := range horizonsOf(s) {
		if ranked := rankedModels(s, h); len(ranked) > 0 {
			best = append(best, ranked[0].Name+" at "+duration(h))
		}
	}
	if len(best) > 0 {
		t.note = "Least WAPE: " + strings.Join(best, ", ") + "."
	}
	return t
}

// intervalsTable holds how often intervals held, how wide they were for it, and what
// fits cost.
func intervalsTable(s *result.Scores) *table {
	t := &table{
		caption: "Intervals and fits",
		columns: []column{
			{"model", "", true}, {"horizon", "", false}, {"in 50 %", "%", false}, {"in 80 %", "%", false}, {"±", "%", false}, {"width 80 %", "% of load", false},
			{"in 95 %", "%", false}, {"±", "%", false}, {"width 95 %", "% of load", false}, {"fits", "", false}, {"charged", "", false}, {"waited", "steps", false},
		},
		note: "± is two standard errors, which count that misses come together. A fit is charged by its declared cost; while it lasts, the model forecasts by the one before (waited).",
	}
	for _, m := range s.Models {
		for _, h := range m.Horizons {
			t.add(m.Name, horizonName(s, h.HorizonSeconds), hundredths(h.Coverage50), hundredths(h.Coverage80), twoErrors(h.StandardError80), hundredths(h.Width80),
				hundredths(h.Coverage95), twoErrors(h.StandardError95), hundredths(h.Width95), count(m.Fits), charged(m.ChargedSeconds), count(m.Waited))
		}
	}
	return t
}

// twoErrors writes twice a standard error; scores of before it was known have none.
func twoErrors(e result.Number) string {
	if !(e > 0) {
		return undefined
	}
	return hundredths(2 * e)
}

// shownModels are few enough to be compared side by side: the one to be looked at, the
// best others, and those to be beaten.
func shownModels(s *result.Scores, most int) []*result.ModelScores {
	first := mainModel(s)
	var names []string
	add := func(name string) {
		if m := s.Model(name); m != nil && len(m.Horizons) > 0 && len(names) < most && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range []string{first, "naive", "seasonal-naive"} {
		add(name)
	}
	for _, m := range rankedModels(s, s.MainSeconds) {
		add(m.Name)
	}
	var shown []*result.ModelScores
	for i := range s.Models {
		if slices.Contains(names, s.Models[i].Name) {
			shown = append(shown, &s.Models[i])
		}
	}
	return shown
}

// hoursTable holds the error by the hour of the day, nil where the load has no day.
func hoursTable(s *result.Scores) *table {
	shown := shownModels(s, 5)
	t := &table{
		caption: "WAPE by hour of day, " + duration(s.MainSeconds) + " ahead",
		columns: []column{{hourHead(s), "", true}, {"points", "", false}},
	}
	for _, m := range shown {
		t.columns = append(t.columns, column{m.Name, "%", false})
	}
	for hour := range 24 {
		row := []string{hourName(hour), "0"}
		for _, m := range shown {
			if len(m.Hours.N) != 24 {
				return nil
			}
			row[1] = count(m.Hours.N[hour])
			row = append(row, hundredths(m.Hours.WAPE[hour]))
		}
		if row[1] != "0" {
			t.add(row...)
		}
	}
	if len(t.rows) < 2 {
		return nil
	}
	return t
}

// hourHead says what hours are counted from.
func hourHead(s *result.Scores) string {
	if s.Load.Relative {
		return "hour from the start"
	}
	return "hour (UTC)"
}

func hourName(hour int) string {
	text := itoa(hour)
	if hour < 10 {
		text = "0" + text
	}
	return text
}

// weightsTable holds what the experts of each model counted, nil without any.
func weightsTable(s *result.Scores) *table {
	t := &table{
		caption: "Mean weight of each expert",
		columns: []column{{"model", "", true}, {"expert", "", true}, {"weight", "%", false}},
	}
	for _, m := range s.Models {
		weights := slices.Clone(m.Weights)
		slices.SortStableFunc(weights, func(a, b result.ExpertWeight) int { return cmp.Compare(b.Weight, a.Weight) })
		for _, w := range weights {
			t.add(m.Name, w.Name, hundredths(result.Number(w.Weight)))
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	return t
}

func fourDigits(n result.Number) string { return trimmed(significant(float64(n), 4)) }

func charged(seconds float64) string {
	if seconds == 0 {
		return "0"
	}
	return duration(seconds)
}
