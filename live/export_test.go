package live

import "time"

// ReadClock lets a test set the wall clock of a controller.
func (c *Config) ReadClock(read func() (wall time.Time, monotonic time.Duration)) { c.read = read }
