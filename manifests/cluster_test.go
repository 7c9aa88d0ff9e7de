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

// A right is a verb on a resource.
type right struct{ verb, group, resource, subresource string }

// mayUse asks the API server whether a service account has a right in a namespace, or in
// all of them where that is empty.
func mayUse(t *testing.T, admin kubernetes.Interface, account, in string, r right) bool {
	t.Helper()
	home, name, _ := strings.Cut(account, "/")
	review, err := admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:" + home + ":" + name,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + home, "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: in, Verb: r.verb, Group: r.group, Resource: r.resource, Subresource: r.subresource,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// TestAccountsMayDoNoMore wants each service account of the stack and of the controller to
// have the rights that it uses, and of all others none: Secrets are for nobody.
func TestAccountsMayDoNoMore(t *testing.T) {
	c := clustertest.New(t)
	for _, dir := range []string{"monitoring/overlays/default", "controller/external-metrics", "controller/keda", "controller/namespaced"} {
		kubectl(t, c, "", "apply", "--server-side", "-k", dir)
	}
	admin := c.Client(t)
	controller := []right{
		{"list", "", "pods", ""}, {"watch", "", "pods", ""}, {"get", "apps", "deployments", "scale"}, {"update", "apps", "deployments", "scale"},
		{"list", "autoscaling", "horizontalpodautoscalers", ""}, {"watch", "autoscaling", "horizontalpodautoscalers", ""},
		{"patch", "autoscaling", "horizontalpodautoscalers", ""},
	}
	granted := []struct {
		account, in string
		may         []right
	}{
		{"monitoring/prometheus", "", []right{
			{"list", "", "pods", ""}, {"watch", "", "pods", ""}, {"list", "", "nodes", ""}, {"watch", "", "nodes", ""},
			{"get", "", "nodes", "metrics"},
		}},
		{"monitoring/kube-state-metrics", "", []right{
			{"list", "", "pods", ""}, {"watch", "", "pods", ""}, {"list", "", "nodes", ""}, {"watch", "", "nodes", ""},
			{"list", "apps", "deployments", ""}, {"watch", "apps", "deployments", ""},
			{"list", "autoscaling", "horizontalpodautoscalers", ""}, {"watch", "autoscaling", "horizontalpodautoscalers", ""},
		}},
		{"monitoring/default", "", nil}, // what pods without an account of their own run as
		{"hindcast-system/hindcast-controller", "", controller},
		{"hindcast-system/hindcast-controller", "hindcast-system", controller},
		{"hindcast-system/hindcast-controller", "kube-system", controller},
		{"hindcast-system/default", "hindcast-system", nil},
		{"default/hindcast-controller", "", nil},
		{"default/hindcast-controller", "default", controller},
	}
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	resources := []right{
		{"", "", "pods", ""}, {"", "", "pods", "exec"}, {"", "", "pods", "log"}, {"", "", "nodes", ""}, {"", "", "nodes", "metrics"},
		{"", "", "nodes", "proxy"}, {"", "", "nodes", "stats"}, {"", "", "secrets", ""}, {"", "", "configmaps", ""}, {"", "", "services", ""},
		{"", "", "endpoints", ""}, {"", "", "namespaces", ""}, {"", "", "serviceaccounts", "token"},
		{"", "apps", "deployments", ""}, {"", "apps", "deployments", "scale"}, {"", "apps", "statefulsets", ""},
		{"", "autoscaling", "horizontalpodautoscalers", ""}, {"", "rbac.authorization.k8s.io", "clusterroles", ""}, {"", "*", "*", ""},
	}
	for _, g := range granted {
		for _, r := range g.may {
			if !mayUse(t, admin, g.account, g.in, r) {
				t.Errorf("%s may not %s %s in %q", g.account, r.verb, r.resource, g.in)
			}
		}
		for _, r := range resources {
			for _, r.verb = range verbs {
				if !slices.Contains(g.may, r) && mayUse(t, admin, g.account, g.in, r) {
					t.Errorf("%s may %s %s/%s of %q in %q", g.account, r.verb, r.resource, r.subresource, r.group, g.in)
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
