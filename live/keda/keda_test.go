package keda_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live/external"
	"hindcast.dev/live/keda"
	"hindcast.dev/live/keda/externalscaler"
)

// replicas are the decisions of scalers of namespace shop; less than 0: an error.
type replicas struct {
	mu  sync.Mutex
	all map[string]int32
	err error
}

func (r *replicas) set(scaler string, n int32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[scaler], r.err = n, err
}

func (r *replicas) Decision(_ context.Context, namespace, scaler string) (external.Decision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.all[scaler]
	switch {
	case !ok || namespace != "shop":
		return external.Decision{}, external.ErrNotFound
	case n < 0:
		return external.Decision{}, r.err
	}
	return external.Decision{Replicas: n, At: time.Now()}, nil
}

// A served is an external scaler that runs.
type served struct {
	t       *testing.T
	server  *keda.Server
	source  *replicas
	ours    *clustertest.Authority // of the server's certificate
	theirs  *clustertest.Authority // of KEDA's
	certs   string
	stopped func()
}

const name = "hindcast-keda.hindcast-system.svc"

func serve(t *testing.T, names ...string) *served {
	t.Helper()
	s := &served{
		t: t, source: &replicas{all: map[string]int32{"web": 7, "night": 0}}, certs: t.TempDir(),
		ours: clustertest.NewAuthority(t, "ours"), theirs: clustertest.NewAuthority(t, "theirs"),
	}
	s.ours.Mount(t, s.certs, "hindcast", name)
	if err := os.WriteFile(filepath.Join(s.certs, "ca.crt"), s.theirs.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	s.server, err = keda.Listen(t.Context(), keda.Config{
		Address: "127.0.0.1:0", CertDir: s.certs, ClientCA: filepath.Join(s.certs, "ca.crt"), ClientNames: names, Source: s.source,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.server.Start(ctx) }()
	s.stopped = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	t.Cleanup(s.stopped)
	return s
}

// dial connects as KEDA does, with certificates to show.
func (s *served) dial(c credentials.TransportCredentials) externalscaler.ExternalScalerClient {
	s.t.Helper()
	conn, err := grpc.NewClient(s.server.Addr().String(), grpc.WithTransportCredentials(c))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return externalscaler.NewExternalScalerClient(conn)
}

func (s *served) by(certs ...tls.Certificate) credentials.TransportCredentials {
	return credentials.NewTLS(&tls.Config{RootCAs: s.ours.Pool(), ServerName: name, Certificates: certs})
}

func (s *served) keda() externalscaler.ExternalScalerClient {
	return s.dial(s.by(s.theirs.Client(s.t, "keda-operator")))
}

// trigger is what KEDA sends of a ScaledObject.
func trigger(scaler string) *externalscaler.ScaledObjectRef {
	return &externalscaler.ScaledObjectRef{Name: "shop", Namespace: "shop", ScalerMetadata: map[string]string{
		"scalerAddress": name + ":9443", external.LabelScaler: scaler,
	}}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestReplicasOfKEDA does what KEDA does with the answers: an HPA with the target and the
// value, AverageValue, asks for value/target replicas, which are those decided on.
func TestReplicasOfKEDA(t *testing.T) {
	s := serve(t)
	k, ctx := s.keda(), within(t)
	for scaler, want := range map[string]int64{"web": 7, "night": 0} {
		spec, err := k.GetMetricSpec(ctx, trigger(scaler))
		if err != nil || len(spec.GetMetricSpecs()) != 1 {
			t.Fatalf("%v, %v, want one metric", spec, err)
		}
		m := spec.GetMetricSpecs()[0]
		got, err := k.GetMetrics(ctx, &externalscaler.GetMetricsRequest{ScaledObjectRef: trigger(scaler), MetricName: m.GetMetricName()})
		if err != nil || len(got.GetMetricValues()) != 1 {
			t.Fatalf("%v, %v, want one value", got, err)
		}
		v := got.GetMetricValues()[0]
		if n := v.GetMetricValueFloat() / m.GetTargetSizeFloat(); n != float64(want) || v.GetMetricValue()/m.GetTargetSize() != want || v.GetMetricName() != m.GetMetricName() {
			t.Errorf("%s: %v of %v, want %d replicas", scaler, v, m, want)
		}
		if active, err := k.IsActive(ctx, trigger(scaler)); err != nil || active.GetResult() != (want > 0) {
			t.Errorf("%s: active %v, %v", scaler, active, err)
		}
	}
}

// TestNoDecisionIsAnError of every method that needs one: never 0, never inactive.
func TestNoDecisionIsAnError(t *testing.T) {
	s := serve(t)
	k, ctx := s.keda(), within(t)
	for _, tc := range []struct {
		name string
		ref  *externalscaler.ScaledObjectRef
		err  error
		code codes.Code
		text string
	}{
		{"nobody", trigger("nobody"), nil, codes.NotFound, "shop/nobody"},
		{"not decided", trigger("web"), fmt.Errorf("%w: Learning", external.ErrNoDecision), codes.Unavailable, "Learning"},
		{"shadow", trigger("web"), fmt.Errorf("%w: its mode is Shadow", external.ErrNotServed), codes.FailedPrecondition, "Shadow"},
		{"broken", trigger("web"), errors.New("the cache is gone"), codes.Internal, "cache"},
		{"no name", &externalscaler.ScaledObjectRef{Name: "web", Namespace: "shop"}, nil, codes.InvalidArgument, "scaler: NAME"},
		{"no namespace", &externalscaler.ScaledObjectRef{ScalerMetadata: map[string]string{external.LabelScaler: "web"}}, nil, codes.InvalidArgument, "scaler: NAME"},
	} {
		s.source.set("web", -1, tc.err)
		check := func(method string, err error) {
			t.Helper()
			if status.Code(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%s, %s: %v, want %v that tells of %q", tc.name, method, err, tc.code, tc.text)
			}
		}
		_, err := k.IsActive(ctx, tc.ref)
		check("IsActive", err)
		_, err = k.GetMetrics(ctx, &externalscaler.GetMetricsRequest{ScaledObjectRef: tc.ref, MetricName: external.MetricDesired})
		check("GetMetrics", err)
		if tc.code == codes.Unavailable {
			continue // a stream waits for it
		}
		stream, err := k.StreamIsActive(ctx, tc.ref)
		if err == nil {
			_, err = stream.Recv()
		}
		check("StreamIsActive", err)
	}
	if _, err := k.GetMetricSpec(ctx, &externalscaler.ScaledObjectRef{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a metric for nobody: %v", err)
	}
	if _, err := k.GetMetrics(ctx, &externalscaler.GetMetricsRequest{ScaledObjectRef: trigger("web"), MetricName: "requests"}); status.Code(err) != codes.NotFound {
		t.Errorf("another metric: %v", err)
	}
}

// TestStream tells of changes alone, waits while there is no decision, and ends with the
// server.
func TestStream(t *testing.T) {
	s := serve(t)
	s.source.set("web", -1, external.ErrNoDecision)
	stream, err := s.keda().StreamIsActive(within(t), trigger("web"))
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan bool)
	ended := make(chan error, 1)
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			told <- r.GetResult()
		}
	}()
	select {
	case active := <-told:
		t.Fatalf("told %v without a decision", active)
	case <-time.After(2500 * time.Millisecond):
	}
	for _, step := range []struct {
		n    int32
		want bool
	}{{3, true}, {0, false}, {1, true}} {
		s.source.set("web", step.n, nil)
		if active := <-told; active != step.want {
			t.Errorf("told %v of %d replicas", active, step.n)
		}
	}
	s.source.set("web", 9, nil) // active as before
	select {
	case active := <-told:
		t.Errorf("told %v, though nothing changed", active)
	case <-time.After(2500 * time.Millisecond):
	}
	s.stopped()
	if err := <-ended; status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v, want unavailable: KEDA then asks another replica", err)
	}
}

// TestOnlyKEDAIsAnswered: mutual TLS, and the names of a certificate if they are given.
func TestOnlyKEDAIsAnswered(t *testing.T) {
	s := serve(t, "keda-operator", "keda-metrics")
	for who, c := range map[string]credentials.TransportCredentials{
		"no TLS":            insecure.NewCredentials(),
		"no certificate":    s.by(),
		"another authority": s.by(clustertest.NewAuthority(t, "theirs").Client(t, "keda-operator")),
		"our own authority": s.by(s.ours.Client(t, "keda-operator")),
		"another name":      s.by(s.theirs.Client(t, "somebody")),
		"TLS 1.2": credentials.NewTLS(&tls.Config{
			RootCAs: s.ours.Pool(), ServerName: name, Certificates: []tls.Certificate{s.theirs.Client(t, "keda-operator")}, MaxVersion: tls.VersionTLS12,
		}),
	} {
		if r, err := s.dial(c).IsActive(within(t), trigger("web")); err == nil {
			t.Errorf("%s: answered %v", who, r)
		}
	}
	for _, who := range []string{"keda-operator", "keda-metrics"} {
		if _, err := s.dial(s.by(s.theirs.Client(t, who))).IsActive(within(t), trigger("web")); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	// The authority that is gone from the file is gone at the next connection.
	old := s.by(s.theirs.Client(t, "keda-operator"))
	if err := os.WriteFile(filepath.Join(s.certs, "ca.crt"), clustertest.NewAuthority(t, "new").PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := s.dial(old).IsActive(within(t), trigger("web")); err == nil {
		t.Errorf("a withdrawn authority: answered %v", r)
	}
}

// TestWhatCannotBeServed is refused at the start, with the reason.
func TestWhatCannotBeServed(t *testing.T) {
	dir := t.TempDir()
	clustertest.NewAuthority(t, "ours").Mount(t, dir, "hindcast", name)
	good := keda.Config{Address: "127.0.0.1:0", CertDir: dir, ClientCA: filepath.Join(dir, "tls.crt"), Source: &replicas{}}
	for what, tc := range map[string]struct {
		change func(*keda.Config)
		want   string
	}{
		"no certificate":        {func(c *keda.Config) { c.CertDir = t.TempDir() }, "tls.crt"},
		"no authority":          {func(c *keda.Config) { c.ClientCA = filepath.Join(dir, "ca.crt") }, "ca.crt"},
		"a key as an authority": {func(c *keda.Config) { c.ClientCA = filepath.Join(dir, "tls.key") }, "no certificate"},
		"no address":            {func(c *keda.Config) { c.Address = "nowhere" }, "nowhere"},
	} {
		cfg := good
		tc.change(&cfg)
		if _, err := keda.Listen(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error that tells of %q", what, err, tc.want)
		}
	}
}
