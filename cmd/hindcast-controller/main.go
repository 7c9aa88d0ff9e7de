// Command hindcast-controller scales workloads of a cluster ahead of their load, as
// PredictiveScalers say. It holds nothing of the simulator.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"hindcast.dev/cmd/liveflags"
	"hindcast.dev/cmd/usage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	app := &cli.App{
		Name:                      "hindcast-controller",
		Usage:                     "scale workloads of a cluster ahead of their load",
		Flags:                     liveflags.Flags(false, ":8443", ":8081"),
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		OnUsageError:              usage.Error,
		ExitErrHandler:            func(*cli.Context, error) {},
		Action:                    func(c *cli.Context) error { return liveflags.Run(c.Context, c, os.Stderr) },
	}
	err := app.RunContext(ctx, os.Args)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hindcast-controller: "+strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n  "))
		os.Exit(2)
	}
}
