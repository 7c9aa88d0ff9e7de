package datasets

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// A timeKind is one way in which files write times; a file keeps to one.
type timeKind int

const (
	unknownTime timeKind = iota
	rfc3339
	zoneless
	unixSeconds
	unixMillis
)

func (k timeKind) String() string {
	switch k {
	case rfc3339:
		return "RFC 3339"
	case zoneless:
		return "a date without a zone"
	case unixSeconds:
		return "unix seconds"
	case unixMillis:
		return "unix milliseconds"
	default:
		return "unknown"
	}
}

const (
	firstMillis   = 1e11 // numbers from here on are milliseconds: 1973 in these, the year 5138 in seconds
	firstAbsolute = 1e8  // seconds below count from an unknown origin: no recording is from before 1973
	lastYear      = 2200 // with 1970 this keeps every difference of times within an int64 of nanoseconds
)

// A timeParser reads the times of one file and remembers how they are written.
type timeParser struct {
	kind   timeKind
	layout string // the last one that fitted, tried first
}

// parse returns nanoseconds since 1970, or what is wrong and the remedy.
func (p *timeParser) parse(field string) (at int64, msg, hint string) {
	t, kind := p.read(field)
	switch {
	case kind == unknownTime:
		return 0, fmt.Sprintf("time %s is not understood", quote(field)),
			"write RFC 3339 (2026-01-05T08:00:00Z), unix seconds or unix milliseconds"
	case t.Year() < 1970 || t.Year() > lastYear:
		return 0, fmt.Sprintf("time %s is outside 1970 to %d", quote(field), lastYear),
			"numbers are unix seconds, or milliseconds from 1e11"
	case p.kind == unknownTime:
		p.kind = kind
	case kind != p.kind:
		return 0, fmt.Sprintf("time %s is %s where the rows before have %s", quote(field), kind, p.kind),
			"write all times in one format"
	}
	return t.UnixNano(), "", ""
}

// format writes a time the way the file does.
func (p *timeParser) format(at int64) string {
	switch p.kind {
	case unixSeconds:
		return formatSeconds(at)
	case unixMillis:
		return strconv.FormatFloat(float64(at)/1e6, 'f', -1, 64)
	default:
		return time.Unix(0, at).UTC().Format(time.RFC3339Nano)
	}
}

func (p *timeParser) read(field string) (time.Time, timeKind) {
	if len(field) == 0 {
		return time.Time{}, unknownTime
	}
	if p.kind != rfc3339 && p.kind != zoneless {
		if t, kind := readUnix(field); kind != unknownTime {
			return t, kind
		}
	}
	if p.layout != "" {
		if t, err := time.Parse(p.layout, field); err == nil {
			return t, kindOf(p.layout)
		}
	}
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", // the latter is how pandas prints a zone
		"2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.Parse(layout, field); err == nil {
			p.layout = layout
			return t, kindOf(layout)
		}
	}
	return readUnix(field)
}

func kindOf(layout string) timeKind {
	if layout == time.RFC3339 || layout == "2006-01-02 15:04:05Z07:00" {
		return rfc3339
	}
	return zoneless
}

// readUnix reads seconds or milliseconds, told apart by magnitude.
func readUnix(field string) (time.Time, timeKind) {
	if n, err := strconv.ParseInt(field, 10, 64); err == nil {
		if n >= firstMillis {
			return time.UnixMilli(n).UTC(), unixMillis
		}
		return time.Unix(n, 0).UTC(), unixSeconds
	}
	v, err := strconv.ParseFloat(field, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e16 {
		return time.Time{}, unknownTime
	}
	kind := unixSeconds
	if v >= firstMillis {
		v, kind = v/1000, unixMillis
	}
	// A float64 holds today's seconds to a quarter of a microsecond.
	seconds, fraction := math.Modf(v)
	return time.Unix(int64(seconds), int64(math.Round(fraction*1e6))*1000).UTC(), kind
}

// formatSeconds writes nanoseconds since 1970 as seconds, exactly.
func formatSeconds(at int64) string {
	seconds, fraction := at/1e9, at%1e9
	if fraction == 0 {
		return strconv.FormatInt(seconds, 10)
	}
	digits := fmt.Sprintf("%09d", fraction)
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return strconv.FormatInt(seconds, 10) + "." + digits
}
