package promclient_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hindcast.dev/live/promclient"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTokenIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, vector(sample("a", "1")))
	}))
	defer server.Close()
	// A file that is not there when it begins is a mistake.
	for _, cfg := range []promclient.Config{{URL: server.URL, BearerTokenFile: file}, {URL: server.URL, BasicAuthFile: file}} {
		if _, err := promclient.New(cfg); !errors.Is(err, promclient.ErrCredentials) || !strings.Contains(err.Error(), file) {
			t.Errorf("without a file: %v", err)
		}
	}
	write(t, file, "first-token")
	c := newClient(t, server.URL, func(cfg *promclient.Config) { cfg.BearerTokenFile = file })
	for _, token := range []string{"first-token", "second-token"} {
		write(t, file, token+"\n")
		if err := c.Check(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if got != "Bearer "+token {
			t.Errorf("sent %q", got)
		}
	}
	for name, text := range map[string]string{"empty": "\n", "two": "a-token\nb-token", "large": strings.Repeat("x", 1<<20)} {
		write(t, file, text)
		err := c.Check(t.Context(), at)
		if !errors.Is(err, promclient.ErrCredentials) || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "a-token") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context(), at); !errors.Is(err, promclient.ErrCredentials) {
		t.Errorf("gone: %v", err)
	}
}

// TestMissingTokenSaysNothingOfTheServer: a server that was not asked for want of a token is asked at once
// when there is one again.
func TestMissingTokenSaysNothingOfTheServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, vector(sample("a", "1")))
	}))
	defer server.Close()
	write(t, file, "a-token")
	c := newClient(t, server.URL, func(cfg *promclient.Config) { cfg.BearerTokenFile, cfg.BreakAfter = file, 3 })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := c.Check(t.Context(), at); !errors.Is(err, promclient.ErrCredentials) {
			t.Fatalf("without a token: %v", err)
		}
	}
	write(t, file, "a-token")
	if err := c.Check(t.Context(), at); err != nil {
		t.Errorf("with a token again: %v", err)
	}
}

// TestRedirectsAreNotFollowed: what another host redirects to never sees the credentials.
func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "a-token")
	for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, code))
		c := newClient(t, server.URL, func(cfg *promclient.Config) { cfg.BearerTokenFile = file })
		if err := c.Check(t.Context(), at); !errors.Is(err, promclient.ErrBadResponse) || asked > 0 {
			t.Errorf("%d: %v; the other host was asked %d times", code, err, asked)
		}
		server.Close()
	}
}

// Whatever the server does with the credentials it gets, no error repeats them.
func TestSecretsStayIn(t *testing.T) {
	const token, password, tenant = "eyJhbGciOi.secret.token", `pa55  w0rd:with "colon"`, "tenant-key-4711"
	dir := t.TempDir()
	tokenFile, basicFile := filepath.Join(dir, "token"), filepath.Join(dir, "basic")
	write(t, tokenFile, token)
	write(t, basicFile, "reader:"+password+"\n")
	encoded := base64.StdEncoding.EncodeToString([]byte("reader:" + password))
	for _, code := range []int{200, 302, 400, 401, 403, 404, 422, 429, 500, 503} {
		for _, wrap := range []string{
			`{"status":"error","errorType":"bad_data","error":%q}`,
			`{"status":"success","warnings":[%q],"data":{"resultType":"vector","result":[]}}`,
			`{"status":"success","data":{"resultType":%q,"result":[]}}`,
			`%s`,
		} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, pass, _ := r.BasicAuth()
				echo := fmt.Sprintf("you sent %v, %s:%s and %s", r.Header["Authorization"], user, pass, r.Header.Get("X-Scope-OrgID"))
				w.Header().Set("Location", "/login?was="+r.Header.Get("Authorization"))
				w.WriteHeader(code)
				_, _ = fmt.Fprintf(w, wrap, echo)
			}))
			for _, cfg := range []promclient.Config{
				{BearerTokenFile: tokenFile, Tenant: tenant}, {BasicAuthFile: basicFile, Tenant: tenant},
			} {
				cfg.URL, cfg.Retries = server.URL, -1
				c, err := promclient.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Query(t.Context(), expr, at)
				if err == nil {
					t.Fatalf("%d %s: no error", code, wrap)
				}
				_, rangeErr := c.QueryRange(t.Context(), expr, at, at, 1e9)
				for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), fmt.Sprint(rangeErr), fmt.Sprintf("%v %+v", c, cfg)} {
					text = strings.ReplaceAll(text, "Tenant:"+tenant, "") // the caller's own
					for _, secret := range []string{token, password, encoded, "w0rd", "pa55"} {
						if strings.Contains(text, secret) {
							t.Errorf("%d %s: %s", code, wrap, text)
						}
					}
				}
				if strings.Contains(err.Error(), tenant) {
					t.Errorf("%d %s: %v", code, wrap, err)
				}
				c.CloseIdleConnections()
			}
			server.Close()
		}
	}
}

// TestTenantOutlivesTokens: however often a token was changed, the tenant is not repeated.
func TestTenantOutlivesTokens(t *testing.T) {
	const tenant = "tenant-key-4711"
	file := filepath.Join(t.TempDir(), "token")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":%q}`, r.Header.Get("X-Scope-OrgID")+" and "+r.Header.Get("Authorization"))
	}))
	defer server.Close()
	write(t, file, "a-first-token")
	c := newClient(t, server.URL, func(cfg *promclient.Config) { cfg.BearerTokenFile, cfg.Tenant = file, tenant })
	for i := range 100 {
		token := fmt.Sprintf("token-%d-of-a-hundred", i)
		write(t, file, token)
		if err := c.Check(t.Context(), at); err == nil || strings.Contains(err.Error(), tenant) || strings.Contains(err.Error(), token) {
			t.Fatalf("after %d tokens: %v", i, err)
		}
	}
}

func TestUserInfoIsRefused(t *testing.T) {
	for _, url := range []string{
		"http://reader:pa55word@host:9090", "http://reader@host", "reader:pa55word@host:9090", "http://reader:pa55word@host:port", "http://[reader:pa55word",
		"http:/reader:pa55word@host",
	} {
		_, err := promclient.New(promclient.Config{URL: url})
		if err == nil || strings.Contains(err.Error(), "pa55word") || strings.Contains(err.Error(), "reader") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
