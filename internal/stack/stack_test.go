package stack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

// What manifests/sample calls its app.
const (
	sampleNamespace = "default"
	sampleName      = "tomcat-sample-app"
)

// A stack is what manifests/ install, at work: every program whose code can be had runs
// as the process of its pod, at the pod's address, with the pod's arguments, by the
// rights of its service account.
type stack struct {
	t       *testing.T
	cluster *clustertest.Cluster
	client  kubernetes.Interface
	prom    *promtest.Server
	app     *app
	began   time.Time
}

// past is how much of the load Prometheus knows from before.
const past = 12 * time.Hour

func start(t *testing.T) *stack {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a process listen at any address of the loopback network")
	}
	programs := clustertest.Assets(t, "kube-state-metrics", "node_exporter", "kubelet")
	promtest.Find(t)
	c := clustertest.StartPlane(t, 2)
	s := &stack{t: t, cluster: c, client: c.Client(t)}
	// The first lines of manifests/README.md and QUICKSTART.md, without the scripts around.
	for _, dir := range []string{"monitoring/base/namespace", "monitoring/overlays/prometheus-ephemeral", "controller/default"} {
		s.kubectl("apply", "--server-side", "-k", filepath.Join("..", "..", "manifests", filepath.FromSlash(dir)))
	}
	s.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/predictivescalers.autoscaling.hindcast.dev")
	s.ingress()
	load := wave{origin: time.Now().Truncate(time.Second).Add(-past), period: 12 * time.Minute, mean: 110, high: 190}
	s.app = &app{client: s.client, namespace: sampleNamespace, deployment: sampleName, load: load.rate}
	requests := prometheus.NewRegistry()
	s.app.run(t, requests)
	s.listen("ingress-nginx", "app.kubernetes.io/name=ingress-nginx", "10254", promhttp.HandlerFor(requests, promhttp.HandlerOpts{}))
	c.ServePodMetrics(t, s.app.metricsServer())
	s.kubectl("apply", "--server-side", "-k", filepath.Join("..", "..", "manifests", "sample"))

	s.exporters(programs)
	s.kubelets(programs)
	s.prometheus(load)
	s.controllers()
	s.began = time.Now()
	return s
}

func (s *stack) kubectl(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(s.cluster.Programs, "kubectl"), append([]string{"--kubeconfig", s.cluster.Kubeconfig(s.t)}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// pods waits until n pods of a selector run, and returns them.
func (s *stack) pods(namespace, selector string, n int) []corev1.Pod {
	s.t.Helper()
	var running []corev1.Pod
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		list, err := s.client.CoreV1().Pods(namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			s.t.Fatal(err)
		}
		running = nil
		for _, p := range list.Items {
			if p.Status.Phase == corev1.PodRunning && p.Status.PodIP != "" {
				running = append(running, p)
			}
		}
		if len(running) >= n {
			return running
		}
	}
	s.t.Fatalf("%d pods of %s in %s run, want %d", len(running), selector, namespace, n)
	return nil
}

// account writes the kubeconfig of a service account.
func (s *stack) account(namespace, name string) string {
	s.t.Helper()
	return clustertest.KubeconfigOf(s.t, s.cluster.ServiceAccount(s.t, namespace, name))
}

// exporters starts kube-state-metrics and a node_exporter for each node, with the
// arguments that manifests/monitoring give them, save the folder where a container
// would see the host.
func (s *stack) exporters(programs string) {
	s.t.Helper()
	p := s.pods("monitoring", "app.kubernetes.io/name=kube-state-metrics", 1)[0]
	args := append(p.Spec.Containers[0].Args, "--host="+p.Status.PodIP, "--telemetry-host="+p.Status.PodIP, "--kubeconfig="+s.account("monitoring", "kube-state-metrics"))
	s.cluster.Run(s.t, filepath.Join(programs, "kube-state-metrics"), args...)
	for _, p := range s.pods("monitoring", "app.kubernetes.io/name=node-exporter", 2) {
		args := []string{"--web.listen-address=" + net.JoinHostPort(p.Status.PodIP, "9100")}
		for _, a := range p.Spec.Containers[0].Args {
			if !strings.HasPrefix(a, "--path.") {
				args = append(args, a)
			}
		}
		s.cluster.Run(s.t, filepath.Join(programs, "node_exporter"), args...)
	}
}

// kubelets starts what serves the metrics of each node's kubelet, with what the containers
// of the node's pods use.
func (s *stack) kubelets(programs string) {
	s.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list, err := s.client.CoreV1().Pods("").List(r.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + r.FormValue("node")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		all := []usage{}
		for i := range list.Items {
			if list.Items[i].Status.Phase == corev1.PodRunning {
				all = append(all, s.app.usage(&list.Items[i])...)
			}
		}
		_ = json.NewEncoder(w).Encode(all) // the reader says so if it went wrong
	}))
	s.t.Cleanup(server.Close)
	nodes, err := s.client.CoreV1().Nodes().List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	authority := clustertest.NewAuthority(s.t, "kubelets")
	for _, n := range nodes.Items {
		dir := s.t.TempDir()
		ip := n.Status.Addresses[0].Address
		authority.Mount(s.t, dir, n.Name, ip)
		s.cluster.Run(s.t, filepath.Join(programs, "kubelet"), "-address="+net.JoinHostPort(ip, "10250"),
			"-tls-cert-file="+filepath.Join(dir, "tls.crt"), "-tls-private-key-file="+filepath.Join(dir, "tls.key"), "-usage="+server.URL+"?node="+n.Name)
	}
}

// ingress makes the pod that discovery takes for ingress-nginx.
func (s *stack) ingress() {
	s.t.Helper()
	labels := map[string]string{"app.kubernetes.io/name": "ingress-nginx"}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "ingress-nginx-controller"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "controller", Image: "ingress-nginx", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 10254}},
			}}},
		},
	}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ingress-nginx"}}
	if _, err := s.client.CoreV1().Namespaces().Create(s.t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.client.AppsV1().Deployments(namespace.Name).Create(s.t.Context(), d, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// listen serves at the address of a pod until the test ends.
func (s *stack) listen(namespace, selector, port string, handler http.Handler) {
	s.t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(s.pods(namespace, selector, 1)[0].Status.PodIP, port))
	if err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	if err := server.Listener.Close(); err != nil {
		s.t.Fatal(err)
	}
	server.Listener = l
	server.Start()
	s.t.Cleanup(server.Close)
}

// prometheus starts the server with the configuration and the rules that the manifests
// put into ConfigMaps. Changed is what a process outside a pod has elsewhere: the way to
// the API server, the token, the folder of the rules, its own address.
func (s *stack) prometheus(load wave) {
	t := s.t
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range s.configMap("prometheus-rules") {
		file(filepath.Join("rules", name), text)
	}
	address := net.JoinHostPort(s.pods("monitoring", "app.kubernetes.io/name=prometheus", 1)[0].Status.PodIP, "9090")
	token := file("token", s.cluster.ServiceAccount(t, "monitoring", "prometheus").BearerToken)
	kubeconfig := s.account("monitoring", "prometheus")
	config := s.configMap("prometheus-config")["prometheus.yml"]
	for old, changed := range map[string]string{
		"/etc/prometheus/rules":                               filepath.Join(dir, "rules"),
		"/var/run/secrets/kubernetes.io/serviceaccount/token": token,
		"localhost:9090":                                      address,
		"  - role: pod\n":                                     "  - role: pod\n    kubeconfig_file: " + kubeconfig + "\n",
		"  - role: node\n":                                    "  - role: node\n    kubeconfig_file: " + kubeconfig + "\n",
	} {
		if !strings.Contains(config, old) {
			t.Fatalf("prometheus.yml has no %q", old)
		}
		config = strings.ReplaceAll(config, old, changed)
	}
	data := filepath.Join(dir, "data")
	promtest.Backfill(t, data, history(load))
	s.prom = promtest.StartAt(t, address, data, config)
}

// configMap returns the files that the manifests put into one.
func (s *stack) configMap(name string) map[string]string {
	s.t.Helper()
	m, err := s.client.CoreV1().ConfigMaps("monitoring").Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Data
}

// history is the load of the past as the scaler of the sample app asks for it, in the
// OpenMetrics format. No panel matches the name of its pod, so that what they show is live.
func history(load wave) []byte {
	var out bytes.Buffer
	for _, m := range []struct {
		name, labels string
		each         float64
	}{
		{"http_requests", `code="200",instance="past",job="app"`, 1},
		{"container_cpu_usage_seconds", `container="tomcat",instance="past",job="cadvisor"`, cpuOfRequest.Seconds()},
	} {
		fmt.Fprintf(&out, "# TYPE %s counter\n", m.name)
		for at := load.origin; at.Before(load.origin.Add(past)); at = at.Add(15 * time.Second) {
			fmt.Fprintf(&out, "%s_total{namespace=%q,pod=%q,%s} %g %d\n", m.name, sampleNamespace, sampleName+"-of.before", m.labels, m.each*load.total(at), at.Unix())
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes()
}

// controllers starts the controller's binary for each of its pods; one leads.
func (s *stack) controllers() {
	t := s.t
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hindcast-controller")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "hindcast.dev/cmd/hindcast-controller").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kubeconfig := s.account("hindcast-system", "hindcast-controller")
	for _, p := range s.pods("hindcast-system", "app.kubernetes.io/name=hindcast", 2) {
		var args []string
		for _, a := range p.Spec.Containers[0].Args {
			args = append(args, strings.ReplaceAll(a, "http://prometheus.monitoring.svc:9090", s.prom.URL()))
		}
		s.cluster.Run(t, binary, append(args, "--kubeconfig="+kubeconfig, "--lease-namespace=hindcast-system",
			"--metrics-address="+net.JoinHostPort(p.Status.PodIP, "8443"), "--probe-address=0")...)
	}
}

func cores(n float64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(int64(1000*n), resource.DecimalSI)}
}
