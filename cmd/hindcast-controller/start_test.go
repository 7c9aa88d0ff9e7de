package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

// program builds the program.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hindcast-controller")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// TestRefusals: what is wrong with the flags is said at the start, in a line that names
// the flag and what will do, with exit code 2, and before anything is asked of a cluster.
func TestRefusals(t *testing.T) {
	path := program(t)
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	prometheus := []string{"--prometheus", "http://127.0.0.1:1", "--kubeconfig", "nowhere"}
	for _, tc := range []struct {
		args  []string
		want  []string
		lines int // 0: one
	}{
		{[]string{"--bogus"}, []string{"no flag --bogus; see `hindcast-controller --help`"}, 0},
		{[]string{"--promethus", "x"}, []string{"no flag --promethus; did you mean --prometheus?"}, 0},
		{[]string{"--query-timeout"}, []string{"--query-timeout needs a value"}, 0},
		{[]string{"--query-timeout", "soon"}, []string{`--query-timeout: "soon" is not a value that it takes`}, 0},
		{[]string{"extra"}, []string{`unexpected argument "extra"`}, 0},
		{nil, []string{"no URL of a Prometheus server"}, 0},
		{append(prometheus, "--query-timeout", "0"), []string{"--query-timeout 0s is not above 0"}, 0},
		{append(prometheus, "--namespace-query-rate", "0"), []string{"--namespace-query-rate 0 is not above 0"}, 0},
		{append(prometheus, "--namespace-query-rate", "nan"), []string{"--namespace-query-rate NaN is not above 0"}, 0},
		{append(prometheus, "--default-lead", "0", "--history", "-1h"), []string{"--default-lead 0s is not above 0", "--history -1h0m0s is not above 0"}, 2},
		{append(prometheus, "--warm-ups", "-1"), []string{"--warm-ups -1 is not 1 or more"}, 0},
		{append(prometheus, "--kube-api-qps", "0"), []string{"--kube-api-qps 0 is not above 0"}, 0},
		{append(prometheus, "--metrics-cert-dir", dir), []string{"--metrics-cert-dir " + dir, "tls.crt: no such file", "self-signed"}, 0},
		{append(prometheus, "--metrics-cert-dir", dir, "--insecure-metrics"), []string{"--insecure-metrics exclude each other"}, 2},
		{append(prometheus, "--bearer-token-file", filepath.Join(dir, "none")), []string{filepath.Join(dir, "none") + ": no such file"}, 0},
		{append(prometheus, "--bearer-token-file", empty), []string{empty + ": credentials cannot be used: file is empty"}, 0},
		{append(prometheus, "--basic-auth-file", empty), []string{empty + ": credentials cannot be used: file must hold one line user:password"}, 0},
		{append(prometheus, "--decision-log", filepath.Join(empty, "x")), nil, 0}, // the cluster comes first
		{prometheus, []string{"reach the cluster: ", "nowhere", "name a kubeconfig with --kubeconfig"}, 0},
	} {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), path, tc.args...)
		cmd.Env = append(os.Environ(), "KUBERNETES_SERVICE_HOST=")
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		said := strings.TrimSpace(stderr.String())
		if code := cmd.ProcessState.ExitCode(); code != 2 {
			t.Errorf("%v: exit code %d (%v), want 2\n%s", tc.args, code, err, said)
		}
		for _, want := range tc.want {
			if !strings.Contains(said, want) {
				t.Errorf("%v: want %q, got %s", tc.args, want, said)
			}
		}
		if lines := strings.Count(said, "\n") + 1; lines != max(1, tc.lines) || !strings.HasPrefix(said, "hindcast-controller: ") || stdout.Len() > 0 {
			t.Errorf("%v: %d lines, and on standard output %q:\n%s", tc.args, lines, stdout.String(), said)
		}
	}
}

// TestNeedsItsObjects: on a cluster that lacks the CRD the program ends at once and says
// how to install it, rather than to wait for objects that cannot be.
func TestNeedsItsObjects(t *testing.T) {
	t.Parallel()
	c := clustertest.New(t)
	out, err := exec.CommandContext(t.Context(), program(t), "--kubeconfig", c.Kubeconfig(t), "--prometheus", "http://127.0.0.1:1",
		"--metrics-address", "0", "--probe-address", "0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no PredictiveScaler of autoscaling.hindcast.dev/v1alpha1; install it with kubectl apply --server-side -k manifests/crd") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestProbes: a controller is ready once it knows the objects, and alive before; profiles
// are served where that is asked for, and nowhere else.
func TestProbes(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, filepath.Join("..", "..", "manifests", "crd"))
	get := func(url string) (string, error) { return ask(t.Context(), url, nil) }
	probes, pprof := promtest.FreeAddress(t), promtest.FreeAddress(t)
	c.RunController(t, "--namespace", c.Namespace(t), "--prometheus", "http://127.0.0.1:1", "--metrics-address", "0", "--probe-address", probes, "--pprof-address", pprof)
	answers := func(url, want string) {
		t.Helper()
		within(t, url+" answers "+want, func() error {
			body, err := get(url)
			if err == nil && !strings.Contains(body, want) {
				err = errors.New(body)
			}
			return err
		})
	}
	answers("http://"+probes+"/healthz", "ok")
	answers("http://"+probes+"/readyz", "ok")
	answers("http://"+pprof+"/debug/pprof/", "goroutine")
	if body, err := get("http://" + probes + "/debug/pprof/"); err == nil && strings.Contains(body, "goroutine") {
		t.Error("profiles are served beside the probes")
	}
	// One that may see no object lives, and waits.
	blind, namespace, name := promtest.FreeAddress(t), c.Namespace(t), "nobody-in-particular"
	roles := c.Client(t).RbacV1()
	_, err := roles.Roles(namespace).Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get"}}},
	}, metav1.CreateOptions{})
	if err == nil {
		_, err = roles.RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	user := clustertest.KubeconfigOf(t, c.User(t, name))
	c.RunController(t, "--kubeconfig", user, "--namespace", namespace, "--lease-namespace", namespace, "--prometheus", "http://127.0.0.1:1", "--metrics-address", "0", "--probe-address", blind)
	answers("http://"+blind+"/healthz", "ok")
	if body, err := get("http://" + blind + "/readyz"); err != nil || !strings.Contains(body, "caches failed") {
		t.Errorf("ready without its objects: %q, %v", body, err)
	}
}
