package live_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// TestClockJumps: the wall clock of a controller at work is set an hour forward, then two
// hours back, then right, beside a real Prometheus whose clock is right. Every jump is an
// event and counted. While the clock is ahead there is no data, and the condition says so;
// while it is behind there is that of then. No replica goes.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	began := time.Now().Truncate(time.Second)
	load := pattern{rising: began, period: time.Hour, mean: 91}
	app := f.serving(func() pattern { return load })
	data := t.TempDir()
	promtest.Backfill(t, data, load.history(f.ns, 12*time.Hour, began))
	server := promtest.Scrape(t, data, app, time.Second)
	asks := guarded(t, promclient.Config{URL: server.URL()})
	var ahead atomic.Int64 // by which the wall clock is wrong
	f.run(f.cluster.Config, asks, func(c *live.Config) {
		c.History = 12 * time.Hour
		c.ReadClock(func() (time.Time, time.Duration) {
			now := time.Now()
			return now.Round(0).Add(time.Duration(ahead.Load())), now.Sub(began)
		})
	})
	f.deployment("shop", 2)
	s := f.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[1m]))"
	f.create(s)
	f.want("replicas", 10, func() int32 { return f.replicas("shop") })
	jumped := func() float64 {
		n, _ := f.gauge("hindcast_scaler_restarts_total", map[string]string{"scaler": "shop", "reason": "ClockJumped"})
		return n
	}
	decided := func() float64 { return f.decisions("shop") }
	replicas := int32(10)
	for i, jump := range []struct {
		to     time.Duration
		status metav1.ConditionStatus
		reason string
		stale  float64
	}{
		{time.Hour, metav1.ConditionFalse, "NoCurrentData", 1},
		{-time.Hour, metav1.ConditionTrue, "Current", 0},
		{0, metav1.ConditionTrue, "Current", 0},
	} {
		ahead.Store(int64(jump.to))
		f.eventually(fmt.Sprintf("jump %d is noticed", i+1), func() error {
			if n := jumped(); n != float64(i+1) {
				return fmt.Errorf("%v jumps", n)
			}
			return nil
		})
		before := decided()
		f.eventually("it decides again", func() error {
			if n := decided(); n <= before {
				return fmt.Errorf("%v decisions", n)
			}
			return nil
		})
		f.condition("shop", v1alpha1.ConditionFresh, jump.status, jump.reason)
		if v, ok := f.gauge("hindcast_scaler_stale", map[string]string{"scaler": "shop"}); !ok || v != jump.stale {
			t.Errorf("clock wrong by %v: stale is %v, %v, want %v", jump.to, v, ok, jump.stale)
		}
		n := f.replicas("shop")
		if n < replicas || n > 11 { // a late scrape may look like a tenth more load
			t.Errorf("clock wrong by %v: %d replicas, want the %d that there were", jump.to, n, replicas)
		}
		replicas = n
	}
	f.event("shop", "ClockJumped")
}
