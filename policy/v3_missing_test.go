package policy_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// TestV3NoNumberIsMissing: what is no load is missing, however it looks.
func TestV3NoNumberIsMissing(t *testing.T) {
	missing := func(t time.Time) bool {
		at := t.Sub(epoch)
		return at > hm(2, 0) && at < hm(2, 1) || at > hm(3, 0) && at < hm(3, 40) || at%(7*time.Minute) == 0
	}
	run := func(bad float64, err error) []shape {
		cfg := v3Config(forecast.Ridge{})
		cfg.DemoteBelow = 0
		r := &v3Run{v: mustV3(t, cfg), spec: 4}
		r.load = func(t time.Time) float64 {
			if missing(t) {
				return bad
			}
			return noisy(3)(t)
		}
		r.err = func(t time.Time) error {
			if missing(t) {
				return err
			}
			return nil
		}
		return r.shapes(hm(10, 0))
	}
	want := run(0, policy.ErrNoData)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, -math.MaxFloat64} {
		if diff := cmp.Diff(want, run(bad, nil)); diff != "" {
			t.Errorf("%v: %s", bad, diff)
		}
	}
	if diff := cmp.Diff(want, run(1e9, errors.New("timeout"))); diff != "" {
		t.Errorf("a value beside an error: %s", diff)
	}
	zeros := run(0, nil)
	if cmp.Equal(want, zeros) {
		t.Error("zeros decide the same as missing values: the test says nothing")
	}
}

// TestV3PausedLoop: a loop that did not run for a while knows what one knows whose
// queries failed as long: the values in between are missing, and the first after it
// tells nothing of them.
func TestV3PausedLoop(t *testing.T) {
	for _, gap := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 17 * time.Minute, 9 * time.Hour} {
		for _, model := range []forecast.Model{forecast.Ridge{}, forecast.SeasonalNaive{Season: 60}} {
			cfg := v3Config(model)
			cfg.DemoteBelow = 0.1
			begin := hm(5, 0) // of the gap
			failing := &v3Run{v: mustV3(t, cfg), load: noisy(4), spec: 4, err: noDataIn(begin, begin+gap)}
			paused := &v3Run{v: mustV3(t, cfg), load: noisy(4), spec: 4}
			failing.until(begin + gap - time.Second)
			paused.until(begin - time.Second)
			paused.at = begin + gap
			paused.spec = failing.spec
			for paused.at < hm(20, 0) {
				if want, got := asJSON(t, failing.step()), asJSON(t, paused.step()); want != got {
					t.Errorf("gap of %v, %s, at %v:\n%s, want\n%s", gap, model.Name(), paused.at, got, want)
					break
				}
			}
		}
	}
}
