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
		Name:         "report",
		Usage:        "draw the reports of a run again",
		ArgsUsage:    "RUN",
		OnUsageError: usageError,
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
			fmt.Fprintln(c.App.Writer, filepath.Join(f.Dir, result.HTMLFile))
			return nil
		},
	}
}

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:         "compare",
		Usage:        "put runs side by side, with intervals",
		ArgsUsage:    "RUN RUN...",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return errors.New("compare takes two or more runs' folders; see `hindcast compare --help`")
			}
			var folders []*result.Folder
			for _, dir := range c.Args().Slice() {
				f, err := result.Open(dir)
				if err != nil {
					return err
				}
				folders = append(folders, f)
			}
			return reports.Compare(c.App.Writer, folders)
		},
	}
}
