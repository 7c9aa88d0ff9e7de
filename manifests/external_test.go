package manifests_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live"
	"hindcast.dev/live/external"
)

type seven struct{}

func (seven) Decision(context.Context, string, string) (external.Decision, error) {
	return external.Decision{Replicas: 7, At: time.Now()}, nil
}

// serveOnce serves under an account and answers one request of the front proxy's.
func serveOnce(t *testing.T, c *clustertest.Cluster, account *rest.Config) error {
	t.Helper()
	k, err := client.New(account, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	authority, dir := clustertest.NewAuthority(t, "serving"), t.TempDir()
	authority.Mount(t, dir, "hindcast", "hindcast")
	s, err := external.Listen(t.Context(), external.Config{
		Address: "127.0.0.1:0", CertDir: dir, Service: client.ObjectKey{Namespace: "hindcast-system", Name: "hindcast-external-metrics"},
		Source: seven{}, Client: k, Reader: k,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Start(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: authority.Pool(), ServerName: "hindcast", Certificates: []tls.Certificate{c.FrontProxy.Client(t, clustertest.FrontProxyName)},
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf(
		"https://%s/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/%s?labelSelector=scaler%%3Dweb", s.Addr(), external.MetricDesired), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Remote-User", "root")
	req.Header.Set("X-Remote-Group", "system:masters")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}

// TestRightsOfExternalMetrics serves under an account with exactly the rights that the
// overlay adds, and again with each of them taken away: then it cannot.
func TestRightsOfExternalMetrics(t *testing.T) {
	c := clustertest.Start(t)
	objects := build(t, "controller/external-metrics")
	rights := slices.Concat(
		granted(as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", "hindcast-external-metrics")).Rules),
		granted(as[rbacv1.Role](t, find(t, objects, "Role", "hindcast-external-metrics")).Rules))
	if len(rights) != 3 {
		t.Fatalf("%d rights: %v", len(rights), rights)
	}
	admin, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	// A ClusterRole for all: kube-system has no service account of the test.
	account := func(t *testing.T, rights []grant) *rest.Config {
		ns := c.Namespace(t)
		for _, o := range []client.Object{
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "controller", Namespace: ns}},
			&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: ns}, Rules: rulesOf(rights)},
			&rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: ns}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: ns},
				Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "controller", Namespace: ns}},
			},
		} {
			if err := admin.Create(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		return c.ServiceAccount(t, ns, "controller")
	}
	whole := account(t, rights)
	until(t, func() error { return serveOnce(t, c, whole) })
	for _, g := range rights {
		t.Run("without "+g.String(), func(t *testing.T) {
			some := account(t, slices.DeleteFunc(slices.Clone(rights), func(r grant) bool { return r == g }))
			// Its other rights are in force once the error is about this one, or the answer is 500.
			until(t, func() error {
				err := serveOnce(t, c, some)
				switch {
				case err == nil:
					return fmt.Errorf("it serves without %s", g)
				case g.resource == "subjectaccessreviews" && strings.Contains(err.Error(), "500"):
				case strings.Count(err.Error(), "forbidden") == 1 && strings.Contains(err.Error(), g.resource):
				default:
					return err
				}
				return nil
			})
		})
	}
}

// TestAPIServiceIsNeverTakenOver: it is made by kubectl create, which refuses where there
// is one, and no overlay holds it.
func TestAPIServiceIsNeverTakenOver(t *testing.T) {
	for _, dir := range kustomizations(t) {
		for _, o := range build(t, dir) {
			if o.GetKind() == "APIService" {
				t.Errorf("%s applies APIService %s", dir, o.GetName())
			}
		}
	}
	c := clustertest.New(t)
	text, err := os.ReadFile("controller/external-metrics/apiservice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	object := strings.Replace(string(text), "  caBundle: CA_BUNDLE\n", "", 1)
	foreign := strings.Replace(object, "namespace: hindcast-system, name: hindcast-external-metrics", "namespace: keda, name: keda-operator-metrics-apiserver", 1)
	if object == string(text) || foreign == object {
		t.Fatal("nothing was replaced")
	}
	kubectl(t, c, foreign, "create", "-f", "-")
	if out, err := run(t, c, object, "create", "-f", "-"); err == nil || !strings.Contains(out, "AlreadyExists") {
		t.Errorf("create beside another's: %v\n%s", err, out)
	}
	if out := kubectl(t, c, "", "get", "apiservice", external.APIServiceName, "-o", "jsonpath={.spec.service.namespace}"); out != "keda" {
		t.Errorf("it is now of %s", out)
	}
}
