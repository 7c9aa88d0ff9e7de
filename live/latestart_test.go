package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// TestPrometheusComesLater: a scaler starts where no Prometheus listens. It says so in an event and its
// conditions, learns, and leaves the replicas. Once a real Prometheus with half a day of the load
// listens there, the loop begins anew from that past, which an event and the status tell, trusts its
// model at once and scales.
func TestPrometheusComesLater(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	address := promtest.FreeAddress(t)
	asks := guarded(t, promclient.Config{URL: "http://" + address, Timeout: 2 * time.Second, Retries: -1})
	f.run(f.cluster.Config, asks, func(c *live.Config) { c.History = 12 * time.Hour })
	f.deployment("shop", 12)
	s := f.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[1m]))"
	s.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Second}
	f.create(s)
	if note := f.event("shop", "NoHistory"); !strings.Contains(note, "could not be read") {
		t.Errorf("event %q", note)
	}
	f.condition("shop", v1alpha1.ConditionTrusted, metav1.ConditionFalse, "Learning")
	f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionFalse, "NoCurrentData")
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
	f.decided("shop", 2) // without data
	if st := f.status("shop"); f.replicas("shop") != 12 || len(st.RecentChanges) != 0 || st.LastRestart != nil {
		t.Errorf("%d replicas, changes %v, last restart %+v; want the 12 that there were and none", f.replicas("shop"), st.RecentChanges, st.LastRestart)
	}

	now := time.Now().Truncate(time.Second)
	load := pattern{rising: now, period: time.Hour, mean: 195}
	app := f.serving(func() pattern { return load })
	data := t.TempDir()
	promtest.Backfill(t, data, load.history(f.ns, 12*time.Hour, now))
	promtest.StartAt(t, address, data, fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"+
		"scrape_configs: [{job_name: test, honor_labels: true, static_configs: [{targets: [%q]}]}]\n", app))
	f.event("shop", "WarmingUp")
	f.eventually("replicas by the past and the load", func() error {
		if n := f.replicas("shop"); n < 20 {
			return fmt.Errorf("%d, want 20 or more", n)
		}
		return nil
	})
	f.condition("shop", v1alpha1.ConditionTrusted, metav1.ConditionTrue, "Skilled")
	f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionTrue, "Current")
	st := f.status("shop")
	if st.LastRestart == nil || st.LastRestart.Reason != "WarmingUp" {
		t.Errorf("last restart %+v", st.LastRestart)
	}
	for _, c := range st.RecentChanges {
		if c.To < c.From {
			t.Errorf("it went from %d to %d", c.From, c.To)
		}
	}
}
