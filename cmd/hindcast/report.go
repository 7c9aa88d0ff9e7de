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
		Usage:     "draw the reports of a run, or of scores, again",
		ArgsUsage: "RUN",
		Action: func(c *cli.Context) error {
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
				return fmt.Errorf("draw the report: %w", err)
			}
			_, err = fmt.Fprintln(c.App.Writer, filepath.Join(f.Dir, result.HTMLFile))
			return err
		},
	}
}

// reportScores draws what `forecast eval -o` wrote.
func reportScores(c *cli.Context, dir string) error {
	f, err := result.OpenScores(dir)
	if err != nil {
		return err
	}
	if err := reports.WriteScores(f, dir); err != nil {
		return fmt.Errorf("draw the report: %w", err)
	}
	_, err = fmt.Fprintln(c.App.Writer, filepath.Join(dir, result.HTMLFile))
	return err
}
