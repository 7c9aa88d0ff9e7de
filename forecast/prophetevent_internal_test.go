package forecast

import (
	"testing"
	"time"
)

// Events repeat by the clock and the calendar of where they start, also where that clock
// is changed: in Berlin on 29 March and 25 October 2026.
func TestEventRepeats(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	local := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	const h, day = time.Hour, 24 * time.Hour
	tests := []struct {
		name    string
		event   Event
		on, off []string // UTC
	}{
		{
			"once", Event{Starts: []time.Time{local("2026-03-27 09:00")}, Duration: h},
			[]string{"2026-03-27 08:00", "2026-03-27 08:59"}, []string{"2026-03-27 07:59", "2026-03-27 09:00", "2026-03-28 08:00"},
		},
		{
			"daily", Event{Starts: []time.Time{local("2026-03-27 09:00")}, Duration: h, Repeat: Daily},
			[]string{"2026-03-01 08:00", "2026-03-28 08:59", "2026-03-29 07:00", "2026-07-01 07:30", "2026-10-25 08:00"},
			[]string{"2026-03-28 07:30", "2026-03-29 08:00", "2026-07-01 08:30", "2026-10-25 07:30"},
		},
		{
			"over midnight", Event{Starts: []time.Time{local("2026-03-27 23:00")}, Duration: 3 * h, Repeat: Daily},
			[]string{"2026-03-20 00:30", "2026-03-28 22:00", "2026-03-29 00:59", "2026-03-29 21:00"},
			[]string{"2026-03-28 21:59", "2026-03-29 01:00", "2026-03-29 20:59"},
		},
		{
			"weekly", Event{Starts: []time.Time{local("2026-03-23 09:00")}, Duration: h, Repeat: Weekly},
			[]string{"2026-03-09 08:00", "2026-03-30 07:00"}, []string{"2026-03-24 08:00", "2026-03-30 08:00", "2026-03-29 07:00"},
		},
		{
			"yearly, over New Year", Event{Starts: []time.Time{local("2020-12-31 22:00")}, Duration: 4 * h, Repeat: Yearly},
			[]string{"2025-12-31 21:00", "2026-01-01 00:59", "2019-12-31 22:00"}, []string{"2026-01-01 01:00", "2026-12-30 21:30"},
		},
		{
			"29 February", Event{Starts: []time.Time{local("2024-02-29 00:00")}, Duration: day, Repeat: Yearly},
			[]string{"2028-02-29 12:00"}, []string{"2026-02-28 12:00", "2026-03-01 12:00"},
		},
		{ // The day has 23 hours, from 23:00 to 22:00 UTC.
			"a day of changed clocks", Event{Starts: []time.Time{local("2026-03-29 00:00")}, Duration: day},
			[]string{"2026-03-28 23:00", "2026-03-29 21:59"}, []string{"2026-03-28 22:59", "2026-03-29 22:00"},
		},
	}
	for _, tt := range tests {
		for want, times := range map[float64][]string{1: tt.on, 0: tt.off} {
			for _, text := range times {
				at, err := time.Parse("2006-01-02 15:04", text)
				if err != nil {
					t.Fatal(err)
				}
				effect := []float64{7}
				if tt.event.fill(effect, at); effect[0] != want {
					t.Errorf("%s: %v at %s UTC, want %v", tt.name, effect[0], text, want)
				}
			}
		}
	}
	// The day before a day of the calendar and the one after it are days of the calendar.
	e := Event{Starts: []time.Time{local("2026-03-29 00:00")}, Duration: day, Before: 1, After: 1}
	for text, want := range map[string][3]float64{
		"2026-03-27 22:59": {}, "2026-03-27 23:00": {1}, "2026-03-28 22:59": {1}, "2026-03-28 23:00": {0, 1},
		"2026-03-29 21:59": {0, 1}, "2026-03-29 22:00": {0, 0, 1}, "2026-03-30 21:59": {0, 0, 1}, "2026-03-30 22:00": {},
	} {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		var got [3]float64
		if e.fill(got[:], at); got != want {
			t.Errorf("%v at %s UTC, want %v", got, text, want)
		}
	}
}
