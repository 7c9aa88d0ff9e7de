package manifests_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"hindcast.dev/internal/clustertest"
)

// An outcome is what a script said and how it ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// script runs a script of the repository as a user would, from its root, with a
// kubeconfig and kubectl of the tested version first on the PATH.
func script(t *testing.T, kubeconfig, programs string, command ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+programs+string(filepath.ListSeparator)+os.Getenv("PATH"), "KUBECTL=kubectl")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// succeeds runs a script that must end well, and returns what it printed.
func succeeds(t *testing.T, kubeconfig, programs string, command ...string) string {
	t.Helper()
	o := script(t, kubeconfig, programs, command...)
	if o.code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", strings.Join(command, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout + o.stderr
}

// TestScripts follows a user through the life of the stack on an API server: checked,
// installed, installed again, removed, removed again. Nothing runs there, so the scripts
// are told not to wait for pods.
func TestScripts(t *testing.T) {
	c := clustertest.New(t)
	admin, config := c.Client(t), c.Kubeconfig(t)
	nodeWithImage(t, admin, "docker.io/library/hindcast-controller:latest")
	do := func(t *testing.T, command ...string) string {
		return succeeds(t, config, c.Programs, append(command, "--no-wait")...)
	}
	gone := func(t *testing.T) {
		t.Helper()
		found := versions(t, c)
		maps.DeleteFunc(found, func(id, _ string) bool { return strings.HasPrefix(id, "Namespace ") })
		if len(found) > 0 {
			t.Errorf("left over: %v", found)
		}
	}
	// The objects and the definitions of all that an install makes, for the checks below.
	for _, tc := range []struct {
		name    string
		command []string
		has     []string
	}{
		{"prometheus", []string{"scripts/install-prometheus.sh"}, []string{
			"StatefulSet monitoring/prometheus", "StatefulSet monitoring/alertmanager", "DaemonSet monitoring/node-exporter",
			"Deployment monitoring/kube-state-metrics", "ConfigMap monitoring/prometheus-rules", "Service monitoring/prometheus",
		}},
		{"grafana", []string{"scripts/install-grafana.sh", "--ephemeral"}, []string{"StatefulSet monitoring/grafana", "ConfigMap monitoring/grafana-dashboards"}},
		{"all", []string{"scripts/setup-monitoring.sh", "--with-sample"}, []string{
			"StatefulSet monitoring/prometheus", "StatefulSet monitoring/grafana", "Deployment default/tomcat-sample-app",
			"HorizontalPodAutoscaler default/tomcat-sample-app", "Service default/tomcat-sample-service",
		}},
		{"v3", []string{"scripts/start-v3-scaler.sh"}, []string{"Deployment default/tomcat-sample-app"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := versions(t, c)
			if out := do(t, append(tc.command, "--dry-run")...); !strings.Contains(out, "server dry run") {
				t.Errorf("the server was not asked:\n%s", out)
			}
			if d := cmp.Diff(before, versions(t, c)); d != "" {
				t.Errorf("a dry run changed something:\n%s", d)
			}
			do(t, tc.command...)
			first := versions(t, c)
			for _, id := range tc.has {
				if first[id] == "" {
					t.Errorf("no %s", id)
				}
			}
			do(t, tc.command...)
			if d := cmp.Diff(first, versions(t, c)); d != "" {
				t.Errorf("the second time changed something:\n%s", d)
			}
			if out := do(t, append(tc.command, "--uninstall", "--dry-run")...); !strings.Contains(out, "server dry run") {
				t.Errorf("the server was not asked:\n%s", out)
			}
			if d := cmp.Diff(first, versions(t, c)); d != "" {
				t.Errorf("a dry run removed something:\n%s", d)
			}
			do(t, append(tc.command, "--uninstall")...)
			gone(t)
			do(t, append(tc.command, "--uninstall")...)
		})
	}
	if _, err := admin.CoreV1().Namespaces().Get(t.Context(), "monitoring", metav1.GetOptions{}); err != nil {
		t.Errorf("removing the parts removed the namespace: %v", err)
	}

	t.Run("password", func(t *testing.T) {
		secret := func() *corev1.Secret {
			s, err := admin.CoreV1().Secrets("monitoring").Get(t.Context(), "grafana-admin", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		// The installs above made it and the removals kept it, like the volume it belongs to.
		kept := secret()
		password := string(kept.Data["admin-password"])
		if len(password) != 32 {
			t.Errorf("a password of %d characters", len(password))
		}
		out := do(t, "scripts/install-grafana.sh")
		if strings.Contains(out, password) {
			t.Error("the password was printed")
		}
		if secret().ResourceVersion != kept.ResourceVersion {
			t.Error("a second install changed the password")
		}
		do(t, "scripts/install-grafana.sh", "--uninstall", "--delete-data")
		if _, err := admin.CoreV1().Secrets("monitoring").Get(t.Context(), "grafana-admin", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("the password is still there: %v", err)
		}
		do(t, "scripts/install-grafana.sh")
		if string(secret().Data["admin-password"]) == password {
			t.Error("the same password again")
		}
	})

	t.Run("secret of somebody else", func(t *testing.T) {
		secrets := admin.CoreV1().Secrets("monitoring")
		if err := secrets.Delete(t.Context(), "grafana-admin", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "grafana-admin"}, Data: map[string][]byte{"password": []byte("of their vault")}}
		theirs, err := secrets.Create(t.Context(), theirs, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o := script(t, config, c.Programs, "scripts/install-grafana.sh", "--no-wait")
		if o.code != 1 || !strings.Contains(o.stderr, "secret/grafana-admin in namespace monitoring has no admin-password") {
			t.Errorf("with a key of another name: %+v", o)
		}
		theirs.Data = map[string][]byte{"admin-password": theirs.Data["password"]}
		if theirs, err = secrets.Update(t.Context(), theirs, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if out := do(t, "scripts/install-grafana.sh"); !strings.Contains(out, "not made by these scripts: it is used") || strings.Contains(out, "vault") {
			t.Errorf("with their password: %s", out)
		}
		if out := do(t, "scripts/install-grafana.sh", "--uninstall", "--delete-data"); !strings.Contains(out, "secret/grafana-admin stays") {
			t.Errorf("does not say that it stays: %s", out)
		}
		if now, err := secrets.Get(t.Context(), theirs.Name, metav1.GetOptions{}); err != nil || now.ResourceVersion != theirs.ResourceVersion {
			t.Errorf("their Secret was touched: %v", err)
		}
		if err := secrets.Delete(t.Context(), theirs.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("volumes", func(t *testing.T) {
		claims := admin.CoreV1().PersistentVolumeClaims("monitoring")
		doomed := func(name string) bool {
			claim, err := claims.Get(t.Context(), name, metav1.GetOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				t.Fatal(err)
			}
			return err != nil || claim.DeletionTimestamp != nil
		}
		// As a StatefulSet makes them: with the labels of its selector and of its template. The last is
		// somebody else's, as the operator's Prometheus has it.
		for _, app := range []string{"prometheus", "alertmanager", "grafana", "theirs"} {
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-" + app + "-0", Labels: map[string]string{
				"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": "hindcast-monitoring",
			}}}
			if app == "theirs" {
				claim.Labels = map[string]string{"app.kubernetes.io/name": "prometheus"}
			}
			claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
			claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
			if _, err := claims.Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		do(t, "scripts/setup-monitoring.sh", "--uninstall")
		for _, name := range []string{"data-prometheus-0", "data-alertmanager-0", "data-grafana-0"} {
			if doomed(name) {
				t.Errorf("%s went without --delete-data", name)
			}
		}
		do(t, "scripts/install-prometheus.sh", "--uninstall", "--delete-data")
		if !doomed("data-prometheus-0") || !doomed("data-alertmanager-0") || doomed("data-grafana-0") || doomed("data-theirs-0") {
			t.Error("--delete-data of Prometheus must take its volumes and no other")
		}
	})

	t.Run("refusals", func(t *testing.T) {
		nobody := clustertest.KubeconfigOf(t, c.User(t, "somebody"))
		away := clustertest.KubeconfigOf(t, &rest.Config{Host: "https://127.0.0.1:1"})
		tools := t.TempDir() // everything that the scripts use, but kubectl
		for _, name := range []string{"bash", "dirname", "basename", "grep", "head", "sed"} {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"install-prometheus", "install-grafana", "setup-monitoring", "start-v3-scaler"} {
			path := "scripts/" + name + ".sh"
			expect := func(what string, o outcome, code int, words ...string) {
				t.Helper()
				if o.code != code {
					t.Errorf("%s: %s: exit code %d, not %d\n%s%s", name, what, o.code, code, o.stdout, o.stderr)
				}
				for _, w := range words {
					if !strings.Contains(o.stdout+o.stderr, w) {
						t.Errorf("%s: %s: does not say %q:\n%s%s", name, what, w, o.stdout, o.stderr)
					}
				}
			}
			expect("help", script(t, away, c.Programs, path, "--help"), 0, "usage: "+path, "--dry-run", "--uninstall")
			expect("unknown option", script(t, config, c.Programs, path, "--frobnicate"), 2, "--frobnicate", "--help")
			expect("option without value", script(t, config, c.Programs, path, "--timeout"), 2, "--timeout needs a value")
			expect("data without removal", script(t, config, c.Programs, path, "--delete-data"), 2, "--uninstall")
			expect("no cluster", script(t, away, c.Programs, path), 1, "no answer from the cluster", "cluster-info")
			expect("no context", script(t, config, c.Programs, path, "--context", "moon"), 1, "moon")
			expect("no rights", script(t, nobody, c.Programs, path), 1, "you may not make namespaces")
			expect("no kubectl", script(t, config, c.Programs, "/usr/bin/env", "PATH="+tools, "bash", path), 1, "kubectl is not on the PATH")
		}
		o := script(t, config, c.Programs, "scripts/setup-monitoring.sh", "--operator")
		if o.code != 1 || !strings.Contains(o.stderr, "the Prometheus Operator is not in this cluster") {
			t.Errorf("without the operator: %+v", o)
		}
		o = script(t, config, c.Programs, "scripts/start-v3-scaler.sh", "--scaler", "examples/hpa.yaml")
		if o.code != 2 || !strings.Contains(o.stderr, "examples/hpa.yaml is not a PredictiveScaler") {
			t.Errorf("with an HPA as scaler: %+v", o)
		}
	})

	t.Run("operator", func(t *testing.T) {
		c.Install(t, "testdata/crds")
		command := []string{"scripts/setup-monitoring.sh", "--operator"}
		do(t, append(command, "--dry-run")...)
		do(t, command...)
		do(t, command...)
		kubectl(t, c, "", "get", "-n", "monitoring", "podmonitor/hindcast-app", "podmonitor/hindcast-controller", "prometheusrule/hindcast")
		do(t, append(command, "--uninstall")...)
		if out := kubectl(t, c, "", "get", "-n", "monitoring", "podmonitors,prometheusrules", "-o", "name"); out != "" && !strings.Contains(out, "No resources") {
			t.Errorf("left over: %s", out)
		}
	})

	// The namespace goes with the data where the scripts made it and nobody else is in it. It is the
	// last to be looked at: nobody empties it here.
	t.Run("namespace", func(t *testing.T) {
		namespaces := admin.CoreV1().Namespaces()
		get := func() *corev1.Namespace {
			n, err := namespaces.Get(t.Context(), "monitoring", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		dying := func() bool { return get().DeletionTimestamp != nil }
		deployments := admin.AppsV1().Deployments("monitoring")
		foreign := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "kube-prometheus-stack-operator"}}
		foreign.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "theirs"}}
		foreign.Spec.Template.Labels = foreign.Spec.Selector.MatchLabels
		foreign.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
		if _, err := deployments.Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		away := []string{"scripts/setup-monitoring.sh", "--uninstall", "--delete-data"}
		// The volume is left from above.
		for _, name := range []string{"persistentvolumeclaim/data-theirs-0", "deployment.apps/kube-prometheus-stack-operator"} {
			if out := do(t, away...); dying() || !strings.Contains(out, "namespace monitoring stays: others use it, such as "+name) {
				t.Errorf("with %s of somebody else in it: %s", name, out)
			}
			kubectl(t, c, "", "delete", "-n", "monitoring", "--wait=false", name)
			if strings.HasPrefix(name, "persistent") {
				kubectl(t, c, "", "patch", "-n", "monitoring", name, "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)
			}
		}
		// As if somebody else had made it, for pods of another level.
		set := func(text string) {
			if _, err := namespaces.Patch(t.Context(), "monitoring", types.MergePatchType, []byte(text), metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		set(`{"metadata":{"annotations":{"hindcast.dev/created-by":null},"labels":{"pod-security.kubernetes.io/enforce":"baseline"}}}`)
		before := get().ResourceVersion
		if out := do(t, "scripts/install-prometheus.sh"); !strings.Contains(out, "admits only pods of the level baseline") {
			t.Errorf("nothing is said of pod security: %s", out)
		}
		if get().ResourceVersion != before {
			t.Error("a namespace of somebody else was changed")
		}
		if out := do(t, away...); dying() || !strings.Contains(out, "namespace monitoring stays: these scripts did not make it") {
			t.Errorf("in a namespace of somebody else: %s", out)
		}
		set(`{"metadata":{"annotations":{"hindcast.dev/created-by":"scripts"}}}`)
		do(t, append(away, "--dry-run")...)
		if dying() {
			t.Error("a dry run took the namespace")
		}
		if do(t, away...); !dying() {
			t.Error("the namespace stays")
		}
	})
}
