package external_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	hpaclient "k8s.io/metrics/pkg/client/external_metrics"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live/external"
)

// decisions are those of the scalers of namespaces, as "namespace/name".
type decisions struct {
	mu  sync.Mutex
	all map[string]external.Decision
	err map[string]error
}

func (d *decisions) Decision(_ context.Context, namespace, scaler string) (external.Decision, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := namespace + "/" + scaler
	if err := d.err[key]; err != nil {
		return external.Decision{}, err
	}
	if known, ok := d.all[key]; ok {
		return known, nil
	}
	return external.Decision{}, external.ErrNotFound
}

// at is the time of every decision of these tests.
var at = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// known are decisions of every kind in one namespace.
func known(ns string) *decisions {
	return &decisions{
		all: map[string]external.Decision{
			ns + "/web":   {Replicas: 7, Forecast: 63.5, At: at},
			ns + "/api":   {Replicas: 4, Forecast: 0.1, At: at},
			ns + "/none":  {Replicas: 0, Forecast: 0, At: at},
			ns + "/blind": {Replicas: 9, Forecast: math.NaN(), NoForecast: "there is no current data", At: at},
			ns + "/huge":  {Replicas: 9, Forecast: 1e300, At: at},
		},
		err: map[string]error{
			ns + "/new":    fmt.Errorf("%w: it has not decided yet", external.ErrNoDecision),
			ns + "/shadow": fmt.Errorf("%w: its mode is Shadow", external.ErrNotServed),
			ns + "/broken": errors.New("the cache is gone"),
		},
	}
}

// A served is a server behind the shared API server.
type served struct {
	t         *testing.T
	cluster   *clustertest.Cluster
	ns        string
	server    *external.Server
	authority *clustertest.Authority
	certs     string // folder
	host      string // the name of its certificate
}

// There is one APIService of external metrics in a cluster: tests take turns.
var turn sync.Mutex

func scheme(t *testing.T, c *clustertest.Cluster) client.Client {
	t.Helper()
	k, err := client.New(c.Config, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// config is that of a server of a namespace, with a certificate of a new authority.
func config(t *testing.T, c *clustertest.Cluster, ns string) (external.Config, *clustertest.Authority) {
	t.Helper()
	k := scheme(t, c)
	authority, dir := clustertest.NewAuthority(t, "serving-ca"), t.TempDir()
	authority.Mount(t, dir, "hindcast", "hindcast."+ns+".svc")
	return external.Config{
		Address: "127.0.0.1:0", CertDir: dir, Service: client.ObjectKey{Namespace: ns, Name: "hindcast"},
		Source: known(ns), Client: k, Reader: k, Log: slog.New(slog.DiscardHandler),
	}, authority
}

// serve runs a server and has the API server pass requests on to it.
func serve(t *testing.T) *served {
	t.Helper()
	turn.Lock()
	t.Cleanup(turn.Unlock)
	c := clustertest.Start(t)
	ns := c.Namespace(t)
	cfg, authority := config(t, c, ns)
	s, err := external.Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	port := s.Addr().(*net.TCPAddr).Port
	c.Register(t, v1beta1.SchemeGroupVersion, ns, cfg.Service.Name, int64(port), authority)
	return &served{t, c, ns, s, authority, cfg.CertDir, "hindcast." + ns + ".svc"}
}

// hpa returns the client by which the HPA controller asks.
func hpa(t *testing.T, c *rest.Config) hpaclient.ExternalMetricsClient {
	t.Helper()
	client, err := hpaclient.NewForConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func scaler(names ...string) labels.Selector {
	s, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: external.LabelScaler, Operator: metav1.LabelSelectorOpIn, Values: names}},
	})
	if err != nil {
		panic(err)
	}
	return s
}

// TestMetricsThroughTheAPIServer asks as the HPA controller does, with its client, through
// the aggregation layer of a real API server.
func TestMetricsThroughTheAPIServer(t *testing.T) {
	s := serve(t)
	ask := hpa(t, s.cluster.Config).NamespacedMetrics(s.ns)
	for _, tc := range []struct {
		metric  string
		scalers []string
		want    []string // values
	}{
		{external.MetricDesired, []string{"web"}, []string{"7"}},
		{external.MetricDesired, []string{"none"}, []string{"0"}},
		{external.MetricDesired, []string{"web", "api"}, []string{"4", "7"}}, // in order of the names
		{external.MetricDesired, []string{"blind"}, []string{"9"}},
		{external.MetricForecast, []string{"web"}, []string{"63500m"}},
		{external.MetricForecast, []string{"api"}, []string{"100m"}}, // 0.1 is no binary number
		{external.MetricForecast, []string{"none"}, []string{"0"}},
	} {
		list, err := ask.List(tc.metric, scaler(tc.scalers...))
		if err != nil {
			t.Errorf("%s of %v: %v", tc.metric, tc.scalers, err)
			continue
		}
		var got []string
		for _, v := range list.Items {
			got = append(got, v.Value.String())
			if v.MetricName != tc.metric || !v.Timestamp.Time.Equal(at) || v.WindowSeconds != nil || len(v.MetricLabels) != 1 {
				t.Errorf("%s of %v: %+v", tc.metric, tc.scalers, v)
			}
		}
		if strings.Join(got, " ") != strings.Join(tc.want, " ") {
			t.Errorf("%s of %v is %v, want %v", tc.metric, tc.scalers, got, tc.want)
		}
	}
	for _, tc := range []struct {
		name, metric string
		selector     labels.Selector
		is           func(error) bool
		text         string
	}{
		{"nobody", external.MetricDesired, scaler("nobody"), apierrors.IsNotFound, "no such PredictiveScaler"},
		{"no decision", external.MetricDesired, scaler("new"), apierrors.IsServiceUnavailable, "has not decided yet"},
		{"not served", external.MetricDesired, scaler("shadow"), apierrors.IsConflict, "its mode is Shadow"},
		{"broken", external.MetricDesired, scaler("broken"), apierrors.IsInternalError, "the cache is gone"},
		{"one of two is missing", external.MetricDesired, scaler("web", "new"), apierrors.IsServiceUnavailable, "has not decided yet"},
		{"no forecast", external.MetricForecast, scaler("blind"), apierrors.IsServiceUnavailable, "there is no current data"},
		{"no quantity", external.MetricForecast, scaler("huge"), apierrors.IsServiceUnavailable, "1e+300"},
		{"no such metric", "requests", scaler("web"), apierrors.IsNotFound, external.MetricForecast},
		{"no selector", external.MetricDesired, labels.Everything(), apierrors.IsBadRequest, "matchLabels"},
		{"another label", external.MetricDesired, labels.SelectorFromSet(labels.Set{"app": "web"}), apierrors.IsBadRequest, "matchLabels"},
		{"two labels", external.MetricDesired, labels.SelectorFromSet(labels.Set{"scaler": "web", "app": "web"}), apierrors.IsBadRequest, "matchLabels"},
		{"whoever exists", external.MetricDesired, parse(t, "scaler"), apierrors.IsBadRequest, "open"},
		{"all but one", external.MetricDesired, parse(t, "scaler!=web"), apierrors.IsBadRequest, "open"},
	} {
		if list, err := ask.List(tc.metric, tc.selector); err == nil || !tc.is(err) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v, %v, want an error that tells of %q", tc.name, list, err, tc.text)
		}
	}
	// A scaler of another namespace is another scaler.
	if _, err := hpa(t, s.cluster.Config).NamespacedMetrics("default").List(external.MetricDesired, scaler("web")); !apierrors.IsNotFound(err) {
		t.Errorf("in another namespace: %v, want not found", err)
	}
	resources, err := s.cluster.Client(t).Discovery().ServerResourcesForGroupVersion(v1beta1.SchemeGroupVersion.String())
	if err != nil || len(resources.APIResources) != 2 || resources.APIResources[0].Name != external.MetricDesired {
		t.Errorf("discovery: %+v, %v", resources, err)
	}
	// A group that is stale in the discovery of everything holds up the deletion of namespaces.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, _, err := s.cluster.Client(t).Discovery().ServerGroupsAndResources()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("discovery of everything: %v", err)
		}
	}
	// Nothing is written by this API.
	err = s.cluster.Client(t).Discovery().RESTClient().Post().AbsPath("/apis", v1beta1.SchemeGroupVersion.String(), "namespaces", s.ns, external.MetricDesired).Do(t.Context()).Error()
	if !apierrors.IsMethodNotSupported(err) {
		t.Errorf("POST: %v, want method not supported", err)
	}
}

func parse(t *testing.T, text string) labels.Selector {
	t.Helper()
	s, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhoMayAsk: whoever asks has the rights that RBAC gives them on the metric, in the
// namespace, and no others, though the request reaches us by the API server's certificate.
func TestWhoMayAsk(t *testing.T) {
	s := serve(t)
	create := func(o client.Object) {
		t.Helper()
		o.SetNamespace(s.ns)
		if err := scheme(t, s.cluster).Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "hpa"}})
	account := hpa(t, s.cluster.ServiceAccount(t, s.ns, "hpa")).NamespacedMetrics(s.ns)
	if _, err := account.List(external.MetricDesired, scaler("web")); !apierrors.IsForbidden(err) {
		t.Fatalf("a service account without rights: %v, want forbidden", err)
	}
	create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "hpa"}, Rules: []rbacv1.PolicyRule{
		{Verbs: []string{"list"}, APIGroups: []string{v1beta1.GroupName}, Resources: []string{external.MetricDesired}},
	}})
	create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "hpa"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "hpa"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "hpa", Namespace: s.ns}},
	})
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if _, err = account.List(external.MetricDesired, scaler("web")); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("with the right: %v", err)
	}
	if _, err := account.List(external.MetricForecast, scaler("web")); !apierrors.IsForbidden(err) {
		t.Errorf("another metric: %v, want forbidden", err)
	}
	if _, err := hpa(t, s.cluster.ServiceAccount(t, s.ns, "hpa")).NamespacedMetrics("default").List(external.MetricDesired, scaler("web")); !apierrors.IsForbidden(err) {
		t.Errorf("another namespace: %v, want forbidden", err)
	}
}

// direct asks past the API server, as whoever reaches the pod's port can, claiming to be
// an administrator.
func (s *served) direct(certs []tls.Certificate, user string) (int, string, error) {
	s.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.authority.Pool(), ServerName: s.host, Certificates: certs}}
	defer transport.CloseIdleConnections()
	url := fmt.Sprintf("https://%s/apis/%s/namespaces/%s/%s?labelSelector=scaler%%3Dweb", s.server.Addr(), v1beta1.SchemeGroupVersion, s.ns, external.MetricDesired)
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if user != "" {
		req.Header.Set("X-Remote-User", user)
		req.Header.Set("X-Remote-Group", "system:masters")
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// TestOnlyTheFrontProxyIsBelieved: without the certificate of the API server's front
// proxy the headers that name a user are nothing.
func TestOnlyTheFrontProxyIsBelieved(t *testing.T) {
	s := serve(t)
	proxy := s.cluster.FrontProxy
	for name, certs := range map[string][]tls.Certificate{
		"no certificate":      nil,
		"another authority":   {clustertest.NewAuthority(t, "front-proxy-ca").Client(t, clustertest.FrontProxyName)},
		"another name":        {proxy.Client(t, "somebody")},
		"our own certificate": {s.authority.Client(t, clustertest.FrontProxyName)},
	} {
		if code, body, err := s.direct(certs, "root"); err == nil {
			t.Errorf("%s: answered %d %s", name, code, body)
		}
	}
	shown := []tls.Certificate{proxy.Client(t, clustertest.FrontProxyName)}
	if code, body, err := s.direct(shown, ""); err != nil || code != http.StatusUnauthorized {
		t.Errorf("for nobody: %d %s, %v, want 401", code, body, err)
	}
	if code, body, err := s.direct(shown, "root"); err != nil || code != http.StatusOK || !strings.Contains(body, `"value":"7"`) {
		t.Errorf("the front proxy for an administrator: %d %s, %v", code, body, err)
	}
}

// TestCertificatesAreReadAnew: a rotated certificate is in force at the next connection;
// while files are half written the last one stays.
func TestCertificatesAreReadAnew(t *testing.T) {
	s := serve(t)
	shown := []tls.Certificate{s.cluster.FrontProxy.Client(t, clustertest.FrontProxyName)}
	before := *s
	s.authority = clustertest.NewAuthority(t, "new-ca")
	if code, _, err := s.direct(shown, "root"); err == nil {
		t.Fatalf("answered %d with a certificate of an authority that does not exist yet", code)
	}
	s.authority.Mount(t, s.certs, "hindcast", s.host)
	if code, body, err := s.direct(shown, "root"); err != nil || code != http.StatusOK {
		t.Errorf("after the rotation: %d %s, %v", code, body, err)
	}
	if code, _, err := before.direct(shown, "root"); err == nil {
		t.Errorf("answered %d with the old certificate", code)
	}
	half, _ := clustertest.NewAuthority(t, "other").Issue(t, "hindcast", s.host)
	write(t, s.certs, "tls.crt", half) // the key is that of the last one
	if code, body, err := s.direct(shown, "root"); err != nil || code != http.StatusOK {
		t.Errorf("while the files do not fit: %d %s, %v", code, body, err)
	}
}
