package live_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

var crds = filepath.Join("..", "manifests", "crd")

// patience is how long a test waits for the controller; machines that build and test at
// the same time are slow.
const patience = 3 * time.Minute

// A prom answers queries by functions of time; it stands for a Prometheus whose faults a
// real one cannot be made to show at a given moment.
type prom struct {
	mu   sync.Mutex
	load func(t time.Time) float64
	err  error // of every query, while set
	asks map[string]int
	left []string // the namespaces that were forgotten
}

// level answers a load that does not change.
func level(v float64) *prom { return &prom{load: func(time.Time) float64 { return v }} }

func (p *prom) set(err error, load func(time.Time) float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	if load != nil {
		p.load = load
	}
}

func (p *prom) Check(_, expr string) error {
	if strings.Contains(expr, "forbidden") {
		return errors.New("query is not allowed")
	}
	return nil
}

func (p *prom) Forget(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, namespace)
}

func (p *prom) For(string) autoscaler.Querier { return p }

func (p *prom) Query(_ context.Context, expr string, at time.Time) (float64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasPrefix(expr, "count(") {
		return 1, p.err // the load is one series, from one target
	}
	if p.asks == nil {
		p.asks = map[string]int{}
	}
	p.asks[expr]++
	if p.err != nil {
		return 0, p.err
	}
	return p.load(at), nil
}

func (p *prom) QueryRange(_ context.Context, _ string, from, to time.Time, step time.Duration) ([]float64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	var values []float64
	for t := from; !t.After(to); t = t.Add(step) {
		values = append(values, p.load(t))
	}
	return values, nil
}

// A fixture is one controller at work on the shared API server.
type fixture struct {
	t       *testing.T
	cluster *clustertest.Cluster
	client  client.Client
	ns      string
	stop    func() error
	reg     *prometheus.Registry
	// also is what a manager does beside the controller, nil: nothing.
	also func(ctrl.Manager, live.Config) error
}

// start runs a controller for a namespace of its own until the test ends.
func start(t *testing.T, p live.Prometheus, change func(*live.Config)) *fixture {
	t.Helper()
	f := cluster(t)
	f.run(f.cluster.Config, p, change)
	return f
}

// cluster returns a fixture without a controller.
func cluster(t *testing.T) *fixture {
	t.Helper()
	c := clustertest.Start(t, crds)
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, cluster: c, client: k, ns: c.Namespace(t)}
}

func (f *fixture) run(kubernetes *rest.Config, p live.Prometheus, change func(*live.Config)) {
	f.t.Helper()
	f.manage(kubernetes, p, change, func(*ctrl.Options) {})
}

// manage is run with a manager of its own kind.
func (f *fixture) manage(kubernetes *rest.Config, p live.Prometheus, change func(*live.Config), kind func(*ctrl.Options)) {
	f.t.Helper()
	f.reg = prometheus.NewRegistry()
	cfg := live.Config{Prometheus: p, History: 6 * time.Hour, Registry: f.reg, Log: slog.New(slog.NewTextHandler(testWriter{f.t}, nil))}
	if change != nil {
		change(&cfg)
	}
	options := ctrl.Options{
		Logger: logr.FromSlogHandler(cfg.Log.Handler()),
		Scheme: live.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{f.ns: {}}},
		Controller: config.Controller{SkipNameValidation: new(true)},
	}
	kind(&options)
	mgr, err := ctrl.NewManager(kubernetes, options)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := live.Add(mgr, cfg); err != nil {
		f.t.Fatal(err)
	}
	if f.also != nil {
		if err := f.also(mgr, cfg); err != nil {
			f.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	f.stop = stop
	f.t.Cleanup(func() {
		if err := stop(); err != nil {
			f.t.Errorf("controller: %v", err)
		}
	})
}

// testWriter logs what a controller says, until the test is over.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// deployment makes one whose pods nobody creates.
func (f *fixture) deployment(name string, replicas int32) {
	f.t.Helper()
	labels := map[string]string{"app": name}
	f.create(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
			},
		},
	})
}

func (f *fixture) hpa(name, target string, lowest, highest int32) {
	f.t.Helper()
	f.create(&autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: target},
			MinReplicas:    &lowest, MaxReplicas: highest,
		},
	})
}

// scaler returns one that scales a Deployment on a load of which a replica carries 10.
func (f *fixture) scaler(name, target string, mode v1alpha1.Mode) *v1alpha1.PredictiveScaler {
	return &v1alpha1.PredictiveScaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name},
		Spec: v1alpha1.PredictiveScalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: target},
			MinReplicas:    new(int32(1)), MaxReplicas: 50, Mode: mode,
			Actuation: v1alpha1.Actuation{Type: v1alpha1.ActuationScale},
			Metrics:   []v1alpha1.Metric{{Name: "requests", Query: "sum(load)", Target: v1alpha1.MetricTarget{PerReplica: "10"}}},
			Forecast:  v1alpha1.ForecastSpec{Model: "ridge"},
		},
	}
}

func floored(s *v1alpha1.PredictiveScaler, hpa string) *v1alpha1.PredictiveScaler {
	s.Spec.Actuation = v1alpha1.Actuation{Type: v1alpha1.ActuationHPAMinReplicas, HPARef: &v1alpha1.HPARef{Name: hpa}}
	return s
}

func (f *fixture) create(o client.Object) {
	f.t.Helper()
	if err := f.client.Create(f.t.Context(), o); err != nil {
		f.t.Fatalf("create %T: %v", o, err)
	}
}

func (f *fixture) get(name string, o client.Object) {
	f.t.Helper()
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.ns, Name: name}, o); err != nil {
		f.t.Fatalf("get %T %s: %v", o, name, err)
	}
}

func (f *fixture) replicas(name string) int32 {
	d := &appsv1.Deployment{}
	f.get(name, d)
	return *d.Spec.Replicas
}

func (f *fixture) floor(name string) int32 {
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get(name, h)
	return *h.Spec.MinReplicas
}

func (f *fixture) status(name string) v1alpha1.PredictiveScalerStatus {
	s := &v1alpha1.PredictiveScaler{}
	f.get(name, s)
	return s.Status
}

// change updates a scaler, again where somebody else did in between.
func (f *fixture) change(name string, change func(*v1alpha1.PredictiveScaler)) {
	f.t.Helper()
	f.eventually("the scaler is updated", func() error {
		s := &v1alpha1.PredictiveScaler{}
		f.get(name, s)
		change(s)
		return f.client.Update(f.t.Context(), s)
	})
}

// eventually waits until check returns nil.
func (f *fixture) eventually(what string, check func() error) {
	f.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	f.t.Fatalf("%s: not after %v: %v", what, patience, err)
}

// condition waits for a condition with a status and a reason.
func (f *fixture) condition(name, kind string, status metav1.ConditionStatus, reason string) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("condition %s is %s, %s", kind, status, reason), func() error {
		s := f.status(name)
		c := meta.FindStatusCondition(s.Conditions, kind)
		if c == nil || c.Status != status || c.Reason != reason {
			return fmt.Errorf("it is %+v", c)
		}
		return nil
	})
}

// want waits until got returns n.
func (f *fixture) want(what string, n int32, got func() int32) {
	f.t.Helper()
	f.eventually(what, func() error {
		if v := got(); v != n {
			return fmt.Errorf("%d, want %d", v, n)
		}
		return nil
	})
}

// event waits for an event with a reason about a scaler, and returns its note.
func (f *fixture) event(name, reason string) string {
	f.t.Helper()
	note := ""
	f.eventually("event "+reason, func() error {
		events, err := f.cluster.Client(f.t).EventsV1().Events(f.ns).List(f.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == reason && e.Regarding.Name == name {
				note = e.Note
				return nil
			}
		}
		return fmt.Errorf("not among %d events", len(events.Items))
	})
	return note
}

// decisions returns how many the controller at work has made for a scaler.
func (f *fixture) decisions(name string) float64 {
	f.t.Helper()
	n, _ := f.gauge("hindcast_scaler_decisions_total", map[string]string{"scaler": name})
	return n
}

// decided waits until there were so many.
func (f *fixture) decided(name string, n float64) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("%v decisions", n), func() error {
		if got := f.decisions(name); got < n {
			return fmt.Errorf("%v", got)
		}
		return nil
	})
}

// guarded returns a client of a Prometheus as the controller uses one.
func guarded(t *testing.T, cfg promclient.Config) live.Prometheus {
	t.Helper()
	client, err := promclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	asks, err := live.Guarded(client, promclient.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return asks
}

// gauge returns the sum of the samples of a metric whose labels hold all of want.
func (f *fixture) gauge(name string, want map[string]string) (float64, bool) {
	f.t.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return samples(family, want)
		}
	}
	return 0, false
}

// samples returns the sum of the samples whose labels hold all of want, and whether there
// are any; of a histogram it is how many it counted.
func samples(family *dto.MetricFamily, want map[string]string) (sum float64, found bool) {
next:
	for _, m := range family.GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		for k, v := range want {
			if labels[k] != v {
				continue next
			}
		}
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue() + float64(m.GetHistogram().GetSampleCount())
		found = true
	}
	return sum, found
}

// roundTripper lets a test see, and refuse, requests to the API server.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// observed returns a configuration whose requests all pass through see; an error is what
// the caller gets.
func observed(c *rest.Config, see func(*http.Request) error) *rest.Config {
	out := rest.CopyConfig(c)
	out.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if err := see(r); err != nil {
				return nil, err
			}
			return next.RoundTrip(r)
		})
	})
	return out
}

func configMode(m v1alpha1.Mode) func(*live.Config) {
	return func(c *live.Config) { c.Mode = m }
}

// TestMain lets many tests wait at the same time: they wait for instants of the loop, and
// compute next to nothing.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
