package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
	"hindcast.dev/datasets/exporter"
	"hindcast.dev/promdb"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write a load as Prometheus would have scraped it",
		Description: "As OpenMetrics text, for promtool tsdb create-blocks-from openmetrics, or as blocks that a\n" +
			"Prometheus server opens. Columns beside the load become series too; see docs/datasets.md.",
		ArgsUsage: "FILE|tsdb:FOLDER|scenario:NAME",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "write `FORMAT`: openmetrics or blocks", Value: "openmetrics"},
			&cli.StringFlag{Name: "unit", Usage: "what the values are: `UNIT` is " + unitList(), DefaultText: "rps, or the scenario's own"},
			&cli.StringFlag{Name: "metric", Usage: "call the load `NAME`", DefaultText: "by its unit, such as http_requests_total"},
			&cli.StringFlag{Name: "kind", Usage: "the load is a `KIND`: counter or gauge", DefaultText: "counter where the name ends in _total"},
			&cli.StringSliceFlag{Name: "label", Usage: "add `NAME=VALUE` to every series; may be repeated"},
			&cli.StringFlag{Name: "interval", Usage: "one sample every `DURATION`", DefaultText: "15s, or the step if that is shorter"},
			&cli.StringFlag{Name: "start", Usage: "a load without dates began at `TIME` (RFC 3339)", DefaultText: "refused"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, which is replaced if it is there, or blocks to a new or empty folder", DefaultText: "standard output"},
		},
		Action: exportLoad,
	}
}

func exportLoad(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("datasets export takes one file or scenario:NAME; see `hindcast datasets export --help`")
	}
	cfg, err := exportConfig(c)
	if err != nil {
		return err
	}
	if err := noInput(c.String("output"), c.Args().First()); err != nil {
		return err
	}
	t, err := openTable(c.Args().First(), c.String("unit"))
	if err != nil {
		return err
	}
	e, err := exporter.New(t, cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Args().First(), err)
	}
	output := c.String("output")
	if c.String("format") == "blocks" {
		if output == "" || output == "-" {
			return errors.New("--format blocks writes a folder; name it with -o")
		}
		return writeBlocks(output, e)
	}
	if output == "" || output == "-" {
		return e.WriteOpenMetrics(c.App.Writer)
	}
	return writeStream(output, func(w io.Writer) error { return e.WriteOpenMetrics(w) })
}

func exportConfig(c *cli.Context) (exporter.Config, error) {
	cfg := exporter.Config{Metric: c.String("metric"), Kind: exporter.Kind(c.String("kind"))}
	var faults []error
	if f := c.String("format"); f != "openmetrics" && f != "blocks" {
		faults = append(faults, fmt.Errorf("--format: %q is neither openmetrics nor blocks", f))
	}
	for _, l := range c.StringSlice("label") {
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			faults = append(faults, fmt.Errorf("--label: %q is not NAME=VALUE", l))
		}
		cfg.Labels = append(cfg.Labels, exporter.Label{Name: name, Value: value})
	}
	if text := c.String("interval"); text != "" {
		var d datasets.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			faults = append(faults, fmt.Errorf("--interval: %w", err))
		}
		cfg.Interval = time.Duration(d)
	}
	if text := c.String("start"); text != "" {
		var err error
		if cfg.Start, err = time.Parse(time.RFC3339, text); err != nil {
			faults = append(faults, fmt.Errorf("--start: %q is not RFC 3339; write 2026-01-05T00:00:00Z", text))
		}
	}
	return cfg, errors.Join(faults...)
}

// openTable is openLoad with the columns beside the load.
func openTable(arg, unit string) (datasets.Table, error) {
	s, _, err := openLoad(arg, unit)
	if err != nil || !isFile(arg) {
		return datasets.Table{Series: s}, err
	}
	t, err := datasets.OpenTable(arg)
	t.Unit = s.Unit
	return t, err
}

// isFile reports whether a load is the name of a file.
func isFile(arg string) bool {
	return !strings.HasPrefix(arg, "scenario:") && !strings.HasPrefix(arg, "tsdb:")
}

// writeBlocks writes the samples to blocks in a folder, whole or not at all.
func writeBlocks(dir string, e *exporter.Export) (err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s: is not empty; name a new folder", dir)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s: is a file; name a new folder", dir)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), "."+filepath.Base(dir)+".partial-")
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, cause(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	db, err := promdb.Open(promdb.Config{Dir: tmp})
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	if err := errors.Join(fill(db, e), db.Finish(), db.Close()); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(tmp, dir)
}

// fill appends all samples; where a gap begins, a series goes stale, as after a scrape
// that no longer saw it.
func fill(db *promdb.DB, e *exporter.Export) error {
	handles := make([]*promdb.Series, len(e.Series))
	shown := make([]bool, len(e.Series))
	for i, s := range e.Series {
		var ls []promdb.Label
		for _, l := range s.Labels {
			ls = append(ls, promdb.Label{Name: l.Name, Value: l.Value})
		}
		var err error
		if handles[i], err = db.Series(s.Name, ls...); err != nil {
			return err
		}
	}
	for k := range e.Times() {
		now := e.Time(k)
		for i := range e.Series {
			v, ok := e.Sample(&e.Series[i], k)
			var err error
			switch {
			case ok:
				err = db.Append(handles[i], now, v)
			case shown[i]:
				err = db.Stale(handles[i], now)
			}
			if err != nil {
				return err
			}
			shown[i] = ok
		}
		if err := db.Commit(now); err != nil {
			return err
		}
	}
	return nil
}
