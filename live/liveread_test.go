package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live/liveread"
	"hindcast.dev/live/liveview"
	"hindcast.dev/live/promclient"
)

// A watched is a scaler in Shadow beside somebody else who scales: hindcast-controller as
// a process, a real API server, and a real Prometheus that scrapes the application and
// the controller every second.
type watched struct {
	f       *fixture
	load    pattern
	server  *promtest.Server
	address string // of the controller's metrics
	began   time.Time
}

func watch(t *testing.T, period time.Duration) *watched {
	t.Helper()
	w := &watched{f: cluster(t), address: promtest.FreeAddress(t), began: time.Now().Truncate(time.Second)}
	w.load = pattern{rising: w.began.Add(5 * time.Second), period: period, mean: 75, wave: 60}
	app := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(out, "# TYPE http_requests_total counter\n%s\n", w.load.exposition(w.f.ns, time.Now()))
	}))
	t.Cleanup(app.Close)
	data := t.TempDir()
	promtest.Backfill(t, data, w.load.history(w.f.ns, 12*time.Hour, w.load.rising))
	w.server = promtest.StartWith(t, data, fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"+
		"- {job_name: test, honor_labels: true, static_configs: [{targets: [%q]}]}\n"+
		"- {job_name: hindcast, honor_labels: true, static_configs: [{targets: [%q]}]}\n", app.Listener.Addr(), w.address))
	w.f.deployment("shop", 2)
	s := w.f.scaler("shop", "shop", v1alpha1.ModeShadow)
	s.Spec.Metrics[0].Query = "sum(rate(http_requests_total[30s]))"
	w.f.create(s)
	return w
}

// run lets a controller work until it made so many decisions, and returns its log.
func (w *watched) run(t *testing.T, decisions int) []autoscaler.Record {
	t.Helper()
	dir := t.TempDir()
	stop := w.f.cluster.RunController(t, "--namespace", w.f.ns, "--prometheus", w.server.URL(), "--history", "12h", "--leader-elect=false",
		"--probe-address", "0", "--metrics-address", w.address, "--insecure-metrics", "--decision-log", dir)
	var log []autoscaler.Record
	for deadline := time.Now().Add(patience + time.Duration(decisions)*time.Minute); ; time.Sleep(200 * time.Millisecond) {
		w.others(t)
		if log = readLogs(t, dir); made(log) >= decisions {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d decisions, want %d", made(log), decisions)
		}
	}
	time.Sleep(3 * time.Second) // for the scrapes
	if code := stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return readLogs(t, dir)
}

// others set the replicas as a scaler would that looks back two minutes, and the status
// as pods would that come at once.
func (w *watched) others(t *testing.T) {
	t.Helper()
	d := &appsv1.Deployment{}
	w.f.get("shop", d)
	want := int32(math.Ceil(w.load.rate(time.Now().Add(-2*time.Minute)) / 8))
	if d.Status.Replicas == want {
		return
	}
	d.Status.Replicas = want
	if err := w.f.client.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func readLogs(t *testing.T, dir string) []autoscaler.Record {
	t.Helper()
	var all []autoscaler.Record
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = text[:bytes.LastIndexByte(text, '\n')+1] // the last line may be half written
		for rec, err := range autoscaler.ReadLog(bytes.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rec)
		}
	}
	return all
}

func made(log []autoscaler.Record) int {
	n := 0
	for _, rec := range log {
		if rec.Start == nil {
			n++
		}
	}
	return n
}

// add sums what ran, and what would have, over a log: in other words than the controller,
// from the lines that it wrote.
func add(sums *liveview.Sums, log []autoscaler.Record) {
	var life []autoscaler.Record
	lead := 0.0
	for _, rec := range log {
		if rec.Start != nil {
			life, lead = nil, rec.Start.LeadSeconds
			continue
		}
		life = append(life, rec)
		if len(life) == 1 {
			continue
		}
		hours := rec.Time.Sub(life[len(life)-2].Time).Hours()
		serving := rec.Replicas
		for _, older := range slices.Backward(life) {
			serving = min(serving, older.Replicas)
			if rec.Time.Sub(older.Time).Seconds() >= lead {
				break // this one was in force a lead ago, and no older one
			}
		}
		needed := int32(math.Ceil(*rec.Values[0].Value / 10))
		sums.ReplicaHours += hours * float64(rec.Status)
		sums.DecidedReplicaHours += hours * float64(serving)
		if rec.Status < needed {
			sums.ShortHours += hours
		}
		if serving < needed {
			sums.DecidedShortHours += hours
		}
	}
}

// TestReportOfAShadow: what is read of a scaler from a real Prometheus is what the decision
// logs of its controllers say, decision by decision, though the second controller began
// anew with its counters.
func TestReportOfAShadow(t *testing.T) {
	t.Parallel()
	w := watch(t, 10*time.Minute)
	first := w.run(t, 3)
	second := w.run(t, 2)
	client, err := promclient.New(promclient.Config{URL: w.server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	v, err := liveread.Read(t.Context(), client, liveread.Ask{
		Namespace: w.f.ns, Name: "shop", From: w.began, To: time.Now().Truncate(time.Second), Step: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	var want liveview.Sums
	add(&want, first)
	add(&want, second)
	got := v.Verdict.Sums
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"replica-hours", got.ReplicaHours, want.ReplicaHours}, {"decided replica-hours", got.DecidedReplicaHours, want.DecidedReplicaHours},
		{"hours short", got.ShortHours, want.ShortHours}, {"decided hours short", got.DecidedShortHours, want.DecidedShortHours},
	} {
		if math.Abs(c.got-c.want) > 1e-6 {
			t.Errorf("%s: %v, the logs have %v", c.name, c.got, c.want)
		}
	}
	if want.ReplicaHours == 0 || got.Mode != "Shadow" {
		t.Errorf("the logs have %+v, the view %+v", want, got)
	}
	decisions := map[string]float64{}
	for _, rec := range append(first, second...) {
		if rec.Start != nil {
			continue
		}
		reason, _, _ := strings.Cut(rec.Reason, ":")
		decisions[reason]++
		// Two seconds later the scrape has it.
		if err := shows(v, int(rec.Time.Add(2*time.Second).Sub(v.From)/v.Step), rec); err != nil {
			t.Errorf("decision of %v: %v", rec.Time, err)
		}
	}
	for _, e := range v.Reasons {
		if e.Total != decisions[e.Name] {
			t.Errorf("%v decisions by reason %s, the logs have %v", e.Total, e.Name, decisions[e.Name])
		}
		delete(decisions, e.Name)
	}
	if len(decisions) > 0 {
		t.Errorf("decisions that are not shown: %v", decisions)
	}
	if len(v.Missing) > 0 || len(v.Controllers) != 1 {
		t.Errorf("missing %v; controllers %v", v.Missing, v.Controllers)
	}
}

// shows compares the values of a step with a decision.
func shows(v *liveview.View, step int, rec autoscaler.Record) error {
	if v.Desired[step] != float64(rec.Replicas) || v.Current[step] != float64(rec.Status) {
		return fmt.Errorf("%v desired and %v running, want %d and %d", v.Desired[step], v.Current[step], rec.Replicas, rec.Status)
	}
	m := v.Metrics[0]
	if m.Observed[step] != *rec.Values[0].Value {
		return fmt.Errorf("%v observed, want %v", m.Observed[step], *rec.Values[0].Value)
	}
	if rec.Forecast == nil || rec.Forecast.Upper == nil {
		return errors.New("it has no forecast")
	}
	for _, h := range m.Horizons {
		for _, q := range h.Quantiles {
			if h.Ahead.Seconds() == rec.Forecast.HorizonSeconds && math.Abs(q.Level-rec.Forecast.Quantile) < 1e-6 {
				if got, want := q.Forecasts[step], *rec.Forecast.Upper; math.Abs(got-want) > 1e-9*want {
					return fmt.Errorf("quantile %v of %v is %v, want %v", q.Level, h.Ahead, got, want)
				}
				return nil
			}
		}
	}
	return fmt.Errorf("no forecast %v s ahead at quantile %v", rec.Forecast.HorizonSeconds, rec.Forecast.Quantile)
}
