// Command recompute checks a run: it works out every score of the policies and their
// comparisons anew from runs/*/timeline.csv.gz, runs/*/latency.csv and the points of
// the sweeps, prints what result.json says beside it, and exits 1 where they differ.
//
//	go run ./scripts/recompute RUN
//
// It shares no code with the program that made the run and depends on nothing but the
// standard library. It does not recompute forecasts, intervals (a bootstrap), alerts, refused changes,
// or comparisons with a knob tuned on the warm-up, of which no scores are kept.
//
// Exit codes: 0 all agree, 1 some do not, 2 usage or unreadable files.
package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
)

const (
	exitAgree = iota
	exitDiffer
	exitUnreadable
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: recompute RUN, the folder that `hindcast backtest -o` wrote")
		return exitUnreadable
	}
	rows, err := recompute(args[0])
	if err != nil {
		fmt.Fprintln(stderr, "recompute:", err)
		return exitUnreadable
	}
	differ, err := writeTable(stdout, rows)
	if err != nil {
		fmt.Fprintln(stderr, "recompute:", err)
		return exitUnreadable
	}
	if differ > 0 {
		fmt.Fprintf(stderr, "recompute: %d of %d scores differ\n", differ, len(rows))
		return exitDiffer
	}
	return exitAgree
}

// A line is one score, as reported and as recomputed; NaN where undefined.
type line struct {
	policy, score        string
	reported, recomputed float64
}

// differs allows for one part in 1e9, and for rounding in differences of numbers
// near 1.
func (l line) differs() bool {
	if math.IsNaN(l.reported) || math.IsNaN(l.recomputed) {
		return math.IsNaN(l.reported) != math.IsNaN(l.recomputed)
	}
	size := math.Max(math.Abs(l.reported), math.Abs(l.recomputed))
	return math.Abs(l.reported-l.recomputed) > 1e-9*size+1e-12
}

// writeTable writes the table and returns how many scores differ.
func writeTable(w io.Writer, lines []line) (int, error) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "policy\tscore\treported\trecomputed\tdifference\t")
	differ := 0
	for _, l := range lines {
		mark := ""
		if l.differs() {
			differ++
			mark = "DIFFERS"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.2g\t%s\n", l.policy, l.score, number(l.reported), number(l.recomputed), l.recomputed-l.reported, mark)
	}
	return differ, tw.Flush()
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "null"
	}
	return fmt.Sprintf("%.10g", v)
}

// recompute returns all scores of a run.
func recompute(dir string) ([]line, error) {
	res, err := readResult(dir)
	if err != nil {
		return nil, err
	}
	if len(res.Policies) == 0 {
		return nil, errors.New("no policies")
	}
	var lines []line
	for _, p := range res.Policies {
		var all []timeline
		var latencies []bucket
		for _, folder := range res.folders(dir, p.Name) {
			tl, err := readTimeline(folder, res)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", folder, err)
			}
			all = append(all, tl)
			if latencies, err = addLatencies(latencies, folder); err != nil {
				return nil, fmt.Errorf("%s: %w", folder, err)
			}
		}
		got := score(all, latencies, res)
		lines = append(lines, figuresOf(p.Name, p.figures, got)...)
		lines = append(lines, quantilesOf(p.Name, p.Latency, got.Latency)...)
		lines = append(lines, faultsOf(p.Name, all[0], res)...)
		for _, r := range res.Runs {
			if r.Policy == p.Name && r.Sample == asConfigured {
				lines = append(lines, figuresOf(p.Name+" (as a point of its sweep)", r.figures, got)...)
			}
		}
	}
	return append(lines, compare(res)...), nil
}
