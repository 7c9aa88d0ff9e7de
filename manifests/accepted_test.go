package manifests_test

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hindcast.dev/internal/clustertest"
)

// run runs kubectl of the version that is tested, with input if there is any.
func run(t *testing.T, c *clustertest.Cluster, input string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(c.Programs, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(t))
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	return out.String() + problems.String(), err
}

func kubectl(t *testing.T, c *clustertest.Cluster, input string, args ...string) string {
	t.Helper()
	out, err := run(t, c, input, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// ownOverlay writes the overlay of README.md, which adds the ServiceMonitor to one of ours
// and names the image, beside a copy of ours, and returns its folder.
func ownOverlay(t *testing.T, of string) string {
	t.Helper()
	overlay := overlays(t)[0]
	if !strings.Contains(overlay, "- ../default\n") || !strings.Contains(overlay, "- ../servicemonitor\n") {
		t.Fatalf("README.md shows another overlay:\n%s", overlay)
	}
	return besides(t, strings.Replace(overlay, "../default", "../"+of, 1))
}

// overlays returns those that README.md shows.
func overlays(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, rest := range strings.Split(string(text), "```yaml\n")[1:] {
		overlay, _, found := strings.Cut(rest, "```")
		if !found {
			t.Fatal("README.md shows an overlay without an end")
		}
		shown = append(shown, overlay)
	}
	if len(shown) != 2 {
		t.Fatalf("README.md shows %d overlays, want 2", len(shown))
	}
	return shown
}

// besides writes an overlay beside a copy of ours, and returns its folder.
func besides(t *testing.T, overlay string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"crd", "controller"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(part)); err != nil {
			t.Fatal(err)
		}
	}
	dir = filepath.Join(dir, "controller", "own")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPrometheusElsewhere: the second overlay of README.md asks where its NetworkPolicy
// lets it, and takes nothing away from what there is.
func TestPrometheusElsewhere(t *testing.T) {
	before, after := build(t, "controller/default"), build(t, besides(t, overlays(t)[1]))
	policy := func(objects []unstructured.Unstructured) networkingv1.NetworkPolicySpec {
		return as[networkingv1.NetworkPolicy](t, find(t, objects, "NetworkPolicy", "hindcast-controller")).Spec
	}
	was, is := policy(before), policy(after)
	if len(is.Egress) != len(was.Egress)+1 || len(is.Ingress) != len(was.Ingress)+1 ||
		!reflect.DeepEqual(is.Egress[:len(was.Egress)], was.Egress) || !reflect.DeepEqual(is.Ingress[:len(was.Ingress)], was.Ingress) {
		t.Fatalf("the policy was %+v and is %+v", was, is)
	}
	d := as[appsv1.Deployment](t, find(t, after, "Deployment", "hindcast-controller"))
	container := d.Spec.Template.Spec.Containers[0]
	address := ""
	for _, arg := range container.Args {
		if value, ok := strings.CutPrefix(arg, "--prometheus="); ok {
			address = value
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	out, in := is.Egress[len(was.Egress)], is.Ingress[len(was.Ingress)]
	namespace := strings.Split(u.Hostname(), ".")[1]
	if got := out.To[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"]; got != namespace || out.Ports[0].Port.String() != u.Port() {
		t.Errorf("asks %s, may ask namespace %s at port %s", address, got, out.Ports[0].Port)
	}
	if !hasPort(container, in.Ports[0].Port.String()) {
		t.Errorf("port %s of the policy is none of the container", in.Ports[0].Port)
	}
	if args := as[appsv1.Deployment](t, find(t, before, "Deployment", "hindcast-controller")).Spec.Template.Spec.Containers[0].Args; !slices.Contains(container.Args, args[len(args)-1]) {
		t.Errorf("arguments are %q, were %q", container.Args, args)
	}
}

// TestOverlaysAreAccepted has an API server check every object of every overlay, as
// strictly as it can, against its schemas and its rules; the Prometheus Operator's by the
// schemas of its own types.
func TestOverlaysAreAccepted(t *testing.T) {
	c := clustertest.Start(t, "crd", "testdata/crds")
	// A dry run makes no namespace for the objects in it.
	for _, namespace := range []string{"monitoring", "hindcast-system"} {
		if out, err := run(t, c, "", "create", "namespace", namespace); err != nil && !strings.Contains(out, "already exists") {
			t.Fatal(out)
		}
	}
	dirs := map[string]string{
		"README.md":            ownOverlay(t, "default"),
		"README.md namespaced": ownOverlay(t, "namespaced"),
	}
	for _, dir := range kustomizations(t) {
		if strings.HasPrefix(dir, "monitoring/base/") && dir != "monitoring/base/namespace" {
			continue // a part of the overlays
		}
		dirs[dir] = dir
	}
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			out := kubectl(t, c, "", "apply", "--server-side", "--dry-run=server", "--validate=strict", "-k", dir)
			if got, want := strings.Count(out, "(server dry run)"), len(build(t, dir)); got != want {
				t.Errorf("%d of %d objects were applied:\n%s", got, want, out)
			}
			for line := range strings.Lines(out) {
				if strings.Contains(line, "Warning") {
					t.Error(line)
				}
			}
		})
	}
}

// TestStrictnessIsReal shows that the test above can fail.
func TestStrictnessIsReal(t *testing.T) {
	c := clustertest.Start(t, "crd")
	for name, change := range map[string][2]string{
		"misspelt field":    {"readOnlyRootFilesystem", "readonlyRootFilesystem"},
		"wrong type":        {"replicas: 2", "replicas: two"},
		"port without name": {"targetPort: metrics", "targetPort: metrics_port_that_is_too_long"},
	} {
		objects := kubectl(t, c, "", "kustomize", filepath.Join("controller", "default"))
		broken := strings.Replace(objects, change[0], change[1], 1)
		if broken == objects {
			t.Fatalf("%s: no %q to change", name, change[0])
		}
		if out, err := run(t, c, broken, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"); err == nil {
			t.Errorf("%s: accepted:\n%s", name, out)
		}
	}
}
