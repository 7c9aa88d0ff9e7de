package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
)

func datasetsCommand() *cli.Command {
	return &cli.Command{
		Name:  "datasets",
		Usage: "list, describe, generate, import and export load",
		Subcommands: []*cli.Command{
			{
				Name:   "list",
				Usage:  "list the built-in scenarios",
				Action: listScenarios,
			},
			{
				Name:      "describe",
				Usage:     "sum up a file or a scenario",
				ArgsUsage: "FILE|scenario:NAME",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "unit", Usage: "what the values are: `UNIT` is " + unitList(), DefaultText: "rps, or the scenario's own"},
				},
				Action: describe,
			},
			{
				Name:        "generate",
				Usage:       "write the load of a scenario as CSV",
				Description: "The scenario is a built-in one or a file; docs/datasets.md has the format.",
				ArgsUsage:   "NAME|FILE.yaml",
				Flags: []cli.Flag{
					&cli.Uint64Flag{Name: "seed", Usage: "draw what is random from seed `NUMBER`", Value: 1},
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, which is replaced if it is there", DefaultText: "standard output"},
				},
				Action: generate,
			},
			importCommand(),
			exportCommand(),
		},
	}
}

func unitList() string {
	var names []string
	for _, u := range datasets.Units() {
		names = append(names, string(u))
	}
	return strings.Join(names, ", ")
}

func listScenarios(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("datasets list takes no argument, got %q", c.Args().First())
	}
	tw := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, s := range datasets.Scenarios() {
		fmt.Fprintf(tw, "%s\t%s\n", s.Name, strings.Join(strings.Fields(s.Description), " "))
	}
	return tw.Flush()
}

func describe(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("datasets describe takes one file or scenario:NAME; see `hindcast datasets describe --help`")
	}
	s, said, err := openLoad(c.Args().First(), c.String("unit"))
	if err != nil {
		return err
	}
	st := datasets.Stats(s)
	const layout = "2006-01-02 15:04:05"
	tw := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "name\t%s\n", s.Name)
	fmt.Fprintf(tw, "unit\t%s, %s\n", s.Unit, said)
	length := datasets.Duration(s.End().Sub(s.Start))
	if s.Relative {
		fmt.Fprintf(tw, "time\t%v to %v, %v in all\n", datasets.Duration(s.Start.UnixNano()), datasets.Duration(s.End().UnixNano()), length)
		fmt.Fprintf(tw, "\tthe source has no dates: times count from its start\n")
	} else {
		fmt.Fprintf(tw, "time\t%s to %s UTC, %v in all\n", s.Start.UTC().Format(layout), s.End().UTC().Format(layout), length)
	}
	fmt.Fprintf(tw, "step\t%v\n", datasets.Duration(s.Step))
	fmt.Fprintf(tw, "points\t%d, %d missing, longest gap %v\n", st.Points, st.Missing, datasets.Duration(st.LongestGap))
	fmt.Fprintf(tw, "values\tmin %s, median %s, mean %s, p95 %s, p99 %s, max %s\n",
		figures(st.Min), figures(st.Median), figures(st.Mean), figures(st.P95), figures(st.P99), figures(st.Max))
	if arg := c.Args().First(); isFile(arg) {
		beside, err := datasets.ColumnNames(arg)
		if err != nil {
			return err
		}
		if len(beside) > 0 {
			fmt.Fprintf(tw, "beside\t%s\n", strings.Join(beside, ", "))
		}
	}
	return tw.Flush()
}

// figures writes four figures, and large numbers whole instead of with an exponent.
func figures(v float64) string {
	if v >= 1e4 && v < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return fmt.Sprintf("%.4g", v)
}

func generate(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("datasets generate takes the name of a scenario or a YAML file; see `hindcast datasets generate --help`")
	}
	if err := noInput(c.String("output"), c.Args().First()); err != nil {
		return err
	}
	sc, err := scenario(c.Args().First(), c.App.Reader)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := datasets.WriteCSV(&b, sc.Generate(c.Uint64("seed"))); err != nil {
		return err
	}
	if name := c.String("output"); name != "" && name != "-" {
		return writeWhole(name, b.Bytes())
	}
	_, err = c.App.Writer.Write(b.Bytes())
	return err
}

// scenario finds a built-in scenario, or reads one from a file.
func scenario(arg string, stdin io.Reader) (datasets.Scenario, error) {
	if arg != "-" && !strings.HasSuffix(arg, ".yaml") && !strings.HasSuffix(arg, ".yml") && !strings.HasSuffix(arg, ".json") {
		return datasets.Find(strings.TrimPrefix(arg, "scenario:"))
	}
	data, err := readFile(arg, stdin)
	if err != nil {
		return datasets.Scenario{}, err
	}
	sc, err := datasets.ParseScenario(data)
	if err != nil {
		return sc, fmt.Errorf("%s: %w", arg, err)
	}
	return sc, nil
}
