package manifests_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

// mounted writes the files that a server of the overlay has in its pod, and returns the
// path of its configuration, in which their places are those of the test.
func mounted(t *testing.T, overlay string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	objects := build(t, overlay)
	rules := filepath.Join(dir, "rules")
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range as[corev1.ConfigMap](t, find(t, objects, "ConfigMap", "prometheus-rules")).Data {
		write(filepath.Join("rules", name), text)
	}
	config := configFile(t, objects, "prometheus-config", "prometheus.yml")
	for place, here := range map[string]string{
		"/etc/prometheus/rules/":                              rules + "/",
		"/var/run/secrets/kubernetes.io/serviceaccount/token": write("token", "none"),
	} {
		if !strings.Contains(config, place) {
			t.Fatalf("the configuration does not name %s", place)
		}
		config = strings.ReplaceAll(config, place, here)
	}
	return write("prometheus.yml", config)
}

// TestPromtoolAcceptsTheConfiguration checks what is rendered, rule files included.
func TestPromtoolAcceptsTheConfiguration(t *testing.T) {
	promtool := promtest.Promtool(t)
	for _, overlay := range []string{"default", "prometheus", "prometheus-ephemeral", "prometheus-without-exporters"} {
		config := mounted(t, "monitoring/overlays/"+overlay)
		out, err := exec.CommandContext(t.Context(), promtool, "check", "config", "--lint=all", "--lint-fatal", config).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", overlay, err, out)
		}
		if n := strings.Count(string(out), " rules found"); n != len(present(t, "monitoring/rules", "*.yaml")) {
			t.Errorf("%s: promtool looked at %d rule files:\n%s", overlay, n, out)
		}
	}
	// It can say no.
	config := mounted(t, "monitoring/overlays/default")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "action: keepequal", "action: keepsame", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "config", config).CombinedOutput(); err == nil {
		t.Errorf("an action that there is not was accepted:\n%s", out)
	}
}

// TestAlertsAreRouted asks Alertmanager's own tool whom the example tells what.
func TestAlertsAreRouted(t *testing.T) {
	config := filepath.Join("monitoring", "base", "alertmanager", "alertmanager.yml")
	amtool := func(args ...string) string {
		t.Helper()
		args = append([]string{"tool", "-modfile=../tools/alertmanager/go.mod", "amtool"}, args...)
		out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	amtool("check-config", config)
	route := map[string]string{"severity=page": "pager", "severity=ticket": "chat", "severity=info": "shown", "alertname=Watchdog": "shown"}
	for alert, want := range route {
		if got := amtool("config", "routes", "test", "--config.file="+config, alert); got != want {
			t.Errorf("%s goes to %s, not %s", alert, got, want)
		}
	}
	// Nobody looks at what is only shown.
	for _, group := range ruleGroups(t) {
		for _, rule := range group.(map[string]any)["rules"].([]any) {
			labels, _ := rule.(map[string]any)["labels"].(map[string]any)
			name, alerts := rule.(map[string]any)["alert"]
			if to := route[fmt.Sprintf("severity=%v", labels["severity"])]; alerts && (to == "" || to == "shown") {
				t.Errorf("alert %s of severity %v is sent to nobody", name, labels["severity"])
			}
		}
	}
}

// TestDiscovery runs a real server with the rendered configuration and with the rights of
// its service account against an API server, and looks at what it finds there. Addresses
// are of this machine, and nothing answers at them.
func TestDiscovery(t *testing.T) {
	binary := promtest.Find(t)
	c := clustertest.New(t)
	kubectl(t, c, "", "apply", "--server-side", "-k", "monitoring/overlays/default")
	addPods(t, c)

	path := mounted(t, "monitoring/overlays/default")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// In a cluster the account's files are where the client looks for them.
	account := clustertest.KubeconfigOf(t, c.ServiceAccount(t, "monitoring", "prometheus"))
	config := strings.ReplaceAll(string(text), "  - role: ", "  - kubeconfig_file: "+account+"\n    role: ")
	address := promtest.FreeAddress(t)
	config = strings.NewReplacer("localhost:9090", address, "alertmanager.monitoring.svc:9093", "127.0.0.1:1").Replace(config)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	// The arguments of the pod, with places of the test.
	all := workloads(t, build(t, "monitoring/overlays/default"))
	i := slices.IndexFunc(all, func(w workload) bool { return w.name == "prometheus" })
	args := slices.Clone(all[i].pod.Spec.Containers[0].Args)
	for i := range args {
		args[i] = strings.NewReplacer("/etc/prometheus/config/prometheus.yml", path, "path=/prometheus", "path="+t.TempDir()).Replace(args[i])
	}
	server := exec.CommandContext(ctx, binary, append(args, "--web.listen-address="+address)...)
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = time.Minute
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = server.Wait() // it was told to end
		if t.Failed() {
			t.Log(log.String())
		}
	})

	want := []string{
		"alertmanager http://127.0.0.13:9093/metrics instance=127.0.0.13:9093 namespace=monitoring pod=alertmanager-0",
		"app http://127.0.0.21:9404/metrics instance=127.0.0.21:9404 namespace=default pod=tomcat-sample-app-a",
		"cadvisor https://127.0.0.5:1025/metrics/cadvisor instance=node-a node=node-a",
		"grafana http://127.0.0.14:3000/metrics instance=127.0.0.14:3000 namespace=monitoring pod=grafana-0",
		"hindcast https://127.0.0.31:8443/metrics controller_namespace=hindcast-system controller_pod=hindcast-controller-a instance=127.0.0.31:8443",
		"kube-state-metrics http://127.0.0.12:8080/metrics instance=127.0.0.12:8080",
		"kube-state-metrics-self http://127.0.0.12:8081/metrics instance=127.0.0.12:8081 namespace=monitoring pod=kube-state-metrics-a",
		"kubelet https://127.0.0.5:1025/metrics instance=node-a node=node-a",
		"node-exporter http://127.0.0.11:9100/metrics instance=node-a node=node-a",
		"prometheus http://" + address + "/metrics instance=" + address,
	}
	var got []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = activeTargets(t, address); slices.Equal(got, want) {
			return
		}
	}
	t.Errorf("targets (-want +got)\n%s", cmp.Diff(want, got))
}

// addPods makes a node and a pod for each workload of the stack, the sample and the
// controller, from their own templates, and lets them run. No controller does it here.
func addPods(t *testing.T, c *clustertest.Cluster) {
	t.Helper()
	admin := c.Client(t)
	node, err := admin.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-a"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.5"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = 1025
	if _, err := admin.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct{ namespace, dir, workload, name, ip string }{
		{"monitoring", "monitoring/overlays/default", "prometheus", "prometheus-0", "127.0.0.10"},
		{"monitoring", "monitoring/overlays/default", "node-exporter", "node-exporter-a", "127.0.0.11"},
		{"monitoring", "monitoring/overlays/default", "kube-state-metrics", "kube-state-metrics-a", "127.0.0.12"},
		{"monitoring", "monitoring/overlays/default", "alertmanager", "alertmanager-0", "127.0.0.13"},
		{"monitoring", "monitoring/overlays/default", "grafana", "grafana-0", "127.0.0.14"},
		{"default", "sample/app", "tomcat-sample-app", "tomcat-sample-app-a", "127.0.0.21"},
		{"default", "sample/load", "tomcat-sample-load", "tomcat-sample-load-a", "127.0.0.22"},
		{"hindcast-system", "controller/default", "hindcast-controller", "hindcast-controller-a", "127.0.0.31"},
	} {
		if _, err := admin.CoreV1().Namespaces().Get(t.Context(), p.namespace, metav1.GetOptions{}); err != nil {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}}
			if _, err := admin.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		all := workloads(t, build(t, p.dir))
		i := slices.IndexFunc(all, func(w workload) bool { return w.name == p.workload })
		if i < 0 {
			t.Fatalf("no %s in %s", p.workload, p.dir)
		}
		template := all[i].pod
		pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		pod.Name, pod.Namespace, pod.Spec.NodeName = p.name, p.namespace, "node-a"
		// Volumes and accounts are nothing that is looked at.
		pod.Spec.Volumes, pod.Spec.ServiceAccountName, pod.Spec.AutomountServiceAccountToken = nil, "", new(false)
		for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for i := range containers {
				containers[i].VolumeMounts = nil
			}
		}
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
		// The one that pods have unless they name another is made by a controller elsewhere.
		_, _ = admin.CoreV1().ServiceAccounts(p.namespace).Create(t.Context(), account, metav1.CreateOptions{})
		made, err := admin.CoreV1().Pods(p.namespace).Create(t.Context(), pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		made.Status.Phase, made.Status.PodIP, made.Status.PodIPs = corev1.PodRunning, p.ip, []corev1.PodIP{{IP: p.ip}}
		if _, err := admin.CoreV1().Pods(p.namespace).UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// activeTargets returns what a server scrapes, a sorted line each, or what stood in the way.
func activeTargets(t *testing.T, address string) []string {
	t.Helper()
	response, err := http.Get("http://" + address + "/api/v1/targets?state=active")
	if err != nil {
		return []string{err.Error()}
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			ActiveTargets []struct {
				ScrapeURL string            `json:"scrapeUrl"`
				Labels    map[string]string `json:"labels"`
			} `json:"activeTargets"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return []string{err.Error()}
	}
	lines := []string{}
	for _, target := range answer.Data.ActiveTargets {
		var names []string
		for name, value := range target.Labels {
			if name != "job" {
				names = append(names, " "+name+"="+value)
			}
		}
		slices.Sort(names)
		lines = append(lines, target.Labels["job"]+" "+target.ScrapeURL+strings.Join(names, ""))
	}
	slices.Sort(lines)
	return lines
}
