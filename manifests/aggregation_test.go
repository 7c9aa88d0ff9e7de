package manifests_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live"
)

// TestScaleOfOwnKinds: with the role that the examples show, and only then, the controller
// scales a kind that Kubernetes does not know, under the shipped account and roles. The
// rules are gathered here as the controller of aggregated roles does.
func TestScaleOfOwnKinds(t *testing.T) {
	t.Parallel()
	ownKinds(t, clustertest.New(t), func(admin client.Client) {
		role := &rbacv1.ClusterRole{}
		if err := admin.Get(t.Context(), client.ObjectKey{Name: "hindcast-scale-targets"}, role); err != nil {
			t.Fatal(err)
		}
		role.Rules = nil
		for i := range role.AggregationRule.ClusterRoleSelectors {
			selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
			if err != nil {
				t.Fatal(err)
			}
			parts := &rbacv1.ClusterRoleList{}
			if err := admin.List(t.Context(), parts, client.MatchingLabelsSelector{Selector: selector}); err != nil {
				t.Fatal(err)
			}
			for _, part := range parts.Items {
				role.Rules = append(role.Rules, part.Rules...)
			}
		}
		if err := admin.Update(t.Context(), role); err != nil {
			t.Fatal(err)
		}
	})
}

// TestPlaneScaleOfOwnKinds is the same by the controller of aggregated roles itself.
func TestPlaneScaleOfOwnKinds(t *testing.T) {
	if os.Getenv("HINDCAST_PLANE") == "" {
		t.Skip("HINDCAST_PLANE is not set; make test-all sets it")
	}
	t.Parallel()
	c := clustertest.New(t)
	c.Run(t, filepath.Join(clustertest.Assets(t, "kube-controller-manager"), "kube-controller-manager"), "--kubeconfig="+c.Kubeconfig(t),
		"--leader-elect=false", "--secure-port=0", "--controllers=clusterrole-aggregation-controller")
	ownKinds(t, c, func(client.Client) {})
}

func ownKinds(t *testing.T, c *clustertest.Cluster, gather func(admin client.Client)) {
	t.Helper()
	kubectl(t, c, "", "apply", "--server-side", "-k", "controller/default")
	c.Install(t, "testdata/rollouts", "testdata/keda")
	admin, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	w := &tenant{namespace: c.Namespace(t), admin: admin, refused: map[grant]bool{}}
	rollout := func() *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": map[string]any{"namespace": w.namespace, "name": "shop"},
			"spec": map[string]any{"replicas": int64(1)},
		}}
	}
	one := int32(1)
	for _, o := range []client.Object{rollout(), &v1alpha1.PredictiveScaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"},
		Spec: v1alpha1.PredictiveScalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "shop"},
			MinReplicas:    &one, MaxReplicas: 20, Mode: v1alpha1.ModeActive, Actuation: v1alpha1.Actuation{Type: v1alpha1.ActuationScale},
			Metrics:  []v1alpha1.Metric{{Name: "load", Query: "sum(load)", Target: v1alpha1.MetricTarget{PerReplica: "10"}}},
			Forecast: v1alpha1.ForecastSpec{Model: "ridge"},
		},
	}} {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	account := c.ServiceAccount(t, "hindcast-system", "hindcast-controller")
	w.watch(account)
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme: live.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Add(mgr, live.Config{Prometheus: promise(steady), History: 6 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	replicas := func() int64 {
		o := rollout()
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Fatal(err)
		}
		n, _, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	get := grant{verb: "get", group: "argoproj.io", resource: "rollouts/scale"}
	until(t, func() error {
		if !w.was(get) {
			return fmt.Errorf("%v was not refused; refused: %v", get, w.all())
		}
		return nil
	})
	if n := replicas(); n != 1 {
		t.Fatalf("%d replicas without the right to scale", n)
	}
	kubectl(t, c, "", "apply", "-f", filepath.Join("..", "examples", "scale-role.yaml"))
	gather(admin)
	until(t, func() error {
		if n := replicas(); n != 10 {
			s := &v1alpha1.PredictiveScaler{}
			if err := admin.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "shop"}, s); err != nil {
				return err
			}
			return fmt.Errorf("%d replicas, and 95/10 need 10; refused: %v; %v", n, w.all(), s.Status.Conditions)
		}
		return nil
	})
	for _, g := range w.all() {
		if g.group != "argoproj.io" {
			t.Errorf("refused: %v", g)
		}
	}
}
