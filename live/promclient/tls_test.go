package promclient_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live/promclient"
)

// authority signs certificates for tests, and is in a file.
type authority struct {
	*clustertest.Authority
	file string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{clustertest.NewAuthority(t, name), filepath.Join(t.TempDir(), name+".pem")}
	if err := os.WriteFile(a.file, a.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue writes a certificate and its key, of a server called prometheus.test or a client.
func (a *authority) issue(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	a.Mount(t, dir, name, name)
	return filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
}

// serveTLS runs a server that wants a certificate of clients, if it is given their
// authority, and answers with 1.
func serveTLS(t *testing.T, own, clients *authority) string {
	t.Helper()
	cert, key := own.issue(t, "prometheus.test")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, vector(sample("a", "1")))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients != nil {
		server.TLS.ClientAuth = tls.RequireAndVerifyClientCert
		server.TLS.ClientCAs = clients.Pool()
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestTLS(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	plain, mutual := serveTLS(t, ours, nil), serveTLS(t, ours, ours)
	goodCert, goodKey := ours.issue(t, "controller")
	badCert, badKey := others.issue(t, "stranger")
	for name, tc := range map[string]struct {
		cfg promclient.Config
		ok  bool
	}{
		"trusted":               {promclient.Config{URL: plain, CAFile: ours.file, ServerName: "prometheus.test"}, true},
		"another authority":     {promclient.Config{URL: plain, CAFile: others.file, ServerName: "prometheus.test"}, false},
		"the system's":          {promclient.Config{URL: plain, ServerName: "prometheus.test"}, false},
		"another name":          {promclient.Config{URL: plain, CAFile: ours.file}, false},
		"with a certificate":    {promclient.Config{URL: mutual, CAFile: ours.file, ServerName: "prometheus.test", CertFile: goodCert, KeyFile: goodKey}, true},
		"without one":           {promclient.Config{URL: mutual, CAFile: ours.file, ServerName: "prometheus.test"}, false},
		"with another's":        {promclient.Config{URL: mutual, CAFile: ours.file, ServerName: "prometheus.test", CertFile: badCert, KeyFile: badKey}, false},
		"plain HTTP to a TLS's": {promclient.Config{URL: "http" + plain[len("https"):]}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Retries = -1
			c, err := promclient.New(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdleConnections()
			err = c.Check(t.Context(), at)
			if (err == nil) != tc.ok {
				t.Errorf("got %v", err)
			}
			if err != nil && !errors.Is(err, promclient.ErrUnavailable) && !errors.Is(err, promclient.ErrQuery) {
				t.Errorf("kind of %v is %s", err, promclient.Kind(err))
			}
		})
	}
}

// A mounted Secret is rotated: the next request uses the new certificate.
func TestCertificateIsReadAnew(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	url := serveTLS(t, ours, ours)
	cert, key := others.issue(t, "stranger")
	c := newClient(t, url, func(cfg *promclient.Config) {
		cfg.CAFile, cfg.ServerName, cfg.CertFile, cfg.KeyFile, cfg.Retries = ours.file, "prometheus.test", cert, key, -1
	})
	if err := c.Check(t.Context(), at); err == nil {
		t.Fatal("a stranger was let in")
	}
	newCert, newKey := ours.issue(t, "controller")
	for from, to := range map[string]string{newCert: cert, newKey: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Check(t.Context(), at); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.pem")
	if err := os.WriteFile(garbage, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]promclient.Config{
		"no URL":           {},
		"no scheme":        {URL: "prometheus:9090"},
		"no host":          {URL: "http://"},
		"ftp":              {URL: "ftp://host"},
		"query":            {URL: "http://host?token=x"},
		"with api/v1":      {URL: "http://host/api/v1/"},
		"both":             {URL: "http://host", BearerTokenFile: "a", BasicAuthFile: "b"},
		"half a pair":      {URL: "https://host", CertFile: "a"},
		"CA without TLS":   {URL: "http://host", CAFile: "a"},
		"negative":         {URL: "http://host", Timeout: -1},
		"too many points":  {URL: "http://host", PointsPerQuery: 11001},
		"tenant's newline": {URL: "http://host", Tenant: "a\r\nX: y"},
		"no CA file":       {URL: "https://host", CAFile: filepath.Join(dir, "none")},
		"no CA in file":    {URL: "https://host", CAFile: garbage},
		"no key in file":   {URL: "https://host", CertFile: garbage, KeyFile: garbage},
	} {
		if _, err := promclient.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
