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

	"hindcast.dev/cmd/usage"
	"hindcast.dev/internal/suggest"
)

// Exit codes of every command.
const (
	exitFailed       = 1 // a check or a test failed
	exitBad          = 2 // usage or bad input
	exitInconclusive = 3 // a check could not tell
	exitInterrupted  = 130
)

// An exitError ends the program with a code of its own. Without an error nothing is
// printed.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr)
	err := app.RunContext(ctx, reorder(app, args))
	if err == nil {
		return 0
	}
	code := exitBad
	var exit exitError
	switch {
	case errors.As(err, &exit):
		code = exit.code
	case ctx.Err() != nil:
		code, err = exitInterrupted, errors.New("interrupted; nothing was written")
	}
	if text := strings.TrimSpace(err.Error()); text != "" {
		fmt.Fprintln(stderr, "hindcast: "+strings.ReplaceAll(text, "\n", "\n  "))
	}
	return code
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "hindcast",
		Usage: "what would another scaler have done with my load?",
		Description: "Replays recorded or synthetic load through scaling policies in a simulated cluster\n" +
			"and reports forecast accuracy, over-provisioning, SLA and cost side by side.",
		Reader:                    stdin,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideVersion:               true,
		HideHelpCommand:           true, // see reorder
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usage.Error,
		Commands: []*cli.Command{
			backtestCommand(), reportCommand(), compareCommand(), explainCommand(), checkCommand(), testCommand(), forecastCommand(),
			datasetsCommand(), recordCommand(), serveCommand(), liveCommand(),
		},
	}
	app.Action = unknown(app.Commands, cli.ShowAppHelp)
	complete(app.Commands)
	return app
}

// complete sets what is the same for all commands.
func complete(commands []*cli.Command) {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = usage.Error
		if len(c.Subcommands) > 0 {
			c.Action = unknown(c.Subcommands, cli.ShowSubcommandHelp)
		}
		complete(c.Subcommands)
	}
}

// unknown is the action of what only has commands: none of them was named.
func unknown(commands []*cli.Command, help cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if !c.Args().Present() {
			return help(c)
		}
		var names []string
		for _, known := range commands {
			names = append(names, known.Name)
		}
		name := c.Args().First()
		return fmt.Errorf("no command %q%s", name, suggest.Hint(name, names))
	}
}
