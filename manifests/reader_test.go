package manifests_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

// A reader works through a page, in a folder that looks like the repository after `make build
// bin/promtool`. An API server and a Prometheus server are started by the first command that
// asks for them.
type reader struct {
	t   *testing.T
	dir string
	api *clustertest.Cluster
	// instead is what stands in the place of what the page has only as an example.
	instead map[string]string
	served  string // where `hindcast serve` listens
}

func newReader(t *testing.T, hindcast string) *reader {
	t.Helper()
	r := &reader{t: t, dir: t.TempDir(), instead: map[string]string{}}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"bin/hindcast": hindcast}
	for _, e := range entries {
		// What other runs of programs left is not the repository's.
		if name := e.Name(); name != "bin" && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "run") {
			links[name] = filepath.Join(root, name)
		}
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *reader) cluster() *clustertest.Cluster {
	r.t.Helper()
	if r.api == nil {
		r.api = clustertest.New(r.t)
	}
	return r.api
}

var (
	forward  = regexp.MustCompile(`^kubectl port-forward -n (\S+) svc/(\S+) \d+:(\d+)$`)
	scenario = regexp.MustCompile(`--data scenario:(\S+)`)
	serve    = regexp.MustCompile(`^(?:bin/)?hindcast serve `)
	listen   = regexp.MustCompile(`--listen (\S+):\d+`)
	source   = regexp.MustCompile(`Prometheus data source +(http://\S+)`)
	starts   = regexp.MustCompile(`"(controller starts)"`)
	row      = regexp.MustCompile(`^([a-z]\S*) `)
)

// run runs a command as written, but for what an API server alone cannot do, and what takes
// minutes: pods do not get ready, so that scripts are told not to wait; ports cannot be
// forwarded, so that the service and its port are looked up; what make builds is there, so that it says
// only what it would do; a backtest of a scenario replays the first day of it. What listens
// does so at a free port. Where the page does not say otherwise, localhost:9090 is that of a Prometheus
// server without any data.
func (r *reader) run(line string) {
	r.t.Helper()
	switch {
	case forward.MatchString(line):
		r.forwards(line)
	case strings.HasPrefix(line, "make "):
		r.shell(strings.Replace(line, "make", "make --dry-run", 1))
	case strings.HasPrefix(line, "./scripts/"):
		r.shell(line + " --no-wait")
	case scenario.MatchString(line):
		// A header, and a row a minute.
		r.shell(fmt.Sprintf("bin/hindcast datasets generate %s -o all.csv && head -n %d all.csv > day.csv", scenario.FindStringSubmatch(line)[1], 1+24*60))
		r.shell(scenario.ReplaceAllString(line, "--data day.csv"))
	case serve.MatchString(line):
		if !listen.MatchString(line) {
			line += " --listen 127.0.0.1:9090"
		}
		r.served = r.lasts(listen.ReplaceAllString(line, "--listen $1:0"), source)
	case strings.HasPrefix(line, "hindcast live "):
		r.lasts(line, starts)
	case strings.HasPrefix(line, "kubectl ") && strings.HasSuffix(line, " -w"):
		before, watch, ok := strings.Cut(line, " && ")
		if !ok {
			before, watch = "true", line
		}
		r.shell(before)
		r.lasts(watch, row)
	default:
		r.shell(line)
	}
}

func (r *reader) forwards(line string) {
	r.t.Helper()
	m := forward.FindStringSubmatch(line)
	service, err := r.cluster().Client(r.t).CoreV1().Services(m[1]).Get(r.t.Context(), m[2], metav1.GetOptions{})
	if err != nil {
		r.t.Errorf("%s: %v", line, err)
	} else if !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return strconv.Itoa(int(p.Port)) == m[3] }) {
		r.t.Errorf("%s: the service has no port %s", line, m[3])
	}
}

// shell runs a command that must end well, and returns what it printed.
func (r *reader) shell(line string) string {
	r.t.Helper()
	out, err := r.bash(line).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// lasts starts a command that runs until the test ends, waits for what it says when it works,
// and returns the group in it.
func (r *reader) lasts(line string, works *regexp.Regexp) string {
	r.t.Helper()
	cmd := r.bash("exec " + line + " 2>&1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	found := make(chan string, 1)
	var said strings.Builder // until found is closed
	go func() {
		defer close(found)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(&said, lines.Text())
			if m := works.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case what, ok := <-found:
		if !ok {
			r.t.Fatalf("%s: ends without %s:\n%s", line, works, &said)
		}
		return what
	case <-time.After(2 * time.Minute):
		r.t.Fatalf("%s: says nothing of %s", line, works)
		return ""
	}
}

const usualServer = "http://localhost:9090"

var asksCluster = regexp.MustCompile(`kubectl|\./scripts/|hindcast live`)

// bash returns a command in the folder of the reader, with the cluster, the Prometheus server and
// promtool if it names them.
func (r *reader) bash(line string) *exec.Cmd {
	r.t.Helper()
	env := append(os.Environ(), "KUBECTL=kubectl")
	path := filepath.Join(r.dir, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH")
	if asksCluster.MatchString(line) && !strings.HasSuffix(line, " --help") {
		env = append(env, "KUBECONFIG="+r.cluster().Kubeconfig(r.t))
		path = r.cluster().Programs + string(filepath.ListSeparator) + path
	}
	if promtool := filepath.Join(r.dir, "bin", "promtool"); strings.Contains(line, "bin/promtool") {
		if err := os.Symlink(promtest.Promtool(r.t), promtool); err != nil && !os.IsExist(err) {
			r.t.Fatal(err)
		}
	}
	if strings.Contains(line, usualServer) && r.instead[usualServer] == "" {
		r.instead[usualServer] = promtest.Start(r.t, r.t.TempDir()).URL()
	}
	for was, is := range r.instead {
		line = strings.ReplaceAll(line, was, is)
	}
	cmd := exec.CommandContext(r.t.Context(), "bash", "-euo", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = r.dir, append(env, "PATH="+path)
	return cmd
}
