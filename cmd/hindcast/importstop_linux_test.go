package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestInterruptImport stops an import of a log without an end.
func TestInterruptImport(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	if err := syscall.Mkfifo(log, 0o600); err != nil {
		t.Fatal(err)
	}
	var read atomic.Int64
	written := make(chan struct{})
	go func() {
		defer close(written)
		f, err := os.OpenFile(log, os.O_WRONLY, 0)
		if err != nil {
			return // it never began to read
		}
		defer f.Close()
		for second := 0; ; second++ {
			n, err := fmt.Fprintf(f, "10.0.0.1 - - [05/Jan/2026:%02d:%02d:%02d +0000] \"GET / HTTP/1.1\" 200 600\n", second/3600%24, second/60%60, second%60)
			if err != nil {
				return // the reader is gone
			}
			read.Add(int64(n))
		}
	}()
	code, stderr := interrupted(t, dir, t.TempDir(), func() bool { return read.Load() > 1<<20 }, []string{"datasets", "import", "access.log", "-o", "load.csv"})
	<-written
	if code != exitInterrupted || stderr != "hindcast: interrupted; nothing was written\n" {
		t.Errorf("exit code %d, said %q", code, stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
