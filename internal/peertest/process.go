package peertest

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take to be ready, and to stop.
const patience = 2 * time.Minute

// Folder returns the folder of the servers, HINDCAST_PEERS. Without it the test is skipped:
// only make test-peers, and with it make test-all, runs it.
func Folder(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("HINDCAST_PEERS")
	if dir == "" {
		t.Skip("HINDCAST_PEERS is not set; make test-peers builds the servers and sets it")
	}
	return dir
}

// A process is a server at work.
type process struct {
	name  string
	stop  func()
	ended chan struct{}
	log   *output
}

// run runs a server until the test ends or it is stopped. What it wrote is logged if the
// test fails.
func run(t testing.TB, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, filepath.Join(Folder(t), name), args...)
	p := &process{name: name, ended: make(chan struct{}), log: new(output)}
	cmd.Dir = t.TempDir() // what a server writes unasked
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the error of a server that was told to stop says nothing
	}()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-p.ended
	})
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the end of what %s wrote:\n%s", name, p.log)
		}
	})
	return p
}

// ready waits until the server answers a GET of url with 200.
func (p *process) ready(t testing.TB, url string) {
	t.Helper()
	Eventually(t, p.name+" is ready", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("%s ended before it was ready", p.name)
		default:
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// Eventually waits until check returns true.
func Eventually(t testing.TB, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !check(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// output keeps the end of what a server writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	const most = 64 << 10
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() > most {
		kept := bytes.Clone(o.text.Bytes()[o.text.Len()-most/4:])
		o.text.Reset()
		o.text.Write(kept)
	}
	o.text.Write(p)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()[max(0, o.text.Len()-4000):]
}
