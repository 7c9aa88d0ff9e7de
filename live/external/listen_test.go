package external_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live/external"
)

func write(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAnothersAPIService: where somebody else serves external metrics we do not start,
// say whose they are, and leave the APIService as it is.
func TestAnothersAPIService(t *testing.T) {
	s := serve(t) // its APIService names the service of its namespace
	other := s.cluster.Namespace(t)
	cfg, _ := config(t, s.cluster, other)
	_, err := external.Listen(t.Context(), cfg)
	if _, ok := errors.AsType[*external.ForeignError](err); !ok {
		t.Fatalf("beside another server: %v, want a ForeignError", err)
	}
	for _, want := range []string{external.APIServiceName, s.ns + "/hindcast", "--keda-address"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, which does not tell of %s", err, want)
		}
	}
	if _, err := hpa(t, s.cluster.Config).NamespacedMetrics(s.ns).List(external.MetricDesired, scaler("web")); err != nil {
		t.Errorf("the other server: %v", err)
	}
	// The same service, as of a second replica of ours, is no stranger.
	cfg.Service.Namespace = s.ns
	again, err := external.Listen(t.Context(), cfg)
	if err != nil {
		t.Fatalf("as a second replica: %v", err)
	}
	if again.Addr().String() == s.server.Addr().String() {
		t.Error("two servers at one address")
	}
}

// TestWhatCannotBeServed is refused at the start, with the reason.
func TestWhatCannotBeServed(t *testing.T) {
	turn.Lock()
	defer turn.Unlock()
	c := clustertest.Start(t)
	ns := c.Namespace(t)
	for name, tc := range map[string]struct {
		change func(*external.Config)
		want   string
	}{
		"no certificate": {func(cfg *external.Config) { cfg.CertDir = t.TempDir() }, "tls.crt"},
		"no address":     {func(cfg *external.Config) { cfg.Address = "nowhere" }, "nowhere"},
		"a key of another": {func(cfg *external.Config) {
			_, key := clustertest.NewAuthority(t, "other").Issue(t, "hindcast")
			write(t, cfg.CertDir, "tls.key", key)
		}, "private key does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := config(t, c, ns)
			tc.change(&cfg)
			if _, err := external.Listen(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want an error that tells of %q", err, tc.want)
			}
		})
	}
}

// TestTermsOfTheFrontProxy are those that the API server publishes; a server that
// publishes none has no aggregation layer.
func TestTermsOfTheFrontProxy(t *testing.T) {
	turn.Lock()
	defer turn.Unlock()
	c := clustertest.New(t)
	objects := c.Client(t).CoreV1().ConfigMaps("kube-system")
	terms, err := objects.Get(t.Context(), "extension-apiserver-authentication", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ns := c.Namespace(t)
	cfg, _ := config(t, c, ns)
	if _, err := external.Listen(t.Context(), cfg); err != nil {
		t.Fatalf("with the terms that the API server gave, %v: %v", terms.Data, err)
	}
	good := terms.Data
	for key, tc := range map[string]struct{ value, want string }{
		"requestheader-client-ca-file":   {"", "aggregation layer"},
		"requestheader-allowed-names":    {"front-proxy-client", "no list of words"},
		"requestheader-username-headers": {"[]", "names no header"},
	} {
		// The API server writes them anew when it starts, and hourly.
		terms.Data = maps.Clone(good)
		terms.Data[key] = tc.value
		if terms, err = objects.Update(t.Context(), terms, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := external.Listen(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %q: %v, want an error that tells of %q", key, tc.value, err, tc.want)
		}
	}
}
