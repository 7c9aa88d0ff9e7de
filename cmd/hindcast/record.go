package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
	"hindcast.dev/live/promclient"
	"hindcast.dev/record"
	"hindcast.dev/record/remoteread"
)

func recordCommand() *cli.Command {
	return &cli.Command{
		Name:  "record",
		Usage: "copy series from a Prometheus server into a file",
		Description: "Records what a query gave, or with --scaler all series that the policies and models of a\n" +
			"manifest read, for a backtest. The name after -o tells the format: .csv (the sum of the\n" +
			"series, which backtest reads), .om or .txt (OpenMetrics), else a folder of TSDB blocks;\n" +
			".gz is compressed. What was interrupted goes on where it was when the same command is\n" +
			"run again. docs/recording.md has more.",
		Flags: append(promFlags(),
			&cli.StringSliceFlag{Name: "query", Usage: "record `PROMQL`; may be repeated, and as CSV several are a folder with a file each"},
			&cli.StringFlag{Name: "scaler", Usage: "record what the manifest `FILE` needs"},
			&cli.BoolFlag{Name: "raw", Usage: "record the samples that the query reads as they were scraped, not its values", DisableDefaultText: true},
			&cli.StringFlag{Name: "remote-read", Usage: "read raw samples by Prometheus's remote read, staleness markers too: `WHEN` is auto (where the server offers it), always or never", Value: "auto"},
			&cli.StringFlag{Name: "since", Usage: "begin at `TIME`: 14d ago, or 2026-01-02T15:04:05Z", Value: "14d"},
			&cli.StringFlag{Name: "until", Usage: "end at `TIME`", DefaultText: "now"},
			&cli.StringFlag{Name: "step", Usage: "evaluate the query every `DURATION`", Value: "30s"},
			&cli.StringSliceFlag{Name: "name", Usage: "call a series without a name, and its file, `NAME`; of several queries in their order", DefaultText: "load, load_2, ..."},
			&cli.StringFlag{Name: "format", Usage: "write `FORMAT`: csv, openmetrics or tsdb", DefaultText: "told by the name after -o"},
			&cli.BoolFlag{Name: "force", Usage: "replace what is there, and drop the parts of another recording", DisableDefaultText: true},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, or for blocks to a folder; required"},
		),
		Action: runRecord,
	}
}

// mostSeries is how many series a query may have at once. A histogram of each path and status of some
// hundred pods is more than what a scaler may read.
const mostSeries = 200_000

func runRecord(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("record takes no argument, got %q; the query is given by --query", c.Args().First())
	}
	output := c.String("output")
	if output == "" {
		return errors.New("--output: is missing; name a file such as load.csv, or a folder for blocks")
	}
	if output == "-" {
		return errors.New("--output: a recording is written whole or not at all, so it cannot go to standard output; name a file such as load.csv")
	}
	cfg, err := promConfig(c)
	if err != nil {
		return err
	}
	plan, err := planOf(c, time.Now())
	if err != nil {
		return err
	}
	plan.Source, plan.Tenant = cfg.URL, cfg.Tenant != ""
	cfg.MaxSeries = mostSeries
	if _, err := os.Lstat(output); err == nil && !c.Bool("force") {
		return fmt.Errorf("%s: is there already; choose another with -o, or replace it with --force", output)
	}
	if err := record.Replaceable(output); err != nil {
		return fmt.Errorf("%w; choose another with -o", err)
	}
	client, err := promclient.New(cfg)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	r, err := record.Begin(plan, output)
	if errors.Is(err, record.ErrOther) && c.Bool("force") {
		if err = os.RemoveAll(record.Staging(output)); err == nil {
			r, err = record.Begin(plan, output)
		}
	}
	if errors.Is(err, record.ErrOther) {
		return fmt.Errorf("%w; finish it with the flags it began with, choose another with -o, or drop it with --force", err)
	}
	if err != nil {
		return err
	}
	if r.Resumed > 0 {
		fmt.Fprintf(c.App.ErrWriter, "going on: %d of %d parts are there; it records %v\n", r.Resumed, r.Parts(), r.Plan)
	}
	source, err := sourceOf(c, r, client)
	if err != nil {
		return err
	}
	return finish(c, r, source, output)
}

// sourceOf returns what the samples of a recording come from, and decides it where nothing
// has come yet.
func sourceOf(c *cli.Context, r *record.Recording, client *promclient.Client) (record.Source, error) {
	if r.Undecided() {
		err := offer(c, r, client)
		if err != nil {
			return nil, errors.Join(err, r.Discard())
		}
	}
	if how := r.Plan.RemoteRead; how != nil {
		return remoteread.New(client, how.External), nil
	}
	return client, nil
}

// offer lets a recording read remotely if the server offers it. Otherwise it says why not,
// as an error where nothing else will do.
func offer(c *cli.Context, r *record.Recording, client *promclient.Client) error {
	err := remoteread.New(client, nil).Offered(c.Context, r.Plan.From)
	switch {
	case err == nil:
		external, err := remoteread.ExternalLabels(c.Context, client)
		if err != nil {
			return err
		}
		return r.ReadRemotely(record.RemoteRead{External: external})
	case r.Plan.Samples == record.ByRemote && remoteread.NotOffered(err):
		return fmt.Errorf("--remote-read: always: the server offers none: %w; leave it out, and samples come by queries", err)
	case remoteread.NotOffered(err):
		fmt.Fprintf(c.App.ErrWriter, "no remote read, samples come by queries, which do not show where series end: %v\n", err)
		return nil
	}
	return err
}

// finish fetches what is missing and writes the file.
func finish(c *cli.Context, r *record.Recording, source record.Source, output string) error {
	m := newMeter(c.App.ErrWriter)
	err := r.Fetch(c.Context, source, func(done, total int) { m.showSteps(fmt.Sprintf("part %d of %d", done, total), done, total) })
	m.clear()
	if err != nil {
		done := r.Done()
		if done == 0 {
			err = errors.Join(err, r.Discard())
		}
		switch {
		case errors.Is(err, context.Canceled) && done == 0:
			return exitError{exitInterrupted, errors.New("interrupted; nothing was written")}
		case errors.Is(err, context.Canceled):
			return exitError{exitInterrupted, fmt.Errorf("interrupted; %d of %d parts are kept, the same command goes on", done, r.Parts())}
		case done == 0:
			return err
		}
		return fmt.Errorf("%w; %d of %d parts are kept, the same command goes on", err, done, r.Parts())
	}
	sum, err := r.Write(c.Context, output, c.Bool("force"))
	if errors.Is(err, context.Canceled) {
		return exitError{exitInterrupted, fmt.Errorf("interrupted; %d of %d parts are kept, the same command goes on", r.Done(), r.Parts())}
	}
	if errors.Is(err, record.ErrNothing) {
		return errors.Join(fmt.Errorf("%w; check the query and the time: %v", err, r.Plan), r.Discard())
	}
	if errors.Is(err, record.ErrNoLoad) {
		return errors.Join(err, r.Discard())
	}
	if err != nil {
		return err
	}
	for _, expr := range sum.Silent {
		fmt.Fprintf(c.App.ErrWriter, "no data: %s\n", expr)
	}
	if sum.Left > 0 {
		fmt.Fprintf(c.App.ErrWriter, "left out: %d staleness markers, which OpenMetrics cannot hold; blocks do (-o FOLDER)\n", sum.Left)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s: %d samples of %d series, %s to %s\n", output, sum.Samples, sum.Series,
		r.Plan.From.UTC().Format(time.RFC3339), r.Plan.To.UTC().Format(time.RFC3339))
	return nil
}

// planOf reads the flags, and the manifest, at the instant now.
func planOf(c *cli.Context, now time.Time) (record.Plan, error) {
	plan := record.Plan{Raw: c.Bool("raw"), Since: c.String("since"), Until: c.String("until"), Format: formatOf(c)}
	var faults []error
	var err error
	var ok bool
	if plan.Samples, ok = remoteReads[c.String("remote-read")]; !ok {
		faults = append(faults, fmt.Errorf("--remote-read: %q is not known; write auto, always or never", c.String("remote-read")))
	}
	if plan.Step, err = durationFlag(c, "step"); err != nil {
		faults = append(faults, err)
		plan.Step = time.Second
	}
	plan.To = now.Truncate(plan.Step)
	if plan.Until != "" {
		if plan.To, err = timeFlag(c, "until", now); err != nil {
			faults = append(faults, err)
		}
	}
	if plan.From, err = timeFlag(c, "since", plan.To); err != nil {
		faults = append(faults, err)
	}
	// The grid is that of the clock, whenever the recording is made.
	plan.From, plan.To = plan.From.UTC().Truncate(plan.Step), plan.To.UTC().Truncate(plan.Step)
	exprs := c.StringSlice("query")
	if (len(exprs) > 0) == (c.String("scaler") != "") {
		faults = append(faults, errors.New("give either --query or --scaler"))
	}
	if err := errors.Join(faults...); err != nil {
		return plan, err
	}
	if plan.Samples == record.ByRemote && (len(exprs) > 0 && !plan.Raw || plan.Format == record.CSV) {
		return plan, errors.New("--remote-read: always: it gives samples, and this records values of queries; add --raw, and name a folder or a file .om after -o")
	}
	if file := c.String("scaler"); file != "" {
		return plan, planScaler(c, &plan, file)
	}
	return plan, planQueries(&plan, exprs, c.StringSlice("name"))
}

// remoteReads are the values of --remote-read.
var remoteReads = map[string]record.Means{"auto": record.ByOffer, "always": record.ByRemote, "never": record.ByQuery}

func formatOf(c *cli.Context) record.Format {
	if f := c.String("format"); f != "" {
		return record.Format(f)
	}
	name := strings.TrimSuffix(strings.ToLower(c.String("output")), ".gz")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return record.CSV
	case strings.HasSuffix(name, ".om"), strings.HasSuffix(name, ".txt"), strings.HasSuffix(name, ".prom"):
		return record.OpenMetrics
	}
	return record.TSDB
}

// timeFlag reads an instant, or how long it is before another.
func timeFlag(c *cli.Context, name string, before time.Time) (time.Time, error) {
	text := c.String(name)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	var d datasets.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return before, flagError(name, fmt.Errorf("%q is neither a duration nor a time; write 14d, or 2026-01-02T15:04:05Z", text))
	}
	return before.Add(-time.Duration(d)), nil
}

func flagError(name string, err error) error { return fmt.Errorf("--%s: %w", name, err) }
