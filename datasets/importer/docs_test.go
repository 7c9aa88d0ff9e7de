package importer_test

import (
	"os"
	"strings"
	"testing"

	"hindcast.dev/datasets/importer"
)

// TestDocs finds a row for every format in docs/datasets.md.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/datasets.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range importer.Formats() {
		if !strings.Contains(string(data), "\n| `"+f.Name+"` | ") {
			t.Errorf("format %s has no row", f.Name)
		}
	}
}
