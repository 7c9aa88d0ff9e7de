package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/autoscaler"
	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/suggest"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say why there were so many replicas at an instant",
		ArgsUsage: "RUN",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "explain the decisions at `TIME`, as 2006-01-02T15:04:05Z or 2006-01-02 15:04 (UTC); required"},
			&cli.StringFlag{Name: "policy", Usage: "explain `POLICY` only", DefaultText: "every policy of the run"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return errors.New("explain takes one run's folder; see `hindcast explain --help`")
			}
			if !c.IsSet("at") {
				return errors.New("explain needs --at TIME; see `hindcast explain --help`")
			}
			at, err := parseTime(c.String("at"))
			if err != nil {
				return err
			}
			f, err := result.Open(c.Args().First())
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := explain(&b, f, at, c.String("policy")); err != nil {
				return err
			}
			_, err = c.App.Writer.Write(b.Bytes())
			return err
		},
	}
}

func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at: %q is not a time; write it as 2006-01-02T15:04:05Z", s)
}

func explain(w io.Writer, f *result.Folder, at time.Time, policy string) error {
	d := f.Result.Dataset
	if at.Before(d.Start) || !at.Before(d.End) {
		return fmt.Errorf("--at: %s is outside the run, which goes from %s to %s",
			at.Format(time.RFC3339), d.Start.Format(time.RFC3339), d.End.Format(time.RFC3339))
	}
	var names []string
	for _, p := range f.Result.Policies {
		names = append(names, p.Name)
	}
	if policy != "" && !slices.Contains(names, policy) {
		return fmt.Errorf("--policy: the run has no policy %q%s", policy, suggest.Hint(policy, names))
	}
	printFaults(w, f.Result.Faults, at)
	for _, p := range f.Result.Policies {
		if policy != "" && p.Name != policy {
			continue
		}
		rec, err := decisionAt(filepath.Join(f.Dir, result.RunsDir, p.Name, result.DecisionsFile), at)
		if err != nil {
			return err
		}
		state, err := stateAt(f, p.Name, at)
		if err != nil {
			return err
		}
		printDecision(w, p.Name, state, rec)
		printHits(w, &f.Result, p.Hits, at)
	}
	return nil
}

// faultEcho is how long after its end a fault is held to be a reason: pods of a lost node are
// evicted minutes later, and windows of queries and stabilization are shorter.
const faultEcho = 30 * time.Minute

// matters reports whether a fault goes on at an instant, or did shortly before.
func matters(f result.Fault, at time.Time) bool {
	return !at.Before(f.Start) && at.Sub(f.End) <= faultEcho
}

// printHits tells what those faults hit under a policy. The timeline and the decisions are of the
// first seed.
func printHits(w io.Writer, r *result.Result, hits []result.Hit, at time.Time) {
	for _, h := range hits {
		if h.Seed != r.Seed || h.Fault >= len(r.Faults) || !matters(r.Faults[h.Fault], at) {
			continue
		}
		met := append(slices.Clone(h.Nodes), h.Pods...)
		if len(met) == 0 {
			met = []string{"nothing"}
		}
		fmt.Fprintf(w, "  hit      by the %s: %s\n", r.Faults[h.Fault].Description, strings.Join(met, ", "))
	}
}

// printFaults tells of the faults at an instant or shortly before.
func printFaults(w io.Writer, faults []result.Fault, at time.Time) {
	for _, f := range faults {
		if !matters(f, at) {
			continue
		}
		when := "since " + f.Start.UTC().Format(time.RFC3339)
		switch {
		case !f.End.After(f.Start):
			when = "at " + f.Start.UTC().Format(time.RFC3339)
		case !at.Before(f.End):
			when = fmt.Sprintf("from %s to %s", f.Start.UTC().Format(time.RFC3339), f.End.UTC().Format(time.RFC3339))
		}
		fmt.Fprintf(w, "fault %s: %s\n", when, f.Description)
	}
}

// decisionAt returns the last decision at or before an instant, nil before the first.
func decisionAt(name string, at time.Time) (*autoscaler.Record, error) {
	const remedy = "make the run again"
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w; explain reads what the run decided: %s", err, remedy)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	var last []byte
	some := false
	for n := 1; lines.Scan(); n++ {
		some = true
		// Only the time is looked at, until the right line is found.
		var head struct {
			Time time.Time `json:"time"`
		}
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			return nil, fmt.Errorf("%s:%d: %w; %s", name, n, err, remedy)
		}
		if head.Time.After(at) {
			break
		}
		last = append(last[:0], lines.Bytes()...)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if last == nil {
		if !some {
			return nil, fmt.Errorf("%s: is empty; %s", name, remedy)
		}
		return nil, nil
	}
	rec := &autoscaler.Record{}
	return rec, json.Unmarshal(last, rec)
}

func stateAt(f *result.Folder, policy string, at time.Time) (state result.Row, err error) {
	for row, err := range f.Timeline(policy) {
		if err != nil {
			return state, err
		}
		if row.Time.After(at) {
			break
		}
		state = row
	}
	return state, nil
}

func printDecision(w io.Writer, policy string, state result.Row, rec *autoscaler.Record) {
	fmt.Fprintf(w, "%s: %d ready, %d asked for; the load of %.4g requests/s needs %d\n", policy, state.Ready, state.Desired, state.Load, state.Demand)
	if rec == nil {
		fmt.Fprintf(w, "  no decision yet\n")
		return
	}
	verb := "kept"
	switch {
	case rec.Scaled:
		verb = fmt.Sprintf("went from %d to", rec.Spec)
	case rec.Skipped:
		// What it would have asked for nobody knows, not even how many there were.
		fmt.Fprintf(w, "  at %s it decided nothing: %s\n", rec.Time.UTC().Format(time.RFC3339), rec.Reason)
		return
	case rec.Error != "":
		verb = fmt.Sprintf("could not go from %d to", rec.Spec)
	}
	fmt.Fprintf(w, "  at %s it %s %d: %s\n", rec.Time.UTC().Format(time.RFC3339), verb, rec.Replicas, rec.Reason)
	for _, v := range rec.Values {
		if v.Value != nil {
			fmt.Fprintf(w, "  saw      %s = %.6g\n", v.Name, *v.Value)
		} else {
			fmt.Fprintf(w, "  saw      %s: %s\n", v.Name, cmp.Or(v.Error, v.NotFinite))
		}
	}
	for _, p := range rec.Pods {
		printPods(w, p)
	}
	if fc := rec.Forecast; fc != nil && fc.Point != nil && fc.Upper != nil {
		fmt.Fprintf(w, "  forecast %s: highest load of the next %v: %.4g expected, %.4g at quantile %.4g\n",
			fc.Model, time.Duration(fc.HorizonSeconds*float64(time.Second)), *fc.Point, *fc.Upper, fc.Quantile)
	}
	for _, p := range rec.Proposals {
		fmt.Fprintf(w, "  wish     %s: %d", p.Source, p.Replicas)
		if p.Detail != "" {
			fmt.Fprintf(w, " (%s)", p.Detail)
		}
		if p.Error != "" {
			fmt.Fprintf(w, " error: %s", p.Error)
		}
		fmt.Fprintln(w)
	}
	for _, cl := range rec.Clamps {
		fmt.Fprintf(w, "  limit    %s: %d -> %d\n", cl.Name, cl.From, cl.To)
	}
	if rec.Error != "" {
		fmt.Fprintf(w, "  error    %s\n", rec.Error)
	}
}

func printPods(w io.Writer, p autoscaler.PodRecord) {
	name := p.Name
	if name == "" {
		name = fmt.Sprintf("%d settled pods, each", p.Count)
		if p.Count <= 1 {
			name = "a settled pod"
		}
	}
	state := p.Phase
	switch {
	case p.Deleting:
		state = "deleting"
	case p.Ready:
		state = "ready"
	}
	if p.MilliCPU == nil {
		fmt.Fprintf(w, "  saw      %s: %s, no sample\n", name, state)
		return
	}
	fmt.Fprintf(w, "  saw      %s: %s, %d m CPU, %d MiB, %.0f s old\n", name, state, *p.MilliCPU, p.Bytes>>20, p.SampleAge)
}
