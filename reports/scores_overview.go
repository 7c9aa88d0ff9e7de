package reports

import (
	"slices"

	"hindcast.dev/backtest/result"
)

// overviewTables compare several loads: one line each at the main horizon, and all models
// on all loads at every horizon.
func overviewTables(all []result.Scores) []*table {
	tables := []*table{loadsTable(all)}
	for _, column := range horizonColumns(all) {
		tables = append(tables, modelsTable(all, column))
	}
	return tables
}

// loadsTable holds the main model against what there is to be beaten, a load a line.
func loadsTable(all []result.Scores) *table {
	t := &table{
		caption: "Loads",
		columns: []column{
			{"load", "", true}, {"step", "", false}, {"scored", "points", false}, {"ahead", "", false}, {"noise floor", "%", false},
			{"naive", "WAPE %", false}, {"seasonal", "WAPE %", false}, {"best of the others", "", true}, {"its WAPE", "%", false},
			{"model", "", true}, {"its WAPE", "%", false}, {"against the best", "%", false},
			{"in 80 %", "%", false}, {"±", "%", false}, {"in 95 %", "%", false}, {"±", "%", false},
		},
		note: "Against the best: how much more error the model makes than the best of the others, relative; negative is less. " +
			"± is two standard errors, which count that misses come together.",
	}
	for i := range all {
		s := &all[i]
		name := mainModel(s)
		own := s.Model(name)
		if own == nil {
			t.add(s.Dataset, duration(s.Load.StepSeconds), undefined, duration(s.MainSeconds), floorWords(s), undefined, undefined,
				undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined)
			continue
		}
		at := own.At(s.MainSeconds)
		best, least := undefined, result.Undefined()
		for _, m := range rankedModels(s, s.MainSeconds) {
			if m.Name != name {
				best, least = m.Name, m.At(s.MainSeconds).WAPE
				break
			}
		}
		against := result.Undefined()
		if least > 0 {
			against = at.WAPE/least - 1
		}
		t.add(s.Dataset, duration(s.Load.StepSeconds), count(at.N), duration(s.MainSeconds), floorWords(s),
			hundredths(wapeAt(s, "naive", s.MainSeconds)), hundredths(wapeAt(s, "seasonal-naive", s.MainSeconds)), best, hundredths(least),
			name, hundredths(at.WAPE), hundredths(against), hundredths(at.Coverage80), twoErrors(at.StandardError80), hundredths(at.Coverage95), twoErrors(at.StandardError95))
	}
	return t
}

func floorWords(s *result.Scores) string {
	if !s.Load.NoiseFloor.Defined() {
		return "none"
	}
	return hundredths(s.Load.NoiseFloor)
}

// A horizonColumn is a horizon of several loads: ready, which is rounded up to other
// times on other loads, or a length of time.
type horizonColumn struct {
	seconds float64
	ready   bool
}

func (c horizonColumn) of(s *result.Scores) float64 {
	if c.ready {
		return s.ReadySeconds
	}
	return c.seconds
}

func horizonColumns(all []result.Scores) []horizonColumn {
	var seconds []float64
	ready := false
	for i := range all {
		seconds = append(seconds, horizonsOf(&all[i])...)
		ready = ready || all[i].ReadySeconds > 0
	}
	slices.Sort(seconds)
	var columns []horizonColumn
	for _, v := range slices.Compact(seconds) {
		only := func(s result.Scores) bool { return s.ReadySeconds != v && slices.Contains(horizonsOf(&s), v) }
		if !ready || slices.ContainsFunc(all, only) {
			columns = append(columns, horizonColumn{seconds: v})
		}
	}
	if ready {
		columns = append(columns, horizonColumn{ready: true})
	}
	return columns
}

// modelsTable holds the WAPE of every model on every load at a horizon.
func modelsTable(all []result.Scores, at horizonColumn) *table {
	t := &table{
		caption: "WAPE in %, " + duration(at.seconds) + " ahead", columns: []column{{"load", "", true}},
		note: "* the least of its line.",
	}
	if at.ready {
		t.caption = "WAPE in %, when a new replica is ready"
		t.columns = append(t.columns, column{"ahead", "", false})
	}
	t.columns = append(t.columns, column{"noise floor", "", false})
	var names []string
	for i := range all {
		for _, m := range all[i].Models {
			if !slices.Contains(names, m.Name) {
				names = append(names, m.Name)
			}
		}
	}
	for _, name := range names {
		t.columns = append(t.columns, column{name, "", false})
	}
	for i := range all {
		s := &all[i]
		horizon := at.of(s)
		if !slices.Contains(horizonsOf(s), horizon) {
			continue
		}
		row := []string{s.Dataset}
		if at.ready {
			row = append(row, duration(horizon))
		}
		row = append(row, floorWords(s))
		best := ""
		if ranked := rankedModels(s, horizon); len(ranked) > 0 {
			best = ranked[0].Name
		}
		for _, name := range names {
			cell := modelCell(s, name, horizon)
			if name == best {
				cell += "*"
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	return t
}

// modelCell is a WAPE, or why there is none.
func modelCell(s *result.Scores, name string, horizon float64) string {
	switch m := s.Model(name); {
	case m == nil:
		return "not run"
	case m.Unfit != "":
		return "too short"
	}
	return hundredths(wapeAt(s, name, horizon))
}
