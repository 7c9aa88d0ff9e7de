package clustertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// RunController builds hindcast-controller and runs it with an administrator's kubeconfig
// and args, until the test ends or stop is called, which sends the interrupt of Ctrl-C and
// returns the exit code. What it wrote is logged if the test fails.
func (c *Cluster) RunController(t testing.TB, args ...string) (stop func() int) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hindcast-controller")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "hindcast.dev/cmd/hindcast-controller").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, append([]string{"--kubeconfig", c.Kubeconfig(t)}, args...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	stop = sync.OnceValue(func() int {
		cancel()
		_ = cmd.Wait() // of a program that was told to stop it tells of that
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return stop
}
