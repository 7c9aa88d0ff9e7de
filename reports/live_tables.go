package reports

import (
	"math"
	"strconv"

	"hindcast.dev/backtest/result"
	"hindcast.dev/live/liveview"
)

// most is how many rows a table of gaps or controllers has.
const most = 20

// liveTables are the headline and the details.
func liveTables(v *liveview.View) (head, details []*table) {
	for _, t := range []*table{sumsTable(v), heldTable(v), rollingTable(v)} {
		if len(t.rows) > 0 {
			head = append(head, t)
		}
	}
	for _, t := range []*table{reasonsTable(v), healthTable(v), modesTable(v), gapsTable(v), controllersTable(v)} {
		if len(t.rows) > 0 {
			details = append(details, t)
		}
	}
	return head, details
}

func sumsTable(v *liveview.View) *table {
	t := &table{
		caption: "By mode",
		columns: []column{
			{"mode", "", true}, {"watched", "h", false}, {"ran", "replica-hours", false}, {"would have run", "replica-hours", false}, {"difference", "%", false},
			{"short", "min", false}, {"would have been short", "min", false},
		},
		note: "While a scaler is active, what runs follows what it decides, so that only the time in Shadow compares.",
	}
	for _, s := range v.Sums {
		mode := plain(s.Mode)
		if mode == "" {
			mode = "not known"
		}
		t.add(mode, number(result.Number(s.WatchedHours)), number(result.Number(s.ReplicaHours)), number(result.Number(s.DecidedReplicaHours)),
			signedPercent(s.DecidedReplicaHours/s.ReplicaHours-1), minutes(s.ShortHours), minutes(s.DecidedShortHours))
	}
	return t
}

func minutes(hours float64) string { return trimmed(number(result.Number(60 * hours))) }

func signedPercent(v float64) string {
	text := percent(result.Number(v))
	if v > 0 {
		return "+" + text
	}
	return text
}

func heldTable(v *liveview.View) *table {
	t := &table{
		caption: "Forecasts of the highest load, and whether they held",
		columns: []column{{"metric", "", true}, {"horizon", "", false}, {"quantile", "", false}, {"forecasts judged", "", false}, {"held", "%", false}},
		note:    "Forecasts overlap, so many misses in a row may be one surprise.",
	}
	for _, m := range v.Metrics {
		for _, h := range m.Horizons {
			for _, q := range h.Quantiles {
				t.add(m.Name, duration(h.Ahead.Seconds()), trimmed(significant(q.Level, 4)), count(q.Judged), trimmed(goodShare(result.Number(q.Held))))
			}
		}
	}
	return t
}

func rollingTable(v *liveview.View) *table {
	t := &table{
		caption: "Accuracy and skill, as the controller works them out",
		columns: []column{
			{"metric", "", true}, {"figure", "", true}, {"at the end", "%", false}, {"mean", "%", false}, {"lowest", "%", false}, {"time below 0", "%", false},
		},
	}
	add := func(metric, name string, r liveview.Rolling) {
		if r.KnownSeconds > 0 {
			t.add(metric, name, percent(result.Number(r.Last)), percent(result.Number(r.Mean)), percent(result.Number(r.Lowest)), percent(result.Number(r.BelowZero)))
		}
	}
	for _, m := range v.Metrics {
		add(m.Name, "skill", m.Skill)
		for _, h := range m.Horizons {
			add(m.Name, "accuracy "+duration(h.Ahead.Seconds())+" ahead", h.Accuracy)
		}
	}
	return t
}

func reasonsTable(v *liveview.View) *table {
	t := &table{caption: "Decisions by reason", columns: []column{{"reason", "", true}, {"decisions", "", false}, {"share", "%", false}}}
	total := 0.0
	for _, e := range v.Reasons {
		total += e.Total
	}
	for _, e := range v.Reasons {
		if e.Total == 0 {
			continue
		}
		t.add(e.Name, times(e.Total), percent(result.Number(e.Total/total)))
	}
	return t
}

func healthTable(v *liveview.View) *table {
	t := &table{caption: "What went wrong", columns: []column{{"what", "", true}, {"how much", "", false}}}
	if !math.IsNaN(v.StaleSeconds) {
		t.add("time without current data of a metric", timeOf(v.StaleSeconds))
	}
	for _, e := range v.QueryErrors {
		t.add("failed queries of "+plain(e.Name), times(e.Total))
	}
	add := func(name string, e liveview.Events) {
		if !math.IsNaN(e.Total) {
			t.add(name, times(e.Total))
		}
	}
	add("failed reads and updates of the replicas", v.ScaleErrors)
	add("demotions of the model to last value", v.Demotions)
	for _, e := range v.Restarts {
		add("the loop began anew: "+plain(e.Name), e)
	}
	if !math.IsNaN(v.DecisionSeconds) {
		t.add("mean time to decide", duration(v.DecisionSeconds))
	}
	return t
}

// times writes how often something happened.
func times(n float64) string { return signed(strconv.FormatFloat(n, 'f', 0, 64)) }

func timeOf(seconds float64) string {
	if seconds == 0 {
		return "0"
	}
	return duration(seconds)
}

func modesTable(v *liveview.View) *table {
	t := &table{caption: "Modes", columns: []column{{"mode", "", true}, {"time", "", false}, {"share", "%", false}}}
	total := 0.0
	for _, m := range v.Modes {
		total += m.Seconds
	}
	for _, m := range v.Modes {
		t.add(m.Name, duration(m.Seconds), percent(result.Number(m.Seconds/total)))
	}
	return t
}

func gapsTable(v *liveview.View) *table {
	t := &table{caption: "Gaps: no decision was seen", columns: []column{{"from (UTC)", "", true}, {"length", "", false}}}
	k := clock{start: v.From}
	for i, g := range v.Gaps {
		if i == most {
			t.note = "And " + plural(len(v.Gaps)-most, "more", "more") + "."
			break
		}
		t.add(k.instant(g.From), duration(g.To.Sub(g.From).Seconds()))
	}
	return t
}

func controllersTable(v *liveview.View) *table {
	t := &table{caption: "Who decided", columns: []column{{"labels of the process", "", true}, {"first seen (UTC)", "", true}, {"last seen (UTC)", "", true}}}
	k := clock{start: v.From}
	for i, c := range v.Controllers {
		if i == most {
			t.note = "And " + plural(len(v.Controllers)-most, "more", "more") + "."
			break
		}
		labels := c.Labels
		if labels == "" {
			labels = "none"
		}
		t.add(labels, k.instant(c.First), k.instant(c.Last))
	}
	return t
}
