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

// An event that recurs is forecast before it comes, by its quantiles too, and what lies
// beside it is not moved.
func TestProphetEventThatRecurs(t *testing.T) {
	const split, event = 700, 3
	values := daily(split+20, testDay, 7)
	s := hours(values...)
	e := forecast.Event{Duration: event * time.Hour}
	for _, at := range []int{90, 203, 340, 471, 555, 648, split + 4} {
		e.Starts = append(e.Starts, s.Time(at))
		for i := range event {
			values[at+i] += 70
		}
	}
	for _, order := range []int{-1, 0} {
		m := forecast.Prophet{Seasons: []forecast.Waves{{Period: testDay, Pairs: 4}}, Order: order}
		fit := func(m forecast.Prophet) forecast.QuantilePredictor {
			return mustFit(t, m, hours(values[:split]...)).(forecast.QuantilePredictor)
		}
		told := m
		told.Events = []forecast.Event{e}
		with, without := fit(told), fit(m)
		f, g := predict(with, 12), predict(without, 12)
		lower, upper := make([]float64, 12), make([]float64, 12)
		with.PredictQuantile(lower, .025)
		with.PredictQuantile(upper, .975)
		for h := range f {
			on := h >= 4 && h < 4+event
			y := values[split+h]
			switch {
			case on && !(lower[h] > g[h]+20 && y > lower[h] && y < upper[h]):
				t.Errorf("order %d, %d ahead, in the event: 95 %% within %v and %v, load %v, forecast without it %v", order, h+1, lower[h], upper[h], y, g[h])
			case on && math.Abs(f[h]-y) > 30, !on && math.Abs(f[h]-g[h]) > 30:
				t.Errorf("order %d, %d ahead: %v, load %v, without the event %v", order, h+1, f[h], y, g[h])
			}
		}
	}
}

// A load by the clock of Berlin goes on by it where that is put forward, on 29 March 2026.
func TestProphetTimeZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := forecast.Series{Start: time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC), Step: time.Hour}
	load := func(i int) float64 {
		local := s.Time(i).In(berlin)
		return 100 + 60*math.Sin(2*math.Pi*float64(local.Hour())/24)
	}
	const split = 20*24 + 12 // Noon of the day of the change, by UTC.
	s.Values = generate(split, load)
	errorOf := func(m forecast.Prophet) float64 {
		total := 0.0
		for h, f := range predict(mustFit(t, m, s), 24) {
			total += math.Abs(f-load(split+h)) / 24
		}
		return total
	}
	m := forecast.Prophet{Seasons: []forecast.Waves{{Period: 24, Pairs: 2}}, Order: -1}
	told := m
	told.Location = berlin
	if with, without := errorOf(told), errorOf(m); !(with < 1 && without > 8) {
		t.Errorf("mean error of the day after %v by the clock of Berlin, want below 1; %v by UTC, want above 8: an hour wrong", with, without)
	}
}
