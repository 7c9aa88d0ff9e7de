package importer

import (
	"bytes"
	"time"
)

const (
	second        = int64(time.Second)
	firstMillis   = 1e11 // numbers from here on are milliseconds, as in datasets
	firstAbsolute = 1e8  // seconds below count from an unknown origin
	lastSecond    = 7258118400
)

const (
	noTime      why = "the time is not understood"
	timeOutside why = "the time is outside 1970 to 2200"
	timeInGap   why = "the time does not exist in the time zone: clocks were put forward"
)

// days returns the days from 1970-01-01 to a date of the Gregorian calendar, and
// whether there is such a day.
func days(year, month, day int64) (int64, bool) {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	t := time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	return t.Unix() / 86400, int64(t.Day()) == day
}

// date reads "2006-01-02 15:04[:05[.999]]" with a blank or T between, and a zone
// (Z, +01:00, -0330) or none, as nanoseconds since 1970 of the clock on the wall.
// zoned reports a zone, with its offset in seconds.
func date(b []byte) (at, offset int64, zoned bool, w why) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, 0, false, noTime
	}
	year, ok1 := digits(b[:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	n, ok := days(year, month, day)
	if !ok1 || !ok2 || !ok3 || !ok {
		return 0, 0, false, noTime
	}
	at = n * 86400 * second
	b = b[10:]
	if len(b) > 0 {
		if b[0] != ' ' && b[0] != 'T' {
			return 0, 0, false, noTime
		}
		var clock int64
		if clock, b, ok = timeOfDay(b[1:]); !ok {
			return 0, 0, false, noTime
		}
		at += clock
	}
	if len(b) > 0 {
		if offset, zoned = zoneOffset(bytes.TrimPrefix(b, []byte{' '})); !zoned {
			return 0, 0, false, noTime
		}
	}
	if year < 1970 || year >= 2200 {
		return 0, 0, false, timeOutside
	}
	return at, offset, zoned, ""
}

// timeOfDay reads "15:04[:05[.999999999]]" in nanoseconds and returns what follows.
func timeOfDay(b []byte) (at int64, rest []byte, ok bool) {
	if len(b) < 5 || b[2] != ':' {
		return 0, nil, false
	}
	hour, ok1 := digits(b[:2])
	minute, ok2 := digits(b[3:5])
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, nil, false
	}
	at = (hour*3600 + minute*60) * second
	if b = b[5:]; len(b) < 3 || b[0] != ':' {
		return at, b, true
	}
	sec, ok := digits(b[1:3])
	if !ok || sec > 60 { // 60 is a leap second, and the same instant as the next minute
		return 0, nil, false
	}
	at += sec * second
	if b = b[3:]; len(b) < 2 || b[0] != '.' {
		return at, b, true
	}
	b = b[1:]
	unit := second / 10
	for len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		at += int64(b[0]-'0') * unit
		unit /= 10
		b = b[1:]
	}
	return at, b, true
}

// zoneOffset reads Z, +hh:mm, +hhmm or +hh in seconds.
func zoneOffset(b []byte) (int64, bool) {
	if len(b) == 1 && b[0] == 'Z' || string(b) == "UTC" {
		return 0, true
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hour, ok1 := digits(b[1:3])
	minute, ok2 := int64(0), true
	if m := bytes.TrimPrefix(b[3:], []byte{':'}); len(m) > 0 {
		minute, ok2 = digits(m)
		ok2 = ok2 && len(m) == 2
	}
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	offset := hour*3600 + minute*60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// A zone turns the clock on a wall into instants. When the clocks are put back, an
// hour comes twice; of the two instants the one nearer to the last instant is taken,
// the later of equals. Forward, it is the first one after the last instant.
type zone struct {
	loc        *time.Location
	forward    bool
	last       int64 // nanoseconds
	seen       bool
	from, till int64 // wall clock within which offset holds, far from any change
	offset     int64 // nanoseconds
}

// instant returns the instant at which the wall clock shows at.
func (z *zone) instant(at int64) (int64, why) {
	if at >= z.from && at < z.till {
		z.last, z.seen = at-z.offset, true
		return z.last, ""
	}
	const day = 86400 * second
	before, after := z.offsetAt(at-day), z.offsetAt(at+day)
	if before == after {
		// Transitions are days apart, save in tables of past politics, so that equal
		// offsets on both sides mean none between.
		z.from, z.till, z.offset = at, at+1, before
		start, end := time.Unix(0, at-before).In(z.loc).ZoneBounds()
		if !start.IsZero() {
			z.from = max(start.UnixNano()+2*day, 0)
		} else {
			z.from = 0
		}
		z.till = lastSecond * second
		if !end.IsZero() {
			z.till = end.UnixNano() - 2*day
		}
		z.last, z.seen = at-before, true
		return z.last, ""
	}
	early, late := at-before, at-after
	earlyIs, lateIs := z.offsetAt(early) == before, z.offsetAt(late) == after
	if early > late {
		early, late, earlyIs, lateIs = late, early, lateIs, earlyIs
	}
	switch {
	case !earlyIs && !lateIs:
		return 0, timeInGap
	case !earlyIs, lateIs && z.seen && z.later(early, late):
		z.last = late
	default:
		z.last = early
	}
	z.seen = true
	return z.last, ""
}

// later reports whether the later of two instants is meant.
func (z *zone) later(early, late int64) bool {
	if z.forward {
		return early <= z.last
	}
	return max(late-z.last, z.last-late) <= max(early-z.last, z.last-early)
}

// offsetAt returns the offset in force at an instant, in nanoseconds.
func (z *zone) offsetAt(instant int64) int64 {
	_, offset := time.Unix(0, instant).In(z.loc).Zone()
	return int64(offset) * second
}

// parse reads a date in any of the forms of date, in the zone where it has none.
func (z *zone) parse(b []byte) (int64, why) {
	at, offset, zoned, w := date(b)
	if w != "" {
		return 0, w
	}
	if zoned {
		return at - offset*second, ""
	}
	return z.instant(at)
}

// unix reads seconds, or milliseconds from 1e11 on.
func unix(b []byte) (int64, why) {
	if n, ok := digits(b); ok {
		if n >= firstMillis {
			if n >= lastSecond*1000 {
				return 0, timeOutside
			}
			return n * int64(time.Millisecond), ""
		}
		if n >= lastSecond {
			return 0, timeOutside
		}
		return n * second, ""
	}
	v, ok := number(b)
	switch {
	case !ok:
		return 0, noTime
	case v >= firstMillis:
		v /= 1000
	}
	if v < 0 || v >= lastSecond {
		return 0, timeOutside
	}
	whole := int64(v)
	// A float64 holds today's seconds to a quarter of a microsecond.
	return whole*second + int64((v-float64(whole))*1e6+0.5)*1000, ""
}
