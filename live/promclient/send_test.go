package promclient_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hindcast.dev/live/promclient"
)

// What is sent to another path has the credentials and the patience of a query, and its
// errors hide what must not be repeated.
func TestSend(t *testing.T) {
	const token = "s3cret-token"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	var codes []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" || r.Method != http.MethodPost || r.URL.Path != "/prometheus/api/v1/read" ||
			r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-Scope-OrgID") != "team" || r.Header.Get("Content-Encoding") != "snappy" {
			t.Errorf("%s %s %v %q %v", r.Method, r.URL, r.Header, body, err)
		}
		code := codes[0]
		codes = codes[1:]
		w.Header().Set("Content-Type", "text/x-answer")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"errorType":"x","error":"`+r.Header.Get("Authorization")+`"}`)
	}))
	defer server.Close()
	c, err := promclient.New(promclient.Config{URL: server.URL + "/prometheus", BearerTokenFile: file, Tenant: "team", Retries: 1, Backoff: 1, BreakAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	for _, tc := range []struct {
		codes []int
		want  error
	}{
		{[]int{200}, nil}, {[]int{503, 200}, nil}, {[]int{503, 503}, promclient.ErrUnavailable}, {[]int{404}, promclient.ErrBadResponse},
		// Codes upon which a query falls back to GET.
		{[]int{403}, promclient.ErrDenied}, {[]int{405}, promclient.ErrBadResponse}, {[]int{501}, promclient.ErrUnavailable},
	} {
		codes = tc.codes
		header, body, err := c.Send(t.Context(), http.MethodPost, "/api/v1/read", http.Header{"Content-Encoding": {"snappy"}}, []byte("hello"))
		if !errors.Is(err, tc.want) || len(codes) > 0 {
			t.Errorf("%v: %v, %d not sent", tc.codes, err, len(codes))
		}
		if err == nil && (header.Get("Content-Type") != "text/x-answer" || len(body) == 0) {
			t.Errorf("%v: %v %q", tc.codes, header, body)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%v: %v", tc.codes, err)
		}
	}
}
