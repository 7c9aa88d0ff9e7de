package live

import (
	"math"
	"testing"
	"time"
)

// TestShadow counts by hand: decisions go up to 6 at minute 10 and serve a lead of 5
// minutes later, while 4 run all the time and 5 are needed from minute 12 to 20.
func TestShadow(t *testing.T) {
	s := shadow{lead: 5 * time.Minute}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var sum tick
	for m := 0; m <= 30; m++ {
		decision, needed := int32(4), int32(4)
		if m >= 10 {
			decision = 6
		}
		if m >= 12 && m < 20 {
			needed = 5
		}
		d := s.step(start.Add(time.Duration(m)*time.Minute), 4, decision, needed, true)
		sum.actual.add(d.actual)
		sum.decided.add(d.decided)
	}
	// A step stands for the minute before it: of the steps 1 to 30, those from 15 on are
	// served by 6.
	for _, tc := range []struct {
		name      string
		got, want float64
	}{
		{"replica-minutes that ran", 60 * s.actual.replicas, 30 * 4},
		{"that were decided", 60 * s.decided.replicas, 14*4 + 16*6},
		{"minutes short", 60 * s.actual.short, 8},
		{"minutes that would have been short", 60 * s.decided.short, 3},
		{"the sum of the ticks", sum.decided.replicas, s.decided.replicas},
	} {
		if math.Abs(tc.got-tc.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	var resumed shadow
	resumed.resume(s.status())
	if math.Abs(resumed.decided.replicas-s.decided.replicas) > 1e-4 || !resumed.since.Equal(start) {
		t.Errorf("resumed %+v, want %+v", resumed, s)
	}
	// The first step of a controller that was restarted says nothing of the time before.
	if d := resumed.step(start.Add(31*time.Minute), 4, 6, 4, true); d != (tick{}) {
		t.Errorf("the first step after a restart adds %+v", d)
	}
	if d := resumed.step(start.Add(32*time.Minute), 4, 6, 4, true); math.Abs(60*d.actual.replicas-4) > 1e-9 {
		t.Errorf("the second step after a restart adds %+v", d)
	}
}

// TestShadowOfAFloor: an HPA runs 8 until minute 10 and 4 from then on, whatever its floor, which is 6
// from the first decision on: of the 8 none would have gone, and of the 6 two more would have run.
func TestShadowOfAFloor(t *testing.T) {
	s := shadow{lead: 5 * time.Minute, floor: true}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for m := 0; m <= 30; m++ {
		running := int32(8)
		if m > 10 {
			running = 4
		}
		s.step(start.Add(time.Duration(m)*time.Minute), running, 6, 7, true)
	}
	for _, tc := range []struct {
		name      string
		got, want float64
	}{
		{"replica-minutes that ran", 60 * s.actual.replicas, 10*8 + 20*4},
		{"that would have", 60 * s.decided.replicas, 10*8 + 20*6},
		{"minutes short", 60 * s.actual.short, 20},
		{"minutes that would have been short", 60 * s.decided.short, 20},
	} {
		if math.Abs(tc.got-tc.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
}

// TestShadowOfAGap: a pause of hours counts as five minutes, not as what nobody saw.
func TestShadowOfAGap(t *testing.T) {
	s := shadow{lead: time.Minute}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	s.step(start, 2, 2, 0, false)
	s.step(start.Add(3*time.Hour), 2, 2, 5, false)
	if got := 60 * s.actual.replicas; math.Abs(got-10) > 1e-9 {
		t.Errorf("%v replica-minutes, want 10", got)
	}
	if s.actual.short != 0 {
		t.Error("short by a need that is not known")
	}
}
