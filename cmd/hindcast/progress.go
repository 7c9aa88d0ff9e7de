package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// A meter shows progress with its rate and the time that is left on a terminal, and
// nothing elsewhere.
type meter struct {
	out   io.Writer // nil: quiet
	start time.Time

	mu    sync.Mutex
	shown time.Time
	width int
}

func newMeter(w io.Writer) *meter {
	m := &meter{start: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.out = w
	}
	return m
}

// show draws the line anew, a few times a second.
func (m *meter) show(done, expected time.Duration) {
	if m.out == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.shown) < 200*time.Millisecond {
		return
	}
	m.shown = now
	elapsed := now.Sub(m.start).Seconds()
	rate := done.Seconds() / max(elapsed, 1e-3)
	line := fmt.Sprintf("%3.0f %%  %.0f of about %.0f simulated days, %.0f times real time",
		100*float64(done)/float64(expected), done.Hours()/24, expected.Hours()/24, rate)
	if left := (expected - done).Seconds() / max(rate, 1e-9); left < 1e6 {
		line += fmt.Sprintf(", about %v left", time.Duration(left*float64(time.Second)).Round(time.Second))
	}
	fmt.Fprintf(m.out, "\r%-*s", m.width, line)
	m.width = len(line)
}

// clear removes the line.
func (m *meter) clear() {
	if m.out != nil && m.width > 0 {
		fmt.Fprintf(m.out, "\r%*s\r", m.width, "")
	}
}

func (m *meter) elapsed() time.Duration { return time.Since(m.start) }
