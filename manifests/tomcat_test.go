package manifests_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/internal/promtest"
)

// tomcatHome is where a Tomcat 10.1 is: what HINDCAST_TOMCAT names, else where Debian puts its package tomcat10.
// Without one, or with none, the test is skipped; it fails where CI is true and nobody said none.
func tomcatHome(t *testing.T) string {
	t.Helper()
	home := os.Getenv("HINDCAST_TOMCAT")
	if home == "none" {
		t.Skip("HINDCAST_TOMCAT is none")
	}
	if home == "" {
		home = "/usr/share/tomcat10"
	}
	_, err := os.Stat(filepath.Join(home, "bin", "bootstrap.jar"))
	if err == nil {
		_, err = exec.LookPath("java")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; install tomcat10 and a Java, or set HINDCAST_TOMCAT=none", err)
		}
		t.Skipf("no Tomcat: %v", err)
	}
	return home
}

// freePort is one at which nothing listens now.
func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(promtest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A tomcat is a real Tomcat with the sample's files, put together by the commands of its init container.
type tomcat struct{ users, prometheus string } // URLs

// startTomcat replaces each old of its server.xml by the new that follows.
func startTomcat(t *testing.T, jmxPort string, oldnew ...string) tomcat {
	t.Helper()
	home, dir := tomcatHome(t), t.TempDir()
	objects := build(t, "sample/app")
	users, metrics := freePort(t), freePort(t)
	for name, text := range configMapData(t, "tomcat-sample-config") {
		if name == "server.xml" {
			oldnew := append([]string{`port="8080"`, `port="` + users + `"`, `port="9404"`, `port="` + metrics + `"`}, oldnew...)
			for i := 0; i < len(oldnew); i += 2 {
				if !strings.Contains(text, oldnew[i]) {
					t.Fatalf("%s has no %s", name, oldnew[i])
				}
			}
			text = strings.NewReplacer(oldnew...).Replace(text)
		}
		if err := os.MkdirAll(filepath.Join(dir, "config"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Debian has the configuration in another folder than the image.
	conf := filepath.Join(home, "conf")
	if _, err := os.Stat(conf); err != nil {
		conf = filepath.Join(home, "etc")
	}
	script := ""
	for _, c := range workloads(t, objects)[0].pod.Spec.InitContainers {
		if c.Name == "base" {
			script = strings.NewReplacer("/usr/local/tomcat/conf /base/", conf+" "+dir+"/base/conf", "/config/", dir+"/config/", "/base", dir+"/base").Replace(c.Command[len(c.Command)-1])
		}
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	base := filepath.Join(dir, "base")
	var log strings.Builder
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "java", "-cp", filepath.Join(home, "bin", "bootstrap.jar")+":"+filepath.Join(home, "bin", "tomcat-juli.jar"),
		"-Dcatalina.home="+home, "-Dcatalina.base="+base, "-Djava.io.tmpdir="+filepath.Join(base, "temp"),
		"-Djava.util.logging.config.file="+filepath.Join(base, "conf", "logging.properties"), "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
		"-Dusers.port="+users, "-Djmx.port="+jmxPort, "org.apache.catalina.startup.Bootstrap", "start")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // a JVM that was told to end says 143
		if t.Failed() {
			t.Log(log.String())
		}
	})
	tc := tomcat{"http://127.0.0.1:" + users, "http://127.0.0.1:" + metrics}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if code, _, err := tc.try(t, tc.users+"/health.txt"); err == nil && code == http.StatusOK {
			return tc
		}
		if time.Now().After(deadline) {
			t.Fatal("Tomcat does not answer")
		}
	}
}

func configMapData(t *testing.T, prefix string) map[string]string {
	t.Helper()
	for _, o := range build(t, "sample/app") {
		if o.GetKind() == "ConfigMap" && strings.HasPrefix(o.GetName(), prefix) {
			return as[corev1.ConfigMap](t, o).Data
		}
	}
	t.Fatalf("no ConfigMap %s", prefix)
	return nil
}

func (tomcat) try(t *testing.T, url string) (code int, body string, err error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(answer.Body)
	if closing := answer.Body.Close(); err == nil {
		err = closing
	}
	return answer.StatusCode, string(text), err
}

func (tc tomcat) get(t *testing.T, url string, want int) string {
	t.Helper()
	code, body, err := tc.try(t, url)
	if err != nil || code != want {
		t.Fatalf("%s: %d, %v, want %d\n%s", url, code, err, want, body)
	}
	return body
}

func (tc tomcat) scrape(t *testing.T) (map[string]*dto.MetricFamily, string) {
	t.Helper()
	text := tc.get(t, tc.prometheus+"/metrics", http.StatusOK)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return families, text
}

// TestWhatTheSampleLacks: the page of the dashboards names every metric of an application that the sample
// does not show, and no other; none comes both from the page and from the exporter, in one scrape twice.
func TestWhatTheSampleLacks(t *testing.T) {
	page, err := os.ReadFile("../docs/GRAFANA_DASHBOARDS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, lacks, ok := strings.Cut(string(page), "\nThese it has not,")
	if !ok {
		t.Fatal("the page does not say what the sample lacks")
	}
	lacks, _, _ = strings.Cut(lacks, "\n\n")
	files := configMapData(t, "tomcat-sample-config")
	n := 0
	for _, m := range metricnames.All() {
		if m.Source != metricnames.App {
			continue
		}
		n++
		page, exporter := strings.Contains(files["metrics.jsp"], m.Name), strings.Contains(files["jmx.yaml"], "name: "+m.Name+"\n")
		if page && exporter {
			t.Errorf("%s is in metrics.jsp and in jmx.yaml", m.Name)
		}
		shown := page || exporter
		if named := strings.Contains(lacks, "`"+m.Name+"`"); named == shown {
			t.Errorf("%s: shown by the sample: %v; said to be missing: %v", m.Name, shown, named)
		}
	}
	if n < 9 {
		t.Errorf("only %d metrics of applications", n)
	}
}

// TestSampleCountsItsRequests: the sample in a real Tomcat shows requests by status code and the histogram of
// their latencies, under the names that rules and dashboards read, with what the JMX exporter shows in one scrape; and
// nobody but Prometheus sees it.
func TestSampleCountsItsRequests(t *testing.T) {
	jmx := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "# TYPE tomcat_errors_total counter\ntomcat_errors_total 3.0\n")
	}))
	_, port, err := net.SplitHostPort(jmx.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer jmx.Close()
	tc := startTomcat(t, port)
	codes := func(f map[string]*dto.MetricFamily) map[string]float64 {
		out := map[string]float64{}
		for _, m := range f[metricnames.HTTPRequests].GetMetric() {
			out[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
		return out
	}
	before, _ := tc.scrape(t)
	if c := codes(before); len(c) != 2 || c["200"] != 0 || c["500"] != 0 {
		t.Errorf("before any request: %v", c)
	}
	const quick, slow, wrong = 20, 3, 2
	for range quick {
		tc.get(t, tc.users+"/?cpu=0&wait=0", http.StatusOK)
	}
	for range slow {
		tc.get(t, tc.users+"/?cpu=1&wait=300", http.StatusOK)
	}
	for range wrong {
		tc.get(t, tc.users+"/?cpu=much", http.StatusInternalServerError)
	}
	after, text := tc.scrape(t)
	if c := codes(after); c["200"] != quick+slow || c["500"] != wrong {
		t.Errorf("by code: %v", c)
	}
	h := after[metricnames.HTTPDuration].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != quick+slow+wrong || h.GetSampleSum() < slow*0.3 {
		t.Errorf("%d requests took %v s", h.GetSampleCount(), h.GetSampleSum())
	}
	var bounds []string
	last := uint64(0)
	for _, b := range h.GetBucket() {
		bounds = append(bounds, fmt.Sprint(b.GetUpperBound()))
		if b.GetCumulativeCount() < last {
			t.Errorf("buckets fall: %s", text)
		}
		if last = b.GetCumulativeCount(); b.GetUpperBound() == 0.25 && last > quick+wrong {
			t.Errorf("%d requests took less than 250 ms, and %d waited for longer", last, slow)
		}
	}
	if strings.Join(bounds, " ") != "0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf" || last != quick+slow+wrong {
		t.Errorf("buckets %s, %d in all", bounds, last)
	}
	const fromJMX = "tomcat_errors_total"
	if v := after[fromJMX].GetMetric(); len(v) != 1 || v[0].GetCounter().GetValue() != 3 {
		t.Errorf("the JMX exporter's: %v", v)
	}
	delete(after, fromJMX)
	for name, f := range after {
		series := name
		if f.GetType() == dto.MetricType_HISTOGRAM {
			series += metricnames.Bucket
		}
		if m, ok := metricnames.Find(series); !ok {
			t.Errorf("nobody reads %s", name)
		} else if !strings.EqualFold(string(m.Type), f.GetType().String()) || f.GetHelp() == "" {
			t.Errorf("%s is a %s, %q; want a %s", name, f.GetType(), f.GetHelp(), m.Type)
		}
	}
	for _, path := range []string{"/metrics", "/metrics.jsp", "/counts.jspf", "/WEB-INF/metrics.jsp"} {
		tc.get(t, tc.users+path, http.StatusNotFound)
	}
	// Without the JMX exporter the rest is still there.
	jmx.Close()
	if f, text := tc.scrape(t); codes(f)["200"] != quick+slow || f[fromJMX] != nil || !strings.Contains(text, "\n# The JMX exporter does not answer: ") {
		t.Errorf("without the JMX exporter: %s", text)
	}
}

// gauge is the one value of a gauge.
func gauge(t *testing.T, f map[string]*dto.MetricFamily, name string) float64 {
	t.Helper()
	v := f[name].GetMetric()
	if len(v) != 1 || v[0].Gauge == nil {
		t.Fatalf("%s: %v", name, v)
	}
	return v[0].GetGauge().GetValue()
}

// await waits until so many requests are in flight, so many of them wait, and so many connections are open.
func (tc tomcat) await(t *testing.T, inFlight, queued, connections float64) map[string]*dto.MetricFamily {
	t.Helper()
	want := [3]float64{inFlight, queued, connections}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		f, _ := tc.scrape(t)
		got := [3]float64{gauge(t, f, metricnames.HTTPInFlight), gauge(t, f, metricnames.HTTPQueued), gauge(t, f, metricnames.HTTPConnections)}
		if got == want {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("in flight, queued, connections: %v, want %v", got, want)
		}
	}
}

// TestSampleShowsItsQueue: of five clients who do not send what they announced, two hold the two threads of
// users, and three wait for one. Prometheus is answered meanwhile.
func TestSampleShowsItsQueue(t *testing.T) {
	tc := startTomcat(t, freePort(t), `maxThreads="200" minSpareThreads="10"`, `maxThreads="2" minSpareThreads="2"`,
		// Longer than the test waits.
		`connectionTimeout="20000"`, `connectionTimeout="600000"`)
	tc.get(t, tc.users+"/?cpu=0&wait=0", http.StatusOK)
	http.DefaultClient.CloseIdleConnections()
	tc.await(t, 0, 0, 0)

	const body = "cpu=0&wait=0"
	var clients []net.Conn
	for range 5 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(tc.users, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: sample\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", len(body)); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	busy := tc.await(t, 5, 3, 5)
	answered := func(f map[string]*dto.MetricFamily) uint64 {
		return f[metricnames.HTTPDuration].GetMetric()[0].GetHistogram().GetSampleCount()
	}
	if n := answered(busy); n != 1 {
		t.Errorf("%d requests answered while all clients wait, want that of before", n)
	}

	for _, c := range clients {
		if _, err := io.WriteString(c, body); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			t.Errorf("answered %s", answer.Status)
		}
	}
	// They keep their connections, which take no thread while they are idle.
	if n := answered(tc.await(t, 0, 0, 5)); n != 6 {
		t.Errorf("%d requests answered, want 6", n)
	}
	for _, c := range clients {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	tc.await(t, 0, 0, 0)
}
