package main

import (
	"github.com/urfave/cli/v2"

	"hindcast.dev/cmd/liveflags"
)

func liveCommand() *cli.Command {
	return &cli.Command{
		Name:  "live",
		Usage: "run the controller of PredictiveScalers outside the cluster",
		Description: "Watches the PredictiveScalers of a cluster, forecasts, records what it decides and, for\n" +
			"objects whose mode is Active, scales. With --mode shadow nothing is scaled, whatever the\n" +
			"objects say. The same controller as hindcast-controller, which is for inside the cluster.",
		Flags:  liveflags.Flags(false, "0", "0"),
		Action: func(c *cli.Context) error { return liveflags.Run(c.Context, c, c.App.ErrWriter) },
	}
}
