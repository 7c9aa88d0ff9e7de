package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/autoscaler"
)

// mostDifferences is how many differing decisions are shown.
const mostDifferences = 10

// replayLog makes the decisions of a log again and says where they come out otherwise.
func replayLog(c *cli.Context, path string) error {
	for _, flag := range c.LocalFlagNames() {
		if flag != "replay" {
			return fmt.Errorf("--%s has no meaning beside --replay: a log holds all that is needed", flag)
		}
	}
	in := c.App.Reader
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	out, err := autoscaler.Redecide(c.Context, autoscaler.ReadLog(in))
	if errors.Is(err, autoscaler.ErrNoStart) {
		return fmt.Errorf("%s: %w; a log of `hindcast live --decision-log` does", path, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	w := bufio.NewWriter(c.App.Writer)
	defer w.Flush()
	fmt.Fprintf(w, "%s: %d decisions", path, out.Steps)
	if out.Starts > 1 {
		fmt.Fprintf(w, " in %d lives of the policy", out.Starts)
	}
	if len(out.Differences) == 0 {
		fmt.Fprintln(w, ", all made again the same")
		return nil
	}
	fmt.Fprintf(w, ", %d come out otherwise:\n", len(out.Differences))
	for _, d := range out.Differences[:min(len(out.Differences), mostDifferences)] {
		fmt.Fprintf(w, "  %s: was %d (%s), is %d (%s)\n", d.Time.UTC().Format(time.RFC3339), d.Was, d.WasReason, d.Is, d.IsReason)
	}
	return exitError{code: exitFailed}
}
