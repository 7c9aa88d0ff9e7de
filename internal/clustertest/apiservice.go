package clustertest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Aggregate has the API server pass all requests for an API group and version on to a
// handler, over TLS, until the test ends; it returns when the API is available.
func (c *Cluster) Aggregate(t testing.TB, gv schema.GroupVersion, handler http.Handler) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(address.Port(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	c.register(t, gv, c.serviceTo(t, "default", "", port), port, nil)
	c.awaitAPI(t, gv)
}

// Register has the API server pass requests for an API group and version on to a server
// at a local port, which shows a certificate of an authority for the DNS name of a
// service of this namespace and name: NAME.NAMESPACE.svc. It lasts until the test ends.
func (c *Cluster) Register(t testing.TB, gv schema.GroupVersion, namespace, name string, port int64, authority *Authority) {
	t.Helper()
	c.register(t, gv, c.serviceTo(t, namespace, name, port), port, authority)
	c.awaitAPI(t, gv)
}

// serviceTo makes a service for a local port; without a name it gets one.
func (c *Cluster) serviceTo(t testing.TB, namespace, name string, port int64) *corev1.Service {
	t.Helper()
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if name == "" {
		service.GenerateName = "aggregated-"
	}
	// An external name is the one kind of service that needs no network of a cluster.
	service.Spec.Type, service.Spec.ExternalName = corev1.ServiceTypeExternalName, "localhost"
	service.Spec.Ports = []corev1.ServicePort{{Port: int32(port)}}
	made, err := c.Client(t).CoreV1().Services(namespace).Create(t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// register makes an APIService; without an authority any certificate will do.
func (c *Cluster) register(t testing.TB, gv schema.GroupVersion, service *corev1.Service, port int64, authority *Authority) {
	t.Helper()
	client, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	services := client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	name := gv.Version + "." + gv.Group
	spec := map[string]any{
		"group": gv.Group, "version": gv.Version, "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
		"service": map[string]any{"namespace": service.Namespace, "name": service.Name, "port": port},
	}
	if authority != nil {
		spec["caBundle"] = base64.StdEncoding.EncodeToString(authority.PEM)
	} else {
		spec["insecureSkipTLSVerify"] = true
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": name}, "spec": spec,
	}}
	if _, err := services.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The server may have ended before.
		_ = services.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{})
	})
}

// awaitAPI waits until the API server answers for an API group and version.
func (c *Cluster) awaitAPI(t testing.TB, gv schema.GroupVersion) {
	t.Helper()
	rest := c.Client(t).Discovery().RESTClient()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := rest.Get().AbsPath("/apis", gv.Group, gv.Version).Do(t.Context()).Error()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not available after %v: %v", gv, patience, err)
		}
	}
}

// ServePodMetrics answers metrics.k8s.io as metrics-server does: for every pod that runs,
// one sample of its first container over the last 15 seconds. A pod for which usage
// returns nil has none.
func (c *Cluster) ServePodMetrics(t testing.TB, usage func(*corev1.Pod) corev1.ResourceList) {
	t.Helper()
	gv := schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"}
	client := c.Client(t)
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, object any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(object); err != nil {
			t.Log(err) // the client went away
		}
	}
	root := "/apis/" + gv.String()
	mux.HandleFunc("GET "+root, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String(),
			APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: metav1.Verbs{"get", "list"}}},
		})
	})
	list := func(w http.ResponseWriter, r *http.Request) {
		pods, err := client.CoreV1().Pods(r.PathValue("namespace")).List(r.Context(), metav1.ListOptions{LabelSelector: r.FormValue("labelSelector")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		items := []any{}
		for i := range pods.Items {
			if sample := sampleOf(&pods.Items[i], usage); sample != nil {
				items = append(items, sample)
			}
		}
		answer(w, map[string]any{"kind": "PodMetricsList", "apiVersion": gv.String(), "metadata": map[string]any{}, "items": items})
	}
	mux.HandleFunc("GET "+root+"/pods", list)
	mux.HandleFunc("GET "+root+"/namespaces/{namespace}/pods", list)
	mux.HandleFunc("GET "+root+"/namespaces/{namespace}/pods/{name}", func(w http.ResponseWriter, r *http.Request) {
		pod, err := client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("name"), metav1.GetOptions{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		if sample := sampleOf(pod, usage); sample != nil {
			answer(w, sample)
			return
		}
		http.NotFound(w, r)
	})
	c.Aggregate(t, gv, mux)
}

func sampleOf(pod *corev1.Pod, usage func(*corev1.Pod) corev1.ResourceList) map[string]any {
	if pod.Status.Phase != corev1.PodRunning {
		return nil
	}
	used := usage(pod)
	if used == nil {
		return nil
	}
	return map[string]any{
		"kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
		"metadata":  map[string]any{"name": pod.Name, "namespace": pod.Namespace, "labels": labels.Set(pod.Labels)},
		"timestamp": metav1.Now(), "window": "15s",
		"containers": []any{map[string]any{"name": pod.Spec.Containers[0].Name, "usage": used}},
	}
}
