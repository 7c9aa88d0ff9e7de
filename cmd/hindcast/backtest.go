package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"sigs.k8s.io/yaml"

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
			"gzip too) or scenario:NAME; see `hindcast datasets list`.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "experiment `FILE` (YAML); flags given beside it win"},
			&cli.StringSliceFlag{Name: "data", Usage: "load: `FILE` or scenario:NAME; may be repeated"},
			&cli.StringFlag{Name: "policies", Usage: "comma-separated `IDS`: " + strings.Join(v1alpha1.Policies(), ", ")},
			&cli.StringSliceFlag{Name: "scaler", Usage: "manifest `FILE` of a HorizontalPodAutoscaler or PredictiveScaler that takes part; may be repeated"},
			&cli.StringFlag{Name: "unit", Usage: "what the values of the data are: `UNIT` is " + strings.Join(v1alpha1.Units(), ", ")},
			&cli.Uint64Flag{Name: "seed", Usage: "first seed", Value: 1},
			&cli.IntFlag{Name: "seeds", Usage: "number of seeds; 10 before claiming anything", Value: 1},
			&cli.BoolFlag{Name: "equal-sla", Usage: "sweep every policy's knob and compare at equal SLA (default true)", Value: true},
			&cli.StringFlag{Name: "candidate", Usage: "`POLICY` that is compared with all others (default v3)"},
			&cli.StringFlag{Name: "warmup", Usage: "`PART` of the data that is scored for nobody, as 25% or 24h"},
			&cli.IntFlag{Name: "peak-pods", Usage: "scale the load so that its p99 needs `N` replicas"},
			&cli.StringFlag{Name: "metrics", Usage: "series to keep in the run's blocks: needed or all"},
			&cli.IntFlag{Name: "parallel", Usage: "runs at once (default: one a core)"},
			&cli.BoolFlag{Name: "print-experiment", Usage: "print the experiment in force and stop"},
			&cli.BoolFlag{Name: "force", Usage: "replace the run that the output folder holds"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FOLDER` for the results", Value: "run"},
		},
		Action: runBacktest,
	}
}

func runBacktest(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("backtest takes no argument, got %q; data is given by --data", c.Args().First())
	}
	x, manifests, err := experimentOf(c)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(x)
	if err != nil {
		return err
	}
	if c.Bool("print-experiment") {
		_, err := c.App.Writer.Write(text)
		return err
	}
	several := len(x.Spec.Datasets) > 1
	for _, d := range x.Spec.Datasets {
		dir := c.String("output")
		if several {
			dir = filepath.Join(dir, backtest.Folder(d))
		}
		if err := backtestOne(c, x, d, manifests, text, dir); err != nil {
			return err
		}
	}
	return nil
}

func backtestOne(c *cli.Context, x *v1alpha1.Experiment, d v1alpha1.Dataset, manifests map[string]v1alpha1.Document, text []byte, dir string) error {
	w, err := result.NewWriter(dir, c.Bool("force"))
	if errors.Is(err, result.ErrExists) {
		return fmt.Errorf("%w; choose another with -o, or replace it with --force", err)
	}
	if err != nil {
		return err
	}
	if err := writeRun(c, x, d, manifests, text, w); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Commit(); err != nil {
		return errors.Join(err, w.Abort())
	}
	f, err := result.Open(dir)
	if err != nil {
		return err
	}
	if err := reports.Table(c.App.Writer, f); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "\nreport: %s\n", filepath.Join(dir, result.HTMLFile))
	return nil
}

func writeRun(c *cli.Context, x *v1alpha1.Experiment, d v1alpha1.Dataset, manifests map[string]v1alpha1.Document, text []byte, w *result.Writer) error {
	if err := w.WriteFile(text, result.ExperimentFile); err != nil {
		return err
	}
	parallel := c.Int("parallel")
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	m := newMeter(c.App.ErrWriter)
	_, err := backtest.Run(c.Context, x, d, w, backtest.Options{
		Manifests: manifests,
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

// experimentOf joins the experiment file, the flags and the defaults, and reads the
// manifests that take part.
func experimentOf(c *cli.Context) (*v1alpha1.Experiment, map[string]v1alpha1.Document, error) {
	x := &v1alpha1.Experiment{}
	base := ""
	if name := c.String("file"); name != "" {
		doc, err := decodeOne(name)
		if err != nil {
			return nil, nil, err
		}
		if doc.Experiment == nil {
			return nil, nil, fmt.Errorf("%s: a %s; want an Experiment", name, doc.Kind())
		}
		x, base = doc.Experiment, filepath.Dir(name)
	}
	// Paths in a file are relative to the file, paths in flags to the working folder.
	for i := range x.Spec.Datasets {
		x.Spec.Datasets[i].Path = relativeTo(base, x.Spec.Datasets[i].Path)
	}
	for i := range x.Spec.Policies {
		x.Spec.Policies[i].File = relativeTo(base, x.Spec.Policies[i].File)
	}
	if err := applyFlags(c, &x.Spec); err != nil {
		return nil, nil, err
	}
	x.Default()
	if err := x.Validate(); err != nil {
		return nil, nil, fmt.Errorf("experiment: %w", err)
	}
	manifests := map[string]v1alpha1.Document{}
	for _, p := range x.Spec.Policies {
		if p.File == "" {
			continue
		}
		doc, err := decodeOne(p.File)
		if err != nil {
			return nil, nil, err
		}
		manifests[p.File] = doc
	}
	return x, manifests, nil
}

func relativeTo(base, path string) string {
	if path == "" || base == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func applyFlags(c *cli.Context, s *v1alpha1.ExperimentSpec) error {
	if data := c.StringSlice("data"); len(data) > 0 {
		s.Datasets = nil
		for _, d := range data {
			if name, ok := strings.CutPrefix(d, "scenario:"); ok {
				s.Datasets = append(s.Datasets, v1alpha1.Dataset{Scenario: name})
			} else {
				s.Datasets = append(s.Datasets, v1alpha1.Dataset{Path: d})
			}
		}
	}
	if len(s.Datasets) == 0 {
		s.Datasets = []v1alpha1.Dataset{{Scenario: builtInScenario}}
	}
	if unit := c.String("unit"); unit != "" {
		for i := range s.Datasets {
			s.Datasets[i].Unit = unit
		}
	}
	if ids := c.String("policies"); ids != "" {
		s.Policies = nil
		for id := range strings.SplitSeq(ids, ",") {
			s.Policies = append(s.Policies, v1alpha1.PolicyRef{Name: strings.TrimSpace(id)})
		}
	}
	if files := c.StringSlice("scaler"); len(files) > 0 {
		if len(s.Policies) == 0 {
			for _, id := range v1alpha1.Policies() {
				s.Policies = append(s.Policies, v1alpha1.PolicyRef{Name: id})
			}
		}
		for _, file := range files {
			doc, err := decodeOne(file)
			if err != nil {
				return err
			}
			s.Policies = append(s.Policies, v1alpha1.PolicyRef{Name: nameFor(doc, s.Policies), File: file})
		}
	}
	if c.IsSet("seed") || s.Seed == nil {
		s.Seed = new(c.Uint64("seed"))
	}
	if c.IsSet("seeds") {
		s.Seeds = c.Int("seeds")
	}
	if c.IsSet("equal-sla") {
		s.EqualSLA = new(c.Bool("equal-sla"))
	}
	if c.IsSet("peak-pods") {
		s.App.PeakPods = int32(c.Int("peak-pods"))
	}
	for name, field := range map[string]*string{"candidate": &s.Candidate, "warmup": &s.Warmup, "metrics": &s.Metrics} {
		if c.IsSet(name) {
			*field = c.String(name)
		}
	}
	return nil
}

// nameFor gives a manifest its own name, or one with a number where a policy has it.
func nameFor(doc v1alpha1.Document, taken []v1alpha1.PolicyRef) string {
	name := doc.Name()
	if name == "" {
		name = strings.ToLower(doc.Kind())
	}
	unique := name
	for n := 2; slices.ContainsFunc(taken, func(p v1alpha1.PolicyRef) bool { return p.Name == unique }); n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	return unique
}

// decodeOne reads a file that holds one object, with its defaults filled in, and
// refuses it unless it is valid.
func decodeOne(name string) (v1alpha1.Document, error) {
	data, err := readFile(name)
	if err != nil {
		return v1alpha1.Document{}, err
	}
	docs, err := v1alpha1.Decode(data, name)
	if err != nil {
		return v1alpha1.Document{}, err
	}
	if len(docs) != 1 {
		return v1alpha1.Document{}, fmt.Errorf("%s: %d objects; want one a file", name, len(docs))
	}
	if docs[0].Experiment != nil {
		return docs[0], nil // flags may complete it; it is judged with them
	}
	docs[0].Default()
	return docs[0], docs[0].Validate()
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
