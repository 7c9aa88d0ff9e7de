package reports

import (
	"fmt"
	"math"

	"hindcast.dev/backtest/result"
	"hindcast.dev/live/liveview"
)

// liveWhat says in one line what the page is about.
func liveWhat(v *liveview.View) string {
	k := clock{start: v.From}
	return fmt.Sprintf("A PredictiveScaler in a cluster, %s from %s to %s (UTC), as the metrics of its controller have it.",
		duration(v.To.Sub(v.From).Seconds()), k.instant(v.From), k.instant(v.To))
}

// liveOutcome is the verdict on the time in Shadow, with a symbol that needs no colour.
func liveOutcome(v *liveview.View) (symbol, words, sentence string) {
	s := &v.Verdict
	switch {
	case len(v.Modes) == 0:
		return "○", "no verdict", "The mode of the scaler is not known, so nobody can say whether what ran is what it decided."
	case s.Mode == "":
		return "○", "no verdict", "It was not seen in Shadow in this time, so there is nothing to compare: what ran while it was active is what it decided."
	case s.Cost == liveview.Unknown || s.Short == liveview.Unknown:
		return "○", "no verdict", "It was in Shadow, but the sums of what ran and what would have are missing, so its decisions cannot be compared with what happened."
	}
	costs := map[liveview.Than]string{liveview.Less: "would have cost less", liveview.Same: "would have cost the same", liveview.More: "would have cost more"}
	shorts := map[liveview.Than]string{liveview.Less: "been short for less time", liveview.Same: "been short for as long", liveview.More: "been short for longer"}
	if s.ShortHours == 0 && s.DecidedShortHours == 0 {
		shorts[liveview.Same] = "never been short, as what ran never was"
	}
	symbol = "?"
	switch {
	case s.Cost == liveview.Same && s.Short == liveview.Same:
		symbol = "="
	case s.Cost != liveview.More && s.Short != liveview.More:
		symbol = "▲"
	case s.Cost != liveview.Less && s.Short != liveview.Less:
		symbol = "▼"
	}
	and := ", and "
	if (s.Cost == liveview.Less) != (s.Short == liveview.Less) && s.Cost != liveview.Same && s.Short != liveview.Same {
		and = ", but "
	}
	sentence = fmt.Sprintf("In %s in Shadow its decisions would have taken %s replica-hours where %s ran (%s), and would have been short of what the load needed for %s where %s.",
		hoursOf(s.WatchedHours), number(result.Number(s.DecidedReplicaHours)), number(result.Number(s.ReplicaHours)),
		changeBy(s.DecidedReplicaHours, s.ReplicaHours), spell(s.DecidedShortHours), shortFor(s.ShortHours))
	if !math.IsNaN(s.PerReplicaHour) {
		sentence += fmt.Sprintf(" At %s a replica-hour that is %s instead of %s.", trimmed(money(result.Number(s.PerReplicaHour))),
			money(result.Number(s.DecidedReplicaHours*s.PerReplicaHour)), money(result.Number(s.ReplicaHours*s.PerReplicaHour)))
	}
	return symbol, costs[s.Cost] + and + shorts[s.Short], sentence
}

// hoursOf writes a time as the table of modes does, or shorter where it is shorter.
func hoursOf(hours float64) string {
	if hours < 2 {
		return duration(3600 * hours)
	}
	return number(result.Number(hours)) + " h"
}

// spell writes hours as a time.
func spell(hours float64) string {
	switch {
	case math.IsNaN(hours):
		return undefined
	case hours == 0:
		return "no time"
	}
	return duration(3600 * hours)
}

func shortFor(hours float64) string {
	if hours == 0 {
		return "what ran never was"
	}
	return "what ran was for " + spell(hours)
}

// changeBy says how much a is off b.
func changeBy(a, b float64) string {
	if !(b > 0) {
		return "nothing to compare with"
	}
	switch d := a/b - 1; {
	case math.Abs(d) < 0.0005:
		return "as much"
	case d < 0:
		return percent(result.Number(-d)) + " % less"
	default:
		return percent(result.Number(d)) + " % more"
	}
}

// liveNotes are the limits of what can be known, then what was found.
func liveNotes(v *liveview.View) []string {
	var notes []string
	if v.Verdict.Mode != "" {
		notes = append(notes,
			"Nobody carried out the decisions of the time in Shadow. A decided replica is taken to serve once the lead, the time until a new replica is ready, has passed; the load is taken to be what it was. An HPA above a floor is taken to run what it ran where that is more.",
			"Short means: fewer replicas than the load observed then needed by the targets of the metrics, within the limits of the scaler. No request and no response time was measured; time in which the load was not known counts as not short.",
			"What ran was decided by others, on the same load. Where a metric is of what ran, such as CPU a pod, other numbers of replicas would have made other values.")
	}
	for _, m := range v.Missing {
		notes = append(notes, "There is no sample of "+plain(m.Name)+", so the page lacks "+plain(m.Lacks)+".")
	}
	for _, n := range v.Notes {
		notes = append(notes, plain(n))
	}
	if n := len(v.Gaps); n > 0 {
		total := 0.0
		for _, g := range v.Gaps {
			total += g.To.Sub(g.From).Seconds()
		}
		notes = append(notes, fmt.Sprintf("No decision was seen for %s, in %s; the pictures have gaps there.", duration(total), plural(n, "stretch", "stretches")))
	}
	return notes
}

// liveFacts say what was read.
func liveFacts(v *liveview.View) []fact {
	k := clock{start: v.From}
	facts := []fact{
		{"scaler", liveName(v)},
		{"time", k.instant(v.From) + " to " + k.instant(v.To) + " (UTC), a value every " + duration(v.Step.Seconds())},
		{"watched", duration(v.WatchedSeconds) + " in which decisions were seen"},
	}
	if v.Server != "" {
		facts = append(facts, fact{"server", plain(v.Server)})
	}
	return facts
}

// liveMeasures name every formula.
func liveMeasures() []fact {
	return []fact{
		{"replica-hours", "The controller adds up, decision by decision, what runs, and what would have: the fewest replicas that were decided within the last lead, times the time since the decision before, which counts for five minutes at most."},
		{"short", "The time in which fewer replicas ran, or would have, than the load observed then needed by the targets of the metrics."},
		{"forecast", "A quantile of the highest value of a metric between the decision and a horizon later. It is drawn where that horizon ends, beside the highest value that later decisions saw until then."},
		{"held", "Forecasts that what came did not exceed / forecasts whose time has come and whose every value is known. A quantile of 0.95 should hold about 95 %. Every decision's value counts, also those between the steps of the model."},
		{"accuracy", "Worked out by the controller over about a day: 1 − Σ|forecast − observed| / Σ observed, of point forecasts that far ahead."},
		{"skill", "Worked out by the controller over about a day: 1 − pinball loss of the model / that of the last value, at the quantile and lead in use. Below 0 the last value is better."},
		{"counters", "Added up from their values at the steps. One that falls began anew; of several controllers the one that decides counts, and what one counted between its last scrape and its end is lost."},
	}
}
