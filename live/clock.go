package live

import (
	"context"
	"errors"
	"time"
)

// errClockJumped ends a loop whose wall clock was set: what it learnt is about other
// times. It begins anew, from the history of Prometheus.
var errClockJumped = errors.New("the wall clock jumped")

// jumpTolerance is how far wall and monotonic clock may drift apart within one wait,
// slewing included.
const jumpTolerance = 10 * time.Second

// longestNap bounds how long a jump stays unnoticed.
const longestNap = 15 * time.Second

// A wallClock waits by the wall clock and notices when that is set.
type wallClock struct {
	// read returns wall and monotonic time; tests replace it.
	read func() (wall time.Time, monotonic time.Duration)
	last time.Time     // wall at the last look
	mono time.Duration // monotonic at the last look
}

func newWallClock() *wallClock {
	start := time.Now()
	return &wallClock{read: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start)
	}}
}

// Now is the wall clock, without its monotonic part.
func (c *wallClock) Now() time.Time {
	wall, _ := c.read()
	return wall.UTC()
}

// WaitUntil returns once the wall clock shows t, or errClockJumped.
func (c *wallClock) WaitUntil(ctx context.Context, t time.Time) error {
	for {
		wall, mono := c.read()
		if !c.last.IsZero() {
			if drift := wall.Sub(c.last) - (mono - c.mono); drift.Abs() > jumpTolerance {
				return errClockJumped
			}
		}
		c.last, c.mono = wall, mono
		left := t.Sub(wall)
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(min(left, longestNap))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}
