package manifests_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hindcast.dev/internal/clustertest"
)

// nodeWithImage makes a node that says it has an image, as one of kind does after `kind load docker-image`.
func nodeWithImage(t *testing.T, admin kubernetes.Interface, image string) {
	t.Helper()
	nodes := admin.CoreV1().Nodes()
	node, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "kind-worker"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Images = []corev1.ContainerImage{{Names: []string{"registry.k8s.io/pause:3.10"}}, {Names: []string{image}}}
	if _, err := nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestStartV3Scaler looks at what the script does with scalers.
func TestStartV3Scaler(t *testing.T) {
	c := clustertest.New(t)
	config := c.Kubeconfig(t)
	start := func(args ...string) outcome {
		return script(t, config, c.Programs, append([]string{"scripts/start-v3-scaler.sh", "--no-wait"}, args...)...)
	}
	if o := start("--image", "registry.example/hindcast-controller:v1"); o.code != 0 {
		t.Fatalf("%+v", o)
	} else if !strings.Contains(o.stderr, "there is no service prometheus") {
		t.Errorf("does not tell that Prometheus is missing: %s", o.stderr)
	}
	get := func(args ...string) string {
		return strings.TrimSpace(kubectl(t, c, "", append([]string{"get"}, args...)...))
	}
	const path = "jsonpath={.spec.template.spec.containers[0].image}"
	for _, again := range []bool{false, true} {
		if again {
			if o := start(); o.code != 0 {
				t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
			}
		}
		if image := get("-n", "hindcast-system", "deployment/hindcast-controller", "-o", path); image != "registry.example/hindcast-controller:v1" {
			t.Errorf("image %s, started again: %v", image, again)
		}
	}
	if mode := get("predictivescaler/tomcat-sample-app", "-o", "jsonpath={.spec.mode}"); mode != "Shadow" {
		t.Errorf("the sample's scaler is in mode %q", mode)
	}

	// One's own scaler, and one of somebody else.
	if o := start("--scaler", "examples/predictivescaler.yaml"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if o := start("--uninstall"); o.code != 1 || !strings.Contains(o.stderr, "1 other scalers are left") {
		t.Errorf("the controller of somebody's scaler is removed: %+v", o)
	}
	get("-n", "hindcast-system", "deployment/hindcast-controller")
	// Credentials for a Prometheus, say, which nobody could get back.
	kubectl(t, c, "", "create", "secret", "generic", "-n", "hindcast-system", "theirs")
	kubectl(t, c, `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"hindcast-controller"}}`, "create", "-n", "hindcast-system", "-f", "-")
	doomed := func() bool {
		return get("namespace/hindcast-system", "-o", "jsonpath={.metadata.deletionTimestamp}") != ""
	}
	for _, left := range []bool{true, false} {
		o := start("--uninstall", "--scaler", "examples/predictivescaler.yaml")
		if o.code != 0 || doomed() == left || left != strings.Contains(o.stdout, "namespace hindcast-system stays: others use it, such as secret/theirs") {
			t.Errorf("a Secret of somebody else is there: %v; the namespace goes: %v\n%+v", left, doomed(), o)
		}
		kubectl(t, c, "", "delete", "secret", "-n", "hindcast-system", "--ignore-not-found", "theirs")
	}
	if out := get("predictivescalers.autoscaling.hindcast.dev", "-A", "--ignore-not-found", "-o", "name"); out != "" && !strings.Contains(out, "No resources") {
		t.Errorf("left over: %s", out)
	}
	if out := get("-n", "hindcast-system", "deployment", "--ignore-not-found", "-o", "name"); out != "" && !strings.Contains(out, "No resources") {
		t.Errorf("left over: %s", out)
	}
	if o := start("--uninstall", "--delete-data"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	if out, err := run(t, c, "", "get", "crd", "predictivescalers.autoscaling.hindcast.dev"); err == nil {
		t.Errorf("the definition is still there: %s", out)
	}
}

// TestStartV3Image: without an image that anybody could run nothing is applied, and the user is told how to make one.
func TestStartV3Image(t *testing.T) {
	c := clustertest.New(t)
	admin, config := c.Client(t), c.Kubeconfig(t)
	start := func(args ...string) outcome {
		return script(t, config, c.Programs, append([]string{"scripts/start-v3-scaler.sh", "--no-wait"}, args...)...)
	}
	image := func() string {
		out, err := run(t, c, "", "get", "-n", "hindcast-system", "deployment/hindcast-controller", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
		if err != nil {
			return ""
		}
		return out
	}
	o := start()
	if o.code != 1 || o.stdout != "" {
		t.Errorf("without an image: %+v", o)
	}
	for _, words := range []string{"no image of the controller", "docker build -t REGISTRY/", "docker push REGISTRY/", "--image REGISTRY/", "kind load docker-image"} {
		if !strings.Contains(o.stderr, words) {
			t.Errorf("does not say %q: %s", words, o.stderr)
		}
	}
	if out, err := run(t, c, "", "get", "namespace/hindcast-system"); err == nil {
		t.Errorf("refused, but something was applied: %s", out)
	}
	if o := start("--dry-run"); o.code != 0 || !strings.Contains(o.stderr, "without --dry-run this would be refused") || !strings.Contains(o.stdout, "server dry run") {
		t.Errorf("checked without an image: %+v", o)
	}
	if o := start("--image", "a|b&c"); o.code != 2 || !strings.Contains(o.stderr, "a|b&c is no name of an image") {
		t.Errorf("with no name of an image: %+v", o)
	}

	// As if somebody had run `kustomize edit set image`.
	root := t.TempDir()
	for _, dir := range []string{"scripts", "manifests"} {
		if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.OpenFile(filepath.Join(root, "manifests/controller/default/kustomization.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("images:\n- {name: hindcast-controller, newName: registry.example/edited, newTag: v2}\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	edited := []string{filepath.Join(root, "scripts/start-v3-scaler.sh"), "--no-wait"}
	succeeds(t, config, c.Programs, edited...)
	if got := image(); got != "registry.example/edited:v2" {
		t.Errorf("the image of the overlay became %q", got)
	}
	succeeds(t, config, c.Programs, append(edited, "--image", "registry.example/given:v3")...)
	if got := image(); got != "registry.example/given:v3" {
		t.Errorf("--image beside an edited overlay: %q", got)
	}
	kubectl(t, c, "", "delete", "-n", "hindcast-system", "deployment/hindcast-controller")

	nodeWithImage(t, admin, "docker.io/library/my-hindcast-controller:latest")
	if o := start(); o.code != 1 {
		t.Errorf("with an image of another name on a node: %+v", o)
	}
	if err := admin.CoreV1().Nodes().Delete(t.Context(), "kind-worker", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	nodeWithImage(t, admin, "docker.io/library/hindcast-controller:latest")
	if o := start(); o.code != 0 || image() != "hindcast-controller:latest" {
		t.Errorf("with the image on a node: %+v, image %q", o, image())
	}
	if policy := kubectl(t, c, "", "get", "-n", "hindcast-system", "deployment/hindcast-controller", "-o", "jsonpath={.spec.template.spec.containers[0].imagePullPolicy}"); policy != "IfNotPresent" {
		t.Errorf("the kubelet would pull what is on its node: %s", policy)
	}
}

// TestRolloutSaysWhy: where pods are not ready in time, a script says in one line what their own status says of it, and
// goes on where it ended when it is run again. No kubelet and no controller run here: the test writes the statuses.
func TestRolloutSaysWhy(t *testing.T) {
	c := clustertest.New(t)
	admin, config := c.Client(t), c.Kubeconfig(t)
	t.Setenv("HINDCAST_TIMEOUT", "1s")
	start := func() outcome {
		return script(t, config, c.Programs, "scripts/start-v3-scaler.sh", "--image", "registry.example/hindcast-controller:v1")
	}
	get := func(namespace, name string) *appsv1.Deployment {
		d, err := admin.AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	// status changes a Deployment's, which it has at most one pod of here.
	status := func(namespace, name string, set func(*appsv1.Deployment)) {
		d := get(namespace, name)
		d.Status.ObservedGeneration = d.Generation
		set(d)
		if _, err := admin.AppsV1().Deployments(namespace).UpdateStatus(t.Context(), d, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	done := func(d *appsv1.Deployment) {
		n := *d.Spec.Replicas
		d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = n, n, n, n
	}
	pod := func(namespace, of, name string, status corev1.PodStatus) {
		d := get(namespace, of)
		p := &corev1.Pod{ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: *d.Spec.Template.Spec.DeepCopy()}
		p.Name = name
		p, err := admin.CoreV1().Pods(namespace).Create(t.Context(), p, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.Status = status
		if _, err := admin.CoreV1().Pods(namespace).UpdateStatus(t.Context(), p, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	waits := func(reason, message string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "controller", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
	}
	containers := func(s ...corev1.ContainerStatus) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: s}
	}
	const controller, tomcat = "hindcast-controller", "tomcat-sample-app"
	expect := func(what, line, remedy string) {
		t.Helper()
		o := start()
		if o.code != 1 {
			t.Errorf("%s: exit code %d\n%s%s", what, o.code, o.stdout, o.stderr)
		}
		if !strings.Contains(o.stderr, "start-v3-scaler.sh: "+line+"\n") || !strings.Contains(o.stderr, remedy) {
			t.Errorf("%s: want %q and %q\n%s", what, line, remedy, o.stderr)
		}
	}
	expect("no pods", "deployment/hindcast-controller is not ready within 1s", "get events")
	status("hindcast-system", controller, func(d *appsv1.Deployment) {
		d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: `pods "x" is forbidden: exceeded quota`}}
	})
	expect("pods refused", `deployment/hindcast-controller is not ready within 1s: deployment/hindcast-controller: FailedCreate: "pods "x" is forbidden: exceeded quota"`, "describe deployment/hindcast-controller")

	for _, tc := range []struct {
		name   string
		status corev1.PodStatus
		why    string
	}{
		{"an image that cannot be pulled", containers(waits("ImagePullBackOff", `Back-off pulling image "registry.example/hindcast-controller:v1"`)),
			`ImagePullBackOff: "Back-off pulling image "registry.example/hindcast-controller:v1""`},
		{"a program that ends", containers(waits("CrashLoopBackOff", "back-off 40s restarting failed container\ncontroller")), `CrashLoopBackOff: "back-off 40s restarting failed container\ncontroller"`},
		{"no room", corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu.",
		}}}, `Pending: "0/3 nodes are available: 3 Insufficient cpu."`},
		{"a probe that fails", corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "controller", RestartCount: 2, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}}}, "Running: container controller is not ready after 2 restarts"},
		{"a later container that tells more", containers(waits("ContainerCreating", ""), waits("ErrImageNeverPull", "")), "ErrImageNeverPull"},
	} {
		pod("hindcast-system", controller, "hindcast-controller-a", tc.status)
		pod("hindcast-system", controller, "hindcast-controller-ready", corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "controller", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}}})
		expect(tc.name, "deployment/hindcast-controller is not ready within 1s: pod/hindcast-controller-a: "+tc.why, "kubectl --namespace hindcast-system describe pod/hindcast-controller-a; then run this again")
		kubectl(t, c, "", "delete", "pods", "-n", "hindcast-system", "--all", "--grace-period=0", "--force")
	}

	// The next time the controller is ready, and what is told is what keeps the sample: two pods, of which one is shown.
	status("hindcast-system", controller, done)
	before := get("hindcast-system", controller)
	for _, name := range []string{"tomcat-a", "tomcat-b"} {
		s := containers(waits("PodInitializing", ""))
		s.InitContainerStatuses = []corev1.ContainerStatus{waits("ImagePullBackOff", "no way out")}
		pod("default", tomcat, name, s)
	}
	expect("the sample", `deployment/tomcat-sample-app is not ready within 1s: pod/tomcat-a: ImagePullBackOff: "no way out" (and 1 more)`, "--namespace default")
	status("default", tomcat, done)
	if o := start(); o.code != 0 || !strings.Contains(o.stdout, "kubectl get predictivescalers") {
		t.Errorf("all is ready: %+v", o)
	}
	if after := get("hindcast-system", controller); after.Generation != before.Generation || after.UID != before.UID {
		t.Error("running it again changed what was there")
	}
	for _, wrong := range []string{"soon", "5", "-1s"} {
		t.Setenv("HINDCAST_TIMEOUT", wrong)
		if o := start(); o.code != 2 || !strings.Contains(o.stderr, wrong+" is no time such as 90s or 5m") {
			t.Errorf("HINDCAST_TIMEOUT=%s: %+v", wrong, o)
		}
	}
}

// TestNamespacesOfOthers: a namespace with anything of anybody else stays.
func TestNamespacesOfOthers(t *testing.T) {
	c := clustertest.New(t, "crd")
	admin, config := c.Client(t), c.Kubeconfig(t)
	const name = "monitoring"
	call := func(prelude string) string {
		return succeeds(t, config, c.Programs, "bash", "-c", "set -euo pipefail; . scripts/lib/cluster.sh; wait=false; "+prelude)
	}
	call(`ensure_namespace "$ROOT/manifests/monitoring/base/namespace" ` + name)
	// What is in every namespace, and what is ours.
	kubectl(t, c, "", "create", "configmap", "-n", name, "kube-root-ca.crt")
	kubectl(t, c, "", "create", "serviceaccount", "-n", name, "default")
	kubectl(t, c, "", "create", "configmap", "-n", name, "ours")
	kubectl(t, c, "", "label", "configmap", "-n", name, "ours", "app.kubernetes.io/part-of=hindcast-monitoring")
	if _, err := admin.CoreV1().Events(name).Create(t.Context(), &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "e"}, InvolvedObject: corev1.ObjectReference{Namespace: name},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	const claim = `{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"theirs"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}`
	const scaler = `{"apiVersion":"autoscaling.hindcast.dev/v1alpha1","kind":"PredictiveScaler","metadata":{"name":"theirs"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"x"},"maxReplicas":3,"actuation":{"type":"Scale"},"metrics":[{"name":"m","query":"up","target":{"perReplica":"1"}}]}}`
	for _, tc := range []struct {
		id, object string
		create     []string
	}{
		{id: "configmap/theirs", create: []string{"configmap", "theirs"}},
		{id: "secret/theirs", create: []string{"secret", "generic", "theirs"}},
		{id: "service/theirs", create: []string{"service", "clusterip", "theirs", "--tcp=80"}},
		{id: "serviceaccount/theirs", create: []string{"serviceaccount", "theirs"}},
		{id: "role.rbac.authorization.k8s.io/theirs", create: []string{"role", "theirs", "--verb=get", "--resource=pods"}},
		{id: "persistentvolumeclaim/theirs", object: claim},
		{id: "predictivescaler.autoscaling.hindcast.dev/theirs", object: scaler},
	} {
		if tc.object != "" {
			kubectl(t, c, tc.object, "create", "-n", name, "-f", "-")
		} else {
			kubectl(t, c, "", append([]string{"create", "-n", name}, tc.create...)...)
		}
		if out := call("remove_namespace " + name + " $PART"); !strings.Contains(out, "namespace monitoring stays: others use it, such as "+tc.id+"\n") {
			t.Errorf("with %s: %s", tc.id, out)
		}
		kubectl(t, c, "", "delete", "-n", name, "--wait=false", tc.id)
		if strings.HasPrefix(tc.id, "persistent") { // nobody here does what its finalizer waits for
			kubectl(t, c, "", "patch", "-n", name, tc.id, "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)
		}
	}
	if n, err := admin.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil || n.DeletionTimestamp != nil {
		t.Fatalf("it is gone: %v", err)
	}
	call("remove_namespace " + name + " $PART")
	if n, err := admin.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil || n.DeletionTimestamp == nil {
		t.Errorf("with nothing but ours it stays: %v", err)
	}
}
