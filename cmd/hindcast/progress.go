package main

import (
	"fmt"
	"io"
	"math"
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

// show says how much of about so much simulated time has passed.
func (m *meter) show(done, expected time.Duration) {
	m.draw(done.Seconds(), expected.Seconds(), func(rate float64) string {
		return fmt.Sprintf("%.0f of about %.0f simulated days, %.0f times real time", done.Hours()/24, expected.Hours()/24, rate)
	})
}

// showSteps says how many of all steps are done, and what is being done.
func (m *meter) showSteps(what string, done, total int) {
	m.draw(float64(done), float64(total), func(rate float64) string {
		return fmt.Sprintf("%s, %.0f steps a second", what, rate)
	})
}

// showCount says how many are done of nobody knows how many.
func (m *meter) showCount(what string, done int) {
	m.draw(float64(done), math.Inf(1), func(rate float64) string {
		return fmt.Sprintf("%d %s, %.1f a second", done, what, rate)
	})
}

// draw draws the line anew, a few times a second. The text is given what was done a
// second; what is expected may be infinite.
func (m *meter) draw(done, expected float64, text func(rate float64) string) {
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
	rate := done / max(now.Sub(m.start).Seconds(), 1e-3)
	line := text(rate)
	if !math.IsInf(expected, 1) {
		line = fmt.Sprintf("%3.0f %%  %s", 100*done/expected, line)
	}
	if left := (expected - done) / max(rate, 1e-9); left < 1e6 {
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
