package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// A pattern is a load in requests/s that rises and falls once a period.
type pattern struct {
	rising     time.Time // an instant at which it is at its mean and rises
	period     time.Duration
	mean, wave float64
}

func (p pattern) rate(at time.Time) float64 {
	return p.mean + p.wave*math.Sin(p.angle(at))
}

// total is a counter of the requests: the integral of the rate.
func (p pattern) total(at time.Time) float64 {
	const since = 48 * time.Hour
	seconds := at.Sub(p.rising.Add(-since)).Seconds()
	return p.mean*seconds + p.wave*p.period.Seconds()/(2*math.Pi)*(1-math.Cos(p.angle(at)))
}

func (p pattern) angle(at time.Time) float64 {
	return 2 * math.Pi * at.Sub(p.rising).Seconds() / p.period.Seconds()
}

// exposition is what an application exposes of it, the labels of scraping included, so
// that the history and what is scraped are one series.
func (p pattern) exposition(namespace string, at time.Time) string {
	return fmt.Sprintf("http_requests_total{namespace=%q,job=\"test\",instance=\"shop\",pod=\"shop\"} %g", namespace, p.total(at))
}

// history is the last hours of it up to an instant, in the OpenMetrics format.
func (p pattern) history(namespace string, length time.Duration, until time.Time) []byte {
	var out bytes.Buffer
	out.WriteString("# TYPE http_requests counter\n")
	for at, step := until.Add(-length), 15*time.Second; at.Before(until); at = at.Add(step) {
		fmt.Fprintf(&out, "%s %d\n", p.exposition(namespace, at), at.Unix())
		if until.Sub(at) < 2*time.Minute {
			step = time.Second // as it is scraped, so that no window has a gap
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes()
}

// TestLiveOnPrometheus follows a day that takes forty minutes: half a day of them is in a
// real Prometheus, which goes on scraping. While the load rises through its mean the
// scaler asks for what it will need when a new replica is ready, not for what it needs
// now; and from its log every decision is made again the same.
func TestLiveOnPrometheus(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	load := pattern{rising: time.Now().Truncate(time.Second).Add(5 * time.Second), period: 40 * time.Minute, mean: 75, wave: 60}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE http_requests_total counter\n%s\n", load.exposition(f.ns, time.Now()))
	}))
	t.Cleanup(app.Close)
	data := t.TempDir()
	promtest.Backfill(t, data, load.history(f.ns, 12*time.Hour, load.rising))
	server := promtest.Scrape(t, data, app.Listener.Addr().String(), time.Second)
	client, err := promclient.New(promclient.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	asks, err := live.Guarded(client, promclient.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f.run(f.cluster.Config, asks, func(c *live.Config) {
		c.History = 12 * time.Hour
		c.DecisionLog = func(_, name string) (io.WriteCloser, error) {
			return os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		}
	})
	f.deployment("shop", 2)
	s := f.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[30s]))"
	s.Spec.Forecast.Model = "auto"
	f.create(s)
	f.eventually("it scales", func() error {
		if n := f.replicas("shop"); n == 2 {
			return errors.New("still 2 replicas")
		}
		return nil
	})
	f.condition("shop", v1alpha1.ConditionTrusted, "True", "Skilled")
	// A query that reaches beyond the namespace is refused.
	f.change("shop", func(s *v1alpha1.PredictiveScaler) {
		s.Spec.Metrics[0].Query = `sum(rate(http_requests_total{namespace="kube-system"}[30s]))`
	})
	f.condition("shop", v1alpha1.ConditionActive, "False", "InvalidQuery")
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "shop"))
	if err != nil {
		t.Fatal(err)
	}
	var first *autoscaler.Record
	for rec, err := range autoscaler.ReadLog(bytes.NewReader(log)) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Scaled {
			first = &rec
			break
		}
	}
	if first == nil {
		t.Fatal("no change is in the log")
	}
	if after := first.Time.Sub(load.rising); after > 6*time.Minute {
		t.Fatalf("the first change came %v after the load rose through its mean: the machine is too slow for this test", after)
	}
	// The lead is two minutes; the rate is the mean of half a minute that has passed.
	now := math.Ceil(load.rate(first.Time) / 10)
	ahead := math.Ceil(load.rate(first.Time.Add(105*time.Second)) / 10)
	t.Logf("%d replicas (%s); the load needs %v now and %v at the end of the lead", first.Replicas, first.Proposals[0].Detail, now, ahead)
	if n := float64(first.Replicas); ahead <= now || n < ahead || n > ahead+3 {
		t.Errorf("%v replicas, want the %v of the end of the lead, or a few more", n, ahead)
	}
	out, err := autoscaler.Redecide(t.Context(), autoscaler.ReadLog(bytes.NewReader(log)))
	if err != nil || out.Steps == 0 || len(out.Differences) > 0 {
		t.Errorf("replay: %+v, %v", out, err)
	}
}
