package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "put runs side by side, with intervals",
		ArgsUsage: "RUN RUN...",
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return errors.New("compare takes two or more runs' folders; see `hindcast compare --help`")
			}
			var folders []*result.Folder
			var faults []error
			for _, dir := range c.Args().Slice() {
				f, err := result.Open(dir)
				folders, faults = append(folders, f), append(faults, err)
			}
			if err := errors.Join(faults...); err != nil {
				return err
			}
			return reports.Compare(c.App.Writer, folders)
		},
	}
}
