package reports

import (
	"math"
	"testing"
	"time"

	"gonum.org/v1/plot"
)

func labelsOf(ticks []plot.Tick) []string {
	var out []string
	for _, k := range ticks {
		if k.Label != "" {
			out = append(out, k.Label)
		}
	}
	return out
}

func TestClockLabels(t *testing.T) {
	start := time.Date(2025, time.June, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		relative bool
		start    time.Time
		from, to time.Duration // since start
		want     []string
	}{
		{"hours", false, start, 9*time.Hour + time.Minute, 12*time.Hour + 30*time.Minute,
			[]string{"09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30"}},
		{"midnight names the day", false, start, 20 * time.Hour, 28 * time.Hour,
			[]string{"20:00", "21:00", "22:00", "23:00", "Tue 3 Jun", "01:00", "02:00", "03:00", "04:00"}},
		{"days", false, start, 0, 4 * 24 * time.Hour,
			[]string{"Mon 2 Jun", "12:00", "Tue 3 Jun", "12:00", "Wed 4 Jun", "12:00", "Thu 5 Jun", "12:00", "Fri 6 Jun"}},
		{"weeks begin on Monday", false, start, 24 * time.Hour, 30 * 24 * time.Hour,
			[]string{"9 Jun", "16 Jun", "23 Jun", "30 Jun"}},
		{"relative days count from the start", true, start.Add(5 * time.Hour), 0, 3 * 24 * time.Hour,
			[]string{"day 1", "12:00", "day 2", "12:00", "day 3", "12:00", "day 4"}},
		{"no time at all", false, start, 0, 0, []string{"Mon 2 Jun"}},
	} {
		k := clock{start: c.start, relative: c.relative}
		got := labelsOf(k.Ticks(seconds1970(c.start.Add(c.from)), seconds1970(c.start.Add(c.to))))
		if !equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// From seconds to decades there are never too many marks, and all are in range.
func TestClockNeverCrowds(t *testing.T) {
	for _, relative := range []bool{false, true} {
		k := clock{start: time.Date(1998, time.April, 30, 21, 0, 17, 0, time.UTC), relative: relative}
		from := seconds1970(k.start)
		for span := 3.0; span < 3e8; span *= 1.37 {
			ticks := k.Ticks(from, from+span)
			if len(ticks) > 10 {
				t.Errorf("%d marks over %v s", len(ticks), span)
			}
			for _, tick := range ticks {
				if tick.Value < from || tick.Value > from+span || tick.Label == "" {
					t.Errorf("mark %+v outside [%v, %v] or unnamed", tick, from, from+span)
				}
			}
		}
	}
}

func TestInstant(t *testing.T) {
	start := time.Date(2025, time.June, 2, 6, 0, 0, 0, time.UTC)
	at := start.Add(56 * time.Hour)
	if got, want := (clock{start: start}).instant(at), "Wed 4 Jun 2025, 14:00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (clock{start: start, relative: true}).instant(at), "day 3, 08:00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinearTicks(t *testing.T) {
	for _, c := range []struct {
		ticks     linearTicks
		low, high float64
		want      []string
	}{
		{linearTicks{n: 5}, 0, 100, []string{"0", "20", "40", "60", "80", "100"}},
		{linearTicks{n: 5}, 0, 1.06, []string{"0", "0.5", "1.0"}},
		{linearTicks{n: 5, whole: true}, 0, 2.1, []string{"0", "1", "2"}},
		{linearTicks{n: 5, scale: 100}, 0.5, 1, []string{"50", "60", "70", "80", "90", "100"}},
		{linearTicks{n: 4}, 0, 4000, []string{"0", "1,000", "2,000", "3,000", "4,000"}},
		{linearTicks{n: 5}, 1, 1, nil},
		{linearTicks{n: 5}, math.NaN(), 1, nil},
	} {
		if got := labelsOf(c.ticks.Ticks(c.low, c.high)); !equal(got, c.want) {
			t.Errorf("%+v over [%v, %v]: got %q, want %q", c.ticks, c.low, c.high, got, c.want)
		}
	}
}

func TestLogTicks(t *testing.T) {
	ticks := logTicks{label: duration}
	if got, want := labelsOf(ticks.Ticks(-2, 0)), []string{"10 ms", "100 ms", "1 s"}; !equal(got, want) {
		t.Errorf("two decades: got %q, want %q", got, want)
	}
	if got, want := labelsOf(ticks.Ticks(-1, -0.3)), []string{"100 ms", "200 ms", "500 ms"}; !equal(got, want) {
		t.Errorf("less than a decade: got %q, want %q", got, want)
	}
	if n := len(ticks.Ticks(0, 1)); n != 10 {
		t.Errorf("%d marks in a decade, want 10", n)
	}
}
