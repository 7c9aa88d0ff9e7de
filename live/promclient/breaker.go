package promclient

import (
	"sync"
	"time"
)

// A breaker leaves a failing server alone. After a number of failures in a row it is
// open: nothing is sent. After a pause it is half open: one request is let through, whose
// result closes it or opens it again.
type breaker struct {
	after int // failures in a row; 0: never opens
	pause time.Duration

	mu       sync.Mutex
	failures int
	until    time.Time // open before this instant
	probing  bool      // a request of the half-open state is under way
}

type outcome uint8

const (
	worked outcome = iota
	failed
	unknown // the caller went away: nothing is learned of the server
)

// enter returns whether a request may be sent at now, and how long to wait if not. Each
// request that may has to leave.
func (b *breaker) enter(now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open() {
		return 0, true
	}
	if wait := b.until.Sub(now); wait > 0 {
		return wait, false
	}
	if b.probing {
		return 0, false
	}
	b.probing = true
	return 0, true
}

// leave says at now what became of a request.
func (b *breaker) leave(now time.Time, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasOpen := b.open()
	if wasOpen {
		b.probing = false
	}
	switch o {
	case worked:
		b.failures = 0
	case failed:
		b.failures++
		if b.open() {
			b.until = now.Add(b.pause)
		}
	case unknown:
	}
}

func (b *breaker) open() bool { return b.after > 0 && b.failures >= b.after }
