package live_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	hpaclient "k8s.io/metrics/pkg/client/external_metrics"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/external"
	"hindcast.dev/live/keda/externalscaler"
)

// A front is what a Service does: it hands connections to replicas, in turn, and passes
// over those that are gone.
type front struct {
	mu       sync.Mutex
	backends []string
	next     int
}

func (f *front) dial() (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range f.backends {
		f.next++
		if c, err := net.Dial("tcp", f.backends[f.next%len(f.backends)]); err == nil {
			return c, nil
		}
	}
	return nil, errors.New("no replica")
}

// listen returns the port of the service.
func (f *front) listen(t *testing.T) int64 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := f.dial()
			if err != nil {
				in.Close()
				continue
			}
			for from, to := range map[net.Conn]net.Conn{in: out, out: in} {
				go func() {
					_, _ = io.Copy(to, from) // either end may go away
					to.Close()
				}()
			}
		}
	}()
	return int64(l.Addr().(*net.TCPAddr).Port)
}

// A publisher has controllers serve decisions on both ways.
type publisher struct {
	*fixture
	front  front
	ours   *clustertest.Authority // of what we serve
	theirs *clustertest.Authority // of KEDA
	certs  string
	kedas  []string // addresses, in the order of the replicas
}

func publish(f *fixture) *publisher {
	p := &publisher{fixture: f, ours: clustertest.NewAuthority(f.t, "ours"), theirs: clustertest.NewAuthority(f.t, "theirs"), certs: f.t.TempDir()}
	p.ours.Mount(f.t, p.certs, "hindcast", "hindcast."+f.ns+".svc")
	if err := os.WriteFile(filepath.Join(p.certs, "ca.crt"), p.theirs.PEM, 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.also = func(mgr ctrl.Manager, cfg live.Config) error {
		metrics, keda := promtest.FreeAddress(f.t), promtest.FreeAddress(f.t)
		p.front.mu.Lock()
		p.front.backends = append(p.front.backends, metrics)
		p.front.mu.Unlock()
		p.kedas = append(p.kedas, keda)
		return live.Serve(f.t.Context(), mgr, cfg,
			live.ExternalOptions{Address: metrics, CertDir: p.certs, Service: client.ObjectKey{Namespace: f.ns, Name: "hindcast"}},
			live.KEDAOptions{Address: keda, CertDir: p.certs, ClientCA: filepath.Join(p.certs, "ca.crt")})
	}
	return p
}

// ask returns what the HPA controller would be told of scaler shop.
func (p *publisher) ask(metric string) (string, error) {
	p.t.Helper()
	c, err := hpaclient.NewForConfig(p.cluster.Config)
	if err != nil {
		p.t.Fatal(err)
	}
	list, err := c.NamespacedMetrics(p.ns).List(metric, labels.SelectorFromSet(labels.Set{external.LabelScaler: "shop"}))
	if err != nil {
		return "", err
	}
	if len(list.Items) != 1 {
		return "", fmt.Errorf("%d values", len(list.Items))
	}
	return list.Items[0].Value.String(), nil
}

// served waits until an answer is want.
func (p *publisher) served(metric, want string) {
	p.t.Helper()
	p.eventually(metric+" is "+want, func() error {
		got, err := p.ask(metric)
		if err == nil && got != want {
			err = fmt.Errorf("it is %s", got)
		}
		return err
	})
}

// refused waits until the answer is an error of a kind, with a reason.
func (p *publisher) refused(metric string, is func(error) bool, reason string) {
	p.t.Helper()
	p.eventually(metric+" is refused: "+reason, func() error {
		got, err := p.ask(metric)
		if err == nil || !is(err) || !strings.Contains(err.Error(), reason) {
			return fmt.Errorf("%s, %w", got, err)
		}
		return nil
	})
}

// askKEDA asks a replica as KEDA does.
func (p *publisher) askKEDA(address string) (int64, error) {
	p.t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		RootCAs: p.ours.Pool(), ServerName: "hindcast." + p.ns + ".svc", Certificates: []tls.Certificate{p.theirs.Client(p.t, "keda")},
	})))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	got, err := externalscaler.NewExternalScalerClient(conn).GetMetrics(p.t.Context(), &externalscaler.GetMetricsRequest{
		MetricName: external.MetricDesired,
		ScaledObjectRef: &externalscaler.ScaledObjectRef{
			Name: "shop", Namespace: p.ns, ScalerMetadata: map[string]string{external.LabelScaler: "shop"},
		},
	})
	if err != nil {
		return 0, err
	}
	return got.GetMetricValues()[0].GetMetricValue(), nil
}

// published is a scaler whose decision others carry out.
func (p *publisher) published() *v1alpha1.PredictiveScaler {
	s := p.scaler("shop", "shop", v1alpha1.ModeActive)
	s.Spec.Actuation = v1alpha1.Actuation{Type: v1alpha1.ActuationExternal}
	s.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Second}
	return s
}

// externalHPA makes an HPA that asks for as many replicas as the scaler decides on.
func (f *fixture) externalHPA(name, target string) {
	f.t.Helper()
	f.create(&autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: target},
			MinReplicas:    new(int32(1)), MaxReplicas: 50,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{
					Name: external.MetricDesired, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{external.LabelScaler: "shop"}},
				},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse("1"))},
			}}},
		},
	})
}

// TestDecisionsAreServed follows a scaler that others carry out, asked through the API
// server and by KEDA's interface, on two replicas: from before its first decision, over
// the death of the leader, to a Prometheus that is away. What is not known is an error,
// and we scale nothing ourselves.
func TestDecisionsAreServed(t *testing.T) {
	t.Parallel()
	p := publish(cluster(t))
	elected := func(o *ctrl.Options) {
		o.LeaderElection, o.LeaderElectionID, o.LeaderElectionNamespace = true, live.LeaseName, p.ns
	}
	load := level(95)
	p.manage(p.cluster.Config, load, nil, elected)
	kill := p.stop
	p.eventually("the first one leads", func() error {
		_, err := p.cluster.Client(t).CoordinationV1().Leases(p.ns).Get(t.Context(), live.LeaseName, metav1.GetOptions{})
		return err
	})
	p.manage(p.cluster.Config, load, nil, elected)
	p.cluster.Register(t, v1beta1.SchemeGroupVersion, p.ns, "hindcast", p.front.listen(t), p.ours)

	p.refused(external.MetricDesired, apierrors.IsNotFound, "no such PredictiveScaler")
	p.deployment("shop", 2)
	p.externalHPA("shop", "shop")
	p.create(p.published())
	p.refused(external.MetricDesired, apierrors.IsServiceUnavailable, "has not decided yet")
	p.served(external.MetricDesired, "10")
	p.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
	p.served(external.MetricForecast, "95") // of a load that never changed
	for i, address := range p.kedas {
		if n, err := p.askKEDA(address); err != nil || n != 10 {
			t.Errorf("replica %d tells KEDA %d, %v, want 10", i, n, err)
		}
	}
	if n := p.replicas("shop"); n != 2 {
		t.Errorf("%d replicas, which somebody changed", n)
	}

	// The leader dies without giving its lease back.
	if err := kill(); err != nil {
		t.Fatal(err)
	}
	load.set(nil, func(time.Time) float64 { return 195 })
	answers := map[string]int{}
	p.eventually("the other replica decides", func() error {
		got, err := p.ask(external.MetricDesired)
		switch {
		case err == nil:
			answers[got]++
		case !apierrors.IsServiceUnavailable(err):
			return err
		default:
			answers["none"]++
		}
		if got != "20" {
			return fmt.Errorf("answers so far: %v", answers)
		}
		return nil
	})
	t.Logf("answers while the leader changed: %v", answers)
	for answer := range answers {
		if answer != "10" && answer != "20" && answer != "none" {
			t.Errorf("%d times %s replicas while the leader changed", answers[answer], answer)
		}
	}
	if n, err := p.askKEDA(p.kedas[1]); err != nil || n != 20 {
		t.Errorf("KEDA is told %d, %v, want 20", n, err)
	}

	// Without data the last forecast counts upwards, until it is met; then nothing is known.
	load.set(errors.New("connection refused"), nil)
	p.refused(external.MetricForecast, apierrors.IsServiceUnavailable, "no current data")
	p.served(external.MetricDesired, "20")
	p.scale("shop", 20)
	p.refused(external.MetricDesired, apierrors.IsServiceUnavailable, "leaves the replicas as they are")
	if n, err := p.askKEDA(p.kedas[1]); err == nil {
		t.Errorf("KEDA is told %d without data", n)
	}
	load.set(nil, nil)
	p.served(external.MetricDesired, "20")

	p.change("shop", func(s *v1alpha1.PredictiveScaler) { s.Spec.Mode = v1alpha1.ModeShadow })
	p.refused(external.MetricDesired, apierrors.IsConflict, "its mode is Shadow")
	if n := p.replicas("shop"); n != 20 {
		t.Errorf("%d replicas, which somebody changed", n)
	}
}

func (f *fixture) scale(name string, n int32) {
	f.t.Helper()
	f.eventually("the Deployment is scaled by hand", func() error {
		d := &appsv1.Deployment{}
		f.get(name, d)
		d.Spec.Replicas = &n
		return f.client.Update(f.t.Context(), d)
	})
}

// TestExternalMetricOnThePlane has the HPA controller of Kubernetes scale by our metric:
// to what was decided, up and down; and when the controller is gone, which lets the
// metric be an error, to nothing else.
func TestExternalMetricOnThePlane(t *testing.T) {
	if os.Getenv("HINDCAST_PLANE") == "" {
		t.Skip("HINDCAST_PLANE is not set; make test-all sets it")
	}
	t.Parallel()
	c := clustertest.StartPlane(t, 2, crds)
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	p := publish(&fixture{t: t, cluster: c, client: k, ns: c.Namespace(t)})
	load := level(95)
	p.run(c.Config, load, nil)
	p.cluster.Register(t, v1beta1.SchemeGroupVersion, p.ns, "hindcast", p.front.listen(t), p.ours)
	p.planeDeployment("shop")
	s := p.published()
	s.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))}}
	p.create(s)
	p.externalHPA("shop", "shop")
	p.want("replicas by the HPA", 10, func() int32 { return p.replicas("shop") })
	active := func(status corev1.ConditionStatus, reason string) {
		t.Helper()
		p.eventually("the HPA says "+reason, func() error {
			h := &autoscalingv2.HorizontalPodAutoscaler{}
			p.get("shop", h)
			for _, c := range h.Status.Conditions {
				if c.Type == autoscalingv2.ScalingActive && c.Status == status && c.Reason == reason {
					return nil
				}
			}
			return fmt.Errorf("it says %+v", h.Status.Conditions)
		})
	}
	active(corev1.ConditionTrue, "ValidMetricFound")
	load.set(nil, func(time.Time) float64 { return 155 })
	p.eventually("the HPA follows", func() error {
		if n := p.replicas("shop"); n < 16 {
			return fmt.Errorf("%d replicas, want 16 or more", n)
		}
		return nil
	})
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	active(corev1.ConditionFalse, "FailedGetExternalMetric")
	before := p.replicas("shop")
	time.Sleep(45 * time.Second) // three turns of the HPA controller
	if n := p.replicas("shop"); n != before {
		t.Errorf("%d replicas without a metric, want the %d that there were", n, before)
	}
	active(corev1.ConditionFalse, "FailedGetExternalMetric")
}
