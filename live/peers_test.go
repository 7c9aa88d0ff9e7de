package live_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/peertest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// TestPeersLive has four controllers follow one load for five minutes, each by another
// server: the Prometheus that scrapes it every 15 seconds, Thanos beside it, and Mimir and
// VictoriaMetrics to which it writes as it does by default. All knew half a day of it. They
// ask at the same instants, and decide on nearly the same.
func TestPeersLive(t *testing.T) {
	peertest.Folder(t)
	t.Parallel()
	load := pattern{rising: time.Now().Truncate(time.Second).Add(5 * time.Second), period: 40 * time.Minute, mean: 75, wave: 60}
	names := []string{"prometheus", "thanos", "mimir", "victoriametrics"}
	at := map[string]*fixture{}
	for _, name := range names {
		at[name] = cluster(t)
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "# TYPE http_requests_total counter")
		for _, name := range names {
			fmt.Fprintln(w, load.exposition(at[name].ns, time.Now()))
		}
	}))
	t.Cleanup(app.Close)
	mimir, victoria := peertest.Mimir(t, "shop"), peertest.VictoriaMetrics(t)
	var past []peertest.Series
	for _, name := range names {
		s := peertest.Series{Labels: [][2]string{
			{"__name__", "http_requests_total"}, {"instance", "shop"}, {"job", "test"}, {"namespace", at[name].ns}, {"pod", "shop"}, {"replica", "a"},
		}}
		for when := load.rising.Add(-12 * time.Hour); when.Before(time.Now()); when = when.Add(15 * time.Second) {
			s.Samples = append(s.Samples, peertest.Sample{Millis: when.UnixMilli(), Value: load.total(when)})
		}
		past = append(past, s)
	}
	mimir.Write(t, past)
	victoria.Write(t, past)
	data := t.TempDir()
	var text bytes.Buffer
	text.WriteString("# TYPE http_requests counter\n")
	for i, name := range names {
		for _, p := range past[i].Samples {
			when := time.UnixMilli(p.Millis)
			fmt.Fprintf(&text, "%s %d\n", load.exposition(at[name].ns, when), when.Unix())
		}
	}
	text.WriteString("# EOF\n")
	promtest.Backfill(t, data, text.Bytes())
	prometheus := promtest.StartWith(t, data, fmt.Sprintf(`
global: {scrape_interval: 15s, external_labels: {replica: a}}
scrape_configs: [{job_name: test, honor_labels: true, static_configs: [{targets: [%q]}]}]
remote_write:
- {url: %q, headers: {X-Scope-OrgID: shop}}
- {url: %q}
`, app.Listener.Addr().String(), mimir.Push, victoria.Push))
	sidecar := peertest.ThanosSidecar(t, prometheus.URL())
	thanos := peertest.ThanosQuery(t, "--endpoint-strict="+sidecar.Address)
	time.Sleep(75 * time.Second) // a window of scrapes, so that none reaches over the start
	logs := map[string]string{}
	for name, cfg := range map[string]promclient.Config{
		"prometheus": {URL: prometheus.URL()}, "thanos": {URL: thanos.URL},
		"mimir": {URL: mimir.URL, Tenant: mimir.Tenant}, "victoriametrics": {URL: victoria.URL},
	} {
		asks := guarded(t, cfg)
		f := at[name]
		logs[name] = filepath.Join(t.TempDir(), "log")
		f.run(f.cluster.Config, asks, func(c *live.Config) {
			c.History = 12 * time.Hour
			c.DecisionLog = func(string, string) (io.WriteCloser, error) {
				return os.OpenFile(logs[name], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			}
		})
		f.deployment("shop", 2)
		s := f.scaler("shop", "shop", v1alpha1.ModeActive)
		s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[1m]))"
		s.Spec.Forecast.Model = "auto"
		f.create(s)
	}
	time.Sleep(5 * time.Minute)
	decided := map[string][]autoscaler.Record{}
	for _, name := range names {
		// Each server knows the query that counts the targets behind the series.
		if n, ok := at[name].gauge("hindcast_scaler_sources", map[string]string{"scaler": "shop"}); !ok || n != 1 {
			t.Errorf("%s: %v targets counted, %v, want 1", name, n, ok)
		}
		if err := at[name].stop(); err != nil {
			t.Fatal(err)
		}
		decided[name] = decisions(t, logs[name])
	}
	// VictoriaMetrics' rate is some two per cent of a rising load lower: from a sample earlier
	// to the last one, without extrapolation. Where the machine is busy, Mimir is a scrape behind
	// at each decision, which is one per cent, and the past, which was written at once, is not: a
	// kink that makes the margin wider. That is a replica or two of fifteen.
	for name, apart := range map[string]int32{"thanos": 1, "mimir": 2, "victoriametrics": 2} {
		shared, same := 0, 0
		for _, ours := range decided["prometheus"] {
			// The steps of both are on one grid of 30 seconds; each says when it was really made.
			when := ours.Time
			i := slices.IndexFunc(decided[name], func(r autoscaler.Record) bool { return r.Time.Sub(when).Abs() < 10*time.Second })
			if i < 0 {
				continue
			}
			theirs := decided[name][i]
			shared++
			a, b := ours.Values[0].Value, theirs.Values[0].Value
			if a == nil || b == nil {
				t.Errorf("%s at %v: no value", name, when)
				continue
			}
			t.Logf("%s, %v later, %s: %d replicas of %.1f/s, %d of %.1f/s on Prometheus; it is %.1f/s", when.Format(time.TimeOnly), theirs.Time.Sub(when), name, theirs.Replicas, *b, ours.Replicas, *a, load.rate(when.Add(-30*time.Second)))
			if d := theirs.Replicas - ours.Replicas; -apart <= d && d <= apart {
				same++
			}
		}
		t.Logf("%s: %d decisions, %d on Prometheus", name, len(decided[name]), len(decided["prometheus"]))
		if shared < 8 || same < shared {
			t.Errorf("%s: of %d decisions %d are within %d replicas", name, shared, same, apart)
		}
	}
}

// decisions returns those of a log.
func decisions(t *testing.T, file string) []autoscaler.Record {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []autoscaler.Record
	for r, err := range autoscaler.ReadLog(strings.NewReader(string(text))) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Start == nil {
			all = append(all, r)
		}
	}
	return all
}
