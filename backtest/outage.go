package backtest

import "time"

// An outage is a time in which Prometheus cannot scrape the targets of a job.
type outage struct {
	job         string
	from, until time.Time
}

// isDown reports whether scrapes of a job fail at an instant.
func (e *env) isDown(job string, at time.Time) bool {
	for _, o := range e.outages {
		if o.job == job && !at.Before(o.from) && at.Before(o.until) {
			return true
		}
	}
	return false
}
