package stack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hindcast.dev/internal/metricnames"
)

// What a request costs the sample app, by manifests/sample: 5 ms of CPU, 20 ms of waiting.
const (
	cpuOfRequest  = 5 * time.Millisecond
	waitOfRequest = 20 * time.Millisecond
	threads       = 16 // requests that a pod works on at a time; others wait
)

// A pod stands for the container of one pod of the sample app: a real HTTP server at the
// pod's address that answers real requests and counts them. Only what it says to use of
// CPU, memory and disk is reckoned.
type pod struct {
	started          time.Time
	served           atomic.Int64
	received, sent   atomic.Int64
	slots            chan struct{}
	registry         *prometheus.Registry
	requests         *prometheus.CounterVec
	duration, query  prometheus.Histogram
	call             prometheus.Summary
	inFlight, queued prometheus.Gauge
	hits, misses     prometheus.Counter
	transactions     *prometheus.CounterVec
	servers          []*http.Server
}

// options are those of a metric of the one list of names.
func options(name string) prometheus.Opts {
	for _, m := range metricnames.All() {
		if m.Name == name {
			return prometheus.Opts{Name: name, Help: m.Help}
		}
	}
	panic(name + " is in no list of names")
}

func newPod() *pod {
	p := &pod{started: time.Now(), slots: make(chan struct{}, threads), registry: prometheus.NewRegistry()}
	factory := promauto.With(p.registry)
	counter := func(name string) prometheus.CounterOpts { return prometheus.CounterOpts(options(name)) }
	histogram := func(name string) prometheus.Histogram {
		o := options(name)
		return factory.NewHistogram(prometheus.HistogramOpts{Name: o.Name, Help: o.Help, Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}})
	}
	p.requests = factory.NewCounterVec(counter(metricnames.HTTPRequests), []string{"code"})
	p.duration, p.query = histogram(metricnames.HTTPDuration), histogram(metricnames.DBQueryDuration)
	call := options(metricnames.ExternalDuration)
	p.call = factory.NewSummary(prometheus.SummaryOpts{Name: call.Name, Help: call.Help, Objectives: map[float64]float64{0.5: 0.05, 0.99: 0.001}})
	p.inFlight = factory.NewGauge(prometheus.GaugeOpts(options(metricnames.HTTPInFlight)))
	p.queued = factory.NewGauge(prometheus.GaugeOpts(options(metricnames.HTTPQueued)))
	connections := factory.NewGauge(prometheus.GaugeOpts(options(metricnames.HTTPConnections)))
	p.hits, p.misses = factory.NewCounter(counter(metricnames.CacheHits)), factory.NewCounter(counter(metricnames.CacheMisses))
	p.transactions = factory.NewCounterVec(counter(metricnames.Transactions), []string{"type"})
	app := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			connections.Inc()
		case http.StateClosed, http.StateHijacked:
			connections.Dec()
		default:
		}
	}}
	metrics := &http.Server{Handler: promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{}), ReadHeaderTimeout: time.Minute}
	p.servers = []*http.Server{app, metrics}
	return p
}

func (p *pod) listen(ip string) error {
	for i, port := range []string{"8080", "9404"} {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			return err
		}
		go func() { _ = p.servers[i].Serve(l) }() // until it is closed
	}
	return nil
}

func (p *pod) close() {
	for _, s := range p.servers {
		_ = s.Close() // nobody waits for its answers
	}
}

// ServeHTTP answers one request: three of five parts of its waiting are a query of a
// database, the rest a call of another service; one of 200 fails, one of 50 is a checkout.
func (p *pod) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	began := time.Now()
	p.inFlight.Inc()
	defer p.inFlight.Dec()
	p.queued.Inc()
	p.slots <- struct{}{}
	p.queued.Dec()
	defer func() { <-p.slots }()
	if rand.IntN(5) == 0 {
		p.misses.Inc()
	} else {
		p.hits.Inc()
	}
	wait := time.Duration(float64(waitOfRequest) * (0.8 + 0.4*rand.Float64()))
	time.Sleep(cpuOfRequest + wait)
	p.query.Observe(0.6 * wait.Seconds())
	p.call.Observe(0.4 * wait.Seconds())
	n := p.served.Add(1)
	code := http.StatusOK
	if n%200 == 0 {
		code = http.StatusInternalServerError
	}
	w.WriteHeader(code)
	sent, err := fmt.Fprintln(w, "done", n)
	if err != nil {
		return // the user is gone
	}
	p.received.Add(200)
	p.sent.Add(int64(200 + sent))
	if n%50 == 0 {
		p.transactions.WithLabelValues("checkout").Inc()
	}
	p.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	p.duration.Observe(time.Since(began).Seconds())
}

// An app is the pods of a Deployment, the ingress before them and its users.
type app struct {
	client     kubernetes.Interface
	namespace  string
	deployment string
	load       func(time.Time) float64 // requests/s
	arrived    *prometheus.CounterVec
	users      *http.Client

	mu   sync.Mutex
	pods map[string]*pod // by name
	ips  []string        // of those that are ready
}

// run plays the app until the test ends: it starts and ends what stands for a pod's
// container with the pod, and sends requests to those that are ready, in turn.
func (a *app) run(t *testing.T, ingress prometheus.Registerer) {
	a.pods = map[string]*pod{}
	// The labels that ingress-nginx itself gives.
	a.arrived = promauto.With(ingress).NewCounterVec(prometheus.CounterOpts(options(metricnames.IngressRequests)),
		[]string{"controller_class", "controller_namespace", "controller_pod", "canary", "host", "ingress", "method", "namespace", "path", "service", "status"})
	a.users = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: 20 * time.Second}}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	all.Go(func() {
		for ; ctx.Err() == nil; pause(ctx, time.Second) {
			if err := a.follow(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	all.Go(func() { a.send(ctx) })
	t.Cleanup(func() {
		stop()
		all.Wait()
		for _, p := range a.pods {
			p.close()
		}
	})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (a *app) follow(ctx context.Context) error {
	list, err := a.client.CoreV1().Pods(a.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + a.deployment})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]bool{}
	a.ips = nil
	for i := range list.Items {
		o := &list.Items[i]
		if o.Status.Phase != corev1.PodRunning || o.Status.PodIP == "" || o.DeletionTimestamp != nil {
			continue
		}
		seen[o.Name] = true
		if a.pods[o.Name] == nil {
			p := newPod()
			if err := p.listen(o.Status.PodIP); err != nil {
				return fmt.Errorf("%s: %w", o.Name, err)
			}
			a.pods[o.Name] = p
		}
		if ready(o) {
			a.ips = append(a.ips, o.Status.PodIP)
		}
	}
	for name, p := range a.pods {
		if !seen[name] {
			p.close()
			delete(a.pods, name)
		}
	}
	return nil
}

func ready(o *corev1.Pod) bool {
	for _, c := range o.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// send sends the load, spread evenly over each tenth of a second.
func (a *app) send(ctx context.Context) {
	owed := 0.0
	last := time.Now()
	for n := 0; ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		now := time.Now()
		owed += a.load(now) * now.Sub(last).Seconds()
		last = now
		a.mu.Lock()
		ips := a.ips
		a.mu.Unlock()
		for ; owed >= 1; owed-- {
			n++
			if len(ips) == 0 {
				a.count("503")
				continue
			}
			go a.request(ctx, ips[n%len(ips)])
		}
	}
}

func (a *app) count(status string) {
	a.arrived.WithLabelValues("k8s.io/ingress-nginx", "ingress-nginx", "ingress-nginx-controller", "", "shop.example.com",
		a.deployment, http.MethodGet, a.namespace, "/", a.deployment, status).Inc()
}

func (a *app) request(ctx context.Context, ip string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(ip, "8080")+"/", http.NoBody)
	if err != nil {
		panic(err)
	}
	answer, err := a.users.Do(r)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			a.count("502")
		}
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // what it says does not matter
	a.count(strconv.Itoa(answer.StatusCode))
}

// A usage is what the program `kubelet` reads of one container.
type usage struct {
	Namespace, Pod, UID, Container, Image                  string
	Started                                                time.Time
	CPUSeconds                                             float64
	MemoryBytes                                            uint64
	ReceivedBytes, SentBytes, ReceivedPackets, SentPackets uint64
	ReadBytes, WrittenBytes, Reads, Writes                 uint64
}

// usage returns what the containers of a pod use: those of the app by their requests,
// all others a hundredth of a core.
func (a *app) usage(o *corev1.Pod) []usage {
	a.mu.Lock()
	p := a.pods[o.Name]
	a.mu.Unlock()
	var all []usage
	for _, c := range o.Spec.Containers {
		u := usage{
			Namespace: o.Namespace, Pod: o.Name, UID: string(o.UID), Container: c.Name, Image: c.Image, Started: o.CreationTimestamp.Time,
			CPUSeconds: 0.01 * time.Since(o.CreationTimestamp.Time).Seconds(), MemoryBytes: 64 << 20,
		}
		if p != nil && o.Namespace == a.namespace {
			n := uint64(p.served.Load())
			u.CPUSeconds = float64(n) * cpuOfRequest.Seconds()
			u.MemoryBytes = 300 << 20
			u.ReceivedBytes, u.SentBytes = uint64(p.received.Load()), uint64(p.sent.Load())
			u.ReceivedPackets, u.SentPackets = 3*n, 2*n
			const start = 96 << 20 // read from disk while it starts
			u.ReadBytes, u.Reads = start, start/(128<<10)
			u.WrittenBytes, u.Writes = 220*n, 220*n/4096
		}
		all = append(all, u)
	}
	return all
}

// metricsServer returns what metrics-server would tell of a pod of the app: its CPU since
// the last look at it, of 15 seconds at least.
func (a *app) metricsServer() func(*corev1.Pod) corev1.ResourceList {
	type look struct {
		at   time.Time
		used float64
		last corev1.ResourceList
	}
	var mu sync.Mutex
	looks := map[string]look{}
	return func(o *corev1.Pod) corev1.ResourceList {
		mu.Lock()
		defer mu.Unlock()
		used := 0.0
		for _, u := range a.usage(o) {
			used += u.CPUSeconds
		}
		now, before := time.Now(), looks[o.Name]
		if now.Sub(before.at) < 15*time.Second {
			return before.last
		}
		next := look{at: now, used: used}
		if !before.at.IsZero() {
			next.last = cores((used - before.used) / now.Sub(before.at).Seconds())
		}
		looks[o.Name] = next
		return next.last
	}
}

// wave is a load in requests/s whose days last a period, and total the requests since a
// time long ago.
type wave struct {
	origin     time.Time
	period     time.Duration
	mean, high float64
}

func (w wave) rate(at time.Time) float64 {
	return w.mean + (w.high-w.mean)*math.Sin(w.angle(at))
}

func (w wave) total(at time.Time) float64 {
	return w.mean*at.Sub(w.origin).Seconds() + (w.high-w.mean)*w.period.Seconds()/(2*math.Pi)*(1-math.Cos(w.angle(at)))
}

func (w wave) angle(at time.Time) float64 {
	return 2 * math.Pi * at.Sub(w.origin).Seconds() / w.period.Seconds()
}
