package reports

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"hindcast.dev/backtest/result"
)

// plural writes a count with its noun: "1 policy", "3 policies".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// unix is the instant that is s seconds after 1970.
func unix(s float64) time.Time {
	return time.UnixMilli(int64(math.Round(1000 * s))).UTC()
}

// noVerdict stands where no comparison at equal SLA was made.
const noVerdict = "No comparison at equal SLA was made, so this run has no verdict: as configured, policies buy different " +
	"service for different money. Run hindcast backtest with --equal-sla to get one."

// outcome says the verdict's outcome in a symbol and words, without colour.
func outcome(v *result.Verdict) (symbol, words string) {
	if v == nil {
		return "○", "no verdict"
	}
	switch v.Outcome {
	case result.Better:
		return "▲", v.Candidate + " is better than " + v.Baseline
	case result.Worse:
		return "▼", v.Candidate + " is worse than " + v.Baseline
	case result.Same:
		return "=", "no difference between " + v.Candidate + " and " + v.Baseline
	case result.Inconclusive:
		return "?", "inconclusive: " + v.Candidate + " against " + v.Baseline
	}
	return "?", v.Outcome
}

// sentence is the verdict in one sentence.
func sentence(v *result.Verdict) string {
	if v == nil {
		return noVerdict
	}
	return v.Sentence
}

// fact is a line of the list that says what was replayed.
type fact struct{ Name, Value string }

// facts say what was replayed against what.
func facts(r *result.Result) []fact {
	d, a := r.Dataset, r.App
	k := clock{start: d.Start, relative: d.Relative}
	load := plural(d.Points, "point", "points") + ", one every " + duration(d.StepSeconds)
	if d.Missing > 0 {
		load += ", " + count(d.Missing) + " missing"
	}
	span := k.instant(d.Start) + " to " + k.instant(d.End)
	if !d.Relative {
		span += " (UTC)"
	}
	out := []fact{
		{"load", load},
		{"time", span},
		{"scored", "from " + k.instant(d.ScoredFrom) + ", " + duration(max(d.End.Sub(d.ScoredFrom).Seconds(), 0)) +
			"; the warm-up before is scored for nobody"},
		{"scale", "recorded " + plain(d.Unit) + " × " + trimmed(significant(d.LoadFactor, 4)) + " = simulated requests/s; highest scored load " +
			trimmed(significant(d.MaxLoad, 4)) + " requests/s, which needs " + plural(int(a.MaxDemand), "replica", "replicas")},
		{"objective", trimmed(goodShare(result.Number(r.SLO.Objective))) + " % of requests answered without error within " + duration(r.SLO.LatencySeconds)},
		{"replicas", itoa(int(a.MinReplicas)) + " to " + itoa(int(a.MaxReplicas)) + "; one warm replica carries " +
			trimmed(significant(a.CapacityPerReplica, 3)) + " requests/s; ready after " + duration(a.ReadyP50Seconds) + " (p50), " +
			duration(a.ReadyP95Seconds) + " (p95)"},
	}
	if a.Description != "" {
		out = append(out, fact{"application", plain(a.Description)})
	}
	if a.BestReachableSLA.Defined() {
		out = append(out, fact{"best reachable", goodShare(a.BestReachableSLA) + " % of requests good with all " +
			plural(int(a.MaxReplicas), "replica", "replicas") + " warm all the time"})
	}
	seeds := "seed " + formatUint(r.Seed)
	if r.Seeds > 1 {
		seeds = itoa(r.Seeds) + " seeds from " + formatUint(r.Seed) + "; figures are means over them, time charts show the first"
	}
	return append(out, fact{"luck", seeds})
}

// wrap breaks s into lines of at most width characters where its words allow it.
func wrap(s string, width int) []string {
	var lines []string
	var current string
	for word := range strings.FieldsSeq(s) {
		switch {
		case current == "":
			current = word
		case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(word) <= width:
			current += " " + word
		default:
			lines = append(lines, current)
			current = word
		}
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}
