package clustertest_test

import (
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
)

// TestStartPlane has an HPA scale a Deployment by CPU: that takes every part of the plane.
// At 1.2 cores together and a target of 500m each, ceil(1.2/0.5) = 3 replicas.
func TestStartPlane(t *testing.T) {
	if os.Getenv("HINDCAST_PLANE") == "" {
		t.Skip("HINDCAST_PLANE is not set; make test-all builds the plane and sets it")
	}
	c := clustertest.StartPlane(t, 1)
	namespace := c.Namespace(t)
	client := c.Client(t)
	c.ServePodMetrics(t, func(pod *corev1.Pod) corev1.ResourceList {
		pods, err := client.CoreV1().Pods(pod.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=shop"})
		if err != nil || pod.Labels["app"] != "shop" {
			return nil
		}
		return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(1200/int64(len(pods.Items)), resource.DecimalSI)}
	})
	shop := deployment("shop", 2)
	shop.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	shop.Spec.Template.Annotations = map[string]string{
		"pod-create.stage.kwok.x-k8s.io/delay": "1s", "pod-create.stage.kwok.x-k8s.io/jitter-delay": "1s",
		"pod-ready.stage.kwok.x-k8s.io/delay": "3s", "pod-ready.stage.kwok.x-k8s.io/jitter-delay": "3s",
	}
	if _, err := client.AppsV1().Deployments(namespace).Create(t.Context(), shop, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	target := resource.MustParse("500m")
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"},
			MaxReplicas:    10,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &target},
			}}},
		},
	}
	if _, err := client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(t.Context(), hpa, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var status appsv1.DeploymentStatus
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		now, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "shop", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if status = now.Status; status.ReadyReplicas == 3 {
			break
		}
	}
	if status.ReadyReplicas != 3 {
		state, err := client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(t.Context(), "shop", metav1.GetOptions{})
		t.Fatalf("want 3 ready replicas: %+v\nHPA: %+v, %v", status, state.Status, err)
	}
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		for _, condition := range pod.Status.Conditions {
			if took := condition.LastTransitionTime.Sub(pod.CreationTimestamp.Time); condition.Type == corev1.PodReady && took < 3*time.Second {
				t.Errorf("%s was ready after %v, and its annotations ask for 4s", pod.Name, took)
			}
		}
	}
}
