package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
	"hindcast.dev/forecast"
	"hindcast.dev/reports"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "hold a run against a baseline: did a model or a scaler get worse?",
		Description: "RUN is the folder of a backtest, or the file of `forecast eval --json`. The same figures on\n" +
			"the same load are compared block by block; docs/ci-gate.md has the rule. Exit code: 0 if\n" +
			"nothing got worse, 1 for a regression, 2 for wrong usage or what cannot be compared, 3 if\n" +
			"the load is too short or the interval too wide to tell.",
		ArgsUsage: "RUN",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "baseline", Usage: "compare with `FILE`, which --update-baseline wrote; required"},
			&cli.BoolFlag{Name: "update-baseline", Usage: "write the baseline from RUN instead of checking; keeps what the file guards unless told otherwise", DisableDefaultText: true},
			&cli.StringFlag{Name: "margin", Usage: "tolerate a relative loss of WAPE up to `PART`", Value: "1%"},
			&cli.StringFlag{Name: "scaler-margin", Usage: "tolerate so large a `PART` more over-provisioning or price, or of the error budget more bad requests", Value: "5%"},
			&cli.StringFlag{Name: "models", Usage: "comma-separated `IDS` to guard", DefaultText: "those of the baseline; of a new one " + forecast.DefaultModel},
			&cli.StringFlag{Name: "policies", Usage: "comma-separated `NAMES` to guard, or none", DefaultText: "those of the baseline; of a new one v3 where RUN has it"},
			&cli.StringFlag{Name: "junit", Usage: "write the outcome to `FILE` too, as JUnit XML"},
			&cli.StringFlag{Name: "summary", Usage: "write the outcome to `FILE` too, as Markdown for a CI job's summary"},
		},
		Action: runCheck,
	}
}

// nobody is what --policies none guards.
const nobody = "none"

func runCheck(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("check takes one run: a backtest's folder or what `forecast eval --json` wrote; see `hindcast check --help`")
	}
	margin, noMargin := percentage(c, "margin")
	scaler, noScaler := percentage(c, "scaler-margin")
	file := c.String("baseline")
	var noFile error
	if file == "" {
		noFile = errors.New("check needs --baseline FILE; make it with --update-baseline")
	}
	if err := errors.Join(noFile, noMargin, noScaler); err != nil {
		return err
	}
	run, err := openBlocks(c.Args().First())
	if err != nil {
		return err
	}
	if c.Bool("update-baseline") {
		return updateBaseline(c, run, file)
	}
	baseline, err := openBaseline(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file; write the baseline with `hindcast check RUN --baseline %s --update-baseline`", file, file)
	}
	if err != nil {
		return err
	}
	if c.String("policies") == nobody {
		baseline.Policies = nil
	}
	check, err := gate.Check(run, baseline, gate.Options{
		Margin: margin, ScalerMargin: scaler, Models: listed(c, "models"), Policies: listed(c, "policies"),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	check.Baseline = file
	return showCheck(c, &check)
}

// showCheck writes the outcome and ends with its code.
func showCheck(c *cli.Context, check *result.Check) error {
	if err := writeCheck(c.String("junit"), check, reports.CheckJUnit); err != nil {
		return err
	}
	if err := writeCheck(c.String("summary"), check, reports.CheckMarkdown); err != nil {
		return err
	}
	if err := reports.CheckText(c.App.Writer, check); err != nil {
		return err
	}
	switch check.Outcome {
	case result.CheckRegression:
		return exitError{code: exitFailed}
	case result.CheckInconclusive:
		return exitError{code: exitInconclusive}
	case result.CheckPass:
	}
	return nil
}

func writeCheck(name string, check *result.Check, draw func(io.Writer, *result.Check) error) error {
	if name == "" {
		return nil
	}
	var b bytes.Buffer
	if err := draw(&b, check); err != nil {
		return err
	}
	return writeWhole(name, b.Bytes())
}

// openBlocks reads what is compared of a run.
func openBlocks(run string) (*result.Blocks, error) {
	info, err := os.Stat(run)
	if err == nil && info.IsDir() {
		if _, err := result.Open(run); err != nil {
			return nil, err
		}
		run = filepath.Join(run, result.BlocksFile)
		if _, err := os.Stat(run); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such file; the run was made before there was a check, make it again", run)
		}
	}
	data, err := readFile(run, nil)
	if err != nil {
		return nil, err
	}
	return gate.DecodeRun(data, run)
}

func openBaseline(file string) (*result.Blocks, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return gate.DecodeBaseline(data, file)
}

// updateBaseline writes the baseline whole and says what changed.
func updateBaseline(c *cli.Context, run *result.Blocks, file string) error {
	old, err := openBaseline(file)
	said := "new"
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		// It is to be replaced, also where it is spoilt.
		if _, statErr := os.ReadFile(file); statErr != nil {
			return err
		}
		said = "replaces one that could not be read"
	default:
		said = "replaces one"
	}
	models, policies := guarded(c, run, old)
	baseline, err := gate.Baseline(run, models, policies)
	if err != nil {
		return fmt.Errorf("%w; choose with --models and --policies", err)
	}
	text, err := baseline.Encode()
	if err != nil {
		return err
	}
	if err := writeWhole(file, text); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: written (%s); commit it\n", file, said)
	for _, line := range gate.Changes(old, baseline) {
		fmt.Fprintf(c.App.Writer, "  %s\n", line)
	}
	return nil
}

// guarded is what a baseline is to hold: what the flags say, else what the old one
// held, else the default model and V3.
func guarded(c *cli.Context, run, old *result.Blocks) (models, policies []string) {
	models, policies = listed(c, "models"), listed(c, "policies")
	if models == nil {
		if models = []string{forecast.DefaultModel}; old != nil && len(old.Models) > 0 {
			models = nil
			for _, m := range old.Models {
				models = append(models, m.Name)
			}
		}
	}
	switch {
	case c.String("policies") == nobody:
		run.Policies = nil
	case policies != nil:
	case old != nil && len(old.Policies) > 0:
		for _, p := range old.Policies {
			policies = append(policies, p.Name)
		}
	default:
		run.Policies = slices.DeleteFunc(run.Policies, func(p result.PolicyBlocks) bool { return p.Name != "v3" })
	}
	return models, policies
}

// listed splits a list; nil where none was given.
func listed(c *cli.Context, flag string) []string {
	text := c.String(flag)
	if text == "" || flag == "policies" && text == nobody {
		return nil
	}
	var out []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// percentage reads a percentage as a fraction above 0 and at most 1.
func percentage(c *cli.Context, flag string) (float64, error) {
	text := c.String(flag)
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v > 0 && v <= 100) {
		return 0, fmt.Errorf("--%s: %q is no percentage above 0 and up to 100%%; write it as 1%%", flag, text)
	}
	return v / 100, nil
}
