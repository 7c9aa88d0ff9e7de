package live_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// The outage of TestPlaneOutageInARamp, from and until so long after the load rose through
// its mean, and what a replica uses of its half core where nothing is short.
const (
	outageFrom, outageUntil = -2 * time.Minute, 5 * time.Minute
	outageShare             = 0.9
)

// TestPlaneOutageInARamp: in the middle of a rise to three times the load a real
// Prometheus goes away for seven minutes. Three Deployments have the same load on a whole
// control plane: one scaled by an HPA on CPU alone, one by the same HPA with its floor
// raised by a scaler, one by a scaler alone. Neither of those serves less of what is asked for
// in the outage than the HPA, and neither lets a replica go; condition, event and metric
// tell of the outage, and it ends.
func TestPlaneOutageInARamp(t *testing.T) {
	if os.Getenv("HINDCAST_PLANE") == "" {
		t.Skip("HINDCAST_PLANE is not set; make test-all sets it")
	}
	c := clustertest.StartPlane(t, 5, crds)
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, cluster: c, client: k, ns: c.Namespace(t)}
	names := []string{"hpa", "floored", "scaled"}
	ready := map[string]*atomic.Int32{}
	for _, name := range names {
		ready[name] = new(atomic.Int32)
		f.planeDeployment(name)
	}
	began := time.Now().Truncate(time.Second)
	load := pattern{rising: began.Add(6 * time.Minute), period: planePeriod, mean: 85, wave: 65}
	c.ServePodMetrics(t, func(p *corev1.Pod) corev1.ResourceList {
		n := ready[p.Labels["app"]].Load()
		used := min(load.rate(time.Now())/planeCarries/float64(max(1, n)), 1) * planeMilliCPU
		return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(int64(used), resource.DecimalSI)}
	})
	each := fmt.Sprintf("%.0fm", outageShare*planeMilliCPU)
	f.cpuHPA("hpa", each)
	f.cpuHPA("floored", each)

	app := f.serving(func() pattern { return load })
	data := t.TempDir()
	promtest.Backfill(t, data, load.history(f.ns, 12*time.Hour, began))
	server := promtest.Scrape(t, data, app, 5*time.Second)
	gone, address := goneAtTimes(t, server.URL())
	f.run(c.Config, guarded(t, promclient.Config{URL: address}), func(cfg *live.Config) { cfg.History = 12 * time.Hour })
	for _, s := range []*v1alpha1.PredictiveScaler{f.scaler("scaled", "scaled", v1alpha1.ModeActive), floored(f.scaler("floored", "floored", v1alpha1.ModeActive), "floored")} {
		s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[30s]))"
		s.Spec.Metrics[0].Target.PerReplica = v1alpha1.Decimal(fmt.Sprint(outageShare * planeCarries))
		s.Spec.Forecast = v1alpha1.ForecastSpec{}
		f.create(s)
	}
	var asked float64
	served, lowered, last := map[string]float64{}, map[string]int{}, map[string]int32{}
	for now := time.Now(); now.Before(load.rising.Add(outageUntil)); now = time.Now() {
		out := !now.Before(load.rising.Add(outageFrom))
		gone.Store(out)
		rate := load.rate(now)
		for _, name := range names {
			d := &appsv1.Deployment{}
			f.get(name, d)
			ready[name].Store(d.Status.ReadyReplicas)
			if out {
				served[name] += min(rate, planeCarries*float64(d.Status.ReadyReplicas))
				if *d.Spec.Replicas < last[name] {
					lowered[name]++
				}
			}
			last[name] = *d.Spec.Replicas
		}
		if out {
			asked += rate
		}
		if n := int(now.Sub(began).Seconds()); n%30 == 0 {
			t.Logf("%3d s, outage %v: %.0f requests/s; hpa %d, floored %d (floor %d), scaled %d", n, out, rate, last["hpa"], last["floored"], f.floor("floored"), last["scaled"])
		}
		time.Sleep(time.Second)
	}
	alone := served["hpa"] / asked
	for _, name := range names[1:] {
		share := served[name] / asked
		t.Logf("%s: %.4f of what was asked for in the outage was served, %.4f by the HPA alone", name, share, alone)
		// Two HPAs of one load do not look at it in the same moment.
		if share < alone-0.005 || math.IsNaN(share) {
			t.Errorf("%s: %.4f served, the HPA alone %.4f", name, share, alone)
		}
		if lowered[name] > 0 {
			t.Errorf("%s: replicas went down %d times while the load rose", name, lowered[name])
		}
		f.condition(name, v1alpha1.ConditionFresh, metav1.ConditionFalse, "NoCurrentData")
		f.event(name, "NoCurrentData")
		if v, ok := f.gauge("hindcast_scaler_stale", map[string]string{"scaler": name}); !ok || v != 1 {
			t.Errorf("%s: stale is %v, %v", name, v, ok)
		}
		if v, ok := f.gauge("hindcast_scaler_query_errors_total", map[string]string{"scaler": name}); !ok || v < 10 {
			t.Errorf("%s: %v failed queries, want those of seven minutes", name, v)
		}
	}
	gone.Store(false)
	for _, name := range names[1:] {
		f.condition(name, v1alpha1.ConditionFresh, metav1.ConditionTrue, "Current")
	}
}

// goneAtTimes starts a proxy of a server that hangs up while gone is set.
func goneAtTimes(t *testing.T, address string) (gone *atomic.Bool, at string) {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	gone = new(atomic.Bool)
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			panic(http.ErrAbortHandler)
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return gone, proxy.URL
}
