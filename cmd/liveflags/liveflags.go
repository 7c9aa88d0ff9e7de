// Package liveflags turns flags into a controller: the same flags for the binary of the
// image and for hindcast live.
package liveflags

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// Flags returns the flags, with what differs between the two programs as defaults.
func Flags(leaderElect bool, metrics, probes string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "prometheus", Usage: "`URL` of a Prometheus, Thanos, Mimir or VictoriaMetrics, up to what precedes /api/v1"},
		&cli.StringFlag{Name: "bearer-token-file", Usage: "`FILE` with a token for Prometheus, read anew for each query"},
		&cli.StringFlag{Name: "basic-auth-file", Usage: "`FILE` with user:password for Prometheus, read anew for each query"},
		&cli.StringFlag{Name: "ca", Usage: "`FILE` with the certificates to trust in place of the system's"},
		&cli.StringFlag{Name: "cert", Usage: "`FILE` with the client certificate for Prometheus"},
		&cli.StringFlag{Name: "key", Usage: "`FILE` with the key of the client certificate"},
		&cli.StringFlag{Name: "server-name", Usage: "`NAME` that the certificate of Prometheus must have; default: the host of the URL"},
		&cli.StringFlag{Name: "tenant", Usage: "`ID` sent as X-Scope-OrgID"},
		&cli.DurationFlag{Name: "query-timeout", Value: promclient.DefaultTimeout, Usage: "how long a query may take, retries included"},
		&cli.Float64Flag{Name: "namespace-query-rate", Value: promclient.DefaultPerSecond, Usage: "queries a second that the objects of one namespace may send, in the long run"},
		&cli.BoolFlag{Name: "allow-cross-namespace", Usage: "let objects query series of other namespaces than their own"},
		&cli.StringFlag{Name: "mode", Value: "active", Usage: "the most that any object may do: `MODE` active, shadow or paused"},
		&cli.BoolFlag{Name: "dry-run", Usage: "send changes of replicas as dry runs: the API server checks them and stores nothing"},
		&cli.DurationFlag{Name: "history", Value: 14 * 24 * time.Hour, Usage: "how much of the past a scaler that starts asks for"},
		&cli.DurationFlag{Name: "default-lead", Value: 2 * time.Minute, Usage: "time until a replica is ready, while no pod tells"},
		&cli.IntFlag{Name: "warm-ups", Value: 2, Usage: "how many scalers may take in their past at a time"},
		&cli.StringFlag{Name: "decision-log", Usage: "`DIR` for a log of every decision, a file a scaler, to replay with backtest --replay"},
		&cli.StringSliceFlag{Name: "namespace", Usage: "`NAMESPACE` to watch, may be repeated; default: all"},
		&cli.BoolFlag{Name: "leader-elect", Value: leaderElect, Usage: "work only while holding a lease, so that one of several replicas does"},
		&cli.StringFlag{Name: "lease-namespace", Usage: "`NAMESPACE` of the lease to hold or, without --leader-elect, to heed; default: that of the pod, else any"},
		&cli.StringFlag{Name: "metrics-address", Value: metrics, Usage: "`ADDRESS` to serve metrics at; 0: nowhere"},
		&cli.BoolFlag{Name: "insecure-metrics", Usage: "serve the metrics in clear instead of by TLS"},
		&cli.StringFlag{Name: "metrics-cert-dir", Usage: "`DIR` with tls.crt and tls.key for the metrics; default: self-signed"},
		&cli.StringFlag{Name: "probe-address", Value: probes, Usage: "`ADDRESS` to serve /healthz and /readyz at; 0: nowhere"},
		&cli.StringFlag{Name: "pprof-address", Usage: "`ADDRESS` to serve profiles at; default: nowhere"},
		&cli.StringFlag{Name: "external-metrics-address", Usage: "`ADDRESS` to serve decisions at as external metrics of Kubernetes; default: nowhere"},
		&cli.StringFlag{Name: "external-metrics-cert-dir", Usage: "`DIR` with tls.crt and tls.key for the external metrics"},
		&cli.StringFlag{Name: "external-metrics-service", Value: "hindcast-system/hindcast-external-metrics", Usage: "`NAMESPACE/NAME` of the service that the APIService has to name"},
		&cli.StringFlag{Name: "keda-address", Usage: "`ADDRESS` to serve decisions at as an external scaler of KEDA; default: nowhere"},
		&cli.StringFlag{Name: "keda-cert-dir", Usage: "`DIR` with tls.crt and tls.key for KEDA, and ca.crt"},
		&cli.StringFlag{Name: "keda-client-ca", Usage: "`FILE` with the authorities of KEDA's certificate; default: ca.crt of --keda-cert-dir"},
		&cli.StringSliceFlag{Name: "keda-client-name", Usage: "`NAME` that KEDA's certificate may have, may be repeated; default: any"},
		&cli.StringFlag{Name: "kubeconfig", Usage: "`FILE` that says how to reach the cluster; default: the pod's service account, else $KUBECONFIG or ~/.kube/config"},
		&cli.StringFlag{Name: "context", Usage: "`NAME` of the context of the kubeconfig"},
		&cli.Float64Flag{Name: "kube-api-qps", Value: 200, Usage: "requests a second to the API server, all together and in the long run"},
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "`LEVEL` debug, info, warn or error"},
		&cli.StringFlag{Name: "log-format", Value: "json", Usage: "`FORMAT` json or text"},
	}
}

// Run runs the controller that the flags ask for until ctx is done.
func Run(ctx context.Context, c *cli.Context, stderr io.Writer) error {
	if c.Args().Present() {
		return fmt.Errorf("unexpected argument %q", c.Args().First())
	}
	if err := check(c); err != nil {
		return err
	}
	log, err := logger(c, stderr)
	if err != nil {
		return err
	}
	slog.SetDefault(log) // and with it what net/http says of connections that fail
	mode, err := modeOf(c.String("mode"))
	if err != nil {
		return err
	}
	client, err := promclient.New(promclient.Config{
		URL:             c.String("prometheus"),
		BearerTokenFile: c.String("bearer-token-file"), BasicAuthFile: c.String("basic-auth-file"),
		CAFile: c.String("ca"), CertFile: c.String("cert"), KeyFile: c.String("key"), ServerName: c.String("server-name"),
		Tenant: c.String("tenant"), Timeout: c.Duration("query-timeout"),
		Jitter: rand.NewPCG(uint64(time.Now().UnixNano()), uint64(os.Getpid())), // clients must not come back together
	})
	if err != nil {
		return err
	}
	asks, err := live.Guarded(client, promclient.Limits{
		CrossNamespace: c.Bool("allow-cross-namespace"),
		PerSecond:      c.Float64("namespace-query-rate"), Burst: int(math.Ceil(5 * c.Float64("namespace-query-rate"))),
	})
	if err != nil {
		return err
	}
	cluster, err := kubernetes(c)
	if err != nil {
		return err
	}
	external, err := externalOptions(c)
	if err != nil {
		return err
	}
	keda, err := kedaOptions(c)
	if err != nil {
		return err
	}
	options := live.Options{
		Config: live.Config{
			Prometheus: asks, Mode: mode, DryRun: c.Bool("dry-run"), History: c.Duration("history"),
			Lead: c.Duration("default-lead"), Warmups: c.Int("warm-ups"), Log: log,
		},
		Kubernetes: cluster, Namespaces: c.StringSlice("namespace"),
		LeaderElection: c.Bool("leader-elect"), LeaseNamespace: leaseNamespace(c),
		MetricsAddress: c.String("metrics-address"), InsecureMetrics: c.Bool("insecure-metrics"), CertDir: c.String("metrics-cert-dir"),
		ProbeAddress: c.String("probe-address"), PprofAddress: c.String("pprof-address"),
		External: external, KEDA: keda,
	}
	if dir := c.String("decision-log"); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("--decision-log: %w", err)
		}
		options.DecisionLog = logFiles(dir)
	}
	return live.Run(ctx, options)
}

// leaseNamespace is where the lease is: a pod's own namespace where nothing else is said,
// and "" outside a cluster.
func leaseNamespace(c *cli.Context) string {
	if namespace := c.String("lease-namespace"); namespace != "" {
		return namespace
	}
	mounted, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(mounted))
}

func modeOf(text string) (v1alpha1.Mode, error) {
	for _, m := range []v1alpha1.Mode{v1alpha1.ModeActive, v1alpha1.ModeShadow, v1alpha1.ModePaused} {
		if strings.EqualFold(text, string(m)) {
			return m, nil
		}
	}
	return "", fmt.Errorf("--mode %q is not active, shadow or paused", text)
}

func logger(c *cli.Context, stderr io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return nil, fmt.Errorf("--log-level %q is not debug, info, warn or error", c.String("log-level"))
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.String("log-format") {
	case "json":
		return slog.New(slog.NewJSONHandler(stderr, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(stderr, options)), nil
	}
	return nil, fmt.Errorf("--log-format %q is not json or text", c.String("log-format"))
}

// kubernetes returns how to reach the cluster. With neither file nor context named, a
// pod uses its service account.
func kubernetes(c *cli.Context) (*rest.Config, error) {
	file, name := c.String("kubeconfig"), c.String("context")
	qps := c.Float64("kube-api-qps")
	config, err := rest.InClusterConfig()
	if file != "" || name != "" || errors.Is(err, rest.ErrNotInCluster) {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = file
		config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w; name a kubeconfig with --kubeconfig", err)
	}
	config.QPS, config.Burst = float32(qps), int(2*qps)
	config.UserAgent = "hindcast-controller"
	return config, nil
}
