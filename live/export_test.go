package live

import (
	"time"

	"hindcast.dev/policy"
)

// ReadClock lets a test set the wall clock of a controller.
func (c *Config) ReadClock(read func() (wall time.Time, monotonic time.Duration)) { c.read = read }

// FirstInstant is when a scaler with these queries first decides.
func FirstInstant(now time.Time, interval time.Duration, queries []policy.Query) time.Time {
	return firstInstant(now, interval, queries)
}
