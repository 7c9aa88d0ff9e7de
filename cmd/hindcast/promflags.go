package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/datasets"
	"hindcast.dev/live/promclient"
)

// promFlags are the flags of every command that asks a Prometheus server.
func promFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "prometheus", Usage: "ask the server at `URL`: Prometheus, Thanos, Mimir or VictoriaMetrics, up to what precedes /api/v1"},
		&cli.StringFlag{Name: "bearer-token-file", Usage: "send the token in `FILE`"},
		&cli.StringFlag{Name: "basic-auth-file", Usage: "send the user:password in `FILE`"},
		&cli.StringFlag{Name: "tenant", Usage: "send `ID` as X-Scope-OrgID"},
		&cli.StringFlag{Name: "ca", Usage: "trust the certificates in `FILE`", DefaultText: "those of the system"},
		&cli.StringFlag{Name: "cert", Usage: "show the client certificate in `FILE`"},
		&cli.StringFlag{Name: "key", Usage: "its key is in `FILE`"},
		&cli.StringFlag{Name: "server-name", Usage: "the server's certificate is for `NAME`", DefaultText: "the host of the URL"},
		&cli.StringFlag{Name: "timeout", Usage: "give up a request after `DURATION`", Value: "1m"},
	}
}

// promConfig returns what the flags say.
func promConfig(c *cli.Context) (promclient.Config, error) {
	cfg := promclient.Config{
		URL:             c.String("prometheus"),
		BearerTokenFile: c.String("bearer-token-file"), BasicAuthFile: c.String("basic-auth-file"), Tenant: c.String("tenant"),
		CAFile: c.String("ca"), CertFile: c.String("cert"), KeyFile: c.String("key"), ServerName: c.String("server-name"),
		Retries: 4, BreakAfter: -1, Backoff: time.Second, MaxBackoff: 20 * time.Second,
		Jitter: rand.NewPCG(rand.Uint64(), rand.Uint64()),
	}
	if cfg.URL == "" {
		return cfg, errors.New("--prometheus: is missing; give the URL of a server, such as http://localhost:9090")
	}
	timeout, err := durationFlag(c, "timeout")
	if err != nil {
		return cfg, err
	}
	cfg.Timeout = timeout
	if err := cfg.Validate(); err != nil {
		return cfg, fmt.Errorf("--prometheus: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return cfg, nil
}

// durationFlag reads a flag with a duration above 0.
func durationFlag(c *cli.Context, name string) (time.Duration, error) {
	var d datasets.Duration
	if err := d.UnmarshalText([]byte(c.String(name))); err != nil {
		return 0, flagError(name, err)
	}
	if d == 0 {
		return 0, flagError(name, errors.New("is 0; give a duration such as 30s or 1m"))
	}
	return time.Duration(d), nil
}
