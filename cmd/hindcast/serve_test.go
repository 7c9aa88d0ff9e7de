package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb/promapi"
)

// aRun returns the folder of a small run of two policies.
func aRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	var stderr bytes.Buffer
	args := []string{"hindcast", "backtest", "--data", "scenario:ramp", "--policies", "hpa,v3", "--metrics", "all", "--equal-sla=false", "-o", dir}
	if code := run(t.Context(), args, nil, io.Discard, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	return dir
}

// An ender ends a program that says it would run for ever.
type ender struct {
	bytes.Buffer
	end func()
}

func (e *ender) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "Ctrl-C") {
		e.end()
	}
	return e.Buffer.Write(p)
}

// What would be empty is told of before somebody looks at it: dashboards open on the last
// hours, and a run is of another time unless it is moved.
func TestServeTellsOfNow(t *testing.T) {
	dir := aRun(t)
	for _, flags := range [][]string{nil, {"--shift-to-now"}} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		said, stderr := ender{end: cancel}, bytes.Buffer{}
		args := append([]string{"hindcast", "serve", dir, "--listen", "127.0.0.1:0"}, flags...)
		if code := run(ctx, args, nil, &said, &stderr); code != 0 || stderr.Len() > 0 {
			t.Fatalf("%v: exit code %d: %s", flags, code, stderr.String())
		}
		if told := strings.Contains(said.String(), "start with --shift-to-now"); told != (flags == nil) {
			t.Errorf("%v: it said %q", flags, said.String())
		}
	}
}

// TestServe starts the program, asks it, and ends it as Ctrl-C does while it still works
// on an answer.
func TestServe(t *testing.T) {
	dir := aRun(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // for a program that hangs
	defer cancel()
	var stderr bytes.Buffer
	before := time.Now()
	cmd, said, address := startServe(ctx, t, &stderr, "--shift-to-now", dir)
	if !strings.HasPrefix(said, "ramp: hpa, v3\n") || address == "" {
		t.Fatalf("it said %q, %q", said, stderr.String())
	}

	page := fetch(t, address+"/")
	if want, err := os.ReadFile(filepath.Join(dir, result.HTMLFile)); err != nil || page != string(want) {
		t.Errorf("the page is not the report: %.100s, %v", page, err)
	}
	// Grafana's last hour has data, of both policies, up to about now.
	now := time.Now()
	form := url.Values{
		"query": {"kube_deployment_status_replicas_ready"}, "step": {"15"},
		"start": {now.Add(-time.Hour).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)},
	}
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	if err := json.Unmarshal([]byte(fetch(t, address+"/api/v1/query_range?"+form.Encode())), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data.Result) != 2 {
		t.Fatalf("%d series", len(answer.Data.Result))
	}
	for _, s := range answer.Data.Result {
		last, ok := s.Values[len(s.Values)-1][0].(float64)
		if at := time.Unix(int64(last), 0); !ok || at.Before(before.Add(-2*time.Minute)) || len(s.Values) < 220 {
			t.Errorf("%d values up to %s", len(s.Values), at)
		}
	}

	// A query of minutes is cut off: the program ends nevertheless.
	slow := url.Values{
		"query": {`max_over_time(sum(stddev_over_time({__name__=~".+"}[2h]))[8h:1s])`}, "step": {"1"},
		"start": {now.Add(-2 * time.Hour).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)},
	}
	cut := make(chan error, 1)
	go func() {
		resp, err := http.Get(address + "/api/v1/query_range?" + slow.Encode())
		if err == nil {
			err = resp.Body.Close()
		}
		cut <- err
	}()
	time.Sleep(200 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	asked := time.Now()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, stderr.String())
	}
	if took := time.Since(asked); took > patience+10*time.Second {
		t.Errorf("it took %s to end", took)
	}
	if err := <-cut; err == nil {
		t.Error("the query was too quick: this test would not notice")
	}
	if stderr.Len() > 0 {
		t.Errorf("standard error: %s", stderr.String())
	}
}

// startServe starts hindcast serve at a port of its own choice, and returns what it said and where it
// listens.
func startServe(ctx context.Context, t *testing.T, stderr io.Writer, args ...string) (cmd *exec.Cmd, said, address string) {
	t.Helper()
	cmd = exec.CommandContext(ctx, "hindcast", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var text strings.Builder
	for lines.Scan() && lines.Text() != "Ctrl-C ends it." {
		text.WriteString(lines.Text() + "\n")
	}
	said = text.String()
	return cmd, said, regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(said)
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v: %s", address, resp.Status, err, body)
	}
	return string(body)
}

// stub stands for the API: what is tested is who gets to it.
var stub = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answer") })

func TestServeOnlyKnownHosts(t *testing.T) {
	files := fstest.MapFS{result.HTMLFile: {Data: []byte("report")}}
	h := newServer(t.Context(), stub, files, serving{hosts: []string{"host.docker.internal", "Grafana.lan."}}).Handler
	for host, want := range map[string]int{
		"localhost:9090":              http.StatusOK,
		"LOCALHOST":                   http.StatusOK,
		"localhost.:9090":             http.StatusOK,
		"127.0.0.1:9090":              http.StatusOK,
		"127.8.0.1":                   http.StatusOK,
		"[::1]:9090":                  http.StatusOK,
		"192.0.2.7:9090":              http.StatusOK, // an address cannot be rebound
		"host.docker.internal:9090":   http.StatusOK,
		"grafana.lan":                 http.StatusOK,
		"evil.example":                http.StatusForbidden,
		"evil.example:9090":           http.StatusForbidden,
		"127.0.0.1.evil.example":      http.StatusForbidden,
		"localhost.evil.example:9090": http.StatusForbidden,
		"xlocalhost":                  http.StatusForbidden,
		"host.docker.internal.evil":   http.StatusForbidden,
		"":                            http.StatusForbidden,
		":9090":                       http.StatusForbidden,
		"localhost:9090@evil":         http.StatusForbidden,
	} {
		for _, path := range []string{"/", promapi.Prefix + "query?query=1", "/-/ready"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want || want != http.StatusOK && strings.Contains(w.Body.String(), "answer") {
				t.Errorf("host %q, %s: %d %s", host, path, w.Code, w.Body)
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("host %q: header %s", host, name)
				}
			}
		}
	}
}

func TestServeNoOtherSites(t *testing.T) {
	files := fstest.MapFS{result.HTMLFile: {Data: []byte("report")}}
	h := newServer(t.Context(), stub, files, serving{}).Handler
	for _, tc := range []struct {
		site, path string
		want       int
	}{
		{"", promapi.Prefix + "query", http.StatusOK},
		{"none", promapi.Prefix + "query", http.StatusOK},
		{"same-origin", promapi.Prefix + "query", http.StatusOK},
		{"cross-site", promapi.Prefix + "query", http.StatusForbidden},
		{"same-site", promapi.Prefix + "query", http.StatusForbidden}, // another port
		{"cross-site", "/", http.StatusOK},                            // a link to the report
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+tc.path, nil)
		r.Header.Set("Sec-Fetch-Site", tc.site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%q asks for %s: %d", tc.site, tc.path, w.Code)
		}
	}
}

func TestServeFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "secret")
	for _, name := range []string{"result.json", "experiment.yaml", "plots/a.svg", "rules/a.html", "runs/v3/timeline.csv.gz", "tsdb/v3/meta.json", ".hidden"} {
		write("run/"+name, name)
	}
	for name, target := range map[string]string{"timing.json": "../secret", "plots/out": "../../secret", "runs/etc": "/etc"} {
		if err := os.Symlink(target, filepath.Join(dir, "run", name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	h := newServer(t.Context(), stub, root.FS(), serving{}).Handler
	for path, want := range map[string]int{
		"/result.json":             http.StatusOK,
		"/experiment.yaml":         http.StatusOK,
		"/plots/":                  http.StatusOK,
		"/plots/a.svg":             http.StatusOK,
		"/rules/a.html":            http.StatusOK,
		"/runs/v3/timeline.csv.gz": http.StatusOK,
		"/":                        http.StatusNotFound, // no report was drawn
		"/tsdb/v3/meta.json":       http.StatusNotFound,
		"/.hidden":                 http.StatusNotFound,
		"/secret":                  http.StatusNotFound,
		"/plots/%2e%2e/.hidden":    http.StatusNotFound,
		"/plots/..%2f.hidden":      http.StatusNotFound,
		"/blocks.json/x":           http.StatusNotFound,
	} {
		if code, body := at(h, t, http.MethodGet, path); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/rules/a.html", nil))
	if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("rules are %s", kind)
	}
	for _, path := range []string{"/timing.json", "/plots/out", "/runs/etc/passwd"} {
		if code, body := at(h, t, http.MethodGet, path); code == http.StatusOK || strings.Contains(body, "secret") {
			t.Errorf("%s leads out of the run: %d %s", path, code, body)
		}
	}
	if code, _ := at(h, t, http.MethodPost, "/result.json"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", code)
	}
}

func at(h http.Handler, t *testing.T, method, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// Off loopback there is a warning; a taken or wrong address and a run without series are
// refused in a line that says what to do.
func TestServeWarnsAndRefuses(t *testing.T) {
	dir := aRun(t)
	start := func(args ...string) (code int, stdout, stderr string) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var out, diagnostics bytes.Buffer
		code = run(ctx, append([]string{"hindcast", "serve"}, args...), nil, &out, &diagnostics)
		return code, out.String(), diagnostics.String()
	}
	code, stdout, stderr := start(dir, "--listen", "0.0.0.0:0")
	if code != 0 || !strings.Contains(stderr, "can be reached from other machines") || !strings.Contains(stdout, "http://localhost:") {
		t.Errorf("code %d, %q, %q", code, stdout, stderr)
	}
	taken := httptest.NewServer(stub)
	defer taken.Close()
	address := strings.TrimPrefix(taken.URL, "http://")
	for want, args := range map[string][]string{
		"another program listens at " + address:   {dir, "--listen", address},
		`--listen: "9090" is no address`:          {dir, "--listen", "9090"},
		"--query-timeout: must be more than 0":    {dir, "--query-timeout", "0s"},
		"serve takes one run's folder":            {},
		"give the folder that `hindcast backtest": {filepath.Join(dir, "runs")},
	} {
		if code, _, stderr := start(args...); code != exitBad || !strings.Contains(stderr, want) {
			t.Errorf("%v: code %d, %q, want %q", args, code, stderr, want)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, result.TSDBDir)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := start(dir); code != exitBad || !strings.Contains(stderr, "holds no series: run `hindcast backtest --metrics all` again") {
		t.Errorf("code %d, %q", code, stderr)
	}
}
