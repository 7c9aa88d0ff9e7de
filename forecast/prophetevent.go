package forecast

import "time"

// A Repetition says when an Event comes again.
type Repetition uint8

const (
	// Once is only at the starts themselves.
	Once Repetition = iota
	// Daily is at the time of day of each start, on every day.
	Daily
	// Weekly is on the day of the week and at the time of day of each start.
	Weekly
	// Yearly is on the date and at the time of day of each start, where a year has it.
	Yearly
)

// An Event is something that changes the load each time it happens, by the same amount, or
// by the same part of the trend where Prophet is multiplicative.
type Event struct {
	// Starts are when it begins. Their Location is the one by whose calendar and clock it
	// repeats and its days are counted: 9:00 in Berlin is 8:00 UTC in winter, 7:00 in summer.
	Starts []time.Time
	// Duration is how long it lasts. Whole days are days of the calendar, also where a
	// clock is changed.
	Duration time.Duration
	// Repeat is when it comes again, before each start as well as after it. Duration must
	// not be longer than the time between.
	Repeat Repetition
	// Before and After are how many times Duration before and after the event has effects
	// of its own, one each: the windows of Prophet's holidays, whose Duration is a day.
	Before, After int
}

// effects is their number.
func (e Event) effects() int { return e.Before + e.After + 1 }

// fill writes for each effect, the earliest first, 1 where it is on at t and 0 else.
func (e Event) fill(dst []float64, t time.Time) {
	clear(dst)
	for _, start := range e.Starts {
		local := t.In(start.Location())
		for i := range dst {
			if e.covers(start, e.later(local, e.Before-i)) {
				dst[i] = 1
			}
		}
	}
}

// later returns the time n times the duration after t, in the calendar of t where that is
// whole days.
func (e Event) later(t time.Time, n int) time.Time {
	if days := int(e.Duration / calendarDay); days > 0 && e.Duration%calendarDay == 0 {
		return t.AddDate(0, 0, n*days)
	}
	return t.Add(time.Duration(n) * e.Duration)
}

// covers reports whether the event of a start is on at t, a time in its location.
func (e Event) covers(start, t time.Time) bool {
	on := func(s time.Time) bool { return !t.Before(s) && t.Before(e.later(s, 1)) }
	switch e.Repeat {
	case Daily, Weekly:
		every := 1
		if e.Repeat == Weekly {
			every = 7
		}
		// The last one that began on the date of t or before, and the one before it, which
		// may reach over midnight.
		days := civilDay(t) - civilDay(start)
		past := ((days % every) + every) % every
		return on(start.AddDate(0, 0, days-past)) || on(start.AddDate(0, 0, days-past-every))
	case Yearly:
		for _, years := range [2]int{t.Year() - start.Year(), t.Year() - start.Year() - 1} {
			// There is no 29 February in most years.
			if s := start.AddDate(years, 0, 0); s.Month() == start.Month() && on(s) {
				return true
			}
		}
		return false
	default:
		return on(start)
	}
}

// civilDay returns the number of the date of t in its location, whatever its clock does.
func civilDay(t time.Time) int {
	year, month, day := t.Date()
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
