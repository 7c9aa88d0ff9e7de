package forecast

import "time"

// An Event is something that changes the load each time it happens, by the same amount, or
// by the same part of the trend where Prophet is multiplicative.
type Event struct {
	Starts   []time.Time
	Duration time.Duration
	// Yearly repeats each start on its date and time of day (UTC) in every year.
	Yearly bool
	// Before and After are how many times Duration before and after the event has effects
	// of its own, one each: the windows of Prophet's holidays, whose Duration is a day.
	Before, After int
}

// effects is their number.
func (e Event) effects() int { return e.Before + e.After + 1 }

// fill writes for each effect, the earliest first, 1 where it is on at t and 0 else.
func (e Event) fill(dst []float64, t time.Time) {
	for i := range dst {
		dst[i] = 0
		if e.covers(t.Add(time.Duration(e.Before-i) * e.Duration)) {
			dst[i] = 1
		}
	}
}

// covers reports whether the event itself is on at t.
func (e Event) covers(t time.Time) bool {
	for _, start := range e.Starts {
		if e.Yearly {
			start = start.UTC()
			year := t.UTC().Year()
			// An event may reach over New Year.
			for _, y := range [2]int{year - 1, year} {
				s := start.AddDate(y-start.Year(), 0, 0)
				if s.Month() == start.Month() && !t.Before(s) && t.Before(s.Add(e.Duration)) {
					return true
				}
			}
		} else if !t.Before(start) && t.Before(start.Add(e.Duration)) {
			return true
		}
	}
	return false
}
