package manifests_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"hindcast.dev/internal/clustertest"
)

// TestMonitoringIsAccepted has an API server check every object of every folder, as
// strictly as it can, the Prometheus Operator's by the schemas of its own types.
func TestMonitoringIsAccepted(t *testing.T) {
	c := clustertest.Start(t, "crd", "testdata/crds")
	if out, err := run(t, c, "", "create", "namespace", "monitoring"); err != nil && !strings.Contains(out, "already exists") {
		t.Fatal(out)
	}
	for _, dir := range kustomizations(t) {
		if strings.HasPrefix(dir, "monitoring/base/") && dir != "monitoring/base/namespace" {
			continue // a part of the overlays
		}
		t.Run(dir, func(t *testing.T) {
			out := kubectl(t, c, "", "apply", "--server-side", "--dry-run=server", "--validate=strict", "-k", dir)
			if got, want := strings.Count(out, "(server dry run)"), len(build(t, dir)); got != want {
				t.Errorf("%d of %d objects were applied:\n%s", got, want, out)
			}
			for line := range strings.Lines(out) {
				if strings.Contains(line, "Warning") {
					t.Error(line)
				}
			}
		})
	}
}

// A right is a verb on a resource, in any namespace.
type right struct{ verb, group, resource, subresource string }

// mayUse asks the API server whether a service account has a right.
func mayUse(t *testing.T, admin kubernetes.Interface, account string, r right) bool {
	t.Helper()
	review, err := admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:monitoring:" + account,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:monitoring", "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: r.verb, Group: r.group, Resource: r.resource, Subresource: r.subresource,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// TestAccountsMayDoNoMore wants each service account of the stack to have the rights that
// it uses, and of all others none.
func TestAccountsMayDoNoMore(t *testing.T) {
	c := clustertest.New(t)
	kubectl(t, c, "", "apply", "--server-side", "-k", "monitoring/overlays/default")
	admin := c.Client(t)
	granted := map[string][]right{
		"prometheus": {
			{"list", "", "pods", ""}, {"watch", "", "pods", ""}, {"list", "", "nodes", ""}, {"watch", "", "nodes", ""},
			{"get", "", "nodes", "metrics"},
		},
		"kube-state-metrics": {
			{"list", "", "pods", ""}, {"watch", "", "pods", ""}, {"list", "", "nodes", ""}, {"watch", "", "nodes", ""},
			{"list", "apps", "deployments", ""}, {"watch", "apps", "deployments", ""},
			{"list", "autoscaling", "horizontalpodautoscalers", ""}, {"watch", "autoscaling", "horizontalpodautoscalers", ""},
		},
		"default": nil, // what pods without an account of their own run as
	}
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	resources := []right{
		{"", "", "pods", ""}, {"", "", "pods", "exec"}, {"", "", "pods", "log"}, {"", "", "nodes", ""}, {"", "", "nodes", "metrics"},
		{"", "", "nodes", "proxy"}, {"", "", "nodes", "stats"}, {"", "", "secrets", ""}, {"", "", "configmaps", ""}, {"", "", "services", ""},
		{"", "", "endpoints", ""}, {"", "", "namespaces", ""}, {"", "", "serviceaccounts", "token"},
		{"", "apps", "deployments", ""}, {"", "apps", "deployments", "scale"}, {"", "apps", "statefulsets", ""},
		{"", "autoscaling", "horizontalpodautoscalers", ""}, {"", "rbac.authorization.k8s.io", "clusterroles", ""}, {"", "*", "*", ""},
	}
	for account, may := range granted {
		for _, r := range may {
			if !mayUse(t, admin, account, r) {
				t.Errorf("%s may not %s %s", account, r.verb, r.resource)
			}
		}
		for _, r := range resources {
			for _, r.verb = range verbs {
				if !slices.Contains(may, r) && mayUse(t, admin, account, r) {
					t.Errorf("%s may %s %s/%s of %q", account, r.verb, r.resource, r.subresource, r.group)
				}
			}
		}
	}
}

// TestRolesFitTheirUsers wants one row for every kind that kube-state-metrics is told to
// show, and one for each role of discovery.
func TestRolesFitTheirUsers(t *testing.T) {
	objects := build(t, "monitoring/overlays/prometheus")
	resources := func(role string) []string {
		var all []string
		for _, rule := range as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", role)).Rules {
			if slices.Equal(rule.Verbs, []string{"list", "watch"}) {
				all = append(all, rule.Resources...)
			}
		}
		slices.Sort(all)
		return all
	}
	i := slices.IndexFunc(workloads(t, objects), func(w workload) bool { return w.name == "kube-state-metrics" })
	args := workloads(t, objects)[i].pod.Spec.Containers[0].Args
	if got, want := "--resources="+strings.Join(resources("hindcast-kube-state-metrics"), ","), args; !slices.Contains(want, got) {
		t.Errorf("the role fits %s, the arguments are %v", got, want)
	}
	discovered := map[string]bool{}
	for _, j := range scrapeJobs(t) {
		for _, d := range j.Discovery {
			discovered[d.Role+"s"] = true
		}
	}
	if got := resources("hindcast-prometheus"); fmt.Sprint(got) != "[nodes pods]" || len(discovered) != 2 || !discovered["nodes"] || !discovered["pods"] {
		t.Errorf("the role lists %v, the configuration discovers %v", got, discovered)
	}
}

// versions returns the resource versions of what the scripts install, by kind and name:
// they change when anything of an object does.
func versions(t *testing.T, c *clustertest.Cluster) map[string]string {
	t.Helper()
	client, err := metadata.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for kind, resource := range map[string]schema.GroupVersionResource{
		"ConfigMap":               corev1.SchemeGroupVersion.WithResource("configmaps"),
		"Service":                 corev1.SchemeGroupVersion.WithResource("services"),
		"ServiceAccount":          corev1.SchemeGroupVersion.WithResource("serviceaccounts"),
		"Namespace":               corev1.SchemeGroupVersion.WithResource("namespaces"),
		"Deployment":              appsv1.SchemeGroupVersion.WithResource("deployments"),
		"StatefulSet":             appsv1.SchemeGroupVersion.WithResource("statefulsets"),
		"DaemonSet":               appsv1.SchemeGroupVersion.WithResource("daemonsets"),
		"HorizontalPodAutoscaler": autoscalingv2.SchemeGroupVersion.WithResource("horizontalpodautoscalers"),
		"ClusterRole":             rbacv1.SchemeGroupVersion.WithResource("clusterroles"),
		"ClusterRoleBinding":      rbacv1.SchemeGroupVersion.WithResource("clusterrolebindings"),
	} {
		list, err := client.Resource(resource).List(t.Context(), metav1.ListOptions{
			LabelSelector: "app.kubernetes.io/part-of in (hindcast-monitoring,hindcast-sample)",
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Items {
			found[kind+" "+o.Namespace+"/"+o.Name] = o.ResourceVersion
		}
	}
	return found
}
