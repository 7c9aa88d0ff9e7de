package clustertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A Process is hindcast-controller at work.
type Process struct {
	cmd   *exec.Cmd
	log   bytes.Buffer // once it has ended
	end   context.CancelFunc
	ended chan struct{}
}

// RunController builds hindcast-controller and runs it with an administrator's kubeconfig
// and args, until the test ends or stop is called, which sends the interrupt of Ctrl-C and
// returns the exit code. What it wrote is logged if the test fails.
func (c *Cluster) RunController(t testing.TB, args ...string) (stop func() int) {
	t.Helper()
	return c.StartController(t, args...).Stop
}

// StartController is RunController for a program that may end by itself.
func (c *Cluster) StartController(t testing.TB, args ...string) *Process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hindcast-controller")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "hindcast.dev/cmd/hindcast-controller").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &Process{cmd: exec.CommandContext(ctx, program, append([]string{"--kubeconfig", c.Kubeconfig(t)}, args...)...), end: cancel, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = time.Minute
	if err := p.cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // of a program that was told to stop it tells of that
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	return p
}

// Stop ends the program as Ctrl-C does and returns its exit code.
func (p *Process) Stop() int {
	p.end()
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// Wait waits until the program has ended by itself and returns its exit code and what it
// wrote; not ended is false where it runs on.
func (p *Process) Wait(patience time.Duration) (code int, log string, ended bool) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), p.log.String(), true
	case <-time.After(patience):
		return 0, "", false
	}
}

// Kill ends the program at once, as SIGKILL does: it gives nothing back.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // of one that has ended it tells of that
	<-p.ended
}
