package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/live/liveread"
	"hindcast.dev/live/liveview"
	"hindcast.dev/live/promclient"
	"hindcast.dev/reports"
)

// liveReportFlags are those that go with --live only.
func liveReportFlags() []cli.Flag {
	return append(promFlags(),
		&cli.StringFlag{Name: "scaler", Usage: "draw the PredictiveScaler of the manifest `FILE`, with its price"},
		&cli.StringFlag{Name: "namespace", Usage: "draw the scaler of `NAMESPACE`", DefaultText: "that of the manifest, or the only one there is"},
		&cli.StringFlag{Name: "name", Usage: "draw the scaler called `NAME`", DefaultText: "that of the manifest, or the only one there is"},
		&cli.StringSliceFlag{Name: "match", Usage: "read only series with `LABEL=VALUE`, where several clusters share a server; may be repeated"},
		&cli.StringFlag{Name: "since", Usage: "begin at `TIME`: 24h ago, or 2026-01-02T15:04:05Z", Value: "24h"},
		&cli.StringFlag{Name: "until", Usage: "end at `TIME`", DefaultText: "now"},
		&cli.StringFlag{Name: "step", Usage: "read a value every `DURATION`", DefaultText: "30s, and more for over a week"},
		&cli.BoolFlag{Name: "force", Usage: "replace the report that is there", DisableDefaultText: true},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write report.html, report.md and plots into the folder `DIR`, or one page to a file .html; required"},
	)
}

const (
	finestStep = 30 * time.Second // the loop of a scaler decides as often
	// autoSteps is how many steps are read where the step is not said: a week at the finest.
	autoSteps = 7 * 24 * 120
	mostSteps = 200_000
)

func runReportLive(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("--live reads from the server of --prometheus and takes no RUN, got %q; leave one of them out", c.Args().First())
	}
	output := c.String("output")
	if output == "" {
		return errors.New("--output: is missing; name a folder, or a page such as live.html")
	}
	cfg, err := promConfig(c)
	if err != nil {
		return err
	}
	ask, err := liveAsk(c, time.Now())
	if err != nil {
		return err
	}
	ask.Server = cfg.URL
	page := strings.HasSuffix(strings.ToLower(output), ".html")
	if err := freeForReport(output, page, c.Bool("force")); err != nil {
		return err
	}
	client, err := promclient.New(cfg)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	v, err := readLive(c, client, ask)
	if err != nil {
		return err
	}
	if !page {
		if err := reports.WriteLive(v, output); err != nil {
			return fmt.Errorf("draw the report: %w", err)
		}
		output = filepath.Join(output, result.HTMLFile)
	} else {
		var b bytes.Buffer
		if err := reports.LiveHTML(&b, v); err != nil {
			return fmt.Errorf("draw the report: %w", err)
		}
		if err := writeWhole(output, b.Bytes()); err != nil {
			return err
		}
	}
	for _, m := range v.Missing {
		fmt.Fprintf(c.App.ErrWriter, "no data: %s: the page lacks %s\n", m.Name, m.Lacks)
	}
	_, err = fmt.Fprintln(c.App.Writer, output)
	return err
}

// freeForReport says why a report may not be written there.
func freeForReport(output string, page, force bool) error {
	if !page {
		for _, run := range []string{result.ResultFile, result.ScoresFile} {
			if _, err := os.Stat(filepath.Join(output, run)); err == nil {
				return fmt.Errorf("%s: holds a run, whose report would be replaced; choose another folder with -o", output)
			}
		}
		output = filepath.Join(output, result.HTMLFile)
	}
	if _, err := os.Lstat(output); err == nil && !force {
		return fmt.Errorf("%s: is there already; choose another with -o, or replace it with --force", output)
	}
	return nil
}

// liveAsk reads which scaler, when and how closely.
func liveAsk(c *cli.Context, now time.Time) (liveread.Ask, error) {
	ask := liveread.Ask{Namespace: c.String("namespace"), Name: c.String("name")}
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	var err error
	if c.IsSet("step") {
		ask.Step, err = durationFlag(c, "step")
		fault(err)
	}
	if ask.To, err = now, nil; c.IsSet("until") {
		ask.To, err = timeFlag(c, "until", now)
		fault(err)
	}
	ask.From, err = timeFlag(c, "since", ask.To)
	fault(err)
	fault(matchFlag(c, &ask))
	fault(whichScaler(c, &ask))
	if len(faults) > 0 {
		return ask, errors.Join(faults...)
	}
	if ask.Step == 0 {
		// A whole number of the finest, so that each step has a decision of its own.
		n := (ask.To.Sub(ask.From) + autoSteps*finestStep - 1) / (autoSteps * finestStep)
		ask.Step = max(n, 1) * finestStep
	}
	ask.From, ask.To = ask.From.UTC().Truncate(ask.Step), ask.To.UTC().Truncate(ask.Step)
	if !ask.From.Before(ask.To) {
		return ask, fmt.Errorf("--since: %s is not before the end at %s; give an earlier time, or a shorter --step",
			ask.From.Format(time.RFC3339), ask.To.Format(time.RFC3339))
	}
	if n := ask.To.Sub(ask.From) / ask.Step; n > mostSteps {
		return ask, fmt.Errorf("--step: %v makes %d steps, more than %d; give a longer one", datasets.Duration(ask.Step), n, mostSteps)
	}
	return ask, nil
}

// whichScaler reads the manifest, if one is given.
func whichScaler(c *cli.Context, ask *liveread.Ask) error {
	file := c.String("scaler")
	switch {
	case file == "" && (ask.Namespace == "") != (ask.Name == ""):
		return errors.New("give --namespace and --name together, or the manifest with --scaler")
	case file == "":
		return nil
	case ask.Name != "":
		return errors.New("--scaler and --name exclude each other; the manifest has a name")
	}
	doc, err := readManifest(c, file)
	if err != nil {
		return err
	}
	s := doc.PredictiveScaler
	if s == nil {
		return fmt.Errorf("%s:%d: the kind is %s; give a PredictiveScaler", file, doc.Line, doc.Kind())
	}
	ask.Namespace, ask.Name = cmp.Or(ask.Namespace, s.Namespace, "default"), s.Name
	ask.PerReplicaHour = s.Spec.Cost.PerReplicaHour.Or(0)
	return nil
}

// labelName is what Prometheus takes for one without quotes.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func matchFlag(c *cli.Context, ask *liveread.Ask) error {
	for _, text := range c.StringSlice("match") {
		name, value, ok := strings.Cut(text, "=")
		if !ok || !labelName.MatchString(name) {
			return fmt.Errorf("--match: %q is not LABEL=VALUE; write cluster=eu", text)
		}
		ask.Match = append(ask.Match, promclient.Label{Name: name, Value: value})
	}
	return nil
}

// readLive reads the scaler that was asked for, or the only one that there is. Without any
// data it says which there are.
func readLive(c *cli.Context, client *promclient.Client, ask liveread.Ask) (*liveview.View, error) {
	if ask.Name == "" {
		all, err := liveread.Scalers(c.Context, client, ask.Match, ask.To)
		switch {
		case err != nil:
			return nil, err
		case len(all) == 0:
			return nil, fmt.Errorf("no data of any PredictiveScaler at %s in the hour before %s; see that it scrapes the controller, or name the scaler with --namespace and --name",
				ask.Server, ask.To.Format(time.RFC3339))
		case len(all) > 1:
			return nil, fmt.Errorf("several PredictiveScalers are there: %s; choose one with --namespace and --name", names(all))
		}
		ask.Namespace, ask.Name = all[0].Namespace, all[0].Name
	}
	v, err := liveread.Read(c.Context, client, ask)
	if !errors.Is(err, liveread.ErrNoData) {
		return v, err
	}
	all, other := liveread.Scalers(c.Context, client, ask.Match, ask.To)
	switch {
	case other != nil || len(all) == 0:
		return nil, fmt.Errorf("%w at %s; see that it scrapes the controller", err, ask.Server)
	default:
		return nil, fmt.Errorf("%w at %s; there is %s", err, ask.Server, names(all))
	}
}

// names lists some scalers. They come from a server, and are quoted.
func names(all []liveread.Scaler) string {
	const some = 5
	var list []string
	for i, s := range all {
		if i == some {
			list = append(list, fmt.Sprintf("and %d more", len(all)-some))
			break
		}
		list = append(list, fmt.Sprintf("%q", s.Namespace+"/"+s.Name))
	}
	return strings.Join(list, ", ")
}
