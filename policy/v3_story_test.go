package policy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/policy"
)

// The stories: a V3 that learned for two hours at a load of 95, which ten replicas
// carry, and what it does then. Times are those of a clock that shows 0:00 at the start.

// expect is what the clock, the number and the reason should be.
type expect struct {
	at     time.Duration
	n      int32
	reason string
}

func tell(t *testing.T, r *v3Run, story []expect) {
	t.Helper()
	for _, e := range story {
		d := r.until(e.at)
		if r.spec != e.n || !strings.HasPrefix(d.Reason, e.reason+":") {
			t.Errorf("%v: %d replicas, %s; want %d, %s (%+v)", e.at, r.spec, d.Reason, e.n, e.reason, d.Proposals)
		}
	}
}

func TestV3SteadyLoad(t *testing.T) {
	r := &v3Run{v: mustV3(t, v3Config(clockwork(always(95)))), load: always(95), spec: 4}
	tell(t, r, []expect{
		{hm(0, 0), 4, "Learning"},
		{hm(1, 0), 4, "Learning"},
		{hm(2, 0), 10, "Steady"},
		{hm(30, 0), 10, "Steady"},
	})
}

// TestV3Ramp: replicas are asked for a lead before the load needs them.
func TestV3Ramp(t *testing.T) {
	ramp := func(t time.Time) float64 { // 10 a minute from 3:00 to 3:20
		return 95 + 10*min(max(t.Sub(since(hm(3, 0))).Minutes(), 0), 20)
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(ramp))), load: ramp, spec: 10}
	tell(t, r, []expect{
		{hms(2, 57, 30), 10, "Steady"},
		{hm(2, 58), 11, "ScaleUp"}, // sees 105 at 3:01
		{hms(2, 58, 30), 11, "Steady"},
		{hm(2, 59), 12, "ScaleUp"},
		{hm(3, 10), 23, "ScaleUp"},
		{hm(3, 17), 30, "ScaleUp"}, // sees the top
		{hm(4, 0), 30, "Steady"},
	})
}

// TestV3LooksAheadOfTheLead checks what look-ahead is for, on a load that moves all the
// time: at every instant there is what the load needs a lead later.
func TestV3LooksAheadOfTheLead(t *testing.T) {
	load := func(t time.Time) float64 {
		m := t.Sub(epoch).Minutes()
		return 200 + 120*math.Sin(m/17) + 40*math.Sin(m/5)
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(load))), load: load, spec: 1}
	r.until(hm(2, 0))
	for r.at < hm(12, 0) {
		r.step()
		// Between the steps of the series the load is not foreseen.
		now := since(r.at - 30*time.Second)
		for lead := now.Truncate(time.Minute); lead.Sub(now) <= 2*time.Minute; lead = lead.Add(time.Minute) {
			if need := int32(math.Ceil(load(lead) / 10)); lead.After(now) && r.spec < need {
				t.Fatalf("%v: %d replicas, %v needs %d", now, r.spec, lead, need)
			}
		}
	}
}

// TestV3ClosedForm knows the rule for a model without errors: the highest of 3 steps,
// or the load now, counts upwards, the highest of 11 downwards.
func TestV3ClosedForm(t *testing.T) {
	load := func(t time.Time) float64 { // whole, so that no error is calibrated away
		m := t.Sub(epoch).Minutes()
		return math.Round(200 + 120*math.Sin(m/17) + 40*math.Sin(m/5))
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(load))), load: load, spec: 1}
	r.until(hm(2, 0))
	for moves := 0; r.at < hm(12, 0); {
		now, before := since(r.at), r.spec
		need := func(steps int) int32 {
			highest := load(now)
			for k := range steps {
				highest = max(highest, load(now.Truncate(time.Minute).Add(time.Duration(k+1)*time.Minute)))
			}
			return int32(math.Ceil(highest / 10))
		}
		want := min(max(before, need(3)), max(need(11), need(3)))
		d := r.step()
		if r.spec != want {
			t.Fatalf("%v: %d -> %d, want %d: %+v", now, before, r.spec, want, d)
		}
		if r.spec != before {
			moves++
		}
		if r.at == hm(12, 0) && moves < 100 {
			t.Errorf("only %d moves", moves)
		}
	}
}

// TestV3LoadFalls: replicas go when the load stays low for the longer window, and not
// for a dip that ends within it.
func TestV3LoadFalls(t *testing.T) {
	dip := func(t time.Time) float64 {
		switch at := t.Sub(epoch); {
		case at >= hm(3, 0) && at < hm(3, 8), at >= hm(5, 0) && at < hm(5, 20), at >= hm(6, 0):
			return 45
		}
		return 95
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(dip))), load: dip, spec: 10}
	tell(t, r, []expect{
		{hm(2, 59), 10, "Steady"},
		{hm(3, 0), 10, "Steady"}, // back at 3:08
		{hm(3, 7), 10, "Steady"},
		{hms(4, 59, 30), 10, "Steady"},
		{hm(5, 0), 5, "ScaleDown"}, // low until 5:11 at least
		{hms(5, 16, 30), 5, "Steady"},
		{hm(5, 17), 10, "ScaleUp"}, // sees 5:20
		{hms(5, 59, 30), 10, "Steady"},
		{hm(6, 0), 5, "ScaleDown"},
		{hm(9, 0), 5, "Steady"},
	})
}

// TestV3FallsHalfWay: replicas go down to what the longer window needs, not to what the
// next minutes do.
func TestV3FallsHalfWay(t *testing.T) {
	load := func(t time.Time) float64 {
		switch at := t.Sub(epoch); {
		case at < hm(3, 0):
			return 95
		case at < hm(3, 8):
			return 25
		}
		return 45
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(load))), load: load, spec: 10}
	tell(t, r, []expect{
		{hms(2, 59, 30), 10, "Steady"},
		{hm(3, 0), 5, "ScaleDown"},
	})
	d := r.until(hm(3, 1))
	if d.Raw != 3 || len(d.Clamps) != 1 || d.Clamps[0] != (policy.Clamp{Name: "scale-down window", From: 3, To: 5}) {
		t.Errorf("a wish of %d became %d by %+v", d.Raw, d.Replicas, d.Clamps)
	}
	tell(t, r, []expect{{hm(3, 4), 5, "Steady"}, {hm(4, 0), 5, "Steady"}})
}

// TestV3Step: nobody foresaw it. The load observed counts at once, and its rise is taken
// to go on for a lead and an interval until it does not.
func TestV3Step(t *testing.T) {
	load := from(hm(3, 0), 95, 195)
	r := &v3Run{v: mustV3(t, v3Config(clockwork(always(95)))), load: load, spec: 10}
	tell(t, r, []expect{
		{hms(2, 59, 30), 10, "Steady"},
		{hm(3, 0), 45, "ScaleUp"}, // 195 + 100/min for 2.5 min = 445
		{hms(3, 0, 30), 45, "Steady"},
		{hm(3, 1), 20, "ScaleDown"},
	})
	for r.at < hm(6, 0) {
		if d := r.step(); r.spec < 20 {
			t.Fatalf("%v: %d replicas for 195: %s", r.at, r.spec, d.Reason)
		}
	}
}

// TestV3FlashCrowd: the extrapolation starts at the first value above the bound of the
// forecast, follows the slope of the last minute, and is over when the crowd goes.
func TestV3FlashCrowd(t *testing.T) {
	crowd := func(t time.Time) float64 { // 40 a minute from 3:00 to 3:10, until 3:40
		at := t.Sub(since(hm(3, 0))).Minutes()
		if at >= 40 {
			return 95
		}
		return 95 + 40*min(max(at, 0), 10)
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(always(95)))), load: crowd, spec: 10}
	for r.at < hm(3, 0)+30*time.Second {
		if d := r.step(); r.at > hm(2, 0) && strings.Contains(d.Proposals[0].Detail, "surging") {
			t.Fatalf("%v: surging before the crowd: %+v", r.at, d.Proposals)
		}
	}
	for r.at <= hm(3, 10) {
		now := since(r.at)
		y, before := crowd(now), crowd(now.Add(-time.Minute))
		ahead := y + (y-before)/60*150
		d := r.step()
		if want := int32(math.Ceil(ahead / 10)); r.spec != want || !strings.Contains(d.Proposals[0].Detail, fmt.Sprintf("surging to %.4g", ahead)) {
			t.Errorf("%v: %d replicas, want %d: %+v", now, r.spec, want, d.Proposals)
		}
		if d.Forecast.Upper != ahead {
			t.Errorf("%v: upper %v, want %v", now, d.Forecast.Upper, ahead)
		}
	}
	for r.at < hm(3, 40) {
		if r.step(); r.spec < 50 {
			t.Errorf("%v: %d replicas for a crowd of 495", r.at, r.spec)
		}
	}
	r.until(hm(3, 41))
	for r.at < hm(8, 0) {
		if d := r.step(); strings.Contains(d.Proposals[0].Detail, "surging") {
			t.Fatalf("%v: still surging: %+v", r.at, d.Proposals)
		}
	}
}

// TestV3Learns: for an hour and until enough forecasts were judged the fallback decides,
// within the bounds of V3, and is told of every change then and later.
func TestV3Learns(t *testing.T) {
	cfg := v3Config(clockwork(always(95)))
	hpa := &stub{n: 7}
	cfg.Fallback, cfg.Max = hpa, 20
	v := mustV3(t, cfg)
	if n := v.Needs(); !n.Pods || len(n.Queries) != 1 || n.Interval != 30*time.Second {
		t.Errorf("needs %+v", n)
	}
	r := &v3Run{v: v, load: always(95), spec: 2}
	tell(t, r, []expect{{hm(0, 0), 7, "Learning"}, {hm(0, 30), 7, "Learning"}})
	hpa.n = 500
	d := r.step()
	if r.spec != 20 || len(d.Clamps) != 1 || d.Clamps[0] != (policy.Clamp{Name: "max", From: 500, To: 20}) {
		t.Errorf("a fallback beyond the bounds: %d replicas, %+v", r.spec, d.Clamps)
	}
	if len(d.Proposals) != 2 || d.Proposals[0].Source != "load" || d.Proposals[1].Source != "cpu" || d.Forecast != nil {
		t.Errorf("%+v, forecast %v", d.Proposals, d.Forecast)
	}
	hpa.n = 3
	tell(t, r, []expect{{hm(0, 59), 3, "Learning"}, {hm(2, 0), 10, "Steady"}})
	if got, want := fmt.Sprint(hpa.commits), "[7 20 3 10]"; got != want {
		t.Errorf("told the fallback of %s, want %s", got, want)
	}
}

// TestV3TakesOver: not before an hour, and within two.
func TestV3TakesOver(t *testing.T) {
	r := &v3Run{v: mustV3(t, v3Config(clockwork(always(95)))), load: always(95), spec: 4}
	for r.at < hm(3, 0) {
		d := r.step()
		learning := strings.HasPrefix(d.Reason, "Learning:")
		if learning != (r.spec == 4) || learning != d.Hold {
			t.Fatalf("%v: %d replicas, hold %t, %s", r.at, r.spec, d.Hold, d.Reason)
		}
		if !learning {
			break
		}
	}
	if r.at < hm(1, 0) || r.at > hm(2, 0) {
		t.Errorf("took over at %v", r.at)
	}
}

// TestV3WithoutData: the last forecast counts upwards, never down; so does the fallback;
// and the first value is enough to go on as before.
func TestV3WithoutData(t *testing.T) {
	load := func(t time.Time) float64 {
		switch at := t.Sub(epoch); {
		case at < hm(3, 0):
			return 95
		case at < hm(4, 0):
			return 195
		}
		return 45
	}
	cfg := v3Config(clockwork(load))
	hpa := &stub{n: 3}
	cfg.Fallback = hpa
	r := &v3Run{v: mustV3(t, cfg), load: load, spec: 10, err: noDataIn(hm(2, 50), hm(4, 30))}
	tell(t, r, []expect{
		{hms(2, 51, 0), 10, "Gap"},    // the last value is 90 s old
		{hms(2, 51, 30), 10, "Stale"}, // and now 2 min
		{hms(2, 56, 30), 10, "Stale"},
		{hm(2, 57), 20, "Stale"}, // the model expects 195 at 3:00
	})
	hpa.n = 25
	tell(t, r, []expect{{hm(3, 30), 25, "Stale"}})
	hpa.n = 3
	tell(t, r, []expect{
		{hm(4, 29), 25, "Stale"}, // though the model has expected 45 for half an hour
		{hm(4, 30), 5, "ScaleDown"},
		{hm(8, 0), 5, "Steady"},
	})
}

// TestV3SurgeInAGap: the straight line of a surge goes on while its values are missing.
func TestV3SurgeInAGap(t *testing.T) {
	load := func(t time.Time) float64 { return 100 + max(0, t.Sub(epoch.Add(hm(3, 0))).Seconds()) } // 1 a second from 3:00 on
	r := &v3Run{v: mustV3(t, v3Config(clockwork(always(100)))), load: load, spec: 10, err: noDataIn(hm(3, 3), hm(3, 4))}
	r.until(hms(3, 2, 30)) // 250 now
	before := r.spec
	r.until(hms(3, 3, 30))
	// The line gives 60 more in the minute without a value.
	if got, want := r.spec-before, int32(6); got != want {
		t.Errorf("%d replicas, and %d a minute later, want %d more", before, r.spec, want)
	}
}

// TestV3StaleSaysSo: while V3 holds without data its decision holds the error, the age
// and what the fallback said, whose own holding is no wish.
func TestV3StaleSaysSo(t *testing.T) {
	cfg := v3Config(clockwork(always(95)))
	cfg.Fallback = &stub{n: 50, hold: true}
	r := &v3Run{v: mustV3(t, cfg), load: always(95), spec: 12, err: noDataIn(hm(3, 0), hm(9, 0))}
	r.until(hm(2, 0))
	r.spec = 12 // by hand
	d := r.until(hm(4, 0))
	if !d.Hold || d.Replicas != r.spec || r.spec != 10 {
		t.Errorf("%d replicas: %+v", r.spec, d)
	}
	if len(d.Proposals) != 2 || d.Proposals[0].Err == nil || d.Proposals[0].Err.Error() != "last value is 1h0m30s old: no data" ||
		d.Proposals[1].Source != "fallback" || d.Proposals[1].Detail != "Stub: says so" {
		t.Errorf("%+v", d.Proposals)
	}
}

// TestV3NeverHadData: a query that never answers leaves the decision to the fallback, or
// holds, for good.
func TestV3NeverHadData(t *testing.T) {
	for _, fallback := range []policy.Policy{nil, &stub{n: 6}} {
		cfg := v3Config(clockwork(always(95)))
		cfg.Fallback = fallback
		r := &v3Run{v: mustV3(t, cfg), load: always(math.NaN()), spec: 4}
		want := int32(4)
		if fallback != nil {
			want = 6
		}
		tell(t, r, []expect{{hm(0, 30), want, "Learning"}, {hm(10, 0), want, "Learning"}})
	}
}

// TestV3LongLead: a lead beyond the scale-down window makes the window longer,
// since V3 may not remove what it would have to ask for in the same breath.
func TestV3LongLead(t *testing.T) {
	load := func(t time.Time) float64 {
		if at := t.Sub(epoch); at >= hm(4, 0) && at < hm(4, 25) {
			return 45
		}
		return 95
	}
	cfg := v3Config(clockwork(load))
	cfg.Lead, cfg.ScaleDownAfter = 30*time.Minute, 5*time.Minute
	r := &v3Run{v: mustV3(t, cfg), load: load, spec: 10}
	r.until(hm(3, 0))
	for r.at < hm(6, 0) {
		if d := r.step(); r.spec != 10 {
			t.Fatalf("%v: %d replicas: %s", r.at, r.spec, d.Reason)
		}
	}
}

// TestV3Recurrence: a job that comes every night is provided for a lead ahead once it came
// for some days, though no model knows of it; one that came once is not.
func TestV3Recurrence(t *testing.T) {
	const day = 24 * time.Hour
	nightly := func(t time.Time) float64 {
		at := t.Sub(epoch)
		if at%day >= hm(20, 0) && at%day < hm(20, 10) || at >= 7*day+hm(3, 0) && at < 7*day+hm(3, 10) {
			return 395
		}
		return 95
	}
	r := &v3Run{v: mustV3(t, v3Config(clockwork(always(95)))), load: nightly, spec: 10}
	for _, e := range []struct {
		at      time.Duration
		covered bool
	}{
		{1*day + hm(19, 58), false},
		{2*day + hm(19, 58), false}, // it came twice
		{5*day + hm(19, 58), true},
		{6*day + hm(19, 58), true},
		{6*day + hm(22, 0), false},
		{8*day + hm(2, 58), false}, // this one came yesterday only
		{8*day + hm(19, 58), true},
	} {
		if d := r.until(e.at); (r.spec >= 40) != e.covered {
			t.Errorf("%v: %d replicas, covered should be %t: %+v", e.at, r.spec, e.covered, d.Proposals)
		}
	}
}
