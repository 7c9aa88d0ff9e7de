// Package promtest runs a real Prometheus server over folders that we wrote, for
// tests. It builds and downloads nothing, and judges nothing.
package promtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take to start, and to stop.
const patience = time.Minute

// A Server is a running Prometheus server.
type Server struct{ address, dir string }

// Find returns the server that HINDCAST_PROMETHEUS names, else the one that make built, else the
// one on PATH, as Program does.
func Find(t testing.TB) string {
	t.Helper()
	return Program(t, "HINDCAST_PROMETHEUS", "prometheus")
}

// RequireVersion skips a test that holds for a server of one version only, where the server
// is of another. One that was built from its module, as `make bin/prometheus` does, says none,
// and is of the version of our go.mod.
func RequireVersion(t testing.TB, version string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), Find(t), "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("version of the server: %v\n%s", err, out)
	}
	if said := versionOf(t, out); said != "" && said != version {
		t.Skipf("the server is of version %s, not %s", said, version)
	}
}

// RequireMajor skips a test that older servers cannot pass, where the server is one: it names
// what to do. It fails where CI is true.
func RequireMajor(t testing.TB, major int, why string) {
	t.Helper()
	server := Find(t)
	out, err := exec.CommandContext(t.Context(), server, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("version of the server: %v\n%s", err, out)
	}
	said := versionOf(t, out)
	if said == "" {
		return
	}
	number, _, _ := strings.Cut(said, ".")
	if n, err := strconv.Atoi(number); err != nil {
		t.Fatalf("version of the server: %q", out)
	} else if n >= major {
		return
	}
	text := fmt.Sprintf("%s is of version %s, and this wants %d or later (%s): run make bin/prometheus, or name another in HINDCAST_PROMETHEUS",
		server, said, major, why)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// versionOf reads what a server says of itself; one built from its module says nothing.
func versionOf(t testing.TB, out []byte) string {
	t.Helper()
	said, ok := strings.CutPrefix(string(out), "prometheus, version ")
	if !ok {
		t.Fatalf("version of the server: %q", out)
	}
	said, _, _ = strings.Cut(said, " ")
	return said
}

// Promtool returns the promtool that HINDCAST_PROMTOOL names, else the one that make built, else the
// one on PATH, as Program does.
func Promtool(t testing.TB) string {
	t.Helper()
	return Program(t, "HINDCAST_PROMTOOL", "promtool")
}

// Program returns the program that a variable names, else the one that make built into the folder
// bin of the repository, else the one on PATH. Without any the test is skipped, but fails where CI is true.
func Program(t testing.TB, variable, name string) string {
	t.Helper()
	if binary := os.Getenv(variable); binary != "" {
		return binary
	}
	if binary, ok := built(name); ok {
		return binary
	}
	binary, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no %s on PATH and %s is not set; `make test` builds one", name, variable)
	}
	return binary
}

// built looks for a program in the folder bin beside go.mod, at or above that of the test.
func built(name string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			binary, err := exec.LookPath(filepath.Join(dir, "bin", name))
			return binary, err == nil
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// Start runs a server over dir, as its --storage.tsdb.path, with further flags until the test ends.
func Start(t testing.TB, dir string, flags ...string) *Server {
	t.Helper()
	return start(t, dir, "", flags...)
}

// StartWith runs a server over dir with the text of a configuration.
func StartWith(t testing.TB, dir, config string) *Server {
	t.Helper()
	return start(t, dir, config)
}

// StartAt runs a server at an address, HOST:PORT, over dir with the text of a configuration.
func StartAt(t testing.TB, address, dir, config string) *Server {
	t.Helper()
	return startAt(t, address, dir, config)
}

// Scrape runs a server over dir that scrapes a target, HOST:PORT, too.
func Scrape(t testing.TB, dir, target string, interval time.Duration) *Server {
	t.Helper()
	return start(t, dir, fmt.Sprintf("global: {scrape_interval: %dms, scrape_timeout: %dms}\n"+
		"scrape_configs: [{job_name: test, honor_labels: true, static_configs: [{targets: [%q]}]}]\n",
		interval.Milliseconds(), interval.Milliseconds(), target))
}

// Backfill writes the samples of a file in the OpenMetrics format as blocks into dir, by
// the promtool that HINDCAST_PROMTOOL names, else the one on PATH.
func Backfill(t testing.TB, dir string, openMetrics []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "openmetrics.txt")
	if err := os.WriteFile(file, openMetrics, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), Promtool(t), "tsdb", "create-blocks-from", "openmetrics", file, dir).CombinedOutput(); err != nil {
		t.Fatalf("backfill: %v\n%s", err, out)
	}
}

func start(t testing.TB, dir, text string, flags ...string) *Server {
	t.Helper()
	// An address that was free may be taken by the time that the server listens.
	for range 3 {
		if s := tryStart(t, FreeAddress(t), dir, text, flags...); s != nil {
			return s
		}
	}
	t.Fatal("the server ends before it is ready")
	return nil
}

func startAt(t testing.TB, address, dir, text string) *Server {
	t.Helper()
	s := tryStart(t, address, dir, text)
	if s == nil {
		t.Fatal("the server ends before it is ready")
	}
	return s
}

// tryStart returns nil where the server ends before it is ready.
func tryStart(t testing.TB, address, dir, text string, flags ...string) *Server {
	t.Helper()
	binary := Find(t)
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{address: address, dir: dir}
	log := &output{ready: make(chan struct{})}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, binary, append([]string{"--config.file=" + config, "--storage.tsdb.path=" + dir,
		"--storage.tsdb.retention.time=100y", "--web.enable-admin-api", "--web.listen-address=" + s.address}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the error of a server that was told to stop says nothing
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if t.Failed() {
			t.Log(log)
		}
	})
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-log.ready:
		return s
	case <-ended:
		return nil
	case <-waiting.Done():
		t.Fatalf("the server is not ready after %v", patience)
		return nil
	}
}

// FreeAddress returns an address of this machine, HOST:PORT, at which nothing listens now.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// Query returns the instant vector of expr, by labels as Key writes them.
func (s *Server) Query(t testing.TB, expr string, at time.Time) map[string]float64 {
	t.Helper()
	stamp := strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
	_, answer := s.Get(t, "/api/v1/query", url.Values{"query": {expr}, "time": {stamp}})
	var body struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		t.Fatal(err)
	}
	if body.Status != "success" {
		t.Fatalf("%s: %s", expr, body.Error)
	}
	vector := make(map[string]float64)
	for _, r := range body.Data.Result {
		text, ok := r.Value[1].(string)
		if !ok {
			t.Fatalf("%s: value %v is not a string", expr, r.Value[1])
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		vector[Key(r.Metric)] = v
	}
	return vector
}

// Get asks for a path with the parameters form and returns the status code and the body.
func (s *Server) Get(t testing.TB, path string, form url.Values) (code int, body []byte) {
	t.Helper()
	return s.do(t, http.MethodGet, path, form)
}

func (s *Server) do(t testing.TB, method, path string, form url.Values) (code int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path+"?"+form.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// Snapshot has the server write all that it holds, what is in no block yet too, as blocks, and
// returns their folder.
func (s *Server) Snapshot(t testing.TB) (dir string) {
	t.Helper()
	code, answer := s.do(t, http.MethodPost, "/api/v1/admin/tsdb/snapshot", nil)
	var body struct{ Data struct{ Name string } }
	if err := json.Unmarshal(answer, &body); err != nil || body.Data.Name == "" {
		t.Fatalf("snapshot: HTTP %d, %s", code, answer)
	}
	return filepath.Join(s.dir, "snapshots", body.Data.Name)
}

// URL returns the address of the server.
func (s *Server) URL() string { return "http://" + s.address }

// Key writes labels in the order of their names.
func Key(labels map[string]string) string { return fmt.Sprint(labels) }

// output keeps what the server writes and tells when it says that it is ready.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	said  bool
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if !o.said && strings.Contains(o.text.String(), "Server is ready to receive web requests") {
		o.said = true
		close(o.ready)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
