package manifests_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
)

// commands returns the lines of the shell blocks of a page.
func commands(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// TestQuickStart runs every command of QUICKSTART.md in its order, as written, but for what
// an API server alone cannot do: pods do not get ready, so that scripts are told not to
// wait; ports cannot be forwarded, so that the service and its port are looked up; and the
// backtest only reads what it is given.
func TestQuickStart(t *testing.T) {
	c := clustertest.New(t)
	admin, config := c.Client(t), c.Kubeconfig(t)
	forward := regexp.MustCompile(`^kubectl port-forward -n (\S+) svc/(\S+) \d+:(\d+)$`)
	lines := commands(t, "../QUICKSTART.md")
	forwards := 0
	for _, line := range lines {
		t.Log(line)
		switch m := forward.FindStringSubmatch(line); {
		case m != nil:
			forwards++
			service, err := admin.CoreV1().Services(m[1]).Get(t.Context(), m[2], metav1.GetOptions{})
			if err != nil {
				t.Errorf("%s: %v", line, err)
			} else if !hasServicePort(service, m[3]) {
				t.Errorf("%s: the service has no port %s", line, m[3])
			}
		case strings.HasPrefix(line, "make "):
			succeeds(t, config, c.Programs, "bash", "-euo", "pipefail", "-c", strings.Replace(line, "make", "make --dry-run", 1))
		case strings.HasPrefix(line, "bin/hindcast backtest "):
			flags := strings.Fields(strings.TrimPrefix(line, "bin/hindcast "))
			cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"run", "./cmd/hindcast"}, flags...), "--print-experiment")...)
			cmd.Dir = ".."
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "manifests/sample/predictivescaler.yaml") {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		case strings.HasPrefix(line, "./scripts/"):
			succeeds(t, config, c.Programs, "bash", "-euo", "pipefail", "-c", line+" --no-wait")
		default:
			succeeds(t, config, c.Programs, "bash", "-euo", "pipefail", "-c", line)
		}
	}
	if len(lines) < 15 || forwards != 2 {
		t.Errorf("%d commands, %d of them forward ports", len(lines), forwards)
	}
	if out := kubectl(t, c, "", "get", "deployments,statefulsets,daemonsets", "-A", "-o", "name"); strings.TrimSpace(out) != "" && !strings.Contains(out, "No resources") {
		t.Errorf("left over: %s", out)
	}
}

func hasServicePort(s *corev1.Service, port string) bool {
	return slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return strconv.Itoa(int(p.Port)) == port })
}

// TestPagesNameOptionsThatExist wants the commands of the pages about the cluster to have
// the flags that the programs have.
func TestPagesNameOptionsThatExist(t *testing.T) {
	hindcast := filepath.Join(t.TempDir(), "hindcast")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", hindcast, "../cmd/hindcast").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checked := 0
	for _, page := range []string{"QUICKSTART", "docs/PROMETHEUS_SETUP", "docs/GRAFANA_DASHBOARDS", "docs/V3_ARCHITECTURE", "docs/PREDICTIVE_SCALING"} {
		for _, line := range commands(t, "../"+page+".md") {
			words := strings.Fields(line)
			var help *exec.Cmd
			switch {
			case words[0] == "bin/hindcast":
				command := words[1:2]
				if words[1] == "forecast" {
					command = words[1:3]
				}
				help = exec.CommandContext(t.Context(), hindcast, append(command, "--help")...)
			case strings.HasPrefix(words[0], "./scripts/"):
				help = exec.CommandContext(t.Context(), "../"+words[0], "--help")
			default:
				continue
			}
			out, err := help.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", page, line, err, out)
			}
			for _, flag := range words {
				if strings.HasPrefix(flag, "-") {
					checked++
					if !regexp.MustCompile(`(^|[\s,])` + regexp.QuoteMeta(flag) + `[\s,]`).Match(out) {
						t.Errorf("%s: %s: no option %s", page, line, flag)
					}
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("checked only %d options", checked)
	}
}
