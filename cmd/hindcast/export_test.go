package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hindcast.dev/internal/promtest"
)

// dump lists the samples of a folder of blocks, staleness markers left out.
func dump(t *testing.T, promtool, dir string) []string {
	t.Helper()
	// promtool opens a database, which has a log beside its blocks.
	if err := os.MkdirAll(filepath.Join(dir, "wal"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(promtool, "tsdb", "dump", dir).Output()
	if err != nil {
		t.Fatalf("promtool tsdb dump: %v\n%s", err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "} NaN ") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// TestPromtoolReadsExports makes blocks of exported text with promtool, and finds in
// them the same samples as in the blocks that the export writes itself.
func TestPromtoolReadsExports(t *testing.T) {
	tool := promtest.Promtool(t)
	dir := t.TempDir()
	load := filepath.Join(dir, "load.csv")
	const csv = "timestamp,value,code_200,code_503,duration_seconds,le_0.1,le_1,le_inf,memory_bytes,odd name\n" +
		"2026-01-05T00:00:00Z,2,1.5,0.5,0.4,1,2,2,1000,1\n2026-01-05T00:01:00Z,4,4,0,0.8,2,4,4,2000,2\n" +
		"2026-01-05T00:02:00Z,,,,,,,,,\n2026-01-05T00:03:00Z,1,0,1,0.1,1,1,1,3000,3\n"
	if err := os.WriteFile(load, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{load, "--label", "namespace=shop", "--label", `odd=a "b\c` + "\n"},
		{load, "--interval", "7s"},
		{"scenario:step", "--metric", "queue_depth"},
		{"scenario:ramp", "--interval", "1m"},
	} {
		var stdout, stderr bytes.Buffer
		text, blocks, made := filepath.Join(dir, "load.om"), filepath.Join(t.TempDir(), "blocks"), filepath.Join(t.TempDir(), "made")
		for _, more := range [][]string{{"-o", text}, {"--format", "blocks", "-o", blocks}} {
			all := append(append([]string{"hindcast", "datasets", "export"}, args...), more...)
			if code := run(t.Context(), all, strings.NewReader(""), &stdout, &stderr); code != 0 {
				t.Fatalf("%v: exit code %d: %s", all, code, stderr.String())
			}
		}
		if out, err := exec.Command(tool, "tsdb", "create-blocks-from", "openmetrics", text, made).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		got, want := dump(t, tool, blocks), dump(t, tool, made)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%v: %d samples in our blocks, %d in promtool's", args, len(got), len(want))
		}
	}
}
