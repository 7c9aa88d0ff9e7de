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
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

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

// countedBefore is how long before rising the counter of a pattern began.
const countedBefore = 48 * time.Hour

func (p pattern) rate(at time.Time) float64 {
	return p.mean + p.wave*math.Sin(p.angle(at))
}

// total is a counter of the requests: the integral of the rate.
func (p pattern) total(at time.Time) float64 {
	seconds := at.Sub(p.rising.Add(-countedBefore)).Seconds()
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

// TestLiveOnPrometheus is on a day that takes forty minutes: half a day of them is in a
// real Prometheus, which goes on scraping. While the load rises through its mean the
// scaler asks for what it will need when a new replica is ready, not for what it needs
// now; and from its log every decision is made again the same. TestPlaneLiveOnPrometheus
// goes on for a whole rise and fall. The blocks of the Prometheus give the same decisions offline.
func TestLiveOnPrometheus(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	load := pattern{rising: time.Now().Truncate(time.Second).Add(5 * time.Second), period: 40 * time.Minute, mean: 75, wave: 60}
	readLog := f.liveOn(load, nil)
	f.eventually("it scales", func() error {
		if n := f.replicas("shop"); n == 2 {
			return errors.New("still 2 replicas")
		}
		return nil
	})
	f.condition("shop", v1alpha1.ConditionTrusted, "True", "Skilled")
	f.decided("shop", 4)
	// A query that reaches beyond the namespace is refused.
	f.change("shop", func(s *v1alpha1.PredictiveScaler) {
		s.Spec.Metrics[0].Query = `sum(rate(http_requests_total{namespace="kube-system"}[30s]))`
	})
	f.condition("shop", v1alpha1.ConditionActive, "False", "InvalidQuery")
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	log := readLog()
	i := slices.IndexFunc(log, func(r autoscaler.Record) bool { return r.Scaled })
	if i < 0 {
		t.Fatal("no change is in the log")
	}
	first := log[i]
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
}

// TestPlaneLiveOnPrometheus follows a day of 24 minutes for as long as HINDCAST_PLANE says, as
// TestWholePlane does, on a real Prometheus that scrapes: from the third minute on there is what the
// load needs a lead later, all the way up to the peak and down again.
func TestPlaneLiveOnPrometheus(t *testing.T) {
	length := planeLength(t)
	f := cluster(t)
	const lead = 105 * time.Second // The rate is the mean of half a minute that has passed.
	load := pattern{rising: time.Now().Truncate(time.Second).Add(5 * time.Second), period: planePeriod, mean: 85, wave: 65}
	need := func(at time.Time) int32 { return int32(math.Ceil(load.rate(at) / 10)) }
	readLog := f.liveOn(load, func(s *v1alpha1.PredictiveScaler) {
		// By default what was asked for in the last five minutes is kept.
		s.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(30))}}
	})
	time.Sleep(length)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	log, highest, lowest := readLog(), int32(0), int32(math.MaxInt32)
	for _, r := range log {
		t.Logf("%v: %.1f/s, %d replicas, %d needed now and %d a lead later: %s", r.Time.Sub(load.rising).Round(time.Second), load.rate(r.Time), r.Replicas, need(r.Time), need(r.Time.Add(lead)), r.Reason)
		if r.Time.Before(load.rising.Add(3 * time.Minute)) {
			continue // It began with two replicas.
		}
		if r.Replicas < need(r.Time) || r.Replicas < need(r.Time.Add(lead)) {
			t.Errorf("%v: %d replicas, the load needs %d now and %d a lead later", r.Time.Sub(load.rising), r.Replicas, need(r.Time), need(r.Time.Add(lead)))
		}
		if most := need(load.rising.Add(load.period / 4)); r.Replicas > most+3 {
			t.Errorf("%v: %d replicas, and the peak needs %d", r.Time.Sub(load.rising), r.Replicas, most)
		}
		highest, lowest = max(highest, r.Replicas), min(lowest, r.Replicas)
	}
	if length >= 14*time.Minute && lowest > highest-5 {
		t.Errorf("%d to %d replicas: none went as the load fell", lowest, highest)
	}
}

// serving runs an application with a load, and returns its address.
func (f *fixture) serving(load func() pattern) (address string) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE http_requests_total counter\n%s\n", load().exposition(f.ns, time.Now()))
	}))
	f.t.Cleanup(app.Close)
	return app.Listener.Addr().String()
}

// liveOn runs a controller on a load that a real Prometheus has scraped for half a day and goes on
// scraping, with one active scaler. After the fixture has stopped, the function returns its log,
// whose decisions were made again the same, from the log and from the blocks of the server.
func (f *fixture) liveOn(load pattern, change func(*v1alpha1.PredictiveScaler)) func() []autoscaler.Record {
	t := f.t
	t.Helper()
	app := f.serving(func() pattern { return load })
	data := t.TempDir()
	promtest.Backfill(t, data, load.history(f.ns, 12*time.Hour, load.rising))
	const scrapes = time.Second
	server := promtest.Scrape(t, data, app, scrapes)
	asks := guarded(t, promclient.Config{URL: server.URL()})
	dir := t.TempDir()
	f.run(f.cluster.Config, asks, func(c *live.Config) {
		c.History = 12 * time.Hour
		c.DecisionLog = func(_, name string) (io.WriteCloser, error) {
			return os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		}
	})
	f.deployment("shop", 2)
	s := f.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Metrics[0].Query = betweenScrapes(t, server, "http_requests_total", "sum(rate(http_requests_total[30s]))", scrapes, 30*time.Second)
	s.Spec.Forecast.Model = "auto"
	if change != nil {
		change(s)
	}
	f.create(s)
	return func() []autoscaler.Record {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "shop"))
		if err != nil {
			t.Fatal(err)
		}
		var log []autoscaler.Record
		for r, err := range autoscaler.ReadLog(bytes.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Start == nil {
				log = append(log, r)
			}
		}
		out, err := autoscaler.Redecide(t.Context(), autoscaler.ReadLog(bytes.NewReader(text)))
		if err != nil || out.Steps == 0 || len(out.Differences) > 0 {
			t.Errorf("replay: %+v, %v", out, err)
		}
		f.sameOffline(server.Snapshot(t), text)
		return log
	}
}
