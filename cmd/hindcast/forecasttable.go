package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/forecast"
	"hindcast.dev/reports"
)

func forecastTableCommand() *cli.Command {
	return &cli.Command{
		Name:  "table",
		Usage: "put scores of several files into one table",
		Description: "Each FILE is what `forecast eval --json` wrote. Scores of the same load are put together, so\n" +
			"that models may be scored apart; where a model stands in two files, the first counts. Loads\n" +
			"and models come in the order in which they are first seen, models that are known by name first.",
		ArgsUsage: "FILE...",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "markdown", Usage: "write the tables as Markdown", DisableDefaultText: true},
		},
		Action: runForecastTable,
	}
}

func runForecastTable(c *cli.Context) error {
	if c.NArg() == 0 {
		return errors.New("forecast table takes the files of `forecast eval --json`; see `hindcast forecast table --help`")
	}
	var all []result.Scores
	for _, name := range c.Args().Slice() {
		data, err := readFile(name, nil)
		if err != nil {
			return err
		}
		scores, err := result.DecodeScores(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, s := range scores {
			if all, err = merged(all, s); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	draw := reports.OverviewText
	if c.Bool("markdown") {
		draw = reports.OverviewMarkdown
	}
	var text bytes.Buffer
	if err := draw(&text, all); err != nil {
		return err
	}
	_, err := c.App.Writer.Write(text.Bytes())
	return err
}

// merged adds scores to those of the same load.
func merged(all []result.Scores, s result.Scores) ([]result.Scores, error) {
	i := slices.IndexFunc(all, func(known result.Scores) bool { return known.Dataset == s.Dataset })
	if i < 0 {
		return append(all, s), nil
	}
	known := &all[i]
	switch {
	case known.Blocks.Series != s.Blocks.Series:
		return nil, fmt.Errorf("%q is another load, or scored from another time, than in a file before; give files of the same load", s.Dataset)
	case known.MainSeconds != s.MainSeconds || known.ReadySeconds != s.ReadySeconds:
		return nil, fmt.Errorf("%q is scored at other horizons than in a file before; give files with the same --horizons", s.Dataset)
	case known.Refit != s.Refit:
		return nil, fmt.Errorf("models of %q are fitted anew %s, in a file before %s; give files with the same --refit", s.Dataset, s.Refit, known.Refit)
	}
	for _, m := range s.Models {
		if known.Model(m.Name) == nil {
			known.Models = append(known.Models, m)
		}
	}
	names := forecast.Names()
	slices.SortStableFunc(known.Models, func(a, b result.ModelScores) int { return rankOf(names, a.Name) - rankOf(names, b.Name) })
	// It was of the two best of a file.
	known.Best = nil
	return all, nil
}

// rankOf is the place of a name, a model on another scale right behind the model, and all
// others last.
func rankOf(names []string, name string) int {
	plain, transformed := strings.CutPrefix(name, forecast.TransformedPrefix)
	if i := slices.Index(names, plain); i >= 0 {
		if transformed {
			return 2*i + 1
		}
		return 2 * i
	}
	return 2 * len(names)
}
