package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
)

func datasetsCommand() *cli.Command {
	return &cli.Command{
		Name:         "datasets",
		Usage:        "list, describe and generate load",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("no command datasets %q; see `hindcast datasets --help`", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list the built-in scenarios", OnUsageError: usageError,
				Action: func(c *cli.Context) error {
					tw := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
					for _, s := range datasets.Scenarios() {
						fmt.Fprintf(tw, "%s\t%s\n", s.Name, strings.ReplaceAll(strings.TrimSpace(s.Description), "\n", " "))
					}
					return tw.Flush()
				},
			},
			{
				Name: "describe", Usage: "sum up a file or a scenario", ArgsUsage: "FILE|scenario:NAME", OnUsageError: usageError,
				Action: func(c *cli.Context) error {
					s, err := openData(c, "describe")
					if err != nil {
						return err
					}
					return describe(c.App.Writer, s)
				},
			},
			{
				Name: "generate", Usage: "write the load of a scenario as CSV", ArgsUsage: "NAME|FILE.yaml", OnUsageError: usageError,
				Flags: []cli.Flag{
					&cli.Uint64Flag{Name: "seed", Usage: "seed of its randomness", Value: 1},
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE`; default: standard output"},
				},
				Action: generate,
			},
		},
	}
}

// openData opens what the one argument names.
func openData(c *cli.Context, command string) (datasets.Series, error) {
	if c.NArg() != 1 {
		return datasets.Series{}, fmt.Errorf("%s takes one file or scenario:NAME", command)
	}
	arg := c.Args().First()
	if name, ok := strings.CutPrefix(arg, "scenario:"); ok {
		s, err := datasets.Find(name)
		if err != nil {
			return datasets.Series{}, err
		}
		return s.Generate(1), nil
	}
	return datasets.Open(arg)
}

func describe(w io.Writer, s datasets.Series) error {
	st := datasets.Stats(s)
	const layout = "2006-01-02 15:04:05"
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "name\t%s\n", s.Name)
	fmt.Fprintf(tw, "unit\t%s\n", s.Unit)
	fmt.Fprintf(tw, "time\t%s to %s UTC\n", s.Start.UTC().Format(layout), s.End().UTC().Format(layout))
	if s.Relative {
		fmt.Fprintf(tw, "\tthe source has no dates: times count from its start\n")
	}
	fmt.Fprintf(tw, "step\t%v\n", s.Step)
	fmt.Fprintf(tw, "points\t%d, %d missing, longest gap %v\n", st.Points, st.Missing, st.LongestGap)
	fmt.Fprintf(tw, "values\tmin %.4g, median %.4g, mean %.4g, p95 %.4g, p99 %.4g, max %.4g\n", st.Min, st.Median, st.Mean, st.P95, st.P99, st.Max)
	return tw.Flush()
}

func generate(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("generate takes the name of a scenario or a YAML file")
	}
	sc, err := scenario(c.Args().First())
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := datasets.WriteCSV(&buf, sc.Generate(c.Uint64("seed"))); err != nil {
		return err
	}
	if name := c.String("output"); name != "" {
		return os.WriteFile(name, buf.Bytes(), 0o644)
	}
	_, err = c.App.Writer.Write(buf.Bytes())
	return err
}

// scenario finds a built-in scenario, or reads one from a file.
func scenario(arg string) (datasets.Scenario, error) {
	if !strings.HasSuffix(arg, ".yaml") && !strings.HasSuffix(arg, ".yml") && !strings.HasSuffix(arg, ".json") {
		return datasets.Find(strings.TrimPrefix(arg, "scenario:"))
	}
	data, err := readFile(arg)
	if err != nil {
		return datasets.Scenario{}, err
	}
	sc, err := datasets.ParseScenario(data)
	if err != nil {
		return sc, fmt.Errorf("%s: %w", arg, err)
	}
	return sc, nil
}
