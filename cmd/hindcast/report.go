package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "draw the reports of a run again",
		ArgsUsage: "RUN",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return errors.New("report takes one run's folder; see `hindcast report --help`")
			}
			f, err := result.Open(c.Args().First())
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
