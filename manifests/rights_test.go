package manifests_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientfeatures "k8s.io/client-go/features"
	features "k8s.io/client-go/features/testing"
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
)

// A grant is one verb on one resource.
type grant struct{ verb, group, resource, name string }

func (g grant) String() string {
	return strings.TrimSuffix(g.verb+" "+g.resource+"."+g.group, ".")
}

// granted lists what the rules of a role allow.
func granted(rules []rbacv1.PolicyRule) []grant {
	var all []grant
	for _, r := range rules {
		names := r.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range r.APIGroups {
			for _, res := range r.Resources {
				for _, verb := range r.Verbs {
					for _, name := range names {
						all = append(all, grant{verb, group, res, name})
					}
				}
			}
		}
	}
	return all
}

func rulesOf(grants []grant) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for _, g := range grants {
		r := rbacv1.PolicyRule{Verbs: []string{g.verb}, APIGroups: []string{g.group}, Resources: []string{g.resource}}
		if g.name != "" {
			r.ResourceNames = []string{g.name}
		}
		rules = append(rules, r)
	}
	return rules
}

// A promise is a Prometheus whose load is known for all time.
type promise func(time.Time) float64

func (promise) Check(string, string) error      { return nil }
func (promise) Forget(string)                   {}
func (p promise) For(string) autoscaler.Querier { return p }
func (p promise) Query(_ context.Context, _ string, at time.Time) (float64, error) {
	return p(at), nil
}
func (p promise) QueryRange(_ context.Context, _ string, from, to time.Time, step time.Duration) ([]float64, error) {
	var values []float64
	for ; !from.After(to); from = from.Add(step) {
		values = append(values, p(from))
	}
	return values, nil
}

func steady(time.Time) float64 { return 95 }

// A tenant is a namespace with a controller in it, under a service account with rights of
// its own, and work for it.
type tenant struct {
	namespace string
	admin     client.Client
	stop      func()
	mu        sync.Mutex
	refused   map[grant]bool
}

var (
	refusal  = regexp.MustCompile(`cannot (\w+) resource \\?"([^"\\]+)\\?" in API group \\?"([^"\\]*)\\?"`)
	patience = 2 * time.Minute
)

// watch notes what the API server refuses.
func (w *tenant) watch(c *rest.Config) {
	c.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil || resp.StatusCode != http.StatusForbidden {
				return resp, err
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			g := grant{verb: r.Method, resource: r.URL.Path}
			if m := refusal.FindSubmatch(body); m != nil {
				g = grant{verb: string(m[1]), resource: string(m[2]), group: string(m[3])}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refused[g] = true
			return resp, nil
		})
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (w *tenant) was(g grant) bool {
	g.name = ""
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused[g]
}

func (w *tenant) all() []grant {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.refused))
}

// settle makes a tenant with some rights and starts its controller, until the test ends
// or it is stopped.
func settle(t *testing.T, c *clustertest.Cluster, admin client.Client, dryRun bool, rights []grant) *tenant {
	t.Helper()
	w := &tenant{namespace: c.Namespace(t), admin: admin, refused: map[grant]bool{}}
	create := func(o client.Object) {
		t.Helper()
		o.SetNamespace(w.namespace)
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatalf("create %T: %v", o, err)
		}
	}
	create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "controller"}})
	create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "controller"}, Rules: rulesOf(rights)})
	create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "controller"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "controller"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "controller", Namespace: w.namespace}},
	})
	one, target := int32(1), func(kind, name string) autoscalingv2.CrossVersionObjectReference {
		return autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: kind, Name: name}
	}
	labels := map[string]string{"app": "shop"}
	pod := corev1.PodSpec{Containers: []corev1.Container{{
		Name: "app", Image: "app", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}},
	}}}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	create(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: appsv1.DeploymentSpec{Replicas: &one, Selector: selector, Template: template}})
	create(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "floored"}, Spec: appsv1.DeploymentSpec{Replicas: &one, Selector: selector, Template: template}})
	create(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: appsv1.StatefulSetSpec{Replicas: &one, Selector: selector, Template: template}})
	create(&appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: appsv1.ReplicaSetSpec{Replicas: &one, Selector: selector, Template: template}})
	create(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: labels}, Spec: pod})
	create(&autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "floored"},
		Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: target("Deployment", "floored"), MinReplicas: &one, MaxReplicas: 20},
	})
	scaler := func(name string, of autoscalingv2.CrossVersionObjectReference, actuation v1alpha1.Actuation, metric v1alpha1.MetricTarget) {
		create(&v1alpha1.PredictiveScaler{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.PredictiveScalerSpec{
			ScaleTargetRef: of, MinReplicas: &one, MaxReplicas: 20, Mode: v1alpha1.ModeActive, Actuation: actuation,
			Metrics: []v1alpha1.Metric{{Name: "load", Query: "sum(load)", Target: metric}}, Forecast: v1alpha1.ForecastSpec{Model: "ridge"},
		}})
	}
	each, seventy := v1alpha1.MetricTarget{PerReplica: "10"}, int32(70)
	direct := v1alpha1.Actuation{Type: v1alpha1.ActuationScale}
	scaler("deployment", target("Deployment", "shop"), direct, each)
	scaler("statefulset", target("StatefulSet", "shop"), direct, v1alpha1.MetricTarget{Utilization: &seventy, Of: "cpu"})
	scaler("replicaset", target("ReplicaSet", "shop"), direct, each)
	scaler("floored", target("Deployment", "floored"), v1alpha1.Actuation{Type: v1alpha1.ActuationHPAMinReplicas, HPARef: &v1alpha1.HPARef{Name: "floored"}}, each)

	account := c.ServiceAccount(t, w.namespace, "controller")
	w.watch(account)
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme: live.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:          cache.Options{DefaultNamespaces: map[string]cache.Config{w.namespace: {}}},
		Controller:     config.Controller{SkipNameValidation: new(true)},
		LeaderElection: true, LeaderElectionID: live.LeaseName, LeaderElectionNamespace: w.namespace, LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Add(mgr, live.Config{Prometheus: promise(steady), DryRun: dryRun, History: 6 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = mgr.Start(ctx) // it fails where a right is missing
	}()
	w.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(w.stop)
	return w
}

// works returns what of the tenant's work is not done.
func (w *tenant) works(t *testing.T) error {
	t.Helper()
	var faults []string
	get := func(name string, o client.Object) {
		if err := w.admin.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, o); err != nil {
			t.Fatal(err)
		}
	}
	d, h, s := &appsv1.Deployment{}, &autoscalingv2.HorizontalPodAutoscaler{}, &v1alpha1.PredictiveScaler{}
	get("shop", d)
	get("floored", h)
	get("statefulset", s)
	if n := *d.Spec.Replicas; n != 10 {
		faults = append(faults, fmt.Sprintf("the Deployment has %d replicas, and 95/10 need 10", n))
	}
	if n := *h.Spec.MinReplicas; n != 10 {
		faults = append(faults, fmt.Sprintf("the floor of the HPA is %d, and 95/10 need 10", n))
	}
	if len(s.Status.Conditions) == 0 {
		faults = append(faults, "no status")
	}
	if len(faults) == 0 {
		return nil
	}
	get("deployment", s)
	return fmt.Errorf("%s; refused: %v; conditions of a scaler: %v", strings.Join(faults, ", "), w.all(), s.Status.Conditions)
}

func until(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Errorf("not after %v: %v", patience, err)
}

// TestRightsOfTheController has the controller work under a service account with exactly
// the shipped rights, and again with each of them taken away: then the API server must
// refuse something, or nobody needs that right.
func TestRightsOfTheController(t *testing.T) {
	c := clustertest.Start(t, "crd", "testdata/keda")
	c.ServePodMetrics(t, func(*corev1.Pod) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
	})
	admin, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	objects := build(t, "controller/default")
	rights := slices.Concat(
		granted(as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", "hindcast-controller")).Rules),
		granted(as[rbacv1.Role](t, find(t, objects, "Role", "hindcast-leader-election")).Rules))
	rights = slices.Compact(slices.SortedFunc(slices.Values(rights), func(a, b grant) int { return strings.Compare(a.String(), b.String()) }))
	if len(rights) < 15 {
		t.Fatalf("only %d rights: %v", len(rights), rights)
	}
	t.Run("all", func(t *testing.T) {
		whole := settle(t, c, admin, false, rights)
		until(t, func() error { return whole.works(t) })
		if refused := whole.all(); len(refused) > 0 {
			t.Errorf("refused: %v", refused)
		}
	})
	checked := 0
	// A scaler decides some half a minute after it began: some at a time wait for that.
	for _, verb := range []string{"create", "get", "list", "patch", "update", "watch"} {
		some := slices.DeleteFunc(slices.Clone(rights), func(g grant) bool { return g.verb != verb })
		// Newer clients and servers list by watching; others list.
		features.SetFeatureDuringTest(t, clientfeatures.WatchListClient, verb != "list")
		without := make([]*tenant, len(some))
		checked += len(some)
		for i, g := range some {
			// What a dry run decides it decides again and again, and its event is counted up.
			dryRun := g.verb == "patch" && g.resource == "events"
			without[i] = settle(t, c, admin, dryRun, slices.DeleteFunc(slices.Clone(rights), func(r grant) bool { return r == g }))
		}
		for i, g := range some {
			t.Run("without "+g.String(), func(t *testing.T) {
				defer without[i].stop()
				until(t, func() error {
					if without[i].was(g) {
						return nil
					}
					return fmt.Errorf("nothing was refused for want of it, but %v", without[i].all())
				})
			})
		}
	}
	if checked != len(rights) {
		t.Errorf("%d of %d rights were checked", checked, len(rights))
	}
}
