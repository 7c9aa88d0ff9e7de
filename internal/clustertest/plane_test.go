package clustertest_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
)

func TestStartPlane(t *testing.T) {
	c := clustertest.StartPlane(t, 1)
	namespace := c.Namespace(t)
	client := c.Client(t)
	if _, err := client.AppsV1().Deployments(namespace).Create(t.Context(), deployment("shop", 2), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		shop, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "shop", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if shop.Status.ReadyReplicas == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes: %+v", shop.Status)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
