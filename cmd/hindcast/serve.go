package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/promdb/promapi"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "show a run to Grafana, as a Prometheus server would, and its report",
		ArgsUsage: "RUN",
		Description: "The blocks of all policies are one database behind the HTTP API of Prometheus, told\n" +
			"apart by the label policy; the report is the page at /. Rules and alerts are as they\n" +
			"stood at the end of the run. Nothing can be changed.\n\n" +
			"A query without a time is made at the end of the run. Grafana sends the times of\n" +
			"its own clock: set its time range to that of the run, or use --shift-to-now, which\n" +
			"moves the run so that it ended when this command started. Times that PromQL itself\n" +
			"works with, as in hour() or timestamp(), stay those of the run.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:9090", Usage: "listen at `ADDRESS`; beyond this machine nobody is asked for a password"},
			&cli.BoolFlag{Name: "shift-to-now", Usage: "answer as if the run had ended when this command started"},
			&cli.StringSliceFlag{Name: "allow-host", Usage: "answer to host `NAME` too, besides localhost and addresses; may be repeated"},
			&cli.DurationFlag{Name: "query-timeout", Value: promapi.DefaultTimeout, Usage: "stop a query after `DURATION`"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return errors.New("serve takes one run's folder; see `hindcast serve --help`")
			}
			if c.Duration("query-timeout") <= 0 {
				return errors.New("--query-timeout: must be more than 0")
			}
			return serve(c.Context, serving{
				run: c.Args().First(), listen: c.String("listen"), shift: c.Bool("shift-to-now"),
				hosts: c.StringSlice("allow-host"), timeout: c.Duration("query-timeout"),
			}, c.App.Writer, c.App.ErrWriter)
		},
	}
}

// serving is what the serve command was asked for.
type serving struct {
	run, listen string
	shift       bool
	hosts       []string
	timeout     time.Duration
}

func serve(ctx context.Context, s serving, stdout, stderr io.Writer) (err error) {
	f, err := result.Open(s.run)
	if err != nil {
		return err
	}
	db, policies, err := openRun(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := os.OpenRoot(f.Dir)
	if err != nil {
		return err
	}
	defer files.Close()
	cfg := promapi.Config{Start: f.Result.Dataset.Start, End: f.Result.Dataset.End, Timeout: s.timeout, Metadata: runMetadata()}
	if cfg.Rules, cfg.NoRules, err = runRules(f, policies); err != nil {
		return err
	}
	if s.shift {
		// Whole minutes, so that scrapes stay where the steps of a dashboard are.
		cfg.Shift = time.Since(cfg.End).Truncate(time.Minute)
	}
	listener, err := listen(ctx, s.listen)
	if err != nil {
		return err
	}
	server := newServer(ctx, promapi.New(db, cfg), files.FS(), s)
	if !local(listener.Addr()) {
		fmt.Fprintf(stderr, "hindcast: warning: %s can be reached from other machines, and nobody is asked for a password\n", listener.Addr())
	}
	if cfg.NoRules != "" {
		fmt.Fprintf(stderr, "hindcast: warning: %s\n", cfg.NoRules)
	}
	address := "http://" + reachable(listener.Addr())
	from, to := cfg.Start.Add(cfg.Shift).UTC(), cfg.End.Add(cfg.Shift).UTC()
	fmt.Fprintf(stdout, "%s: %s\n", f.Result.Dataset.Name, strings.Join(policies, ", "))
	fmt.Fprintf(stdout, "  report                          %s/\n", address)
	fmt.Fprintf(stdout, "  Prometheus data source          %s\n", address)
	fmt.Fprintf(stdout, "  time range                      %s to %s\n", from.Format(time.RFC3339), to.Format(time.RFC3339))
	fmt.Fprintf(stdout, "  for the address of a dashboard  ?from=%d&to=%d\n", from.UnixMilli(), to.UnixMilli())
	if !s.shift {
		fmt.Fprintln(stdout, "Dashboards open on the last 24 hours of your clock: set the time range above there, or start with --shift-to-now.")
	}
	fmt.Fprintln(stdout, "Ctrl-C ends it.")
	return serveUntil(ctx, server, listener)
}

// openRun opens the blocks of the policies of a run that have any.
func openRun(f *result.Folder) (db *promdb.Reader, policies []string, err error) {
	var dirs []string
	for _, p := range f.Result.Policies {
		dir := filepath.Join(f.Dir, result.TSDBDir, p.Name)
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, err
		}
		if len(entries) > 0 {
			dirs, policies = append(dirs, dir), append(policies, p.Name)
		}
	}
	if len(dirs) == 0 {
		return nil, nil, fmt.Errorf("%s holds no series: run `hindcast backtest --metrics all` again", filepath.Join(f.Dir, result.TSDBDir))
	}
	db, err = promdb.OpenReadOnly(dirs...)
	return db, policies, err
}

// runMetadata returns what the metrics of a run are.
func runMetadata() []promapi.Metadata {
	var all []promapi.Metadata
	for _, m := range metricnames.All() {
		all = append(all, promapi.Metadata{Name: m.Name, Type: string(m.Type), Help: m.Help, Unit: m.Unit})
	}
	return all
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("--listen: %q is no address; write it as 127.0.0.1:9090", address)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--listen: another program listens at %s; choose another port, as --listen 127.0.0.1:9091", address)
	}
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return listener, nil
}

// local reports whether only this machine can reach addr.
func local(addr net.Addr) bool {
	ap, err := netip.ParseAddrPort(addr.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// reachable returns what to write into a browser on this machine.
func reachable(addr net.Addr) string {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil || !ap.Addr().IsUnspecified() {
		return addr.String()
	}
	return fmt.Sprintf("localhost:%d", ap.Port())
}

// patience is how long answers under way may take once the program is to end.
const patience = 3 * time.Second

// serveUntil serves until ctx is done, and lets answers under way end.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(wait); err != nil {
		return errors.Join(ignoreDeadline(err), server.Close())
	}
	return nil
}

// ignoreDeadline leaves out that answers took too long: they are cut off.
func ignoreDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
