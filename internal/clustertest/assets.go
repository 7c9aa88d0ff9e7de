package clustertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Assets returns the folder of KUBEBUILDER_ASSETS, in which the named programs are.
// Without them the test is skipped, but fails where CI is true.
func Assets(t testing.TB, programs ...string) string {
	t.Helper()
	dir, err := find(os.Getenv("KUBEBUILDER_ASSETS"), programs)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return dir
}

func find(dir string, programs []string) (string, error) {
	const remedy = "`make envtest-assets plane-assets` gets the programs and prints the folder to set it to"
	if dir == "" {
		return "", fmt.Errorf("no Kubernetes to test on, KUBEBUILDER_ASSETS is not set: %s", remedy)
	}
	if !filepath.IsAbs(dir) {
		// A test runs in the folder of its package, wherever the variable was set.
		return "", fmt.Errorf("KUBEBUILDER_ASSETS=%s is not an absolute path", dir)
	}
	var missing []string
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			missing = append(missing, program)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("no %s in KUBEBUILDER_ASSETS=%s: %s", strings.Join(missing, ", "), dir, remedy)
	}
	return dir, nil
}
