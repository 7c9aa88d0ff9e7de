package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "draw the reports of a run, or of scores, again; or, with --live, that of a scaler in a cluster",
		ArgsUsage: "RUN",
		Description: "With --live it draws, from a Prometheus server that scrapes the controller, what became of a\n" +
			"PredictiveScaler: its forecasts against what came, its decisions against what ran, and in\n" +
			"Shadow what they would have cost and prevented. docs/live.md has more.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "live", Usage: "draw a scaler in a cluster, from the server of --prometheus", DisableDefaultText: true},
		}, liveReportFlags()...),
		Action: runReport,
	}
}

// undrawn is the remedy where a report cannot be written; what there was before is left.
const undrawn = "free some space, or copy the folder to where there is some, and draw it there"

func runReport(c *cli.Context) error {
	if c.Bool("live") {
		return runReportLive(c)
	}
	for _, f := range liveReportFlags() {
		if name := f.Names()[0]; c.IsSet(name) {
			return fmt.Errorf("--%s: goes with --live only; a run's report is drawn into its folder", name)
		}
	}
	if c.NArg() != 1 {
		return errors.New("report takes one run's folder; see `hindcast report --help`")
	}
	dir := c.Args().First()
	if _, err := os.Stat(filepath.Join(dir, result.ScoresFile)); err == nil {
		return reportScores(c, dir)
	}
	f, err := result.Open(dir)
	if err != nil {
		return err
	}
	if err := reports.Write(f, f.Dir); err != nil {
		return diskFull(fmt.Errorf("draw the report: %w", err), dir, undrawn)
	}
	_, err = fmt.Fprintln(c.App.Writer, filepath.Join(f.Dir, result.HTMLFile))
	return err
}

// reportScores draws what `forecast eval -o` wrote.
func reportScores(c *cli.Context, dir string) error {
	f, err := result.OpenScores(dir)
	if err != nil {
		return err
	}
	if err := reports.WriteScores(f, dir); err != nil {
		return diskFull(fmt.Errorf("draw the report: %w", err), dir, undrawn)
	}
	_, err = fmt.Fprintln(c.App.Writer, filepath.Join(dir, result.HTMLFile))
	return err
}
