package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
	"hindcast.dev/promdb/promapi"
)

// TestDataOfARunningServer names the folder of a server that is running: one line, and what
// to do instead.
func TestDataOfARunningServer(t *testing.T) {
	promtest.RequireVersion(t, promapi.Version) // Debian's takes no lock unless it is told to
	dir := t.TempDir()
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Series("requests_total")
	if err != nil {
		t.Fatal(err)
	}
	for k := range 500 {
		at := time.Unix(1_700_000_000, 0).Add(time.Duration(k) * 15 * time.Second)
		if err := db.Append(s, at, float64(k)); err != nil {
			t.Fatal(err)
		}
		if err := db.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Finish(); err != nil {
		t.Fatal(err)
	}
	promtest.Start(t, dir)
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{
		{"backtest", "--data", "tsdb:" + dir, "--query", "rate(requests_total[1m])", "-o", out},
		{"datasets", "import", "tsdb:" + dir, "--select", "rate(requests_total[1m])", "-o", out + ".csv"},
		{"datasets", "describe", "tsdb:" + dir},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"hindcast"}, args...), nil, &stdout, &stderr)
		said := stderr.String()
		if code != exitBad || strings.Count(said, "\n") != 1 || stdout.Len() > 0 || !strings.Contains(said, "tsdb:"+dir) ||
			!strings.Contains(said, "a Prometheus server is running on it") || !strings.Contains(said, "hindcast record") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout.String(), said)
		}
	}
}
