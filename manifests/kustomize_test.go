package manifests_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

var built sync.Map // folder to func() ([]unstructured.Unstructured, error)

// build returns the objects of a kustomization, as `kubectl apply -k` would send them.
func build(t *testing.T, dir string) []unstructured.Unstructured {
	t.Helper()
	once, _ := built.LoadOrStore(dir, sync.OnceValues(func() ([]unstructured.Unstructured, error) {
		resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
		if err != nil {
			return nil, err
		}
		var objects []unstructured.Unstructured
		for _, r := range resources.Resources() {
			text, err := r.AsYAML()
			if err != nil {
				return nil, err
			}
			var object map[string]any
			if err := yaml.Unmarshal(text, &object); err != nil {
				return nil, err
			}
			objects = append(objects, unstructured.Unstructured{Object: object})
		}
		return objects, nil
	}))
	objects, err := once.(func() ([]unstructured.Unstructured, error))()
	if err != nil {
		t.Fatalf("kustomize %s: %v", dir, err)
	}
	return objects
}

// kustomizations returns every folder here that can be applied by itself: no component, and
// no part of the controller, which has no account, no rights or no namespace alone.
func kustomizations(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, root := range []string{"controller", "monitoring", "sample"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Base(path) != "kustomization.yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			dir := filepath.ToSlash(filepath.Dir(path))
			if dir != "controller/base" && dir != "controller/rights" && !bytes.Contains(text, []byte("\nkind: Component\n")) {
				dirs = append(dirs, dir)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(dirs) < 19 {
		t.Fatalf("found only %d kustomizations: %v", len(dirs), dirs)
	}
	return dirs
}

// find returns the object of a kind and name.
func find(t *testing.T, objects []unstructured.Unstructured, kind, name string) unstructured.Unstructured {
	t.Helper()
	i := slices.IndexFunc(objects, func(o unstructured.Unstructured) bool { return o.GetKind() == kind && o.GetName() == name })
	if i < 0 {
		t.Fatalf("no %s %s", kind, name)
	}
	return objects[i]
}

// as reads an object as its Go type.
func as[T any](t *testing.T, object unstructured.Unstructured) T {
	t.Helper()
	var typed T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return typed
}

// configFile returns a file of a generated ConfigMap whose name begins so.
func configFile(t *testing.T, objects []unstructured.Unstructured, prefix, file string) string {
	t.Helper()
	for _, o := range objects {
		if o.GetKind() != "ConfigMap" || !strings.HasPrefix(o.GetName(), prefix) {
			continue
		}
		if text, ok, _ := unstructured.NestedString(o.Object, "data", file); ok {
			return text
		}
	}
	t.Fatalf("no ConfigMap %s* with %s", prefix, file)
	return ""
}

// TestEveryFolderBuilds wants each kustomization to build, without the same object twice,
// and every object to be where its readers look.
func TestEveryFolderBuilds(t *testing.T) {
	namespaces := map[string]string{"controller": "hindcast-system", "controller/namespaced": "default", "monitoring": "monitoring", "sample": "default"}
	for _, dir := range kustomizations(t) {
		root, _, _ := strings.Cut(dir, "/")
		namespace := cmp.Or(namespaces[dir], namespaces[root])
		seen := map[string]bool{}
		for _, o := range build(t, dir) {
			id := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
			if seen[id] {
				t.Errorf("%s: %s twice", dir, id)
			}
			seen[id] = true
			clusterWide := slices.Contains([]string{"CustomResourceDefinition", "Namespace", "ClusterRole", "ClusterRoleBinding"}, o.GetKind())
			// The certificate of the front proxy is in a ConfigMap there.
			elsewhere := dir == "controller/external-metrics" && o.GetNamespace() == "kube-system" && strings.HasPrefix(o.GetKind(), "Role")
			if !clusterWide && !elsewhere && o.GetNamespace() != namespace {
				t.Errorf("%s: %s is not in namespace %s", dir, id, namespace)
			}
			// What names nobody is in the way of what else a cluster has.
			if strings.HasPrefix(o.GetKind(), "ClusterRole") && !strings.HasPrefix(o.GetName(), "hindcast-") {
				t.Errorf("%s: %s: the name of a cluster-wide object must begin with hindcast-", dir, id)
			}
		}
		if len(seen) == 0 {
			t.Errorf("%s: no objects", dir)
		}
	}
}

// TestOverlaysAreSumsOfTheirParts says which objects the overlays consist of.
func TestOverlaysAreSumsOfTheirParts(t *testing.T) {
	workloads := func(dir string) string {
		var names []string
		for _, o := range build(t, dir) {
			if slices.Contains([]string{"DaemonSet", "Deployment", "StatefulSet", "PodMonitor", "ServiceMonitor", "Namespace"}, o.GetKind()) {
				names = append(names, o.GetKind()+"/"+o.GetName())
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	const (
		prometheus = "DaemonSet/node-exporter Deployment/kube-state-metrics StatefulSet/alertmanager StatefulSet/prometheus"
		monitors   = "PodMonitor/hindcast-app PodMonitor/hindcast-controller"
	)
	for dir, want := range map[string]string{
		"prometheus":                   prometheus,
		"prometheus-ephemeral":         prometheus,
		"prometheus-without-exporters": "StatefulSet/alertmanager StatefulSet/prometheus",
		"grafana":                      "StatefulSet/grafana",
		"grafana-ephemeral":            "StatefulSet/grafana",
		"default":                      "DaemonSet/node-exporter Deployment/kube-state-metrics Namespace/monitoring StatefulSet/alertmanager StatefulSet/grafana StatefulSet/prometheus",
		"operator":                     monitors,
		"operator-with-exporters":      "DaemonSet/node-exporter Deployment/kube-state-metrics " + monitors + " ServiceMonitor/kube-state-metrics ServiceMonitor/node-exporter",
	} {
		if got := workloads("monitoring/overlays/" + dir); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", dir, got, want)
		}
	}
	for _, o := range build(t, "monitoring/overlays/prometheus-ephemeral") {
		if o.GetKind() != "StatefulSet" {
			continue
		}
		if text, _ := json.Marshal(o.Object); strings.Contains(string(text), "volumeClaimTemplates") || !strings.Contains(string(text), `{"emptyDir":{},"name":"data"}`) {
			t.Errorf("ephemeral %s has a volume: %s", o.GetName(), text)
		}
	}
}
