package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
	"hindcast.dev/internal/suggest"
)

func forecastCommand() *cli.Command {
	return &cli.Command{
		Name:        "forecast",
		Usage:       "score forecasting models without a cluster",
		Subcommands: []*cli.Command{forecastEvalCommand(), forecastTableCommand(), forecastBenchCommand()},
	}
}

// modelIDs reads a list of models, after those that are always there.
func modelIDs(list string, always ...string) ([]string, error) {
	if strings.TrimSpace(list) == "" {
		return nil, fmt.Errorf("--models: is empty; name at least one of %s", strings.Join(forecast.Names(), ", "))
	}
	ids := slices.Clone(always)
	var given []string
	var faults []error
	for id := range strings.SplitSeq(list, ",") {
		id = strings.TrimSpace(id)
		switch {
		case !forecast.Known(id):
			plain := strings.TrimPrefix(id, forecast.TransformedPrefix)
			faults = append(faults, fmt.Errorf("--models: unknown model %q%s", plain, suggest.Hint(plain, forecast.Names())))
		case slices.Contains(given, id):
			faults = append(faults, fmt.Errorf("--models: %q stands twice; name every model once", id))
		case !slices.Contains(always, id):
			ids = append(ids, id)
		}
		given = append(given, id)
	}
	return ids, errors.Join(faults...)
}

// modelsUsage says what --models takes.
func modelsUsage() string {
	return "comma-separated `IDS`: " + strings.Join(forecast.Names(), ", ") + "; each also on a scale chosen from the past, as " + forecast.TransformedPrefix + "ets"
}

// checkOutput returns an error where the name of a file to write is empty.
func checkOutput(c *cli.Context, flag string) error {
	if c.IsSet(flag) && c.String(flag) == "" {
		return fmt.Errorf("--%s: is empty; give a file, or - for standard output", flag)
	}
	return nil
}

// writeResult writes JSON to the file that was asked for, and then the text to standard
// output, which has the JSON instead where that goes there.
func writeResult(c *cli.Context, flag string, json, text []byte) error {
	switch name := c.String(flag); name {
	case "":
	case "-":
		text = json
	default:
		if err := writeWhole(name, json); err != nil {
			return err
		}
	}
	_, err := c.App.Writer.Write(text)
	return err
}

// positive reads a length of time above 0.
func positive(text string) (datasets.Duration, error) {
	var d datasets.Duration
	if err := d.UnmarshalText([]byte(strings.TrimSpace(text))); err != nil {
		return 0, fmt.Errorf("%q is not a length of time; write it as 90s, 5m, 24h or 1d", text)
	}
	if d == 0 {
		return 0, fmt.Errorf("%q is not more than 0; write it as 90s, 5m, 24h or 1d", text)
	}
	return d, nil
}
