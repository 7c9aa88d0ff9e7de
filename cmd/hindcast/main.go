// Command hindcast answers, before it costs anything, what another scaler would have
// done with your load.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Exit codes of every command.
const (
	exitFailed       = 1 // a check or a test failed
	exitBad          = 2 // usage or bad input
	exitInterrupted  = 130
	interruptedError = "interrupted; nothing was written"
)

// An exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	err := app.RunContext(ctx, reorder(app, args))
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "hindcast: "+interruptedError)
		return exitInterrupted
	}
	var exit exitError
	code := exitBad
	if errors.As(err, &exit) {
		code = exit.code
	}
	if text := strings.TrimSpace(err.Error()); text != "" {
		fmt.Fprintln(stderr, "hindcast: "+strings.ReplaceAll(text, "\n", "\n  "))
	}
	return code
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:  "hindcast",
		Usage: "what would another scaler have done with my load?",
		Description: "Replays recorded or synthetic load through scaling policies in a simulated cluster\n" +
			"and reports forecast accuracy, over-provisioning, SLA and cost side by side.",
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		CommandNotFound: func(_ *cli.Context, name string) {
			fmt.Fprintf(stderr, "hindcast: no command %q; `hindcast help` lists them\n", name)
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("no command %q; `hindcast help` lists them", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			backtestCommand(), reportCommand(), compareCommand(), explainCommand(), datasetsCommand(),
		},
	}
}

func usageError(c *cli.Context, err error, _ bool) error {
	name := "hindcast"
	if c.Command != nil && c.Command.Name != "" {
		name = c.Command.HelpName
	}
	return fmt.Errorf("%w; see `%s --help`", err, name)
}
