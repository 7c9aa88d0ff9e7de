package mirror_test

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/peertest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live/promclient"
)

// withStore runs a Prometheus over the day of a shop as a store of Thanos.
func withStore(t *testing.T, replica string) (*promtest.Server, *peertest.Sidecar) {
	t.Helper()
	server := promtest.StartWith(t, day(t), fmt.Sprintf("global: {external_labels: {replica: %s}}\n", replica))
	return server, peertest.ThanosSidecar(t, server.URL())
}

// copyTo writes all samples of a Prometheus to another server, an hour at a time.
func copyTo(t *testing.T, from *promtest.Server, to *peertest.Server) *peertest.Server {
	t.Helper()
	client := clientOf(t, promclient.Config{URL: from.URL()})
	for at := start.Add(-time.Hour); at.Before(start.Add(25 * time.Hour)); at = at.Add(time.Hour) {
		raw, err := client.Raw(t.Context(), `{__name__=~".+"}`, at, at.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var series []peertest.Series
		for _, s := range raw {
			var out peertest.Series
			for _, l := range s.Labels {
				out.Labels = append(out.Labels, [2]string{l.Name, l.Value})
			}
			for _, p := range s.Samples {
				out.Samples = append(out.Samples, peertest.Sample{Millis: p.Time.UnixMilli(), Value: p.Value})
			}
			series = append(series, out)
		}
		if len(series) > 0 {
			to.Write(t, series)
		}
	}
	return to
}

func configOf(s *peertest.Server) promclient.Config {
	return promclient.Config{URL: s.URL, Tenant: s.Tenant}
}

// TestPeersDecideTheSame: over the samples of a day Thanos and Mimir lead to the decisions
// of Prometheus, line by line of the log, and give every value of a history of it.
// VictoriaMetrics has a rate() of its own (with the sample before the window, without
// extrapolation): there the decisions are nearly the same, and the values those of its
// definition.
func TestPeersDecideTheSame(t *testing.T) {
	peertest.Folder(t)
	prometheus, sidecar := withStore(t, "a")
	thanos := peertest.ThanosQuery(t, "--endpoint-strict="+sidecar.Address)
	peertest.Eventually(t, "Thanos knows the store", func() bool {
		_, err := clientOf(t, configOf(thanos)).Query(t.Context(), queue, start.Add(time.Hour))
		return err == nil
	})
	mimir := copyTo(t, prometheus, peertest.Mimir(t, "shop"))
	victoria := copyTo(t, prometheus, peertest.VictoriaMetrics(t))
	ours := guardedOf(t, promclient.Config{URL: prometheus.URL()})
	for name, server := range map[string]*peertest.Server{"thanos": thanos, "mimir": mimir} {
		t.Run(name, func(t *testing.T) {
			theirs := guardedOf(t, configOf(server))
			want := run(t, v3(t), plain{ours, promclient.ErrNoData})
			if d := cmp.Diff(want, run(t, v3(t), plain{theirs, promclient.ErrNoData})); d != "" || len(want) < 1400 {
				t.Errorf("of %d decisions those on Prometheus (-) and on %s (+) differ:\n%.4000s", len(want), name, d)
			}
			for _, expr := range []string{requests, queue, errorsOf, `topk(2, http_requests_total{namespace="shop"})`} {
				a, b := wholeDay(t, ours, expr), wholeDay(t, theirs, expr)
				for i := range a {
					if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
						t.Errorf("%s at step %d: %v, want %v", expr, i, b[i], a[i])
						break
					}
				}
			}
		})
	}
	t.Run("victoriametrics", func(t *testing.T) {
		theirs := guardedOf(t, configOf(victoria))
		a, b := records(t, run(t, v3(t), plain{ours, promclient.ErrNoData})), records(t, run(t, v3(t), plain{theirs, promclient.ErrNoData}))
		if len(a) != len(b) || len(a) < 1400 {
			t.Fatalf("%d decisions, want %d", len(b), len(a))
		}
		// Its rates are one scrape older at one end, on a load that is drawn anew at each
		// scrape: about one per cent, which moves a step by a replica now and then.
		differ, ourSum, theirSum := 0, 0.0, 0.0
		for i := range a {
			if !strings.HasPrefix(a[i].Reason, "Stale") { // an hour without data goes on with what was before it
				ourSum, theirSum = ourSum+float64(a[i].Replicas), theirSum+float64(b[i].Replicas)
			}
			if a[i].Replicas != b[i].Replicas {
				differ++
			}
		}
		t.Logf("%d of %d decisions differ; %.1f replica-hours, %.1f on Prometheus", differ, len(a), theirSum/60, ourSum/60)
		if differ > len(a)/5 || math.Abs(theirSum/ourSum-1) > 0.01 {
			t.Errorf("%d of %d decisions differ; %v replica-minutes, want about %v", differ, len(a), theirSum, ourSum)
		}
		// Gauges are as they were written wherever a sample is not older than a scrape.
		x, y := wholeDay(t, ours, queue), wholeDay(t, theirs, queue)
		gone := 0
		for i := range x {
			switch {
			case math.IsNaN(y[i]) && !math.IsNaN(x[i]):
				gone++
			case x[i] != y[i] && !(math.IsNaN(x[i]) && math.IsNaN(y[i])):
				t.Fatalf("queue at step %d: %v, want %v", i, y[i], x[i])
			}
		}
		// Three ends of the series, each five minutes of 5 s in Prometheus.
		if gone > 3*60 {
			t.Errorf("%d steps are missing that Prometheus has", gone)
		}
	})
}

// TestVictoriaMetricsRate holds its values against its definition: what was added from the
// last sample at or before the window to the last in it, over the time between them.
func TestVictoriaMetricsRate(t *testing.T) {
	peertest.Folder(t)
	server := peertest.VictoriaMetrics(t)
	series := peertest.Series{Labels: [][2]string{{"__name__", "jobs_total"}, {"namespace", "shop"}}}
	total := func(i int) float64 { return float64(7*i + i*i%11) }
	for i := range 400 {
		series.Samples = append(series.Samples, peertest.Sample{Millis: start.Add(time.Duration(i) * 15 * time.Second).UnixMilli(), Value: total(i)})
	}
	server.Write(t, []peertest.Series{series})
	client := clientOf(t, configOf(server))
	rate := func(seconds int) float64 {
		last, before := seconds/15, (seconds-60)/15
		return (total(last) - total(before)) / float64(15*(last-before))
	}
	for seconds := 120; seconds < 400*15; seconds += 7 {
		at := start.Add(time.Duration(seconds) * time.Second)
		want := rate(seconds)
		got, err := client.Query(t.Context(), `sum(rate(jobs_total[1m]))`, at)
		if err != nil || math.Abs(got-want) > 1e-9 {
			t.Fatalf("rate at %v: %v, %v; want %v", at, got, err, want)
		}
	}
	ranged, err := client.QueryRange(t.Context(), `sum(rate(jobs_total[1m]))`, start.Add(2*time.Minute), start.Add(90*time.Minute), 7*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range ranged {
		if want := rate(120 + 7*i); math.Abs(got-want) > 1e-9 {
			t.Fatalf("rate at step %d of a range: %v, want %v", i, got, want)
		}
	}
}

// TestVictoriaMetricsAnswersAtOnce: the parameters that the client sends make it evaluate
// at the instants that were asked for, the newest sample included. Without them the answer
// is half a minute old: that is what the test would miss if they went.
func TestVictoriaMetricsAnswersAtOnce(t *testing.T) {
	peertest.Folder(t)
	server := peertest.VictoriaMetrics(t)
	now := time.Now()
	server.Write(t, []peertest.Series{{Labels: [][2]string{{"__name__", "fresh"}}, Samples: []peertest.Sample{
		{Millis: now.Add(-time.Minute).UnixMilli(), Value: 3}, {Millis: now.UnixMilli(), Value: 4},
	}}})
	if v, err := clientOf(t, configOf(server)).Query(t.Context(), "fresh", now); err != nil || v != 4 {
		t.Errorf("%v, %v; want the 4 of now", v, err)
	}
	cfg := configOf(server)
	cfg.Parameters = url.Values{}
	if v, err := clientOf(t, cfg).Query(t.Context(), "fresh", now); err != nil || v != 3 {
		t.Errorf("%v, %v without parameters; want the 3 of a minute ago", v, err)
	}
}

// TestPeersRefuse: what each of them says in its own words has the right name.
func TestPeersRefuse(t *testing.T) {
	peertest.Folder(t)
	prometheus, sidecar := withStore(t, "a")
	thanos := peertest.ThanosQuery(t, "--endpoint-strict="+sidecar.Address)
	mimir := copyTo(t, prometheus, peertest.Mimir(t, "shop"))
	victoria := copyTo(t, prometheus, peertest.VictoriaMetrics(t))
	hour := start.Add(time.Hour)
	ask := func(cfg promclient.Config, expr string, want error, text string) {
		t.Helper()
		v, err := clientOf(t, cfg).Query(t.Context(), expr, hour)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s of %s: got %v, %v; want %v that tells of %q", expr, cfg.URL, v, err, want, text)
		}
	}
	for _, server := range []*peertest.Server{thanos, mimir, victoria} {
		cfg := configOf(server)
		if err := clientOf(t, cfg).Check(t.Context(), hour); err != nil {
			t.Error(err)
		}
		ask(cfg, `sum(`, promclient.ErrQuery, "HTTP 400")
		ask(cfg, `no_such_metric`, promclient.ErrNoData, "")
		ask(cfg, `vector(0) / 0`, promclient.ErrNoData, "") // VictoriaMetrics leaves NaN out
		ask(cfg, `vector(1) / 0`, promclient.ErrNotFinite, "")
		ask(cfg, `http_requests_total[5m]`, promclient.ErrQuery, "matrix")
		ask(cfg, `http_requests_total * on (namespace) http_requests_total`, promclient.ErrQuery, "HTTP 422")
	}
	ask(promclient.Config{URL: mimir.URL}, queue, promclient.ErrDenied, "tenant")
	ask(promclient.Config{URL: mimir.URL, Tenant: "other"}, queue, promclient.ErrNoData, "")
	limited := copyTo(t, prometheus, peertest.Mimir(t, "shop", "-querier.max-fetched-series-per-query=1"))
	ask(configOf(limited), requests, promclient.ErrQuery, "err-mimir-max-series-per-query")
	narrow := copyTo(t, prometheus, peertest.VictoriaMetrics(t, "-search.maxSamplesPerQuery=3"))
	ask(configOf(narrow), requests, promclient.ErrQuery, "maxSamplesPerQuery")
	for _, server := range []*peertest.Server{thanos, mimir, victoria} {
		server.Stop()
		ask(configOf(server), queue, promclient.ErrUnavailable, "refused")
	}
}

// TestThanosWithoutAStore: with a store that it must have, an answer without it is an
// error, at once and later, whether or not the client forbids partial answers.
func TestThanosWithoutAStore(t *testing.T) {
	peertest.Folder(t)
	_, a := withStore(t, "a")
	_, b := withStore(t, "b")
	thanos := peertest.ThanosQuery(t, "--endpoint-strict="+a.Address, "--endpoint-strict="+b.Address)
	client := clientOf(t, configOf(thanos))
	hour := start.Add(time.Hour)
	one, err := clientOf(t, configOf(peertest.ThanosQuery(t, "--endpoint-strict="+a.Address))).Query(t.Context(), queue, hour)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := client.Query(t.Context(), queue, hour); err != nil || v != 2*one {
		t.Fatalf("of both stores: %v, %v; want twice %v", v, err, one)
	}
	b.Stop()
	allowed := configOf(thanos)
	allowed.Parameters = url.Values{}
	lenient := clientOf(t, allowed)
	// It looks at its stores every five seconds.
	for until := time.Now().Add(12 * time.Second); time.Now().Before(until); time.Sleep(time.Second) {
		if v, err := client.Query(t.Context(), queue, hour); !errors.Is(err, promclient.ErrPartial) || !strings.Contains(err.Error(), b.Address) {
			t.Errorf("without a store: %v, %v; want an error that names it", v, err)
		}
		if v, err := client.QueryRange(t.Context(), queue, hour, hour.Add(time.Minute), time.Second); !errors.Is(err, promclient.ErrPartial) {
			t.Errorf("a range without a store: %v, %v", v, err)
		}
		if v, err := lenient.Query(t.Context(), queue, hour); !errors.Is(err, promclient.ErrPartial) {
			t.Errorf("where a part is allowed: %v, %v", v, err)
		}
	}
}

func wholeDay(t *testing.T, from promclient.Asker, expr string) []float64 {
	t.Helper()
	values, err := from.QueryRange(t.Context(), expr, start.Add(-time.Hour), start.Add(25*time.Hour), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func records(t *testing.T, lines []string) []autoscaler.Record {
	t.Helper()
	var records []autoscaler.Record
	for r, err := range autoscaler.ReadLog(strings.NewReader(strings.Join(lines, "\n"))) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}
