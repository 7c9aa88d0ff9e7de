package manifests_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestDashboardsAreListed(t *testing.T) {
	var present []string
	for _, pattern := range []string{"*.json", "dashboards/*.json"} {
		paths, err := filepath.Glob(filepath.Join("../grafana", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel("../grafana", path)
			if err != nil {
				t.Fatal(err)
			}
			present = append(present, filepath.ToSlash(name))
		}
	}
	slices.Sort(present)
	if got := listed(t, "../grafana"); !slices.Equal(got, present) {
		t.Errorf("grafana/kustomization.yaml lists %v; there are %v", got, present)
	}
}

// TestDashboardsArrive wants what Grafana is given to be whole: JSON with an identity of
// its own, on a data source that is provisioned, in a ConfigMap that etcd takes.
func TestDashboardsArrive(t *testing.T) {
	objects := build(t, "monitoring/overlays/grafana")
	dashboards := as[corev1.ConfigMap](t, find(t, objects, "ConfigMap", "grafana-dashboards"))
	size, identities := 0, map[string]string{}
	for name, text := range dashboards.Data {
		size += len(name) + len(text)
		var d struct{ UID, Title string }
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d.UID == "" || d.Title == "" || identities[d.UID] != "" {
			t.Errorf("%s has uid %q and title %q, %q has the same", name, d.UID, d.Title, identities[d.UID])
		}
		identities[d.UID] = name
	}
	if size > 1<<20 {
		t.Errorf("%d bytes of dashboards do not fit into a ConfigMap", size)
	}
}

// TestGrafanaFindsWhatItIsGiven follows the paths and addresses that its files name.
func TestGrafanaFindsWhatItIsGiven(t *testing.T) {
	objects := build(t, "monitoring/overlays/default")
	var sources struct {
		Datasources []struct{ Name, UID, Type, URL string }
	}
	if err := yaml.Unmarshal([]byte(configFile(t, objects, "grafana-provisioning", "datasources.yaml")), &sources); err != nil {
		t.Fatal(err)
	}
	for _, s := range sources.Datasources {
		service := as[corev1.Service](t, find(t, objects, "Service", s.Type))
		if want := fmt.Sprintf("http://%s.%s.svc:%d", service.Name, service.Namespace, service.Spec.Ports[0].Port); s.URL != want {
			t.Errorf("data source %s is at %s, not %s", s.Name, s.URL, want)
		}
	}
	if len(sources.Datasources) != 2 {
		t.Errorf("%d data sources", len(sources.Datasources))
	}
	var providers struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	if err := yaml.Unmarshal([]byte(configFile(t, objects, "grafana-provisioning", "dashboards.yaml")), &providers); err != nil {
		t.Fatal(err)
	}
	for _, w := range workloads(t, objects) {
		if w.name != "grafana" {
			continue
		}
		if !slices.ContainsFunc(w.pod.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.Name == "dashboards" && m.MountPath == providers.Providers[0].Options.Path
		}) {
			t.Errorf("no dashboards at %s", providers.Providers[0].Options.Path)
		}
	}
}

// TestNoPasswordIsCommitted wants no Secret in any manifest.
func TestNoPasswordIsCommitted(t *testing.T) {
	for _, dir := range kustomizations(t) {
		for _, o := range build(t, dir) {
			if o.GetKind() == "Secret" {
				t.Errorf("%s: Secret %s is made by a script, not kept in a file", dir, o.GetName())
			}
		}
	}
}
