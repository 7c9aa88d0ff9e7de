package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	peak, looks := 0, 0
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v: %s", err, out.String())
			}
			if looks < 10 || peak > most {
				t.Errorf("it took %d MB at most, seen %d times; %d MB are allowed here", peak>>20, looks, most>>20)
			}
			return
		case <-time.After(10 * time.Millisecond):
			// What wait tells of a child counts the memory of its parent too, from before the exec.
			if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)); err == nil {
				if high := highWater.FindSubmatch(status); high != nil {
					kB, err := strconv.Atoi(string(high[1]))
					if err != nil {
						t.Fatal(err)
					}
					peak, looks = kB<<10, looks+1
				}
			}
		}
	}
}

// highWater is the most memory that a process has had so far, kB.
var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)
