package live_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// eightPods is a load of 85 requests/s on as many pods, each with a target of its own.
type eightPods struct {
	namespace string
	app       *httptest.Server
	silent    atomic.Int32 // the pods from the first on that do not answer
	list      string       // file with the targets
}

const podsOfEight = 8

// line is what a pod counts at an instant.
func (e *eightPods) line(pod int, at time.Time) string {
	return fmt.Sprintf("http_requests_total{namespace=%q,job=\"shop\",instance=\"shop-%d\",pod=\"shop-%d\",code=\"200\"} %.3f",
		e.namespace, pod, pod, 85.0/podsOfEight*(float64(at.UnixMilli())/1000-1.7e9))
}

func (e *eightPods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var pod int
	if _, err := fmt.Sscanf(r.URL.Path, "/%d", &pod); err != nil || pod < int(e.silent.Load()) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "# TYPE http_requests_total counter\n%s\n", e.line(pod, time.Now()))
}

// discover writes down the targets from a pod on.
func (e *eightPods) discover(t *testing.T, from int) {
	t.Helper()
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	all := []group{}
	for pod := from; pod < podsOfEight; pod++ {
		all = append(all, group{[]string{e.app.Listener.Addr().String()}, map[string]string{
			"__metrics_path__": fmt.Sprintf("/%d", pod), "instance": fmt.Sprintf("shop-%d", pod),
		}})
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = os.WriteFile(e.list+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(e.list+".new", e.list)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestHalfTheTargetsAreGone on a real Prometheus that scrapes eight pods: four of them do not answer any
// more, or are no longer discovered. The sum falls to the half, the query succeeds and nothing says that
// a part is missing. It is seen in a condition, an event and metrics, nothing is scaled down, and it ends
// when they are back. Beside it a scaler that counts no targets would have scaled down.
func TestHalfTheTargetsAreGone(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(*testing.T, *eightPods, int){
		"they do not answer":      func(_ *testing.T, e *eightPods, n int) { e.silent.Store(int32(n)) },
		"they are not discovered": func(t *testing.T, e *eightPods, n int) { e.discover(t, n) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := cluster(t)
			e := &eightPods{namespace: f.ns, list: filepath.Join(t.TempDir(), "targets.json")}
			e.app = httptest.NewServer(e)
			t.Cleanup(e.app.Close)
			e.discover(t, 0)
			data := t.TempDir()
			promtest.Backfill(t, data, e.history(12*time.Hour, time.Now()))
			server := promtest.StartWith(t, data, "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"+
				"- {job_name: shop, honor_labels: true, file_sd_configs: [{files: ["+e.list+"], refresh_interval: 1s}]}\n")
			asks := guarded(t, promclient.Config{URL: server.URL()})
			f.run(f.cluster.Config, asks, func(c *live.Config) { c.History = 12 * time.Hour })
			for _, name := range []string{"shop", "blind"} {
				f.deployment(name, 2)
				s := f.scaler(name, name, v1alpha1.ModeActive)
				s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[20s]))"
				s.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Second}
				if name == "blind" {
					s.Spec.Safety.MinSeriesShare = "0"
				}
				f.create(s)
			}
			for _, name := range []string{"shop", "blind"} {
				f.want("replicas of "+name, 9, func() int32 { return f.replicas(name) })
			}
			shown := func(metric string, want float64) {
				t.Helper()
				f.eventually(fmt.Sprintf("%s is %v", metric, want), func() error {
					if v, ok := f.gauge(metric, map[string]string{"namespace": f.ns, "scaler": "shop"}); !ok || v != want {
						return fmt.Errorf("%v, %v", v, ok)
					}
					return nil
				})
			}
			shown("hindcast_scaler_sources", podsOfEight)
			gone(t, e, podsOfEight/2)
			f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionFalse, "SeriesMissing")
			f.event("shop", "SeriesMissing")
			shown("hindcast_scaler_sources", podsOfEight/2)
			shown("hindcast_scaler_sources_expected", podsOfEight)
			shown("hindcast_scaler_stale", 1)
			f.eventually("the other one scales down", func() error {
				if n := f.replicas("blind"); n > 6 {
					return fmt.Errorf("%d replicas", n)
				}
				return nil
			})
			if n := f.replicas("shop"); n != 9 {
				t.Errorf("%d replicas, want the 9 that there were", n)
			}
			gone(t, e, 0)
			f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionTrue, "Current")
			shown("hindcast_scaler_sources", podsOfEight)
			shown("hindcast_scaler_stale", 0)
			if n := f.replicas("shop"); n < 9 {
				t.Errorf("%d replicas at the end, want 9", n)
			}
			if changes := f.status("shop").RecentChanges; len(changes) == 0 || changes[0].To < changes[0].From {
				t.Errorf("changes %+v", changes)
			}
		})
	}
}

// history is the last hours of it up to an instant, in the OpenMetrics format.
func (e *eightPods) history(length time.Duration, until time.Time) []byte {
	var out bytes.Buffer
	out.WriteString("# TYPE http_requests counter\n")
	for pod := range podsOfEight {
		for at, step := until.Add(-length), 5*time.Second; at.Before(until); at = at.Add(step) { // three in the window of the query
			fmt.Fprintf(&out, "%s %d\n", e.line(pod, at.Truncate(time.Second)), at.Unix())
			if until.Sub(at) < 2*time.Minute {
				step = time.Second
			}
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes()
}
