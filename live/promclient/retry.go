package promclient

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// backoff says how long to wait before a request is sent again: twice as long each time,
// of which between a half and the whole is waited.
type backoff struct {
	first, longest time.Duration

	mu     sync.Mutex
	jitter *rand.Rand // nil: the whole
}

func newBackoff(cfg Config) *backoff {
	b := &backoff{first: cfg.Backoff, longest: cfg.MaxBackoff}
	if cfg.Jitter != nil {
		b.jitter = rand.New(cfg.Jitter)
	}
	return b
}

// wait returns the pause before retry n, from 0.
func (b *backoff) wait(n int) time.Duration {
	d := b.first
	for range n {
		if d >= b.longest/2 {
			d = b.longest
			break
		}
		d *= 2
	}
	d = min(d, b.longest)
	if b.jitter == nil {
		return d
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return d/2 + time.Duration(b.jitter.Int64N(int64(d/2)+1))
}

// retryAfter reads the header of that name, in seconds or as a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		const longest = 24 * 60 * 60
		return time.Duration(min(max(seconds, 0), longest)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
