package importer

import (
	"testing"
	"time"
)

// TestZoneIsTheInverseOfTheClock lets a clock run for a year in several zones, writes down
// what it shows, and reads the times again: every instant must come back, those of the
// hour that comes twice included.
func TestZoneIsTheInverseOfTheClock(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Chatham"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []time.Duration{7 * time.Minute, 29 * time.Minute} {
			if step > 15*time.Minute && name == "Australia/Lord_Howe" {
				continue // Half an hour comes twice there.
			}
			z := zone{loc: loc}
			for at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(step) {
				got, w := z.parse([]byte(at.In(loc).Format("2006-01-02 15:04:05")))
				if w != "" || got != at.UnixNano() {
					t.Fatalf("%s: %v shows %v and is read as %v, %s", name, at, at.In(loc), time.Unix(0, got).UTC(), w)
				}
			}
		}
	}
}

// TestZoneForward has one value an hour, so that the hour that comes twice shows the same.
func TestZoneForward(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	z := zone{loc: loc, forward: true}
	for at := time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(time.Hour) {
		got, w := z.parse([]byte(at.In(loc).Format("2006-01-02 15:04:05")))
		if w != "" || got != at.UnixNano() {
			t.Fatalf("%v is read as %v, %s", at, time.Unix(0, got).UTC(), w)
		}
	}
}

func TestZoneGap(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	z := zone{loc: loc}
	for text, want := range map[string]why{
		"2026-03-29 01:59:59": "", "2026-03-29 02:00:00": timeInGap, "2026-03-29 02:59:59": timeInGap, "2026-03-29 03:00:00": "",
	} {
		if _, w := z.parse([]byte(text)); w != want {
			t.Errorf("%s: %q, want %q", text, w, want)
		}
	}
	// Without anything before it, the first of two is taken.
	at, w := (&zone{loc: loc}).parse([]byte("2026-10-25 02:30:00"))
	if want := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC); w != "" || at != want.UnixNano() {
		t.Errorf("%v, %s, want %v", time.Unix(0, at).UTC(), w, want)
	}
}

func TestDate(t *testing.T) {
	for _, text := range []string{
		"2026-01-05", "2026-01-05 08:09", "2026-01-05 08:09:10", "2026-01-05T08:09:10", "2026-01-05 08:09:10.123456789", "2023-11-16 18:17:03.9799600",
		"2026-01-05T08:09:10Z", "2026-01-05T08:09:10.5+01:00", "2026-01-05 08:09:10-03:30", "2026-01-05 08:09:10 +0530", "2024-02-29",
		"2026-02-29", "2026-13-01", "2026-00-10", "2026-01-05 24:00", "2026-01-05 23:60", "2026-01-05x", "2026-1-5", "1950-01-01", "2026-01-05 08:09:10 CET", "",
		"2026-01-05 08:09:10+1", "2026-01-05T08:09:10+25:00",
	} {
		var want time.Time
		err := error(&time.ParseError{})
		for _, layout := range []string{
			time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 -0700",
		} {
			if at, e := time.Parse(layout, text); e == nil {
				want, err = at, nil
			}
		}
		if err == nil && want.Year() < 1970 {
			err = &time.ParseError{}
		}
		z := zone{loc: time.UTC}
		got, w := z.parse([]byte(text))
		if (w != "") != (err != nil) {
			t.Errorf("%s: %q, but time.Parse says %v", text, w, err)
		} else if err == nil && got != want.UnixNano() {
			t.Errorf("%s is read as %v, want %v", text, time.Unix(0, got).UTC(), want)
		}
	}
}

func FuzzDate(f *testing.F) {
	f.Add("2026-01-05 08:09:10.5")
	f.Add("2026-01-05T08:09:10+01:00")
	f.Fuzz(func(t *testing.T, text string) {
		z := zone{loc: time.UTC}
		got, w := z.parse([]byte(text))
		for _, layout := range []string{time.DateTime, time.RFC3339} {
			want, err := time.Parse(layout, text)
			if err != nil || want.Year() < 1970 || want.Year() >= 2200 || len(text) > len(time.RFC3339Nano) {
				continue
			}
			// Older parsers of time take a comma for the point, and hours of one digit.
			if len(text) >= 19 && (text[10] == ' ' || text[10] == 'T') && text[13] == ':' && w == "" && got != want.UnixNano() {
				t.Fatalf("%s is read as %v, want %v", text, time.Unix(0, got).UTC(), want)
			}
		}
	})
}
