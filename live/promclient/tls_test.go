package promclient_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hindcast.dev/live/promclient"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), name+".pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	a.key, der = sign(t, template, template, nil)
	a.cert, _ = x509.ParseCertificate(der)
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

func sign(t *testing.T, template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// issue writes a certificate and its key, of a server called prometheus.test or a client.
func (a *authority) issue(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, der := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, a.key)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", raw)
	return certFile, keyFile
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
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
		server.TLS.ClientCAs = x509.NewCertPool()
		server.TLS.ClientCAs.AddCert(clients.cert)
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
