package promdb_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

// A Prometheus server opens the directory of a finished run and answers as the
// run did. Neither the instants nor the full half minutes that subqueries fall on
// coincide with a scrape: servers before 3.0 count a sample at the very start of
// a range, later ones do not.
func TestPrometheusServerOpensAFinishedRun(t *testing.T) {
	binary := findPrometheus(t)
	for name, start := range map[string]time.Time{"2024": epoch.Add(2 * time.Second), "1998": worldCup} {
		t.Run(name, func(t *testing.T) {
			end := start.Add(26 * time.Hour)
			points := world(start, end, 13)
			run := open(t, promdb.Config{})
			replay(t, run, points)
			server := startPrometheus(t, binary, finished(t, promdb.Config{}, points))
			compared := 0
			for at := start.Add(7 * time.Second); at.Before(end.Add(10 * time.Minute)); at = at.Add(53*time.Minute + 15*time.Second) {
				for _, expr := range questions {
					want, err := run.QueryVector(t.Context(), expr, at)
					if err != nil {
						t.Fatal(err)
					}
					compareVectors(t, expr+" at "+at.String(), server.query(t, expr, at), want)
					compared += len(want)
				}
			}
			if compared < 500 {
				t.Errorf("only %d values compared", compared)
			}
		})
	}
}

// findPrometheus returns the server that HINDCAST_PROMETHEUS names, else the one on
// PATH. Without either the test is skipped, but fails where CI is true.
func findPrometheus(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv("HINDCAST_PROMETHEUS"); binary != "" {
		return binary
	}
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("no prometheus on PATH and HINDCAST_PROMETHEUS is not set; `make test` builds one")
	}
	return binary
}

// compareVectors allows for the rounding of sums, which servers before 3.0 do not
// compensate.
func compareVectors(t *testing.T, what string, got map[string]float64, want []promdb.Sample) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: the server says %v, the run %v", what, got, want)
		return
	}
	for _, s := range want {
		g, ok := got[key(s.Labels)]
		if same := g == s.Value || math.IsNaN(g) && math.IsNaN(s.Value); !ok || !same && math.Abs(g-s.Value) > 1e-9*math.Abs(s.Value) {
			t.Errorf("%s: %v: the server says %v", what, s, got)
		}
	}
}

func key(ls []promdb.Label) string {
	m := make(map[string]string, len(ls))
	for _, l := range ls {
		m[l.Name] = l.Value
	}
	return fmt.Sprint(m) // sorted by name
}

type server string

// startPrometheus runs a server over dir until the test ends.
func startPrometheus(t *testing.T, binary, dir string) server {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+dir,
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		select {
		case <-exited:
		case <-time.After(time.Minute):
			t.Error("server does not stop", cmd.Process.Kill())
			<-exited
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	s := server("http://" + address)
	for range 600 {
		if resp, err := http.Get(string(s) + "/-/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("server ended: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("server is not ready after a minute")
	return ""
}

// query returns the instant vector of expr, by labels.
func (s server) query(t *testing.T, expr string, at time.Time) map[string]float64 {
	t.Helper()
	stamp := strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
	resp, err := http.Get(string(s) + "/api/v1/query?" + url.Values{"query": {expr}, "time": {stamp}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.Status != "success" {
		t.Fatalf("%s: %s", expr, body.Error)
	}
	vector := make(map[string]float64)
	for _, r := range body.Data.Result {
		v, err := strconv.ParseFloat(r.Value[1].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		vector[fmt.Sprint(r.Metric)] = v
	}
	return vector
}
