package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestImportMemory: an access log of 200 MB is imported in half of the 256 MB that one of any size may
// take. 2 GB were measured to take no more (docs/datasets.md).
func TestImportMemory(t *testing.T) {
	const size, most = 200 << 20, 128 << 20
	path := filepath.Join(t.TempDir(), "access.log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, r := bufio.NewWriterSize(file, 1<<20), rand.New(rand.NewPCG(7, 7))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i, written := 0, 0; written < size; i++ {
		n, err := fmt.Fprintf(w, "203.0.113.%d - - [%s] \"GET /items/%d HTTP/1.1\" %d %d \"-\" \"Mozilla/5.0\" %.3f\n", r.IntN(256),
			start.Add(time.Duration(i/20)*time.Second).Format("02/Jan/2006:15:04:05 -0700"), r.IntN(1e6), 200+r.IntN(2)*303, r.IntN(100_000), r.ExpFloat64()/5)
		if err != nil {
			t.Fatal(err)
		}
		written += n
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "hindcast", "datasets", "import", path, "-o", filepath.Join(t.TempDir(), "load.csv"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("nothing is known of what it used")
	}
	if peak := usage.Maxrss << 10; peak > most {
		t.Errorf("it took %d MB, at most %d MB are allowed here", peak>>20, most>>20)
	}
}
