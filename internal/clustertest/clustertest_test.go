package clustertest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hindcast.dev/internal/clustertest"
)

// deployment is the smallest one.
func deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.invalid/app"}}},
			},
		},
	}
}

func TestStart(t *testing.T) {
	c := clustertest.Start(t)
	client := c.Client(t)
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(version.GitVersion, "v1.") {
		t.Errorf("the server calls itself %s: tools that ask for its version will stumble", version.GitVersion)
	}
	one, two := c.Namespace(t), c.Namespace(t)
	if one == two {
		t.Errorf("two namespaces of the name %s", one)
	}
	if _, err := client.AppsV1().Deployments(one).Create(t.Context(), deployment("shop", 2), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: one}, Spec: autoscalingv1.ScaleSpec{Replicas: 5}}
	if _, err := client.AppsV1().Deployments(one).UpdateScale(t.Context(), "shop", scale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if again := clustertest.Start(t); again != c {
		t.Error("tests of one binary do not share their server")
	}
}

// TestUsersAreNobody shows that users and service accounts have no rights but those
// that RBAC gives them; a test of a role would show nothing otherwise.
func TestUsersAreNobody(t *testing.T) {
	c := clustertest.Start(t)
	namespace := c.Namespace(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "nobody"}}
	if _, err := c.Client(t).CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]struct{ client kubernetes.Interface }{
		"user":            {kubernetes.NewForConfigOrDie(c.User(t, "nobody"))},
		"service account": {kubernetes.NewForConfigOrDie(c.ServiceAccount(t, namespace, "nobody"))},
	} {
		if _, err := config.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("%s lists pods: %v, want forbidden", name, err)
		}
	}
	if _, err := kubernetes.NewForConfigOrDie(c.User(t, "root", "system:masters")).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}

func TestAPIServerRestart(t *testing.T) {
	c := clustertest.New(t)
	namespace := c.Namespace(t)
	client := c.Client(t)
	c.StopAPIServer(t)
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err == nil {
		t.Error("the stopped server answers")
	}
	c.StartAPIServer(t)
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil {
		t.Errorf("the same client after the restart: %v", err)
	}
}

// TestNothingIsLeft runs this binary again, kills it while its server runs, and looks
// for what it left.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv("CLUSTERTEST_SLEEP") != "" {
		clustertest.Start(t)
		_, _ = os.Stdout.WriteString("started\n")
		time.Sleep(time.Hour)
	}
	clustertest.Assets(t, "etcd", "kube-apiserver")
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeft$", "-test.v")
	cmd.Env = append(os.Environ(), "CLUSTERTEST_SLEEP=1", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, buf := "", make([]byte, 1024)
	for !strings.Contains(text, "started\n") {
		n, err := out.Read(buf)
		if text += string(buf[:n]); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	lists, err := filepath.Glob(filepath.Join(temp, "*", "pids"))
	if err != nil || len(lists) != 1 {
		t.Fatalf("lists of processes: %v, %v", lists, err)
	}
	list, err := os.ReadFile(lists[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		left, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 && !anyRuns(t, strings.Fields(string(list))) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("half a minute after its end the test binary's servers or files are still there: %s, %v", list, left)
		}
	}
}

func anyRuns(t *testing.T, pids []string) bool {
	t.Helper()
	if len(pids) < 2 {
		t.Fatalf("only %d processes were listed", len(pids))
	}
	for _, p := range pids {
		pid, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		if command, err := os.ReadFile(filepath.Join("/proc", p, "cmdline")); err == nil && len(command) == 0 {
			continue // a zombie that nobody waits for
		}
		if process, err := os.FindProcess(pid); err == nil && process.Signal(syscall.Signal(0)) == nil {
			return true
		}
	}
	return false
}
