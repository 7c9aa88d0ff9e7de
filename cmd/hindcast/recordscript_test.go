package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/promtest"
)

// TestRecordScript lets scripts/record-backtest.sh go its whole way with a real server.
func TestRecordScript(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the script needs bash")
	}
	promtest.Find(t)
	data := filepath.Join(t.TempDir(), "data")
	if err := writeShop(data); err != nil {
		t.Fatal(err)
	}
	const script = "../../scripts/record-backtest.sh"
	dir := filepath.Join(t.TempDir(), "out")
	// By 2 s, so that there are parts enough to be killed between.
	cmd := exec.CommandContext(t.Context(), script, promtest.Start(t, data).URL(), `sum(rate(http_requests_total{namespace="shop"}[2m]))`,
		"2026-03-02T00:10:00Z", "2026-03-03T23:50:00Z", "2s", dir)
	cmd.Env = append(os.Environ(), "HINDCAST=hindcast")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?s)== recorded at one go.*85801 samples of 1 series.*going on: [1-9]\d* of \d+ parts are there.*== the same, byte for byte.*hpa.*report: `).Match(out) {
		t.Errorf("it said\n%s", out)
	}
	f, err := result.Open(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if d := f.Result.Dataset; d.Points != 85801 || d.StepSeconds != 2 || d.Missing != 0 {
		t.Errorf("it was replayed as %+v", d)
	}

	// A wrong call shows how it is to be called.
	out, err = exec.CommandContext(t.Context(), script, "http://localhost:9090").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || !strings.Contains(string(out), "scripts/record-backtest.sh URL QUERY SINCE UNTIL STEP DIR") {
		t.Errorf("%v\n%s", err, out)
	}
}
