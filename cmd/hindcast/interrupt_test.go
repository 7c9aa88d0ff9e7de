package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestInterrupt stops the program in the middle of its runs, as Ctrl-C does.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals cannot be sent on Windows")
	}
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing finished", []string{"--data", "scenario:shop", "--seeds", "50"}, "interrupted; nothing was written"},
		{"one finished", []string{"--data", "scenario:ramp", "--data", "scenario:shop", "--equal-sla=false", "--policies", "static", "--seeds", "200"},
			"interrupted; of 2 runs these were finished before and are kept: 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, tmp := t.TempDir(), t.TempDir()
			kept := strings.Contains(tc.want, "kept")
			begun := func() bool {
				if kept {
					_, err := os.Stat(filepath.Join(dir, "new", "run", "ramp"))
					return err == nil
				}
				found, err := filepath.Glob(filepath.Join(dir, "new", ".run.partial-*", "runs", "*", "timeline.csv.gz"))
				return err == nil && len(found) > 0
			}
			code, stderr := interrupted(t, dir, tmp, begun, append([]string{"backtest", "-o", "new/run"}, tc.args...))
			if code != exitInterrupted {
				t.Errorf("exit code %d, want %d", code, exitInterrupted)
			}
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			if got := lines[len(lines)-1]; got != "hindcast: "+tc.want {
				t.Errorf("standard error ends with %q, want %q", got, "hindcast: "+tc.want)
			}
			if left, err := files(tmp); err != nil || len(left) != 1 {
				t.Errorf("left in the temporary folder: %v, %v", left, err)
			}
			left, err := files(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range left {
				if strings.Contains(name, "partial") || !kept && name != dir {
					t.Errorf("left behind: %s", name)
				}
			}
		})
	}
}

// interrupted runs hindcast in dir, sends it an interrupt once begun says so, and
// returns its exit code and what it said.
func interrupted(t *testing.T, dir, tmp string, begun func() bool, args []string) (code int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // for a program that hangs
	defer cancel()
	cmd := exec.CommandContext(ctx, "hindcast", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	var b bytes.Buffer
	cmd.Stderr = &b
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	for sent := false; ; {
		select {
		case <-exited:
			if !sent {
				t.Fatalf("it ended before it was interrupted: %s", b.String())
			}
			return cmd.ProcessState.ExitCode(), b.String()
		case <-time.After(5 * time.Millisecond):
			if !sent && begun() {
				sent = true
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
