package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"hindcast.dev/autoscaler"
	"hindcast.dev/forecast"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live/promclient"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
)

const (
	requests = `sum(rate(http_requests_total{namespace="shop"}[1m]))`
	queue    = `queue_depth{namespace="shop"}`
	errorsOf = `sum(rate(http_requests_total{namespace="shop",code="500"}[1m])) / sum(rate(http_requests_total{namespace="shop"}[1m]))`
)

// The day starts off the grid of everything: servers before 3.0 count a sample at the
// very start of a range, later ones do not.
var start = time.Date(2026, 3, 2, 0, 0, 2, 0, time.UTC)

// day writes a simulated day of a shop to blocks: requests of pods that come and go, with
// counters that start anew, a queue that is gone for half an hour, an hour without any
// scrape, and a quarter of an hour in which nobody asks for anything.
func day(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir() + "/blocks"
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	totals := map[string]float64{}
	for i := range 24 * 60 * 4 {
		offset := time.Duration(i) * 15 * time.Second
		at := start.Add(offset)
		if offset > 9*time.Hour && offset < 10*time.Hour {
			continue
		}
		load := max(0, 120+100*math.Sin(2*math.Pi*offset.Hours()/24-2)+30*math.Sin(2*math.Pi*offset.Hours()))
		if offset > 15*time.Hour && offset < 15*time.Hour+15*time.Minute {
			load = 0
		}
		pods := 2 + i/700
		for p := range pods {
			for _, code := range []string{"200", "500"} {
				pod := fmt.Sprintf("shop-%d", p+i/1900)
				key := pod + code
				totals[key] += math.Floor(load * 15 / float64(pods) * (0.9 + 0.2*rng.Float64()))
				s, err := db.Series("http_requests_total", promdb.Label{Name: "namespace", Value: "shop"},
					promdb.Label{Name: "pod", Value: pod}, promdb.Label{Name: "code", Value: code})
				if err == nil {
					err = db.Append(s, at, totals[key])
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if offset < 18*time.Hour || offset > 18*time.Hour+30*time.Minute {
			s, err := db.Series("queue_depth", promdb.Label{Name: "namespace", Value: "shop"})
			if err == nil {
				err = db.Append(s, at, math.Round(load/4*rng.Float64()*100)/100)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Finish(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// stepping is a clock that passes a day at once.
type stepping struct{ now time.Time }

func (s *stepping) Now() time.Time { return s.now }
func (s *stepping) WaitUntil(_ context.Context, t time.Time) error {
	if t.After(start.Add(24 * time.Hour)) {
		return autoscaler.ErrEnd
	}
	s.now = t
	return nil
}

// workload is a size that follows at once.
type workload struct{ n int32 }

func (w *workload) Replicas(context.Context) (autoscaler.Replicas, error) {
	return autoscaler.Replicas{Spec: w.n, Status: w.n}, nil
}

func (w *workload) SetReplicas(_ context.Context, n int32) error {
	w.n = n
	return nil
}

// plain gives missing data its name for policies, and nothing but its name: how either
// side words an error decides nothing.
type plain struct {
	promclient.Asker
	noData error
}

func (p plain) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	v, err := p.Asker.Query(ctx, expr, at)
	if errors.Is(err, p.noData) {
		err = policy.ErrNoData
	}
	return v, err
}

func v3(t *testing.T) policy.Policy {
	t.Helper()
	p, err := policy.NewV3(policy.V3Config{
		Metrics: []policy.V3Metric{
			{Query: policy.Query{Name: "requests", Expr: requests}, PerReplica: 20},
			{Query: policy.Query{Name: "queue", Expr: queue}, PerReplica: 5},
		},
		Min: 1, Max: 40, Model: forecast.SeasonalNaive{Season: 60}, Lead: 3 * time.Minute, Quantile: 0.95,
		ReactiveFloor: true, Interval: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hpa(t *testing.T) policy.Policy {
	t.Helper()
	external := func(name, average string) autoscalingv2.MetricSpec {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: name},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse(average))},
		}}
	}
	p, err := policy.NewHPA(autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(1)), MaxReplicas: 40,
		Metrics: []autoscalingv2.MetricSpec{external("queue_depth", "5")},
	}, policy.HPAConfig{Sync: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run lets a policy scale for a day on what querier says, and returns its log.
func run(t *testing.T, p policy.Policy, querier autoscaler.Querier) []string {
	t.Helper()
	var b bytes.Buffer
	log := autoscaler.NewLog(&b)
	loop, err := autoscaler.New(autoscaler.Config{
		Policy: p, Clock: &stepping{start}, Querier: querier, Scaler: &workload{2}, Recorder: log, First: start.Add(5 * time.Second),
	})
	if err == nil {
		err = loop.Run(t.Context())
	}
	if err := errors.Join(err, log.Err()); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(b.String()), "\n")
}

func clientOf(t *testing.T, cfg promclient.Config) *promclient.Client {
	t.Helper()
	cfg.Backoff = time.Millisecond
	client, err := promclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// guardedOf is the whole way by which live mode asks: guarded, shared, over HTTP.
func guardedOf(t *testing.T, cfg promclient.Config) promclient.Asker {
	t.Helper()
	guard, err := promclient.NewGuard(promclient.Share(clientOf(t, cfg)), promclient.Limits{PerSecond: 1e6, Burst: 1e6}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	guarded, err := guard.For("shop")
	if err != nil {
		t.Fatal(err)
	}
	return guarded
}

// TestMirror: an embedded database and a Prometheus server over the same blocks lead to
// the same decisions, line by line of the log, over a day.
func TestMirror(t *testing.T) {
	promtest.Find(t)
	dir := day(t)
	local, err := promdb.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	asker := guardedOf(t, promclient.Config{URL: promtest.Start(t, dir).URL()})
	for name, make := range map[string]func(*testing.T) policy.Policy{"v3": v3, "hpa": hpa} {
		t.Run(name, func(t *testing.T) {
			embedded := run(t, make(t), plain{local, promdb.ErrNoData})
			served := run(t, make(t), plain{asker, promclient.ErrNoData})
			if len(embedded) < 1400 {
				t.Fatalf("a day has only %d decisions", len(embedded))
			}
			if d := cmp.Diff(embedded, served); d != "" {
				t.Errorf("embedded (-) and served (+) differ:\n%.4000s", d)
			}
			noData, scaled := 0, 0
			for _, line := range embedded {
				if strings.Contains(line, `"noData":true`) {
					noData++
				}
				if strings.Contains(line, `"scaled":true`) {
					scaled++
				}
			}
			if noData < 50 || scaled < 10 {
				t.Errorf("the day is too quiet to compare on: %d steps without data, %d changes", noData, scaled)
			}
		})
	}
	t.Run("history", func(t *testing.T) {
		// More than one request of the client, and with holes.
		from, to, step := start.Add(-time.Hour), start.Add(25*time.Hour), 5*time.Second
		for _, expr := range []string{requests, queue, errorsOf, `topk(2, http_requests_total{namespace="shop"})`} {
			want, err := local.QueryRange(t.Context(), expr, from, to, step)
			if err != nil {
				t.Fatal(err)
			}
			got, err := asker.QueryRange(t.Context(), expr, from, to, step)
			if err != nil {
				t.Fatal(err)
			}
			if len(want) != len(got) || len(got) < 18_000 {
				t.Fatalf("%s: %d values, want %d", expr, len(got), len(want))
			}
			missing := 0
			for i := range want {
				if math.IsNaN(want[i]) {
					missing++
				}
				if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
					t.Fatalf("%s at %v: served %v, embedded %v", expr, from.Add(time.Duration(i)*step), got[i], want[i])
				}
			}
			if missing < 700 || missing == len(want) {
				t.Errorf("%s: %d of %d values are missing", expr, missing, len(want))
			}
		}
	})
}

// Raw samples are those of the blocks, however the range is cut.
func TestRawSamples(t *testing.T) {
	promtest.Find(t)
	dir := day(t)
	client, err := promclient.New(promclient.Config{URL: promtest.Start(t, dir).URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	const selector = `http_requests_total{code="200"}`
	from, to := start.Add(8*time.Hour), start.Add(11*time.Hour)
	whole, err := client.Raw(t.Context(), selector, from, to)
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, s := range whole {
		samples += len(s.Samples)
		for i, p := range s.Samples {
			if p.Time.Sub(start)%(15*time.Second) != 0 || !p.Time.After(from) || p.Time.After(to) || i > 0 && p.Value < s.Samples[i-1].Value {
				t.Fatalf("%v at %v was not written", p.Value, p.Time)
			}
		}
	}
	// Two hours of scrapes every 15 s, both ends of the hour without any included, of
	// the pods that there are: 2 + i/700 of them, i between 1920 and 2640.
	want := 0
	for i := 8*240 + 1; i <= 11*240; i++ {
		if i <= 9*240 || i >= 10*240 {
			want += 2 + i/700
		}
	}
	if samples != want {
		t.Errorf("%d samples, want %d", samples, want)
	}
	parts := map[string][]promclient.Sample{}
	for at := from; at.Before(to); at = at.Add(30 * time.Minute) {
		part, err := client.Raw(t.Context(), selector, at, at.Add(30*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range part {
			key := fmt.Sprint(s.Labels)
			parts[key] = append(parts[key], s.Samples...)
		}
	}
	for _, s := range whole {
		if d := cmp.Diff(s.Samples, parts[fmt.Sprint(s.Labels)]); d != "" {
			t.Errorf("%v differs in parts:\n%s", s.Labels, d)
		}
	}
}

// What a real server refuses has the right name.
func TestServerRefuses(t *testing.T) {
	client, err := promclient.New(promclient.Config{URL: promtest.Start(t, day(t)).URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	for expr, want := range map[string]error{
		`sum(`:                               promclient.ErrQuery,
		`http_requests_total * on (code) up`: promclient.ErrNoData,
		`no_such_metric`:                     promclient.ErrNoData,
		`vector(0) / 0`:                      promclient.ErrNotFinite,
		`vector(1) / 0`:                      promclient.ErrNotFinite,
		`"text"`:                             promclient.ErrBadResponse,
		`http_requests_total[5m]`:            promclient.ErrQuery,
		`http_requests_total * on (code) queue_depth`:              promclient.ErrNoData,
		`http_requests_total * on (namespace) http_requests_total`: promclient.ErrQuery,
	} {
		if v, err := client.Query(t.Context(), expr, start.Add(time.Hour)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, %v; want %v", expr, v, err, want)
		}
	}
	if err := client.Check(t.Context(), start); err != nil {
		t.Error(err)
	}
}
