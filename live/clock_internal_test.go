package live

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hindcast.dev/policy"
)

// TestWallClockWaits: it returns at the instant, not before.
func TestWallClockWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWallClock()
		at := c.Now().Add(95 * time.Second)
		if err := c.WaitUntil(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if now := c.Now(); !now.Equal(at) {
			t.Errorf("woke at %v, want %v", now, at)
		}
	})
}

// TestWallClockNoticesJumps: a clock that was set, in either direction, ends the wait
// soon; one that is slewed does not.
func TestWallClockNoticesJumps(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  time.Duration
		want error
	}{
		{"not set", 0, nil},
		{"slewed", 3 * time.Second, nil},
		{"forward", time.Hour, errClockJumped},
		{"back", -time.Hour, errClockJumped},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				set := time.Duration(0)
				c := &wallClock{read: func() (time.Time, time.Duration) {
					now := time.Now()
					return now.Add(set), now.Sub(start)
				}}
				time.AfterFunc(40*time.Second, func() { set = tc.set })
				err := c.WaitUntil(t.Context(), start.Add(2*time.Minute))
				if !errors.Is(err, tc.want) {
					t.Errorf("WaitUntil = %v, want %v", err, tc.want)
				}
				if took := time.Since(start); tc.want != nil && took > 40*time.Second+longestNap {
					t.Errorf("noticed after %v", took)
				}
			})
		})
	}
}

func TestFirstInstant(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 7, 0, time.UTC)
	const interval = 30 * time.Second
	phases := map[time.Duration]bool{}
	for _, name := range []string{"sum(a)", "sum(b)", "rate(c[1m])", "d"} {
		queries := []policy.Query{{Name: "load", Expr: name}}
		first := firstInstant(now, interval, queries)
		if !first.After(now) || first.Sub(now) > interval {
			t.Errorf("%s: first at %v, want within %v of %v", name, first, interval, now)
		}
		if again := firstInstant(first, interval, queries); !again.Equal(first.Add(interval)) {
			t.Errorf("%s: after %v comes %v", name, first, again)
		}
		phases[first.Sub(now)] = true
	}
	if len(phases) < 3 {
		t.Errorf("four queries have %d phases", len(phases))
	}
}
