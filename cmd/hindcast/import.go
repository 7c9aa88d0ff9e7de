package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
	"hindcast.dev/datasets/importer"
	"hindcast.dev/promdb"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:  "import",
		Usage: "turn logs, metrics and public traces into a load",
		Description: "Writes the load as CSV, with what else the files tell in columns beside it. Files are read\n" +
			"as streams, gzip too; several files are one recording, in any order. Malformed lines are\n" +
			"left out, counted and shown. Of tsdb:FOLDER, the data of a Prometheus server, --select is a\n" +
			"query in PromQL. The formats are in docs/datasets.md, and:\n\n" + formatList(),
		ArgsUsage: "FILE...|tsdb:FOLDER",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "read the files as `FORMAT`", DefaultText: "found from the first lines"},
			&cli.StringFlag{Name: "step", Usage: "distance of the values, a `DURATION`", DefaultText: "that of the recording, or 1m for events"},
			&cli.StringFlag{Name: "timezone", Usage: "`ZONE` of times that do not tell theirs, such as Europe/Berlin", Value: "UTC"},
			&cli.StringFlag{Name: "start", Usage: "date a recording without dates: it began at `TIME` (RFC 3339)", DefaultText: "undated"},
			&cli.StringFlag{Name: "column", Usage: "make the column `NAME` the load", DefaultText: "the format's first"},
			&cli.StringSliceFlag{Name: "select", Usage: "only lines that meet `CONDITION`, such as status=5.., path!~/health.*, or series of a selector as in PromQL; may be repeated"},
			&cli.StringFlag{Name: "gap-after", Usage: "in a list of events, a silence of `DURATION` is a gap and not a time without events", DefaultText: "never"},
			&cli.StringFlag{Name: "max-disorder", Usage: "a log may step back in time by `DURATION`", Value: "1h"},
			&cli.Float64Flag{Name: "max-malformed", Usage: "give up where more than `SHARE` of the lines is malformed", Value: 0.1},
			&cli.StringFlag{Name: "duration", Usage: "response times of an access log are in `FIELD`: auto, none, a number from 1 after the size, or the key of a key=value field", Value: "auto"},
			&cli.StringFlag{Name: "duration-unit", Usage: "`UNIT` of response times: s, ms or us", DefaultText: "told by how they are written"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, which is replaced if it is there", DefaultText: "standard output"},
		},
		Action: importFiles,
	}
}

func formatList() string {
	var b strings.Builder
	for _, f := range importer.Formats() {
		fmt.Fprintf(&b, "   %-22s %s\n", f.Name, f.Title)
	}
	return strings.TrimRight(b.String(), "\n")
}

func importFiles(c *cli.Context) error {
	if c.NArg() == 0 {
		return errors.New("datasets import takes one or more files; see `hindcast datasets import --help`")
	}
	cfg, err := importConfig(c)
	if err != nil {
		return err
	}
	if first := c.Args().First(); strings.HasPrefix(first, "tsdb:") {
		return importDatabase(c, first, cfg)
	}
	if err := noInput(c.String("output"), c.Args().Slice()...); err != nil {
		return err
	}
	if err := eachOnce(c.Args().Slice()); err != nil {
		return err
	}
	var sources []importer.Source
	for _, name := range c.Args().Slice() {
		sources = append(sources, importer.Source{Name: name, Open: func() (io.ReadCloser, error) {
			if name == "-" {
				return io.NopCloser(interruptible(c.Context, c.App.Reader)), nil
			}
			f, err := openImport(name)
			if err != nil {
				return nil, err
			}
			return struct {
				io.Reader
				io.Closer
			}{interruptible(c.Context, f), f}, nil
		}})
	}
	res, err := importer.Import(sources, cfg)
	if err != nil {
		return err
	}
	if err := writeImport(c, res); err != nil {
		return err
	}
	printImport(c.App.ErrWriter, res)
	return nil
}

// interruptible returns a reader that ends where the program is to end.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	return readFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// importDatabase evaluates a query on the data of a Prometheus server.
func importDatabase(c *cli.Context, folder string, cfg importer.Config) error {
	if c.NArg() > 1 || len(cfg.Select) > 1 {
		return errors.New("of tsdb:FOLDER one is imported, with one query; leave the others out")
	}
	query := strings.Join(cfg.Select, "")
	s, err := promdb.OpenLoad(c.Context, folder, query, cfg.Step)
	if err != nil {
		return err
	}
	res := &importer.Result{Table: datasets.Table{Series: s}}
	if err := writeImport(c, res); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "%s: %d values, one every %v\n", folder, len(s.Values), datasets.Duration(s.Step))
	return nil
}

// eachOnce returns an error for a file that has two of the names, such as a link to the newest log.
func eachOnce(names []string) error {
	for i, name := range names {
		for _, other := range names[:i] {
			if sameFile(name, other) {
				return fmt.Errorf("%s: is the same file as %s; its lines would count double, name it once", name, other)
			}
		}
	}
	return nil
}

func openImport(name string) (io.ReadCloser, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file; check the path", name)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder; name files in it", name)
	}
	return os.Open(name)
}

func importConfig(c *cli.Context) (importer.Config, error) {
	cfg := importer.Config{
		Format: c.String("format"), Column: c.String("column"), Select: c.StringSlice("select"),
		Duration: c.String("duration"), DurationUnit: c.String("duration-unit"),
	}
	if c.IsSet("max-malformed") {
		// 0 would be the default: none is less than the share of one line of any file.
		cfg.MaxMalformed = cmp.Or(c.Float64("max-malformed"), math.SmallestNonzeroFloat64)
	}
	var faults []error
	for _, d := range []struct {
		flag string
		to   *time.Duration
	}{{"step", &cfg.Step}, {"gap-after", &cfg.GapAfter}, {"max-disorder", &cfg.MaxDisorder}} {
		if text := c.String(d.flag); text != "" {
			var v datasets.Duration
			err := v.UnmarshalText([]byte(text))
			if err != nil {
				faults = append(faults, fmt.Errorf("--%s: %w", d.flag, err))
			}
			if err == nil && v == 0 {
				faults = append(faults, fmt.Errorf("--%s: %s is no time", d.flag, text))
			}
			*d.to = time.Duration(v)
		}
	}
	var err error
	if cfg.Location, err = time.LoadLocation(c.String("timezone")); err != nil {
		faults = append(faults, fmt.Errorf("--timezone: %q is not known; write a name such as Europe/Berlin", c.String("timezone")))
	}
	if text := c.String("start"); text != "" {
		if cfg.Start, err = time.Parse(time.RFC3339, text); err != nil {
			faults = append(faults, fmt.Errorf("--start: %q is not RFC 3339; write 2026-01-05T00:00:00Z", text))
		}
	}
	return cfg, errors.Join(faults...)
}

func writeImport(c *cli.Context, res *importer.Result) error {
	if name := c.String("output"); name != "" && name != "-" {
		return writeStream(name, func(w io.Writer) error { return datasets.WriteTable(w, res.Table) })
	}
	return datasets.WriteTable(c.App.Writer, res.Table)
}

// printImport says what became of the lines, for people.
func printImport(w io.Writer, res *importer.Result) {
	r := res.Report
	fmt.Fprintf(w, "%s: %d lines of %s: %d accepted, %d skipped, %d malformed\n", r.Format, r.Lines, fileList(r.Files), r.Accepted, r.Skipped, r.Malformed)
	for _, f := range r.Faults {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if more := r.Malformed - int64(len(r.Faults)); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "%s\n", n)
	}
	fmt.Fprintf(w, "%d values, one every %v", len(res.Values), datasets.Duration(res.Step))
	if len(res.Columns) > 0 {
		names := make([]string, len(res.Columns))
		for i, col := range res.Columns {
			names[i] = col.Name
		}
		fmt.Fprintf(w, "; beside them %s", strings.Join(names, ", "))
	}
	fmt.Fprintln(w)
}

func fileList(names []string) string {
	if len(names) > 4 {
		return fmt.Sprintf("%d files, %s to %s", len(names), names[0], names[len(names)-1])
	}
	return strings.Join(names, ", ")
}
