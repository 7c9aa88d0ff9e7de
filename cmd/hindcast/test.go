package main

import (
	"bytes"
	"errors"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/policytest"
)

func testCommand() *cli.Command {
	return &cli.Command{
		Name:  "test",
		Usage: "run unit tests for scaling policies",
		Description: "A file of tests gives a manifest, input series and the replicas that are expected after\n" +
			"each evaluation; docs/policy-tests.md has the format. Exit code: 0 if all tests pass, 1 if\n" +
			"one fails, 2 if a file is not sound, and then no test is run.",
		ArgsUsage: "FILE...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "junit", Usage: "write the results to `FILE` too, as JUnit XML"},
		},
		Action: runTests,
	}
}

func runTests(c *cli.Context) error {
	if !c.Args().Present() {
		return errors.New("test takes one or more files of tests; see `hindcast test --help`")
	}
	var files []*policytest.File
	var faults []error
	for _, name := range c.Args().Slice() {
		data, err := readFile(name, c.App.Reader)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		f, err := policytest.Decode(data, name)
		files, faults = append(files, f), append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	var reports []policytest.Report
	failures := 0
	for _, f := range files {
		r, err := f.Run(c.Context)
		if err != nil {
			return err
		}
		reports = append(reports, r)
		failures += r.Failures()
	}
	if err := policytest.WriteText(c.App.Writer, reports); err != nil {
		return err
	}
	if name := c.String("junit"); name != "" {
		var b bytes.Buffer
		if err := policytest.WriteJUnit(&b, reports); err != nil {
			return err
		}
		if err := writeWhole(name, b.Bytes()); err != nil {
			return err
		}
	}
	if failures > 0 {
		return exitError{code: exitFailed}
	}
	return nil
}
