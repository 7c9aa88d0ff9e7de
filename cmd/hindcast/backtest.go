package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

// builtInScenario is what a backtest without arguments runs on.
const builtInScenario = "shop"

func backtestCommand() *cli.Command {
	return &cli.Command{
		Name:  "backtest",
		Usage: "replay load through scaling policies and compare them",
		Description: "Without arguments it runs the built-in scenario. Data is a CSV file (timestamp,value;\n" +
			"gzip too), scenario:NAME (see `hindcast datasets list`), or tsdb:FOLDER: the data of a\n" +
			"Prometheus server, a snapshot, or what `hindcast record` wrote. Of several datasets each\n" +
			"gets a folder of its own in the output folder.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "experiment `FILE` (YAML; - is standard input); flags given beside it win"},
			&cli.StringSliceFlag{Name: "data", Usage: "load: `FILE`, tsdb:FOLDER or scenario:NAME; may be repeated", DefaultText: "scenario:" + builtInScenario},
			&cli.StringFlag{Name: "query", Usage: "with tsdb:FOLDER, the load is `PROMQL`", DefaultText: "what the folder was recorded for, or its only metric"},
			&cli.StringFlag{Name: "step", Usage: "with tsdb:FOLDER, evaluate the query every `DURATION`", DefaultText: "as it was recorded, or 1m"},
			&cli.StringFlag{Name: "policies", Usage: "comma-separated `IDS`: " + strings.Join(v1alpha1.Policies(), ", "), DefaultText: "all"},
			&cli.StringSliceFlag{Name: "scaler", Usage: "manifest `FILE` of a HorizontalPodAutoscaler or PredictiveScaler that takes part; may be repeated"},
			&cli.StringFlag{Name: "unit", Usage: "what the values of the data are: `UNIT` is " + strings.Join(v1alpha1.Units(), ", "), DefaultText: "rps, or the scenario's own"},
			&cli.Uint64Flag{Name: "seed", Usage: "begin with seed `NUMBER`", Value: 1},
			&cli.IntFlag{Name: "seeds", Usage: "run `N` seeds; 10 before claiming anything", Value: 1},
			&cli.BoolFlag{Name: "equal-sla", Usage: "sweep every policy's knob and compare at equal SLA; --equal-sla=false does not", Value: true},
			&cli.StringFlag{Name: "candidate", Usage: "compare `POLICY` with all others", DefaultText: "v3, else the last one"},
			&cli.StringFlag{Name: "warmup", Usage: "leave the first `PART` of the data out of all scores, as 25% or 24h", DefaultText: "25%"},
			&cli.IntFlag{Name: "peak-pods", Usage: "scale the load so that its p99 needs `N` replicas", DefaultText: "20"},
			&cli.StringFlag{Name: "metrics", Usage: "series to keep in the run's blocks: `SET` is needed or all", DefaultText: "needed"},
			&cli.StringSliceFlag{Name: "rules", Usage: "evaluate the Prometheus rules of `FILE` on simulated time; may be repeated"},
			&cli.IntFlag{Name: "parallel", Usage: "do `N` runs at once", DefaultText: "one a core"},
			&cli.StringFlag{Name: "replay", Usage: "instead of a backtest, make the decisions of the log `FILE` of a live scaler again and say where they differ"},
			&cli.BoolFlag{Name: "print-experiment", Usage: "print the experiment in force and stop", DisableDefaultText: true},
			&cli.BoolFlag{Name: "force", Usage: "replace the run that the output folder holds", DisableDefaultText: true},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the results to `FOLDER`", Value: "run"},
		},
		Action: runBacktest,
	}
}

func runBacktest(c *cli.Context) (err error) {
	if c.Args().Present() {
		return fmt.Errorf("backtest takes no argument, got %q; data is given by --data", c.Args().First())
	}
	if path := c.String("replay"); path != "" {
		return replayLog(c, path)
	}
	in, err := inputOf(c)
	if err != nil {
		return err
	}
	if c.Bool("print-experiment") {
		text, err := in.text(".")
		if err != nil {
			return err
		}
		_, err = c.App.Writer.Write(text)
		return err
	}
	if err := in.checkLoads(); err != nil {
		return err
	}
	// What is begun and not finished leaves nothing behind, not even empty folders.
	var writers []*result.Writer
	parents := missingAbove(in.folder(c, in.Spec.Datasets[0]))
	defer func() {
		for _, w := range writers {
			if e := w.Abort(); e != nil {
				err = exitError{exitBad, errors.Join(err, fmt.Errorf("remove what was begun: %w", e))}
			}
		}
		removeEmpty(parents)
	}()
	if writers, err = in.writers(c); err != nil {
		return err
	}
	for i, d := range in.Spec.Datasets {
		if err := in.backtest(c, d, writers[i]); err != nil {
			if i > 0 && c.Err() != nil {
				return exitError{exitInterrupted, fmt.Errorf("interrupted; of %d runs these were finished before and are kept: %d", len(writers), i)}
			}
			return diskFull(err, in.folder(c, d), "free some space, or choose another folder with -o; nothing of it was kept")
		}
	}
	return nil
}

// writers opens the folder of every dataset's run. Those that it could open it returns
// with an error too.
func (in *input) writers(c *cli.Context) (writers []*result.Writer, err error) {
	var faults []error
	for _, d := range in.Spec.Datasets {
		w, err := result.NewWriter(in.folder(c, d), c.Bool("force"))
		switch {
		case errors.Is(err, result.ErrExists):
			faults = append(faults, fmt.Errorf("%w; choose another with -o, or replace it with --force", err))
		case err != nil:
			faults = append(faults, fmt.Errorf("%w; choose another with -o", err))
		default:
			writers = append(writers, w)
		}
	}
	return writers, errors.Join(faults...)
}

// folder is where the run of a dataset is written.
func (in *input) folder(c *cli.Context, d v1alpha1.Dataset) string {
	if len(in.Spec.Datasets) == 1 {
		return c.String("output")
	}
	return filepath.Join(c.String("output"), backtest.Folder(d))
}

// folders returns an error where the runs of several datasets would not get folders of
// their own.
func (in *input) folders(c *cli.Context) error {
	dir := c.String("output")
	if dir == "" {
		return errors.New("--output: is empty; give a folder")
	}
	if len(in.Spec.Datasets) < 2 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, result.ResultFile)); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: holds a run; several datasets need a folder without one, choose another with -o", dir)
	}
	var faults []error
	taken := map[string]string{}
	for _, d := range in.Spec.Datasets {
		name, from := backtest.Folder(d), d.Path
		if from == "" {
			from = "scenario:" + d.Scenario
		}
		if first, ok := taken[name]; ok {
			faults = append(faults, fmt.Errorf("%s and %s are both called %q; give them names in an experiment file, or rename a file", first, from, name))
		}
		if name == "." || !filepath.IsLocal(name) {
			faults = append(faults, fmt.Errorf("%s: %q cannot be the name of a folder; give it a name in an experiment file, or rename the file", from, d.Name))
		}
		taken[name] = from
	}
	return errors.Join(faults...)
}

// backtest runs one dataset, commits its folder and shows the outcome.
func (in *input) backtest(c *cli.Context, d v1alpha1.Dataset, w *result.Writer) error {
	dir := in.folder(c, d)
	if err := in.write(c, d, w, dir); err != nil {
		return err
	}
	if err := w.Commit(); err != nil {
		return err
	}
	f, err := result.Open(dir)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := reports.Table(&b, f); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nreport: %s\n", filepath.Join(dir, result.HTMLFile))
	_, err = c.App.Writer.Write(b.Bytes())
	return err
}

// write runs one dataset into a folder that will be called dir.
func (in *input) write(c *cli.Context, d v1alpha1.Dataset, w *result.Writer, dir string) error {
	text, err := in.text(dir)
	if err != nil {
		return err
	}
	if err := w.WriteFile(text, result.ExperimentFile); err != nil {
		return err
	}
	parallel := c.Int("parallel")
	if parallel == 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	m := newMeter(c.App.ErrWriter)
	_, err = backtest.Run(c.Context, in.Experiment, d, w, backtest.Options{
		Manifests: in.manifests,
		Rules:     in.rules,
		Parallel:  parallel,
		Progress:  m.show,
		Stopwatch: m.elapsed,
	})
	m.clear()
	if err != nil {
		return err
	}
	f, err := result.Open(w.Staging())
	if err != nil {
		return err
	}
	if err := reports.Write(f, w.Staging()); err != nil {
		return fmt.Errorf("draw the report: %w", err)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s: done in %v\n", f.Result.Dataset.Name, m.elapsed().Round(100*time.Millisecond))
	return nil
}
