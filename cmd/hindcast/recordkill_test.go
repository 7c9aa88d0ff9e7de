package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
)

// A stopper lets requests pass to a server, counts them, and holds one that it is told.
type stopper struct {
	asked, blockAt atomic.Int64
	reached        chan struct{}
}

func (s *stopper) pass(_ http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(r.Body) // before it is read a server does not see that a client left
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if s.asked.Add(1) == s.blockAt.Load() {
		s.reached <- struct{}{}
		<-r.Context().Done()
		return false
	}
	return true
}

// TestRecordGoesOn stops record half-way, by Ctrl-C and by a kill: the same command then
// writes the same bytes as one that was not stopped, and does not ask again for what it
// has.
func TestRecordGoesOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals cannot be sent on Windows")
	}
	t.Run("values of a query", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start, _ := strconv.ParseInt(r.FormValue("start"), 10, 64)
			end, _ := strconv.ParseInt(r.FormValue("end"), 10, 64)
			var points []string
			for at := start; at <= end; at += 60 {
				points = append(points, fmt.Sprintf(`[%d,"%d"]`, at, 100+at/60%97))
			}
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, strings.Join(points, ","))
		}))
		t.Cleanup(server.Close)
		goesOn(t, server.URL, "load.csv", 5*24*60+2, 6, 0, "--query", "load", "--since", "5d", "--until", "2026-03-06T12:00:00Z", "--step", "1m")
	})
	// Whether there is remote read, and which labels it adds, is asked before the first part,
	// and not when it goes on.
	t.Run("samples of Prometheus", func(t *testing.T) {
		promtest.Find(t)
		dir := filepath.Join(t.TempDir(), "data")
		if err := writeShop(dir); err != nil {
			t.Fatal(err)
		}
		goesOn(t, promtest.Start(t, dir).URL(), "raw.om", 3*5760+3, 24, 2, "--query", `{namespace="shop"}`, "--raw",
			"--since", "2026-03-01T23:59:59.999Z", "--until", "2026-03-03T23:59:59.999Z", "--step", "1ms")
	})
}

// goesOn records the file, of so many lines, in so many parts, after so many other requests,
// without a stop and with one at the third part.
func goesOn(t *testing.T, address, file string, lines, parts, before int, flags ...string) {
	t.Helper()
	s := &stopper{reached: make(chan struct{}, 1)}
	s.blockAt.Store(-1)
	args := append([]string{"record", "--prometheus", proxy(t, address, s.pass), "-o", file}, flags...)
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
			select {
			case <-s.reached:
			case <-ctx.Done():
				t.Fatal(b.String())
			}
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
	want, err := os.ReadFile(filepath.Join(whole, file))
	if err != nil || bytes.Count(want, []byte("\n")) != lines {
		t.Fatalf("%v: %d lines, want %d", err, bytes.Count(want, []byte("\n")), lines)
	}
	if asked := s.asked.Load(); asked != int64(before+parts) {
		t.Errorf("asked %d times, want %d", asked, before+parts)
	}

	for _, stop := range []os.Signal{os.Interrupt, os.Kill} {
		t.Run(stop.String(), func(t *testing.T) {
			dir := t.TempDir()
			s.asked.Store(0)
			s.blockAt.Store(int64(before) + 3)
			code, stderr := record(dir, stop)
			said := fmt.Sprintf("hindcast: interrupted; 2 of %d parts are kept, the same command goes on\n", parts)
			if stop == os.Interrupt && (code != exitInterrupted || stderr != said) {
				t.Errorf("code %d, said %q, want %q", code, stderr, said)
			}
			if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
				t.Error("half a file stands in the place of a whole one")
			}
			s.blockAt.Store(-1)
			s.asked.Store(0)
			if code, stderr = record(dir, nil); code != 0 || !strings.Contains(stderr, fmt.Sprintf("going on: 2 of %d parts are there", parts)) {
				t.Errorf("code %d: %s", code, stderr)
			}
			if got := s.asked.Load(); got != int64(parts-2) {
				t.Errorf("asked %d times for the rest, want %d", got, parts-2)
			}
			got, err := os.ReadFile(filepath.Join(dir, file))
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

// TestRecordManySeries: what a scaler may not read at once can be recorded, as values and as samples, by
// queries and by remote read.
func TestRecordManySeries(t *testing.T) {
	const many = 12_000
	dir := filepath.Join(t.TempDir(), "data")
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		s, err := db.Series("requests", promdb.Label{Name: "pod", Value: strconv.Itoa(i)})
		if err == nil {
			err = db.Append(s, shopStart.Add(time.Minute), 2)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Commit(shopStart.Add(time.Minute)), db.Finish(), db.Close()); err != nil {
		t.Fatal(err)
	}
	address := promtest.Start(t, dir).URL()
	for name, flags := range map[string][]string{
		"values": nil, "samples by queries": {"--raw", "--remote-read", "never"}, "samples": {"--raw", "--remote-read", "always"},
	} {
		output := filepath.Join(t.TempDir(), "many")
		args := append([]string{"hindcast", "record", "--prometheus", address, "--query", "requests", "-o", output, "--step", "1m",
			"--since", "2026-03-02T00:00:00Z", "--until", "2026-03-02T00:02:00Z"}, flags...)
		var stderr bytes.Buffer
		if code := run(t.Context(), args, nil, io.Discard, &stderr); code != 0 || !strings.Contains(stderr.String(), fmt.Sprintf(" of %d series", many)) {
			t.Errorf("%s: code %d: %s", name, code, stderr.String())
		}
	}
}
