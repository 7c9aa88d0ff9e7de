package forecast_test

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// A clockChange is when the clock of a zone is put forward or back.
type clockChange struct {
	name string
	zone *time.Location
	at   time.Time
}

// clockChanges are two of Berlin, two of New York and one of half an hour.
func clockChanges(t testing.TB) []clockChange {
	t.Helper()
	var changes []clockChange
	for _, c := range []struct {
		name, zone string
		at         time.Time
	}{
		{"Berlin, forward", "Europe/Berlin", time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)},
		{"Berlin, back", "Europe/Berlin", time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)},
		{"New York, forward", "America/New_York", time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC)},
		{"New York, back", "America/New_York", time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)},
		{"Lord Howe, back", "Australia/Lord_Howe", time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC)},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, clockChange{c.name, zone, c.at})
	}
	return changes
}

// load returns a load of some shape that goes by the clock of the zone, or by one that is left alone,
// from so many steps before the change to so many after it, with lasting noise of a size.
func (c clockChange) load(shape string, changed bool, step time.Duration, before, after int, noise float64) forecast.Series {
	random := rand.New(rand.NewPCG(17, 18))
	s := forecast.Series{Start: c.at.Add(-time.Duration(before) * step), Step: step}
	_, east := s.Start.In(c.zone).Zone()
	zone := time.FixedZone("left alone", east)
	if changed {
		zone = c.zone
	}
	lasting := 0.0
	s.Values = generate(before+after, func(i int) float64 {
		lasting = .9*lasting + noise*random.NormFloat64()
		return wallClockLoad(shape, s.Time(i).In(zone)) * math.Exp(lasting+noise*random.NormFloat64())
	})
	return s
}

// wallClockLoad is the load of some shape at the time that a clock shows.
func wallClockLoad(shape string, at time.Time) float64 {
	hour := float64(at.Hour()) + float64(at.Minute())/60
	work := at.Weekday() != time.Saturday && at.Weekday() != time.Sunday
	switch shape {
	case "office": // from next to nothing to all in a step
		if work && hour >= 9 && hour < 17 {
			return 20
		}
		return 3
	case "jobs": // of a quarter of an hour
		for _, start := range []float64{4, 6.5, 12, 18.25, 22} {
			if hour >= start && hour < start+.25 {
				return 60
			}
		}
		return 10
	default: // "people", up and about
		load := 100 - 60*math.Cos(2*math.Pi*(hour-3)/24) + 20*math.Cos(4*math.Pi*(hour-10)/24)
		if !work {
			load *= .6
		}
		return load
	}
}

// seen is a model that keeps what it is fitted to.
type seen struct {
	forecast.Naive

	past *forecast.Series
}

func (m seen) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	*m.past = past
	return m.Naive.Fit(ctx, past)
}

// A model sees every value at the time that the clock shows, once, and nothing at the times that it leaves out.
// Only around the hour that comes twice it does not see all, nor where they were.
func TestLocalTimeIsThatOfTheClock(t *testing.T) {
	for _, c := range clockChanges(t) {
		_, early := c.at.Add(-1).In(c.zone).Zone()
		_, late := c.at.In(c.zone).Zone()
		back := time.Duration(early-late) * time.Second // less than 0: forward
		for _, step := range []time.Duration{time.Minute, 5 * time.Minute, 7 * time.Minute, 30 * time.Minute} {
			for _, before := range []time.Duration{50 * time.Hour, back / 2, -back / 2, 0} {
				if back%step != 0 && before != 50*time.Hour {
					continue
				}
				s := forecast.Series{Start: c.at.Add(-before), Step: step, Values: generate(100*int(time.Hour/step), func(i int) float64 { return float64(i) })}
				var got forecast.Series
				mustFit(t, forecast.LocalTime{Model: seen{past: &got}, Location: c.zone}, s)
				values := 0
				for k, v := range got.Values {
					shown := got.Time(k)
					if math.IsNaN(v) {
						existing := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), 0, 0, c.zone)
						if existing.Hour() == shown.Hour() && existing.Minute() == shown.Minute() {
							t.Fatalf("%s, steps of %v: nothing at %v", c.name, step, shown)
						}
						continue
					}
					values++
					at := s.Time(int(v))
					local := at.In(c.zone)
					clock := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
					twice := back > 0 && !at.Before(c.at.Add(-back)) && at.Before(c.at.Add(back))
					if off := shown.Sub(clock).Abs(); off >= step && !twice || off > back.Abs() {
						t.Fatalf("%s, steps of %v from %v: what came at %v is seen at %v", c.name, step, s.Start, local, shown)
					}
					if k > 0 && v <= got.Values[k-1] {
						t.Fatalf("%s: %v after %v", c.name, v, got.Values[k-1])
					}
				}
				unseen := len(s.Values) - values
				if most := max(0, int(back/step)); unseen > most || before == 50*time.Hour && unseen != most {
					t.Errorf("%s, steps of %v from %v: %d values unseen, want %d", c.name, step, s.Start, unseen, most)
				}
			}
		}
	}
}

// The value of a day ago by the clock is exact whatever hour it is, but for those that come twice and their like on the
// next day; fitted early and moved on, or fitted late.
func TestLocalTimeOfADay(t *testing.T) {
	const step, day, longest = 15 * time.Minute, 96, 12
	for _, c := range clockChanges(t) {
		s := forecast.Series{Start: c.at.Add(-3 * day * step), Step: step}
		s.Values = generate(6*day, func(i int) float64 {
			local := s.Time(i).In(c.zone)
			return float64(60*local.Hour() + local.Minute())
		})
		m := forecast.LocalTime{Model: forecast.SeasonalNaive{Season: day}, Location: c.zone}
		early := s
		early.Values = s.Values[:2*day]
		p := mustFit(t, m, early)
		untold := mustFit(t, m.Model, early)
		wrong, untoldWrong := 0, 0
		for i := 2 * day; i < len(s.Values)-longest; i++ {
			p.Update(s.Values[i])
			untold.Update(s.Values[i])
			got := predict(p, longest)
			if i%7 == 0 {
				late := s
				late.Values = s.Values[:i+1]
				if want := predict(mustFit(t, m, late), longest); !slices.Equal(got, want) {
					t.Fatalf("%s, step %d: %v where moved on, fitted %v", c.name, i, got, want)
				}
			}
			for h, f := range got {
				if y := s.Values[i+1+h]; f != y {
					wrong++
					since := s.Time(i + 1 + h).Sub(c.at)
					if since < -time.Hour || since >= time.Hour && (since < 23*time.Hour || since >= 25*time.Hour) {
						t.Fatalf("%s: %v h after it, %d ahead: %v, want %v", c.name, since.Hours(), h+1, f, y)
					}
				}
			}
			if predict(untold, 1)[0] != s.Values[i+1] {
				untoldWrong++
			}
		}
		if strings.HasSuffix(c.name, "forward") && wrong > 0 {
			t.Errorf("%s: %d forecasts are wrong", c.name, wrong)
		}
		if untoldWrong < day/2 {
			t.Errorf("%s: without a zone only %d are wrong", c.name, untoldWrong)
		}
	}
}

// By a clock that is never changed all is as without.
func TestLocalTimeWithoutChanges(t *testing.T) {
	utc := time.FixedZone("", 0)
	s := minutes(daily(30*testDay, testDay, 51)...)
	s.Step = time.Hour
	for _, m := range []forecast.Model{
		forecast.SeasonalNaive{Season: testDay}, forecast.Profile{Season: testDay}, forecast.Trees{}, forecast.Ridge{}, forecast.Auto{Horizons: 3},
		forecast.Transformed{Model: forecast.MSTL{Seasons: []int{testDay}}, Season: testDay},
	} {
		e, err := forecast.Evaluate(t.Context(), s, []forecast.Model{m, forecast.LocalTime{Model: m, Location: utc}}, forecast.EvaluateOptions{
			Horizons: []int{1, 3}, WarmUp: 15 * testDay, RefitEvery: testDay, NanosecondsPerOperation: 1e6,
		})
		if err != nil {
			t.Fatal(err)
		}
		e.Models[0].FitTime, e.Models[1].FitTime = 0, 0
		if !reflect.DeepEqual(e.Models[0], e.Models[1]) {
			t.Errorf("%s: by a clock %+v, without %+v", m.Name(), e.Models[1], e.Models[0])
		}
	}
}

// Fitted anew while the clock is changed, auto begins anew; else its weights stay.
func TestLocalTimeRefit(t *testing.T) {
	const day = 96
	c := clockChanges(t)[0]
	s := c.load("office", true, 15*time.Minute, 7*day, day, .02)
	m := forecast.LocalTime{Model: forecast.Auto{Horizons: 4}, Location: c.zone}
	until := func(end int) forecast.Series {
		part := s
		part.Values = s.Values[:end]
		return part
	}
	for _, end := range []int{7*day - 1, 7 * day, 7*day + 1, 7*day + 2} {
		p := mustFit(t, m, until(6*day))
		for _, y := range s.Values[6*day : end] {
			p.Update(y)
		}
		again, err := p.(forecast.Refitter).Refit(t.Context(), until(end+1))
		if err != nil {
			t.Fatal(err)
		}
		if anew := forecast.WeightsOf(mustFit(t, m, until(end+1))); slices.Equal(forecast.WeightsOf(again), anew) != (end == 7*day) {
			t.Errorf("refit with %d steps: weights %v, fitted anew %v", end+1, forecast.WeightsOf(again), anew)
		}
	}
}

// In the week after a change who is told of it is about as good as if there were none; who is not, is
// much worse.
func TestWeekAfterClockChange(t *testing.T) {
	t.Parallel()
	const step, day, before = 15 * time.Minute, 96, 21 * 96
	names := []string{"seasonal-naive", "profile", "jumps", "auto"}
	for shape, c := range map[string]clockChange{"office": clockChanges(t)[0], "jobs": clockChanges(t)[1]} {
		score := func(changed bool, location *time.Location) []forecast.ModelEvaluation {
			models := make([]forecast.Model, len(names))
			for i, name := range names {
				var err error
				models[i], err = forecast.ByName(name, forecast.Settings{
					Step: step, Seasons: []int{day, 7 * day}, Season: 7 * day, Horizon: 4, Location: location,
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			e, err := forecast.Evaluate(t.Context(), c.load(shape, changed, step, before, 7*day, .02), models, forecast.EvaluateOptions{
				Horizons: []int{4}, WarmUp: before, RefitEvery: day,
			})
			if err != nil {
				t.Fatal(err)
			}
			return e.Models
		}
		alone, untold, told := score(false, nil), score(true, nil), score(true, c.zone)
		for i, name := range names {
			a, u, k := alone[i].Horizons[0].WAPE, untold[i].Horizons[0].WAPE, told[i].Horizons[0].WAPE
			t.Logf("%s, %s, %s: WAPE %.4f by a clock left alone, %.4f untold, %.4f told", c.name, shape, name, a, u, k)
			if k > 1.15*a || u < 2*k {
				t.Errorf("%s, %s, %s: WAPE %.4f by a clock left alone, %.4f untold, %.4f told", c.name, shape, name, a, u, k)
			}
		}
	}
}
