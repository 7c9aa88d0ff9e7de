package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/promtest"
)

// leaseDuration is how long a lease of the controller lasts after its last renewal, and failOverMargin
// what docs/live.md allows beside it until the next one has scaled: the lease is tried every two
// seconds, the past is read and fitted, and a decision comes within 30 seconds.
const (
	leaseDuration  = 15 * time.Second
	failOverMargin = 45 * time.Second
)

// scraped runs a Prometheus that has half a day of a load and goes on scraping it.
func (f *fixture) scraped(load func() pattern) *promtest.Server {
	f.t.Helper()
	app := f.serving(load)
	data, now := f.t.TempDir(), time.Now().Truncate(time.Second)
	promtest.Backfill(f.t, data, load().history(f.ns, 12*time.Hour, now))
	return promtest.Scrape(f.t, data, app, time.Second)
}

// from is the load of a pattern that is another, of the same counter, from an instant on; neither swings.
func (p pattern) from(at time.Time, mean float64) *pattern {
	counted := time.Duration(p.total(at) / mean * float64(time.Second))
	return &pattern{rising: at.Add(countedBefore - counted), period: p.period, mean: mean}
}

// generation counts the changes of a Deployment's spec.
func (f *fixture) generation(name string) int64 {
	d := &appsv1.Deployment{}
	f.get(name, d)
	return d.Generation
}

// holder is who holds the lease of the controller.
func (f *fixture) holder() string {
	l, err := f.cluster.Client(f.t).CoordinationV1().Leases(f.ns).Get(f.t.Context(), "hindcast-controller", metav1.GetOptions{})
	if err != nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// TestLeaderIsKilled: two processes of hindcast-controller, of which the one at work is ended by SIGKILL.
// The other takes over within the lease's duration and the margin of the docs, from the first one's
// replicas; each change of the Deployment is one that the status tells of, made once.
func TestLeaderIsKilled(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	var load atomic.Pointer[pattern]
	load.Store(&pattern{rising: time.Now().Truncate(time.Second), period: time.Hour, mean: 91})
	server := f.scraped(func() pattern { return *load.Load() })
	args := []string{"--namespace", f.ns, "--lease-namespace", f.ns, "--leader-elect", "--history", "12h", "--prometheus", server.URL(), "--metrics-address", "0", "--probe-address", "0"}
	f.deployment("shop", 2)
	s := f.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[30s]))"
	f.create(s)
	first := f.cluster.StartController(t, args...)
	f.eventually("replicas by the first", func() error {
		if n := f.replicas("shop"); n < 10 {
			return fmt.Errorf("%d, want 10 or more", n)
		}
		return nil
	})
	leader := f.holder()
	f.cluster.StartController(t, args...)
	time.Sleep(3 * time.Second)
	if now := f.holder(); now != leader {
		t.Fatalf("%q holds the lease beside %q", now, leader)
	}
	before := f.replicas("shop")
	generation := f.generation("shop")
	first.Kill()
	load.Store(load.Load().from(time.Now(), 400))
	killed, least := time.Now(), before
	f.eventually("replicas by the second", func() error {
		n := f.replicas("shop")
		least = min(least, n)
		if n <= before {
			return fmt.Errorf("still %d", n)
		}
		return nil
	})
	gap := time.Since(killed)
	t.Logf("SIGKILL; nobody scaled for %v: %d to %d replicas", gap.Round(time.Second), before, f.replicas("shop"))
	if gap > leaseDuration+failOverMargin {
		t.Errorf("nobody scaled for %v, want %v at most", gap, leaseDuration+failOverMargin)
	}
	if least < before {
		t.Errorf("%d replicas after the first was killed, want the %d that it left or more", least, before)
	}
	if now := f.holder(); now == leader {
		t.Errorf("%q, which was killed, holds the lease", now)
	}
	f.eventually("every change of the Deployment is in the status", func() error {
		changed, noted := f.generation("shop")-generation, 0
		for _, c := range f.status("shop").RecentChanges {
			if c.Time.After(killed) {
				noted++
			}
		}
		if int(changed) != noted || noted == 0 {
			return fmt.Errorf("%d changes of the Deployment, %d in the status", changed, noted)
		}
		return nil
	})
}

// TestPausedByTheFlag: with --mode paused the real program says so in the status of an object that is
// Active, asks and scales nothing, and gives back the floor that was raised before. What it logs is of the format
// that it was told.
func TestPausedByTheFlag(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text", ""} {
		t.Run("format "+format, func(t *testing.T) {
			t.Parallel()
			f := raised(t, 3)
			if err := f.stop(); err != nil {
				t.Fatal(err)
			}
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				http.Error(w, "nobody should ask", http.StatusInternalServerError)
			}))
			t.Cleanup(server.Close)
			// All requests wait for one turn of so few, and client-go says so; the server of metrics tells of what does
			// not speak TLS.
			metrics := promtest.FreeAddress(t)
			args := []string{"--namespace", f.ns, "--lease-namespace", f.ns, "--leader-elect=false", "--mode", "paused", "--kube-api-qps", "1",
				"--prometheus", server.URL, "--metrics-address", metrics, "--probe-address", "0"}
			if format != "" {
				args = append(args, "--log-format", format)
			}
			p := f.cluster.StartController(t, args...)
			f.want("the floor", 3, func() int32 { return f.floor("shop") })
			f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionFalse, "Paused")
			if st := f.status("shop"); st.Mode != v1alpha1.ModePaused {
				t.Errorf("status.mode is %s", st.Mode)
			}
			f.eventually("a connection to the metrics", func() error { return speakInClear(t.Context(), metrics) })
			p.Stop()
			if n := asked.Load(); n > 0 || f.replicas("shop") != 2 {
				t.Errorf("%d queries, %d replicas; want 0 and 2", n, f.replicas("shop"))
			}
			_, log, _ := p.Wait(patience)
			for _, said := range []string{"client-side throttling", "TLS handshake error"} {
				if !strings.Contains(log, said) {
					t.Errorf("the log does not tell of a %s", said)
				}
			}
			wantFormat(t, log, format)
		})
	}
}

// speakInClear writes to a server what no client of TLS does, until it hangs up.
func speakInClear(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "this is no handshake of TLS\n"); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, conn) // it ends, or is reset
	return nil
}

// wantFormat wants every line of a log in a format, JSON where none was asked for, with level and message,
// and the mode that the controller starts with.
func wantFormat(t *testing.T, log, format string) {
	t.Helper()
	starts := false
	for lines := bufio.NewScanner(strings.NewReader(log)); lines.Scan(); {
		line := lines.Text()
		if format == "text" {
			if !strings.HasPrefix(line, "time=") || !strings.Contains(line, " level=") || !strings.Contains(line, " msg=") {
				t.Errorf("not a line of text: %s", line)
			}
			starts = starts || strings.Contains(line, `msg="controller starts" mode=Paused`)
			continue
		}
		var entry struct {
			Time             time.Time
			Level, Msg, Mode string
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time.IsZero() || entry.Level == "" || entry.Msg == "" {
			t.Errorf("not a line of JSON: %s: %v", line, err)
		}
		starts = starts || entry.Msg == "controller starts" && entry.Mode == "Paused"
	}
	if !starts {
		t.Errorf("no line tells the mode: %s", log)
	}
}

// TestColumns: the API server answers `kubectl get predictivescalers` with the columns of the CRD, filled
// from the object and its status.
func TestColumns(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop-scaler", "shop", v1alpha1.ModeActive))
	f.want("replicas in the status", 10, func() int32 { return f.status("shop-scaler").CurrentReplicas })
	text, err := f.cluster.Client(t).CoreV1().RESTClient().Get().
		AbsPath("/apis/autoscaling.hindcast.dev/v1alpha1/namespaces/"+f.ns+"/predictivescalers").
		SetHeader("Accept", "application/json;as=Table;g=meta.k8s.io;v=v1").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	if table.Kind != "Table" || len(table.Rows) != 1 || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) {
		t.Fatalf("no table of one row: %s", text)
	}
	st := f.status("shop-scaler")
	want := []struct{ name, cell string }{
		{"Name", "shop-scaler"}, {"Target", "shop"}, {"Mode", "Active"}, {"Current", "10"}, {"Desired", "10"},
		{"Accuracy", string(st.Forecast.Accuracy)}, {"Active", "True"}, {"Forecast", string(st.Forecast.Upper)}, {"Reason", st.Reason}, {"Age", ""},
	}
	if len(want) != len(table.ColumnDefinitions) {
		t.Fatalf("%d columns, want %d: %s", len(table.ColumnDefinitions), len(want), text)
	}
	for i, w := range want {
		column, cell := table.ColumnDefinitions[i], fmt.Sprint(table.Rows[0].Cells[i])
		if column.Name != w.name || cell != w.cell && w.cell != "" || cell == "" || cell == "<nil>" {
			t.Errorf("column %d: %s %q, want %s %q", i, column.Name, cell, w.name, w.cell)
		}
		if wide := column.Priority > 0; wide != (w.name == "Forecast" || w.name == "Reason") {
			t.Errorf("column %s has priority %d", column.Name, column.Priority)
		}
	}
}
