package live_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
)

const (
	fleetHistory   = 12 * time.Hour
	fleetStep      = time.Minute // of the samples of the history
	fleetNamespace = 50          // scalers in one
	fleetMeasured  = 5 * time.Minute
	fleetInterval  = 30 * time.Second // between the decisions of a scaler
)

// A fleet is many applications, each with a load, a Deployment and a scaler of its own.
type fleet struct {
	size  int
	began time.Time
}

func (fl fleet) namespace(i int) string { return fmt.Sprintf("fleet-%d", i/fleetNamespace) }
func (fl fleet) name(i int) string      { return fmt.Sprintf("app-%d", i) }

// load of application i: up and down every two hours, no two of them at the same time, so
// that a scaler has a change to make some ten times as often as one of a daily pattern.
func (fl fleet) load(i int) pattern {
	const period = 2 * time.Hour
	return pattern{rising: fl.began.Add(-period * time.Duration(i) / time.Duration(fl.size)), period: period, mean: 75, wave: 60}
}

func (fl fleet) sample(w io.Writer, i int, at time.Time, suffix string) {
	fmt.Fprintf(w, "http_requests_total{namespace=%q,job=\"test\",instance=\"fleet\",app=%q} %.3f%s\n",
		fl.namespace(i), fl.name(i), fl.load(i).total(at), suffix)
}

func (fl fleet) history() []byte {
	var out bytes.Buffer
	out.WriteString("# TYPE http_requests counter\n")
	for i := range fl.size {
		for at := fl.began.Add(-fleetHistory); at.Before(fl.began); at = at.Add(fleetStep) {
			fl.sample(&out, i, at, fmt.Sprintf(" %d", at.Unix()))
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes()
}

func (fl fleet) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "# TYPE http_requests_total counter")
	for i, now := 0, time.Now(); i < fl.size; i++ {
		fl.sample(w, i, now, "")
	}
}

// TestFleet measures what hindcast-controller, as a process of its own, costs with as many
// scalers as HINDCAST_FLEET says, in mode HINDCAST_FLEET_MODE (Shadow) with models
// HINDCAST_FLEET_MODEL (ridge): a real API server, and a real Prometheus that scrapes
// every 15 seconds. It fails if a scaler missed a decision, a query failed or the API
// server was asked for more than what the decisions need.
func TestFleet(t *testing.T) {
	mode, kind := v1alpha1.ModeShadow, "ridge"
	text := os.Getenv("HINDCAST_FLEET")
	if text == "" {
		t.Skip("HINDCAST_FLEET is not set; make test-all sets it to 1000")
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 1 {
		t.Fatalf("HINDCAST_FLEET is %q, which is no number of scalers", text)
	}
	if v := os.Getenv("HINDCAST_FLEET_MODE"); v != "" {
		mode = v1alpha1.Mode(v)
	}
	if v := os.Getenv("HINDCAST_FLEET_MODEL"); v != "" {
		kind = v
	}
	fl := fleet{size: size, began: time.Now().Truncate(time.Second)}
	app := httptest.NewServer(fl)
	t.Cleanup(app.Close)
	data := t.TempDir()
	promtest.Backfill(t, data, fl.history())
	server := promtest.Scrape(t, data, app.Listener.Addr().String(), 15*time.Second)
	c := clustertest.New(t, crds)
	fl.create(t, c, mode, kind)

	metrics := fleetController(t, c, server.URL())
	asked := time.Now()
	for running := 0.0; running < float64(size); time.Sleep(2 * time.Second) {
		if time.Since(asked) > time.Hour {
			t.Fatalf("%v of %d scalers run after an hour", running, size)
		}
		running = 0
		for _, m := range scrape(t, metrics)["hindcast_scaler_accuracy_ratio"].GetMetric() {
			if m.GetGauge().GetValue() > 0 {
				running++
			}
		}
	}
	warm, spent := time.Since(asked), sum(scrape(t, metrics)["process_cpu_seconds_total"], nil)
	t.Logf("%d scalers, %s, %s: warmed up on %v of history in %v, %.0f s of CPU", size, mode, kind, fleetHistory, warm.Round(time.Second), spent)
	time.Sleep(2 * fleetInterval) // the first decisions are those of a beginning

	began, before, beforeProm := time.Now(), scrape(t, metrics), scrape(t, server.URL()+"/metrics")
	resident := 0.0
	for time.Since(began) < fleetMeasured {
		time.Sleep(5 * time.Second)
		resident = max(resident, sum(scrape(t, metrics)["process_resident_memory_bytes"], nil))
	}
	after, afterProm, length := scrape(t, metrics), scrape(t, server.URL()+"/metrics"), time.Since(began)
	grew := func(name string, want map[string]string) float64 {
		return sum(after[name], want) - sum(before[name], want)
	}
	grewProm := func(name string, want map[string]string) float64 {
		return sum(afterProm[name], want) - sum(beforeProm[name], want)
	}
	minutes := length.Minutes()
	decided := grew("hindcast_scaler_decision_duration_seconds", nil)
	queries := grewProm("prometheus_http_requests_total", map[string]string{"handler": "/api/v1/query"})
	t.Logf("controller: %.1f %% of a core, at most %.0f MiB resident, %.0f decisions a minute",
		100*grew("process_cpu_seconds_total", nil)/length.Seconds(), resident/(1<<20), decided/minutes)
	t.Logf("API server: %.0f requests a minute: %.0f GET, %.0f PUT, %.0f PATCH, %.0f POST", grew("rest_client_requests_total", nil)/minutes,
		grew("rest_client_requests_total", map[string]string{"method": "GET"})/minutes, grew("rest_client_requests_total", map[string]string{"method": "PUT"})/minutes,
		grew("rest_client_requests_total", map[string]string{"method": "PATCH"})/minutes, grew("rest_client_requests_total", map[string]string{"method": "POST"})/minutes)
	t.Logf("Prometheus: %.0f queries a minute, %.1f %% of a core", queries/minutes, 100*grewProm("process_cpu_seconds_total", nil)/length.Seconds())

	due := float64(size) * length.Seconds() / fleetInterval.Seconds()
	if decided < due-float64(size) || decided > due+float64(size) {
		t.Errorf("%.0f decisions, want %.0f, one per scaler more or less", decided, due)
	}
	// Every other decision counts the targets, too.
	if queries > 1.5*decided+2*float64(size) {
		t.Errorf("%.0f queries for %.0f decisions on one metric each", queries, decided)
	}
	if n := sum(after["hindcast_scaler_query_errors_total"], nil); n > 0 {
		t.Errorf("%.0f queries failed", n)
	}
	if n := grew("rest_client_requests_total", map[string]string{"code": "429"}); n > 0 {
		t.Errorf("the API server refused %.0f requests as too many", n)
	}
	if n := sum(after["hindcast_scaler_scale_errors_total"], nil); n > 0 {
		t.Errorf("%.0f changes of replicas failed", n)
	}
}

// create makes the namespaces, Deployments and scalers.
func (fl fleet) create(t *testing.T, c *clustertest.Cluster, mode v1alpha1.Mode, kind string) {
	t.Helper()
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range fl.size {
		if i%fleetNamespace == 0 {
			if err := k.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fl.namespace(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		f := &fixture{t: t, cluster: c, client: k, ns: fl.namespace(i)}
		f.deployment(fl.name(i), 8)
		s := f.scaler(fl.name(i), fl.name(i), mode)
		s.Spec.Metrics[0].Query = fmt.Sprintf(`sum(rate(http_requests_total{app=%q}[5m]))`, fl.name(i))
		s.Spec.Forecast.Model = kind
		f.create(s)
	}
}

// fleetController runs the program, and returns where its metrics are.
func fleetController(t *testing.T, c *clustertest.Cluster, prometheus string) string {
	t.Helper()
	address := promtest.FreeAddress(t)
	c.RunController(t, "--prometheus", prometheus, "--history", fleetHistory.String(), "--leader-elect=false",
		"--probe-address", "0", "--log-level", "warn", "--metrics-address", address, "--insecure-metrics")
	url := "http://" + address + "/metrics"
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if _, err := read(t.Context(), url); err == nil {
			return url
		} else if time.Now().After(deadline) {
			t.Fatalf("no metrics after %v: %v", patience, err)
		}
	}
}

func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := read(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func read(ctx context.Context, url string) (map[string]*dto.MetricFamily, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(body))
}

// sum is what samples adds up.
func sum(family *dto.MetricFamily, want map[string]string) float64 {
	total, _ := samples(family, want)
	return total
}
