package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/forecast"
	"hindcast.dev/reports"
)

func forecastEvalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "score models on loads, out of sample",
		Description: "At every step after the warm-up each model forecasts from what was observed until then\n" +
			"(rolling origin). Accuracy is 1 - WAPE; skill is the part of the error of last value or of\n" +
			"seasonal naive that a model saves; pinball is in the unit of the load, the mean over\n" +
			"quantiles 0.5, 0.9, 0.95 and 0.99. naive and seasonal-naive are always scored beside the\n" +
			"others. Loads with steps below a minute are scored by the minute where every horizon\n" +
			"allows it. A fit sees the last 28 days, and takes over when the time that it is declared to\n" +
			"take has passed in the load.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "data", Usage: "load: `FILE` or scenario:NAME; required, may be repeated"},
			&cli.StringSliceFlag{Name: "unit", Usage: "what the values of the data are: `UNIT` is " + unitList() + "; once for all, or once for each --data", DefaultText: "rps, or the scenario's own"},
			&cli.StringFlag{Name: "models", Usage: modelsUsage(), DefaultText: strings.Join(evalModels, ",")},
			&cli.StringFlag{Name: "horizons", Usage: "comma-separated `TIMES` ahead, rounded up to whole steps, or ready: as far as V3 looks for a new replica to serve; the first is broken down and drawn", Value: "5m,10m"},
			&cli.StringFlag{Name: "ready", Usage: "a new replica serves at full speed after `TIME`, for the horizon ready", Value: readyAfter().String()},
			&cli.StringFlag{Name: "warmup", Usage: "score nobody on the first `PART` of the data, as 25% or 24h", Value: "25%"},
			&cli.StringFlag{Name: "refit", Usage: "fit anew after each `TIME`, earlier where the past was short or held little load, or after a number of steps, on drift (where a model loses ground against last value, at most once an hour), or never; between fits models are updated", Value: "24h"},
			&cli.StringFlag{Name: "events", Usage: "`FILE` of events that change the load, as sales and holidays, which prophet is told of; see docs/forecasting.md"},
			&cli.StringFlag{Name: "timezone", Usage: "`ZONE` by whose clock the days of models go and events repeat, such as Europe/Berlin: for a load of people whose clock is changed twice a year", Value: "UTC"},
			&cli.StringFlag{Name: "json", Usage: "write the scores to `FILE` too, as JSON; - writes them to standard output instead of the table"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write a report with pictures to `FOLDER` too"},
			&cli.BoolFlag{Name: "force", Usage: "replace the scores that the output folder holds", DisableDefaultText: true},
			&cli.BoolFlag{Name: "markdown", Usage: "write the tables as Markdown", DisableDefaultText: true},
			&cli.BoolFlag{Name: "timings", Usage: "say on standard error how long fits and updates took here", DisableDefaultText: true},
		},
		Action: runForecastEval,
	}
}

// evalModels are scored where nobody chose any.
var evalModels = []string{"naive", "seasonal-naive", forecast.DefaultModel}

func runForecastEval(c *cli.Context) (err error) {
	if c.Args().Present() {
		return fmt.Errorf("forecast eval takes no argument, got %q; data is given by --data", c.Args().First())
	}
	plans, err := evalPlansOf(c)
	if err != nil {
		return err
	}
	out, err := newEvalOutput(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.abort()) }()
	m := newMeter(c.App.ErrWriter)
	all := make([]result.Scores, len(plans))
	var timings bytes.Buffer
	for i, p := range plans {
		scores, err := p.evaluate(c.Context, m.elapsed, func(what string, done, total int) {
			m.showSteps(what, i*total+done, len(plans)*total)
		})
		if err != nil {
			m.clear()
			return err
		}
		all[i] = p.scores(scores)
		p.timings(&timings, scores)
		if err := out.add(i, p, scores); err != nil {
			m.clear()
			return err
		}
	}
	m.clear()
	json, err := result.EncodeScores(all)
	if err != nil {
		return err
	}
	draw := reports.ScoresText
	if c.Bool("markdown") {
		draw = reports.ScoresMarkdown
	}
	var text bytes.Buffer
	if err := draw(&text, all); err != nil {
		return err
	}
	if err := out.finish(json, &text); err != nil {
		return err
	}
	if c.Bool("timings") {
		if _, err := c.App.ErrWriter.Write(timings.Bytes()); err != nil {
			return err
		}
	}
	return writeResult(c, "json", json, text.Bytes())
}
