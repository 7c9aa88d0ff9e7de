package datasets

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Duration is a [time.Duration] that is written with days and weeks too:
// 90s, 1h30m, 10d, 2w, 1d12h. It is never negative.
type Duration time.Duration

const (
	day  = 24 * time.Hour
	week = 7 * day
	// longest bounds a duration in a scenario to a century.
	longest = 100 * 366 * day
)

// String returns d in the notation of [Duration.UnmarshalText], with days.
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	text := ""
	if days := time.Duration(d) / day; days > 0 {
		text = strconv.FormatInt(int64(days), 10) + "d"
	}
	if rest := time.Duration(d) % day; rest != 0 {
		clock := rest.String()
		if strings.HasSuffix(clock, "m0s") {
			clock = strings.TrimSuffix(clock, "0s")
		}
		if strings.HasSuffix(clock, "h0m") {
			clock = strings.TrimSuffix(clock, "0m")
		}
		text += clock
	}
	return text
}

// MarshalText returns [Duration.String].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads weeks, then days, then what [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	rest := string(text)
	var sum time.Duration
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", week}, {"d", day}} {
		number, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n >= 0 && n <= float64(longest/unit.length)) {
			return errDuration(text)
		}
		sum += time.Duration(math.Round(n * float64(unit.length)))
		rest = after
	}
	if rest != "" || len(text) == 0 {
		clock, err := time.ParseDuration(rest)
		if err != nil || clock < 0 || clock > longest {
			return errDuration(text)
		}
		sum += clock
	}
	if sum > longest {
		return errDuration(text)
	}
	*d = Duration(sum)
	return nil
}

func errDuration(text []byte) error {
	return fmt.Errorf("%s is not a duration from 0s to 100 years; write 90s, 6h, 1d12h or 2w", quote(string(text)))
}
