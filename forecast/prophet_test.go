package forecast_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// A planted event is found, and moves only its own steps.
func TestProphetEvent(t *testing.T) {
	values := daily(20*testDay, testDay, 11)
	s := hours(values...)
	starts := []time.Time{s.Time(100), s.Time(250), s.Time(len(values) + 2)}
	for i := range 3 {
		s.Values[100+i] += 70
		s.Values[250+i] += 70
	}
	with := forecast.Prophet{Order: -1, Events: []forecast.Event{{Starts: starts, Duration: 3 * time.Hour}}}
	p := mustFit(t, with, s)
	effect := p.(*forecast.FittedProphet).EventEffects()[0][0]
	if math.Abs(effect-70) > 15 {
		t.Errorf("effect %v, planted 70", effect)
	}
	f := predict(p, 8)
	without := forecast.Prophet{Order: -1, Events: []forecast.Event{{Starts: starts[:2], Duration: 3 * time.Hour}}}
	q := predict(mustFit(t, without, s), 8)
	for i := range f {
		want := q[i]
		if i >= 2 && i < 5 {
			want += effect
		}
		if !near(f[i], want, 1, 1e-9) {
			t.Errorf("%d ahead: %v, want %v", i+1, f[i], want)
		}
	}
}

// After a planted change of slope the forecast goes on along the new one.
func TestProphetTrendChange(t *testing.T) {
	values := generate(20*testDay, func(i int) float64 { return 100 + .1*float64(i) + .8*max(float64(i)-200, 0) })
	f := predict(mustFit(t, forecast.Prophet{Order: -1, Seasons: []forecast.Waves{}}, hours(values...)), 24)
	if slope := (f[23] - f[0]) / 23; math.Abs(slope-.9) > .03 {
		t.Errorf("slope %v, planted 0.9", slope)
	}
}

func TestProphetTooShort(t *testing.T) {
	if _, err := (forecast.Prophet{}).Fit(t.Context(), hours(nan, 3, nan)); !errors.Is(err, forecast.ErrTooShort) {
		t.Errorf("error %v, want ErrTooShort", err)
	}
}

// On a walk there is nothing but the last value, whatever trend and waves the past seems
// to have; on a clean season what comes is known.
func TestProphetBelievesWhatHolds(t *testing.T) {
	values := walk(3000, 5)
	prophet, naive := 0.0, 0.0
	p := mustFit(t, forecast.Prophet{}, hours(values[:1500]...))
	for i, y := range values[1500:2985] {
		p.Update(y)
		prophet += math.Abs(predict(p, 15)[14] - values[1500+i+15])
		naive += math.Abs(y - values[1500+i+15])
	}
	if prophet > 1.03*naive {
		t.Errorf("error on a walk %v, of last value %v", prophet, naive)
	}
	season := func(i int) float64 { return 50 + 30*math.Sin(2*math.Pi*float64(i)/testDay) }
	q := mustFit(t, forecast.Prophet{}, hours(generate(20*testDay, season)...))
	checkNear(t, "season", predict(q, 20), generate(20, func(h int) float64 { return season(20*testDay + h) }), .03)
}

// The first forecasts on a few values are last values.
func TestProphetDoubtsAtFirst(t *testing.T) {
	f := predict(mustFit(t, forecast.Prophet{}, minutes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), 3)
	checkNear(t, "prophet", f, []float64{10, 10, 10}, 1e-9)
}
