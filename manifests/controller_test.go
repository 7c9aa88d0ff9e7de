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

// overlays are the folders that can be applied as they are.
func overlays(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	files, err := filepath.Glob(filepath.Join(root, "*", "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if part := filepath.Base(filepath.Dir(file)); part != "base" && part != "rights" && bytes.Contains(text, []byte("kind: Kustomization")) {
			found = append(found, filepath.Dir(file))
		}
	}
	if len(found) == 0 {
		t.Fatalf("no overlay in %s", root)
	}
	return found
}

// TestOverlaysAreAccepted has an API server check every object of every overlay, as
// strictly as it can, against its schemas and its rules.
func TestOverlaysAreAccepted(t *testing.T) {
	c := clustertest.Start(t, "crd")
	for _, overlay := range overlays(t, "controller") {
		t.Run(filepath.Base(overlay), func(t *testing.T) {
			objects := kubectl(t, c, "", "kustomize", overlay)
			// A dry run makes no namespace for the objects in it.
			if out, err := run(t, c, "", "create", "namespace", "hindcast-system"); err != nil && !strings.Contains(out, "already exists") {
				t.Fatal(out)
			}
			out := kubectl(t, c, objects, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
			if n := strings.Count(out, "(server dry run)"); n < 8 {
				t.Errorf("only %d objects were applied:\n%s", n, out)
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
