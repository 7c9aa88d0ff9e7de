package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

// replayed is a Deployment and a scaler of it, with a model that needs no long past.
const replayed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: NAMESPACE}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: app, image: app}]}
---
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: PredictiveScaler
metadata: {name: shop, namespace: NAMESPACE}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 1
  maxReplicas: 50
  mode: Active
  actuation: {type: Scale}
  metrics: [{name: requests, query: 'sum(rate(http_requests_total[1m]))', target: {perReplica: "10"}}]
  forecast: {model: ridge}
`

// TestReplayOfALiveLog: `hindcast live --decision-log` as a process on a real API server and a real
// Prometheus writes a log, and `hindcast backtest --replay` as another makes
// the same decisions. A log in which one decision, or one value, was written over comes out otherwise,
// with exit code 1 and the instant; one without its beginning, or with a torn line, is refused with 2.
func TestReplayOfALiveLog(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, filepath.Join("..", "..", "manifests", "crd"))
	namespace := c.Namespace(t)
	began := time.Now().Truncate(time.Second)
	exposed := func(at time.Time) string {
		return fmt.Sprintf("http_requests_total{namespace=%q,job=\"test\",instance=\"shop\"} %g", namespace, 91*(at.Sub(began)+24*time.Hour).Seconds())
	}
	past := bytes.NewBufferString("# TYPE http_requests counter\n")
	for at := began.Add(-12 * time.Hour); at.Before(began); at = at.Add(15 * time.Second) {
		fmt.Fprintf(past, "%s %d\n", exposed(at), at.Unix())
	}
	past.WriteString("# EOF\n")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE http_requests_total counter\n%s\n", exposed(time.Now()))
	}))
	t.Cleanup(app.Close)
	data := t.TempDir()
	promtest.Backfill(t, data, past.Bytes())
	server := promtest.Scrape(t, data, app.Listener.Addr().String(), time.Second)
	apply := exec.CommandContext(t.Context(), filepath.Join(c.Programs, "kubectl"), "--kubeconfig", c.Kubeconfig(t), "apply", "-f", "-")
	apply.Stdin = strings.NewReader(strings.ReplaceAll(replayed, "NAMESPACE", namespace))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v\n%s", err, out)
	}

	dir := t.TempDir()
	log := filepath.Join(dir, "decisions", namespace+"_shop.jsonl")
	steps := func() int {
		text, err := os.ReadFile(log)
		if err != nil {
			return 0
		}
		return bytes.Count(text, []byte("\n"))
	}
	until := time.Now().Add(4 * time.Minute)
	code, said := interrupted(t, dir, t.TempDir(), func() bool { return steps() >= 5 || time.Now().After(until) }, []string{
		"live", "--kubeconfig", c.Kubeconfig(t), "--namespace", namespace, "--lease-namespace", namespace,
		"--prometheus", server.URL(), "--decision-log", "decisions", "--log-format", "text"})
	if code != 0 {
		t.Errorf("exit code %d of live: %s", code, said)
	}
	if n := steps(); n < 5 {
		t.Fatalf("%d lines in the log: %s", n, said)
	}
	if !strings.Contains(said, `level=INFO msg="controller starts"`) {
		t.Errorf("not logged as text: %s", said)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(text))+"\n", "\n")
	lines = lines[:len(lines)-1]
	last := len(lines) - 1
	instant := regexp.MustCompile(`"time":"([^."]*)`).FindStringSubmatch(lines[last])[1]
	written := func(pattern, to string) string { // over the last line
		changed := regexp.MustCompile(pattern).ReplaceAllString(lines[last], to)
		if changed == lines[last] {
			t.Fatalf("%s is not in %s", pattern, changed)
		}
		return strings.Join(lines[:last], "") + changed
	}
	for _, tc := range []struct {
		name, log      string
		code           int
		stdout, stderr []string
	}{
		{"as written", string(text), 0, []string{fmt.Sprintf(": %d decisions", strings.Count(string(text), `"reason"`)), "all made again the same"}, nil},
		{"a decision", written(`"replicas":\d+,("hold":true,)?"raw"`, `"replicas":49,${1}"raw"`), exitFailed, []string{", 1 come out otherwise:", instant, "was 49"}, nil},
		{"a value", written(`"value":[0-9.e+]+`, `"value":400`), exitFailed, []string{", 1 come out otherwise:", instant}, nil},
		{"no beginning", strings.Join(lines[1:], ""), exitBad, nil, []string{"the log does not begin with the start of a policy", "--decision-log"}},
		{"a torn line", string(text) + `{"time":`, exitBad, nil, []string{fmt.Sprintf("line %d: ", len(lines)+1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(tc.log), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			replay := exec.CommandContext(ctx, "hindcast", "backtest", "--replay", "log.jsonl")
			replay.Dir = dir
			var stdout, stderr bytes.Buffer
			replay.Stdout, replay.Stderr = &stdout, &stderr
			_ = replay.Run() // the exit code says it
			if code := replay.ProcessState.ExitCode(); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for got, want := range map[*bytes.Buffer][]string{&stdout: tc.stdout, &stderr: tc.stderr} {
				if len(want) == 0 && got.Len() > 0 {
					t.Errorf("also said: %s", got)
				}
				for _, w := range want {
					if !strings.Contains(got.String(), w) {
						t.Errorf("said %q, want %q", got, w)
					}
				}
			}
		})
	}
}
