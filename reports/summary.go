package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"hindcast.dev/backtest/result"
)

// Table writes the verdict and the policies of f as short text for a terminal.
func Table(w io.Writer, f *result.Folder) error {
	r := &f.Result
	var b bytes.Buffer
	for _, line := range wrap(plain(sentence(r.Verdict)), 78) {
		fmt.Fprintln(&b, line)
	}
	b.WriteByte('\n')
	t := &table{
		columns: []column{
			{"policy", "", true}, {"good", "%", false}, {"p99", "ms", false}, {"over", "%", false}, {"under", "%", false},
			{"scale-up", "s", false}, {"pod-hours", "", false}, {"price", "", false}, {"actions", "", false},
		},
	}
	var limited []result.Policy
	full := policiesTable(r)
	t.rows = full.rows
	for i, p := range r.Policies {
		t.rows[i][0] = p.Name
		if hindsight(p) {
			t.rows[i][0] += " †"
			t.note = "† hindsight: knows the load in advance, bounds what is possible."
		}
		if p.AtMax != nil {
			t.rows[i][0] += " ‡"
			limited = append(limited, p)
		}
	}
	if err := t.text(&b); err != nil {
		return err
	}
	for _, note := range []string{t.note, limitedNote(limited), t.undefinedNote()} {
		for _, line := range wrap(note, 78) {
			fmt.Fprintln(&b, line)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// limitedNote says what the most replicas that policies may have kept from them; empty where they were
// enough.
func limitedNote(all []result.Policy) string {
	if len(all) == 0 {
		return ""
	}
	var each []string
	for _, p := range all {
		each = append(each, fmt.Sprintf("%s had asked for all %d for %s %% of the time and needed more, which is when %s %% of its bad requests ended",
			p.Name, p.AtMax.MaxReplicas, percent(p.AtMax.TimeShare), percent(p.AtMax.BadShare)))
	}
	return "‡ its maxReplicas were too few for the load: " + strings.Join(each, "; ") + "."
}
