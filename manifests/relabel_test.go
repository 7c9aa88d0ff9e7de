package manifests_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"
)

// A scrapeJob is what a job of prometheus.yml does to labels.
type scrapeJob struct {
	Name          string            `yaml:"job_name"`
	Scheme        string            `yaml:"scheme"`
	MetricsPath   string            `yaml:"metrics_path"`
	HonorLabels   bool              `yaml:"honor_labels"`
	Relabel       []*relabel.Config `yaml:"relabel_configs"`
	MetricRelabel []*relabel.Config `yaml:"metric_relabel_configs"`
	Discovery     []struct {
		Role       string `yaml:"role"`
		Namespaces struct {
			Names []string `yaml:"names"`
		} `yaml:"namespaces"`
	} `yaml:"kubernetes_sd_configs"`
}

func scrapeJobs(t *testing.T) []scrapeJob {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("monitoring", "base", "prometheus", "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Jobs []scrapeJob `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Jobs
}

// target returns the labels that a job gives a discovered target, or false where it does
// not scrape it: what Prometheus does around the rules, with its own code for the rules.
func (j scrapeJob) target(t *testing.T, discovered map[string]string) (map[string]string, bool) {
	t.Helper()
	in := map[string]string{"job": j.Name, "__scheme__": "http", "__metrics_path__": "/metrics"}
	if j.Scheme != "" {
		in["__scheme__"] = j.Scheme
	}
	if j.MetricsPath != "" {
		in["__metrics_path__"] = j.MetricsPath
	}
	maps.Copy(in, discovered)
	for _, r := range j.Relabel {
		r.NameValidationScheme = model.UTF8Validation
		if err := r.Validate(r.NameValidationScheme); err != nil {
			t.Fatalf("%s: %v", j.Name, err)
		}
	}
	b := labels.NewBuilder(labels.FromMap(in))
	if !relabel.ProcessBuilder(b, j.Relabel...) {
		return nil, false
	}
	got := b.Labels().Map()
	url := got["__scheme__"] + "://" + got["__address__"] + got["__metrics_path__"]
	if got["instance"] == "" {
		got["instance"] = got["__address__"]
	}
	maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, "__") })
	got["url"] = url
	return got, true
}

// pod returns what discovery tells of one port of a pod, as the test below against a real
// server has it; the changes are on top.
func podTarget(namespace, name, app, port, number string, more map[string]string) map[string]string {
	const meta = "__meta_kubernetes_"
	d := map[string]string{
		"__address__":                                    "10.0.0.7:" + number,
		meta + "namespace":                               namespace,
		meta + "pod_name":                                name,
		meta + "pod_ip":                                  "10.0.0.7",
		meta + "pod_phase":                               "Running",
		meta + "pod_node_name":                           "node-a",
		meta + "pod_container_name":                      app,
		meta + "pod_container_init":                      "false",
		meta + "pod_container_port_name":                 port,
		meta + "pod_container_port_number":               number,
		meta + "pod_label_app_kubernetes_io_name":        app,
		meta + "pod_labelpresent_app_kubernetes_io_name": "true",
	}
	for k, v := range more {
		d[meta+"pod_"+k] = v
	}
	return d
}

// TestTargetsAreScrapedOnce says of sample targets which job scrapes them, from where and
// under which labels. No other job may.
func TestTargetsAreScrapedOnce(t *testing.T) {
	type want = map[string]string
	node := map[string]string{
		"__address__": "192.168.0.5:10250", "__meta_kubernetes_node_name": "node-a",
		"__meta_kubernetes_node_address_InternalIP": "192.168.0.5", "instance": "node-a",
	}
	scrape := map[string]string{"annotation_prometheus_io_scrape": "true"}
	with := func(pairs ...string) map[string]string {
		m := maps.Clone(scrape)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, tc := range map[string]struct {
		role   string
		target map[string]string
		want   []want // one for each job, in order of the file
	}{
		"node": {"node", node, []want{
			{"job": "kubelet", "instance": "node-a", "node": "node-a", "url": "https://192.168.0.5:10250/metrics"},
			{"job": "cadvisor", "instance": "node-a", "node": "node-a", "url": "https://192.168.0.5:10250/metrics/cadvisor"},
		}},
		"node-exporter": {"pod", podTarget("monitoring", "node-exporter-x", "node-exporter", "metrics", "9100", nil), []want{
			{"job": "node-exporter", "instance": "node-a", "node": "node-a", "url": "http://10.0.0.7:9100/metrics"},
		}},
		"kube-state-metrics": {"pod", podTarget("monitoring", "kube-state-metrics-x", "kube-state-metrics", "http-metrics", "8080", nil), []want{
			{"job": "kube-state-metrics", "instance": "10.0.0.7:8080", "url": "http://10.0.0.7:8080/metrics"},
		}},
		"its own metrics": {"pod", podTarget("monitoring", "kube-state-metrics-x", "kube-state-metrics", "telemetry", "8081", nil), []want{
			{"job": "kube-state-metrics-self", "namespace": "monitoring", "pod": "kube-state-metrics-x", "instance": "10.0.0.7:8081", "url": "http://10.0.0.7:8081/metrics"},
		}},
		"somebody else's kube-state-metrics": {"pod", podTarget("kube-system", "kube-state-metrics-x", "kube-state-metrics", "http-metrics", "8080", nil), nil},
		"grafana": {"pod", podTarget("monitoring", "grafana-0", "grafana", "web", "3000", nil), []want{
			{"job": "grafana", "namespace": "monitoring", "pod": "grafana-0", "instance": "10.0.0.7:3000", "url": "http://10.0.0.7:3000/metrics"},
		}},
		"alertmanager": {"pod", podTarget("monitoring", "alertmanager-0", "alertmanager", "web", "9093", nil), []want{
			{"job": "alertmanager", "namespace": "monitoring", "pod": "alertmanager-0", "instance": "10.0.0.7:9093", "url": "http://10.0.0.7:9093/metrics"},
		}},
		"prometheus, which scrapes itself": {"pod", podTarget("monitoring", "prometheus-0", "prometheus", "web", "9090", nil), nil},
		"controller": {"pod", podTarget("hindcast-system", "hindcast-controller-x", "hindcast", "metrics", "8443", map[string]string{"label_app_kubernetes_io_component": "controller"}), []want{
			{"job": "hindcast", "controller_namespace": "hindcast-system", "controller_pod": "hindcast-controller-x", "instance": "10.0.0.7:8443", "url": "https://10.0.0.7:8443/metrics"},
		}},
		"controller that is annotated too": {"pod", podTarget("elsewhere", "c", "hindcast", "metrics", "8443", with("label_app_kubernetes_io_component", "controller")), []want{
			{"job": "hindcast", "controller_namespace": "elsewhere", "controller_pod": "c", "instance": "10.0.0.7:8443", "url": "https://10.0.0.7:8443/metrics"},
		}},
		"controller's probes": {"pod", podTarget("hindcast-system", "c", "hindcast", "probes", "8081", map[string]string{"label_app_kubernetes_io_component": "controller"}), nil},
		"ingress": {"pod", podTarget("ingress-nginx", "ingress-nginx-controller-x", "ingress-nginx", "metrics", "10254", with("annotation_prometheus_io_port", "10254")), []want{
			{"job": "ingress-nginx", "controller_namespace": "ingress-nginx", "controller_pod": "ingress-nginx-controller-x", "instance": "10.0.0.7:10254", "url": "http://10.0.0.7:10254/metrics"},
		}},
		"sample app": {"pod", podTarget("default", "tomcat-sample-app-x", "tomcat-sample-app", "metrics", "9404", with("annotation_prometheus_io_port", "9404")), []want{
			{"job": "app", "namespace": "default", "pod": "tomcat-sample-app-x", "instance": "10.0.0.7:9404", "url": "http://10.0.0.7:9404/metrics"},
		}},
		"its other port": {"pod", podTarget("default", "tomcat-sample-app-x", "tomcat-sample-app", "http", "8080", with("annotation_prometheus_io_port", "9404")), nil},
		"annotated, by the port's name": {"pod", podTarget("shop", "cart-x", "cart", "metrics", "2112", scrape), []want{
			{"job": "app", "namespace": "shop", "pod": "cart-x", "instance": "10.0.0.7:2112", "url": "http://10.0.0.7:2112/metrics"},
		}},
		"annotated, other name": {"pod", podTarget("shop", "cart-x", "cart", "http", "8080", scrape), nil},
		"path and scheme": {"pod", podTarget("shop", "cart-x", "cart", "http", "8080", with("annotation_prometheus_io_port", "8080", "annotation_prometheus_io_path", "/actuator/prometheus", "annotation_prometheus_io_scheme", "https")), []want{
			{"job": "app", "namespace": "shop", "pod": "cart-x", "instance": "10.0.0.7:8080", "url": "https://10.0.0.7:8080/actuator/prometheus"},
		}},
		"a scheme that is none": {"pod", podTarget("shop", "cart-x", "cart", "metrics", "8080", with("annotation_prometheus_io_scheme", "file")), []want{
			{"job": "app", "namespace": "shop", "pod": "cart-x", "instance": "10.0.0.7:8080", "url": "http://10.0.0.7:8080/metrics"},
		}},
		"not annotated":    {"pod", podTarget("shop", "cart-x", "cart", "metrics", "2112", nil), nil},
		"told not to":      {"pod", podTarget("shop", "cart-x", "cart", "metrics", "2112", with("annotation_prometheus_io_scrape", "false")), nil},
		"pod that is over": {"pod", podTarget("shop", "cart-x", "cart", "metrics", "2112", with("phase", "Succeeded")), nil},
		"pod that starts":  {"pod", podTarget("shop", "cart-x", "cart", "metrics", "2112", with("phase", "Pending")), nil},
		"controller that starts": {"pod", podTarget("hindcast-system", "c", "hindcast", "metrics", "8443",
			map[string]string{"label_app_kubernetes_io_component": "controller", "phase": "Pending"}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []want
			for _, job := range scrapeJobs(t) {
				if len(job.Discovery) != 1 || job.Discovery[0].Role != tc.role {
					continue
				}
				if ns := job.Discovery[0].Namespaces.Names; len(ns) > 0 && ns[0] != tc.target["__meta_kubernetes_namespace"] {
					continue
				}
				if labels, ok := job.target(t, tc.target); ok {
					got = append(got, labels)
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestContainersAreCountedOnce gives the job cadvisor what a kubelet says of one pod: the
// sum over the pod's series must be the pod's own figure.
func TestContainersAreCountedOnce(t *testing.T) {
	const (
		slice   = `/kubepods.slice`
		podID   = slice + `/pod1`
		first   = podID + `/a`
		sandbox = podID + `/b`
	)
	series := []struct {
		labels labels.Labels
		keep   bool
	}{
		{labels.FromStrings("__name__", "container_cpu_usage_seconds_total", "id", "/"), false},
		{labels.FromStrings("__name__", "container_cpu_usage_seconds_total", "id", slice), false},
		{labels.FromStrings("__name__", "container_cpu_usage_seconds_total", "id", podID, "namespace", "shop", "pod", "cart"), false},
		{labels.FromStrings("__name__", "container_cpu_usage_seconds_total", "id", first, "namespace", "shop", "pod", "cart", "container", "cart", "image", "i", "name", "n"), true},
		{labels.FromStrings("__name__", "container_cpu_usage_seconds_total", "id", sandbox, "namespace", "shop", "pod", "cart", "container", "POD"), false},
		{labels.FromStrings("__name__", "container_memory_working_set_bytes", "id", podID, "namespace", "shop", "pod", "cart"), false},
		{labels.FromStrings("__name__", "container_memory_working_set_bytes", "id", first, "namespace", "shop", "pod", "cart", "container", "cart"), true},
		{labels.FromStrings("__name__", "container_fs_reads_bytes_total", "id", first, "namespace", "shop", "pod", "cart", "container", "cart", "device", "sda"), true},
		{labels.FromStrings("__name__", "container_network_receive_bytes_total", "id", podID, "namespace", "shop", "pod", "cart", "interface", "eth0"), true},
		{labels.FromStrings("__name__", "container_network_receive_bytes_total", "id", "/", "interface", "eth0"), false},
		{labels.FromStrings("__name__", "machine_cpu_cores"), false},
	}
	var job scrapeJob
	for _, j := range scrapeJobs(t) {
		if j.Name == "cadvisor" {
			job = j
		}
	}
	for _, s := range series {
		b := labels.NewBuilder(s.labels)
		keep := relabel.ProcessBuilder(b, job.MetricRelabel...)
		out := b.Labels()
		if keep != s.keep {
			t.Errorf("%v: kept is %v", s.labels, keep)
		}
		if keep && (out.Get("image") != "" || out.Get("name") != "" || out.Get("id") == "") {
			t.Errorf("%v became %v", s.labels, out)
		}
	}
}

// TestLabelsOfObjectsStay wants the job whose series name objects to leave those names.
func TestLabelsOfObjectsStay(t *testing.T) {
	for _, j := range scrapeJobs(t) {
		if want := j.Name == "kube-state-metrics"; j.HonorLabels != want {
			t.Errorf("%s: honor_labels is %v", j.Name, j.HonorLabels)
		}
	}
}
