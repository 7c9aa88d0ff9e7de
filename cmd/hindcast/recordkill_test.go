package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRecordGoesOn stops record half-way, by Ctrl-C and by a kill: the same command then
// writes the same bytes as one that was not stopped, and does not ask again for what it
// has.
func TestRecordGoesOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals cannot be sent on Windows")
	}
	var asked, blockAt atomic.Int64
	blockAt.Store(-1)
	reached := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // before the body is read a server does not see that a client left
		if asked.Add(1) == blockAt.Load() {
			reached <- struct{}{}
			<-r.Context().Done()
			return
		}
		start, _ := strconv.ParseInt(r.FormValue("start"), 10, 64)
		end, _ := strconv.ParseInt(r.FormValue("end"), 10, 64)
		var points []string
		for at := start; at <= end; at += 60 {
			points = append(points, fmt.Sprintf(`[%d,"%d"]`, at, 100+at/60%97))
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, strings.Join(points, ","))
	}))
	defer server.Close()
	args := []string{"record", "--prometheus", server.URL, "--query", "load", "--since", "5d", "--until", "2026-03-06T12:00:00Z", "--step", "1m", "-o", "load.csv"}
	record := func(dir string, stop os.Signal) (code int, stderr string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // for a program that hangs
		defer cancel()
		cmd := exec.CommandContext(ctx, "hindcast", args...)
		var b bytes.Buffer
		cmd.Dir, cmd.Stderr = dir, &b
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if stop != nil {
			<-reached
			if err := cmd.Process.Signal(stop); err != nil {
				t.Error(err)
			}
		}
		_ = cmd.Wait() // the code says it
		return cmd.ProcessState.ExitCode(), b.String()
	}

	whole := t.TempDir()
	if code, stderr := record(whole, nil); code != 0 {
		t.Fatal(stderr)
	}
	want, err := os.ReadFile(filepath.Join(whole, "load.csv"))
	if err != nil || bytes.Count(want, []byte("\n")) != 5*24*60+2 {
		t.Fatalf("%v: %d lines", err, bytes.Count(want, []byte("\n")))
	}
	requests := asked.Swap(0)

	for _, stop := range []os.Signal{os.Interrupt, os.Kill} {
		t.Run(stop.String(), func(t *testing.T) {
			dir := t.TempDir()
			asked.Store(0)
			blockAt.Store(3)
			code, stderr := record(dir, stop)
			const said = "hindcast: interrupted; 2 of 6 parts are kept, the same command goes on\n"
			if stop == os.Interrupt && (code != exitInterrupted || stderr != said) {
				t.Errorf("code %d, said %q, want %q", code, stderr, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "load.csv")); err == nil {
				t.Error("half a file stands in the place of a whole one")
			}
			blockAt.Store(-1)
			asked.Store(0)
			if code, stderr = record(dir, nil); code != 0 || !strings.Contains(stderr, "going on: 2 of 6 parts are there") {
				t.Errorf("code %d: %s", code, stderr)
			}
			if got := asked.Load(); got != requests-2 {
				t.Errorf("asked %d times for the rest, want %d", got, requests-2)
			}
			got, err := os.ReadFile(filepath.Join(dir, "load.csv"))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("the file differs from an uninterrupted one (%v)", err)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
