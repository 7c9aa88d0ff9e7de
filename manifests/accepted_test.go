package manifests_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	overlay, _, found := strings.Cut(rest, "```")
	if !found || !strings.Contains(overlay, "- ../default\n") || !strings.Contains(overlay, "- ../servicemonitor\n") {
		t.Fatalf("README.md shows another overlay:\n%s", overlay)
	}
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
	overlay = strings.Replace(overlay, "../default", "../"+of, 1)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
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
