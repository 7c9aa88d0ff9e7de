package manifests_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A workload is what makes pods, reduced to what the tests ask.
type workload struct {
	name     string
	kind     string
	selector map[string]string
	pod      corev1.PodTemplateSpec
	claims   []corev1.PersistentVolumeClaim
}

func workloads(t *testing.T, objects []unstructured.Unstructured) []workload {
	t.Helper()
	var all []workload
	for _, o := range objects {
		w := workload{name: o.GetName(), kind: o.GetKind()}
		selector := &metav1.LabelSelector{}
		switch o.GetKind() {
		case "DaemonSet":
			x := as[appsv1.DaemonSet](t, o)
			selector, w.pod = x.Spec.Selector, x.Spec.Template
		case "Deployment":
			x := as[appsv1.Deployment](t, o)
			selector, w.pod = x.Spec.Selector, x.Spec.Template
		case "StatefulSet":
			x := as[appsv1.StatefulSet](t, o)
			selector, w.pod, w.claims = x.Spec.Selector, x.Spec.Template, x.Spec.VolumeClaimTemplates
		case "Job":
			w.pod = as[batchv1.Job](t, o).Spec.Template
		default:
			continue
		}
		w.selector = selector.MatchLabels
		all = append(all, w)
	}
	return all
}

// everyWorkload calls f with each workload of each folder.
func everyWorkload(t *testing.T, f func(t *testing.T, dir string, objects []unstructured.Unstructured, w workload)) {
	n := 0
	for _, dir := range kustomizations(t) {
		objects := build(t, dir)
		for _, w := range workloads(t, objects) {
			n++
			t.Run(dir+"/"+w.name, func(t *testing.T) { f(t, dir, objects, w) })
		}
	}
	if n < 20 {
		t.Errorf("looked at only %d workloads", n)
	}
}

// everyController calls f with the controller of each overlay that has one.
func everyController(t *testing.T, f func(t *testing.T, objects []unstructured.Unstructured, w workload)) {
	t.Helper()
	n := 0
	everyWorkload(t, func(t *testing.T, _ string, objects []unstructured.Unstructured, w workload) {
		if w.name == "hindcast-controller" {
			n++
			f(t, objects, w)
		}
	})
	if n < 4 {
		t.Errorf("looked at only %d Deployments of the controller", n)
	}
}

func containers(w workload) []corev1.Container {
	return slices.Concat(w.pod.Spec.InitContainers, w.pod.Spec.Containers)
}

func TestPodsAreLockedDown(t *testing.T) {
	everyWorkload(t, func(t *testing.T, _ string, objects []unstructured.Unstructured, w workload) {
		spec := w.pod.Spec
		s := spec.SecurityContext
		if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 {
			t.Error("may run as root")
		}
		if s == nil || s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Error("no seccomp profile")
		}
		// A token is for those who have rights to use it for.
		bound := slices.ContainsFunc(objects, func(o unstructured.Unstructured) bool {
			switch o.GetKind() {
			case "ClusterRoleBinding":
				return as[rbacv1.ClusterRoleBinding](t, o).Subjects[0].Name == w.name
			case "RoleBinding":
				return as[rbacv1.RoleBinding](t, o).Subjects[0].Name == w.name
			}
			return false
		})
		if mount := spec.AutomountServiceAccountToken; mount == nil || *mount != bound {
			t.Errorf("automountServiceAccountToken must be %v", bound)
		}
		for _, c := range containers(w) {
			s := c.SecurityContext
			if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
				s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
				s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s is not locked down", c.Name)
			}
			for _, of := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				if q := c.Resources.Requests[of]; q.IsZero() {
					t.Errorf("%s requests no %s", c.Name, of)
				}
			}
			if c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s has no limit of memory", c.Name)
			}
		}
		// Only node-exporter looks at its host.
		host := spec.HostNetwork || spec.HostPID || spec.HostIPC ||
			slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.HostPath != nil })
		if host != (w.name == "node-exporter") {
			t.Errorf("uses its host: %v", host)
		}
	})
}

func TestPodsHaveProbes(t *testing.T) {
	everyWorkload(t, func(t *testing.T, _ string, _ []unstructured.Unstructured, w workload) {
		if w.kind == "Job" {
			return
		}
		for _, c := range w.pod.Spec.Containers {
			if c.ReadinessProbe == nil || c.LivenessProbe == nil {
				t.Errorf("%s lacks a probe", c.Name)
				continue
			}
			for _, p := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
				if p != nil && !hasPort(c, p.HTTPGet.Port.StrVal) {
					t.Errorf("%s: a probe asks port %q, which it does not have", c.Name, p.HTTPGet.Port.StrVal)
				}
			}
		}
	})
}

func hasPort(c corev1.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

// TestImagesArePinned wants a registry and a version in every image, one version of each
// everywhere, and Prometheus in the version that the tests run. Only the controller's is a
// placeholder: who installs it has built it.
func TestImagesArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9-]+)?$`)
	versions := map[string]string{}
	everyWorkload(t, func(t *testing.T, _ string, _ []unstructured.Unstructured, w workload) {
		for _, c := range containers(w) {
			if w.name == "hindcast-controller" {
				if c.Image != "hindcast-controller:latest" {
					t.Errorf("image %s, README.md replaces hindcast-controller:latest", c.Image)
				}
				continue
			}
			if !pinned.MatchString(c.Image) {
				t.Errorf("%s: image %s is not pinned", c.Name, c.Image)
			}
			name, version, _ := strings.Cut(c.Image, ":")
			if had := versions[name]; had != "" && had != version {
				t.Errorf("%s in versions %s and %s", name, had, version)
			}
			versions[name] = version
		}
	})
	text, err := os.ReadFile("../tools/prometheus/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github.com/prometheus/prometheus v0\.(\d)(\d\d)\.(\d+)`).FindStringSubmatch(string(text))
	if m == nil {
		t.Fatal("no version of Prometheus in tools/prometheus/go.mod")
	}
	// Module v0.315.2 is server v3.15.2.
	if want := "v" + m[1] + "." + strings.TrimPrefix(m[2], "0") + "." + m[3]; versions["quay.io/prometheus/prometheus"] != want {
		t.Errorf("Prometheus %s, but the tests run %s", versions["quay.io/prometheus/prometheus"], want)
	}
	text, err = os.ReadFile("../tools/alertmanager/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if version := versions["quay.io/prometheus/alertmanager"]; version == "" || !strings.Contains(string(text), "github.com/prometheus/alertmanager "+version+" ") {
		t.Errorf("Alertmanager %s is not the one whose amtool checks its configuration", version)
	}
}

// TestVolumesAreThere wants what pods mount to be in the same folder, or to be what the
// scripts make.
func TestVolumesAreThere(t *testing.T) {
	elsewhere := map[string]string{"prometheus-rules": "monitoring/rules", "grafana-dashboards": "../grafana"}
	// Whoever installs them makes these, as the scripts or docs/external-metrics.md say.
	secrets := []string{"grafana-admin", "hindcast-external-metrics", "hindcast-keda"}
	everyWorkload(t, func(t *testing.T, dir string, objects []unstructured.Unstructured, w workload) {
		have := map[string]bool{}
		for _, v := range w.pod.Spec.Volumes {
			have[v.Name] = true
			switch {
			case v.ConfigMap != nil:
				in := objects
				if other := elsewhere[v.ConfigMap.Name]; other != "" && strings.HasPrefix(dir, "monitoring/base/") {
					in = build(t, other)
				}
				find(t, in, "ConfigMap", v.ConfigMap.Name)
			case v.Secret != nil:
				if !slices.Contains(secrets, v.Secret.SecretName) {
					t.Errorf("nobody makes Secret %s", v.Secret.SecretName)
				}
			}
		}
		for _, c := range w.claims {
			have[c.Name] = true
		}
		for _, c := range containers(w) {
			for _, m := range c.VolumeMounts {
				if !have[m.Name] {
					t.Errorf("%s mounts %s, which there is not", c.Name, m.Name)
				}
			}
		}
	})
}

// TestServicesLead wants each service to select the pods of exactly one workload and to
// name a port of theirs; and those of the Quick Start to be where it looks.
func TestServicesLead(t *testing.T) {
	ports := map[string]int32{}
	for _, dir := range kustomizations(t) {
		objects := build(t, dir)
		for _, o := range objects {
			if o.GetKind() != "Service" {
				continue
			}
			s := as[corev1.Service](t, o)
			var selected []workload
			for _, w := range workloads(t, objects) {
				if contains(w.pod.Labels, s.Spec.Selector) {
					selected = append(selected, w)
				}
			}
			if len(selected) != 1 {
				t.Errorf("%s: service %s selects %d workloads", dir, s.Name, len(selected))
				continue
			}
			for _, p := range s.Spec.Ports {
				if !slices.ContainsFunc(selected[0].pod.Spec.Containers, func(c corev1.Container) bool { return hasPort(c, p.TargetPort.StrVal) }) {
					t.Errorf("%s: service %s: no port %s", dir, s.Name, p.TargetPort.StrVal)
				}
				ports[s.Namespace+"/"+s.Name] = p.Port
			}
		}
	}
	for service, want := range map[string]int32{
		"monitoring/prometheus": 9090, "monitoring/grafana": 3000, "monitoring/alertmanager": 9093,
		"default/tomcat-sample-service": 8080,
	} {
		if ports[service] != want {
			t.Errorf("service %s has port %d, not %d", service, ports[service], want)
		}
	}
}

// TestServiceMonitorsLead wants each ServiceMonitor to select services of its own namespace,
// and to name ports of theirs: what the operator does not find it does not tell.
func TestServiceMonitorsLead(t *testing.T) {
	n := 0
	for _, dir := range append(kustomizations(t), ownOverlay(t, "default"), ownOverlay(t, "namespaced")) {
		objects := build(t, dir)
		for _, o := range objects {
			if o.GetKind() != "ServiceMonitor" {
				continue
			}
			n++
			selector, _, err := unstructured.NestedStringMap(o.Object, "spec", "selector", "matchLabels")
			if err != nil {
				t.Fatal(err)
			}
			endpoints, _, err := unstructured.NestedSlice(o.Object, "spec", "endpoints")
			if err != nil {
				t.Fatal(err)
			}
			var ports []string
			for _, other := range objects {
				if other.GetKind() != "Service" || other.GetNamespace() != o.GetNamespace() || !contains(other.GetLabels(), selector) {
					continue
				}
				for _, p := range as[corev1.Service](t, other).Spec.Ports {
					ports = append(ports, p.Name)
				}
			}
			for _, e := range endpoints {
				if port, _, _ := unstructured.NestedString(e.(map[string]any), "port"); !slices.Contains(ports, port) {
					t.Errorf("%s: ServiceMonitor %s/%s finds no port %q, only %q", dir, o.GetNamespace(), o.GetName(), port, ports)
				}
			}
		}
	}
	if n < 4 {
		t.Errorf("only %d ServiceMonitors", n)
	}
}

// TestControllerKeepsItsEnvironment: no overlay loses what keeps the controller below the
// limit of its memory, nor what its arguments refer to.
func TestControllerKeepsItsEnvironment(t *testing.T) {
	everyController(t, func(t *testing.T, _ []unstructured.Unstructured, w workload) {
		c := w.pod.Spec.Containers[0]
		env := map[string]string{}
		for _, e := range c.Env {
			env[e.Name] = e.Value
		}
		soft, err := resource.ParseQuantity(strings.TrimSuffix(env["GOMEMLIMIT"], "B"))
		if err != nil || soft.Cmp(*c.Resources.Limits.Memory()) >= 0 {
			t.Errorf("GOMEMLIMIT %q, limit of memory %s", env["GOMEMLIMIT"], c.Resources.Limits.Memory())
		}
		for _, m := range regexp.MustCompile(`\$\((\w+)\)`).FindAllStringSubmatch(strings.Join(c.Args, " "), -1) {
			if _, ok := env[m[1]]; !ok {
				t.Errorf("arguments %q refer to %s, which is not set", c.Args, m[1])
			}
		}
	})
}

// contains reports whether all pairs of a selector are among labels.
func contains(labels, selector map[string]string) bool {
	for k, v := range maps.All(selector) {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

func TestSelectorsMatch(t *testing.T) {
	everyWorkload(t, func(t *testing.T, _ string, _ []unstructured.Unstructured, w workload) {
		if w.kind != "Job" && !contains(w.pod.Labels, w.selector) {
			t.Errorf("selector %v does not select pods with %v", w.selector, w.pod.Labels)
		}
	})
}
