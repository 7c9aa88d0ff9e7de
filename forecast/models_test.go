package forecast_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// testDay is the season of the models below, in steps of an hour.
const testDay = 24

func allModels() []forecast.Model {
	waves := []forecast.Waves{{Period: testDay, Pairs: 4}}
	return []forecast.Model{
		forecast.Naive{},
		forecast.SeasonalNaive{Season: testDay},
		forecast.HoltWinters{},
		forecast.HoltWinters{Damped: true},
		forecast.HoltWinters{Season: testDay},
		forecast.HoltWinters{Season: testDay, Damped: true},
		forecast.Harmonic{Seasons: waves, Scale: forecast.RawScale},
		forecast.Harmonic{Seasons: waves, Scale: forecast.LogScale},
		forecast.Harmonic{Seasons: waves},
		forecast.Ridge{},
		forecast.LSTM{Hidden: 8, Window: 24, Batches: 20},
		forecast.GRU{Hidden: 8, Window: 24, Batches: 20},
		forecast.Naive2{Season: testDay},
		forecast.SES{Season: testDay},
		forecast.Theta{Season: testDay},
		forecast.MovingAverage{},
		forecast.Holt{Season: testDay},
		forecast.Holt{Season: testDay, Damped: true},
		forecast.MSTL{Seasons: []int{testDay, 7 * testDay}},
		forecast.DOTM{},
		forecast.DOTM{Season: testDay},
		forecast.ETS{},
		forecast.ETS{Season: testDay},
		forecast.ETS{Season: 7 * testDay},
		forecast.Median{Window: 9},
		forecast.Profile{Season: testDay},
		forecast.Jumps{Season: testDay},
		forecast.NLinear{Horizons: 12, Seasons: []int{testDay}},
		forecast.DLinear{Horizons: 12, Seasons: []int{testDay}},
		forecast.RandomForest{Horizons: 12},
		forecast.Trees{Horizons: 12},
		forecast.Auto{Horizons: 12},
		forecast.ARIMA{},
		forecast.ARIMA{Season: testDay},
		forecast.ARIMA{Season: 4 * testDay},
		forecast.HarmonicARMA{Seasons: waves},
		forecast.Transformed{Model: forecast.Harmonic{Seasons: waves, Scale: forecast.RawScale}, Season: testDay},
		forecast.Detected{Build: func(s forecast.Settings) forecast.Model { return forecast.SeasonalNaive{Season: s.Season} }},
		forecast.LocalTime{Model: forecast.Profile{Season: testDay}, Location: time.FixedZone("", 3600)},
		forecast.Prophet{},
		forecast.Prophet{Multiplicative: true},
	}
}

// forecastsAt returns the forecasts of 20 steps made after each of values[split:].
func forecastsAt(t *testing.T, m forecast.Model, values []float64, split int) [][]float64 {
	t.Helper()
	p := mustFit(t, m, hours(values[:split]...))
	var out [][]float64
	for _, y := range values[split:] {
		p.Update(y)
		out = append(out, predict(p, 20))
	}
	return out
}

// Changing what comes after t must not change a forecast made at t, whether the
// change is seen by Fit's backing array or comes by Update.
func TestNoFutureLeak(t *testing.T) {
	const split, poison = 10 * testDay, 12 * testDay
	clean := daily(15*testDay, testDay, 1)
	poisoned := slices.Clone(clean)
	for i := poison; i < len(poisoned); i++ {
		poisoned[i] = 1e6 + float64(i)
	}
	for _, m := range allModels() {
		a, b := forecastsAt(t, m, clean, split), forecastsAt(t, m, poisoned, split)
		for i := range poison - split {
			if !slices.Equal(a[i], b[i]) {
				t.Errorf("%s: the forecast made at step %d depends on what came after %d", m.Name(), split+i, poison)
				break
			}
		}
		pa := mustFit(t, m, hours(clean[:poison]...))
		pb := mustFit(t, m, hours(poisoned[:poison]...))
		if !slices.Equal(predict(pa, 20), predict(pb, 20)) {
			t.Errorf("%s: Fit looks beyond the end of its past", m.Name())
		}
	}
}

func TestPredictChangesNothing(t *testing.T) {
	values := daily(12*testDay, testDay, 2)
	const split = 10 * testDay
	for _, m := range allModels() {
		asked, quiet := mustFit(t, m, hours(values[:split]...)), mustFit(t, m, hours(values[:split]...))
		for _, y := range values[split:] {
			for n := range 30 {
				predict(asked, n)
			}
			asked.Update(y)
			quiet.Update(y)
		}
		if a, b := predict(asked, 20), predict(quiet, 20); !slices.Equal(a, b) {
			t.Errorf("%s: forecasts depend on whether Predict was called: %v and %v", m.Name(), a, b)
		}
	}
}

// A forecast of few steps is the beginning of a forecast of many.
func TestPredictPrefix(t *testing.T) {
	values := daily(12*testDay, testDay, 3)
	for _, m := range allModels() {
		p := mustFit(t, m, hours(values...))
		if long := predict(p, 40); !slices.Equal(predict(p, 7), long[:7]) {
			t.Errorf("%s: 7 steps are not the beginning of 40", m.Name())
		}
	}
}

// The Predictor may not keep the past it was fitted on.
func TestFitCopies(t *testing.T) {
	for _, m := range allModels() {
		past := hours(daily(10*testDay, testDay, 4)...)
		p := mustFit(t, m, past)
		want := predict(p, 30)
		for i := range past.Values {
			past.Values[i] = -1
		}
		if got := predict(p, 30); !slices.Equal(got, want) {
			t.Errorf("%s keeps past.Values", m.Name())
		}
	}
}

// Load measured in another unit gives the same forecast in that unit. The factor is
// not a power of 2, so that rounding differs; the parameter search may end elsewhere
// within its tolerance.
func TestScaleEquivariance(t *testing.T) {
	const factor, split = 1234.5, 10 * testDay
	values := daily(13*testDay, testDay, 5)
	values[200], values[250], values[290] = nan, nan, nan
	scaled := generate(len(values), func(i int) float64 { return factor * values[i] })
	for _, m := range allModels() {
		tolerance := 1e-9
		switch m.(type) {
		case forecast.HoltWinters, forecast.Holt, forecast.ETS, forecast.MSTL:
			tolerance = 2e-3
		case forecast.SES, forecast.Theta, forecast.DOTM, forecast.Prophet:
			tolerance = 1e-5
		case forecast.Trees, forecast.RandomForest:
			tolerance = 5e-2 // Of two splits that are as good, rounding decides.
		case forecast.Auto:
			tolerance = 1e-2
		case forecast.ARIMA, forecast.HarmonicARMA:
			tolerance = 1e-3
		}
		a, b := forecastsAt(t, m, values, split), forecastsAt(t, m, scaled, split)
		for i := range a {
			for j := range a[i] {
				if !near(b[i][j], factor*a[i][j], factor, tolerance) {
					t.Fatalf("%s at %d, %d ahead: %v, want %v", m.Name(), split+i, j+1, b[i][j], factor*a[i][j])
				}
			}
		}
	}
}

// On a series that repeats every season, dropping one season from the front changes
// no forecast.
func TestShiftBySeason(t *testing.T) {
	const split = 12 * testDay
	values := generate(15*testDay, func(i int) float64 {
		return 50 + 20*math.Sin(2*math.Pi*float64(i%testDay)/testDay) + float64((i%testDay)%5)
	})
	for _, m := range allModels() {
		a := forecastsAt(t, m, values, split)
		b := forecastsAt(t, m, values[testDay:], split)
		tolerance := 1e-6
		switch m.(type) {
		case forecast.LSTM, forecast.GRU:
			tolerance = .1 // They learn from one season less, in another order.
		}
		for i := range b {
			checkNear(t, m.Name(), b[i], a[i], tolerance)
		}
	}
}

func TestMissingValues(t *testing.T) {
	const split = 10 * testDay
	values := daily(16*testDay, testDay, 6)
	for i := range values {
		if i%7 == 3 || (i > 11*testDay && i < 13*testDay) { // Scattered, and two days in a row.
			values[i] = nan
		}
	}
	for _, m := range allModels() {
		limit := 1000.0
		if hw, ok := m.(forecast.HoltWinters); ok && !hw.Damped {
			limit = 10000 // A trend that nothing damps goes on through two days.
		}
		last := 0.0
		for i, forecasts := range forecastsAt(t, m, values, split) {
			for j, f := range forecasts {
				if !(math.Abs(f) < limit) {
					t.Fatalf("%s at %d, %d ahead: %v for a load within [40, 160]", m.Name(), split+i, j+1, f)
				}
			}
			last = forecasts[0]
		}
		if last < 20 || last > 200 {
			t.Errorf("%s does not recover from a gap: %v", m.Name(), last)
		}
	}
}

func TestConstantSeries(t *testing.T) {
	for _, level := range []float64{0, 0.001, 7, 1e9} {
		values := generate(14*testDay, func(int) float64 { return level })
		for _, m := range allModels() {
			if h, ok := m.(forecast.Harmonic); ok && h.Scale == forecast.LogScale && level == 0 {
				continue // There is no unit for the logarithm.
			}
			for _, forecasts := range forecastsAt(t, m, values, 10*testDay) {
				for _, f := range forecasts {
					if math.Abs(f-level) > 1e-6*level {
						t.Fatalf("%s of a constant %v: %v", m.Name(), level, f)
					}
				}
			}
		}
	}
}

// After a step every model that follows the level is at the new one soon.
func TestStepChange(t *testing.T) {
	for _, jump := range [][2]float64{{10, 200}, {200, 10}, {0, 50}, {50, 0}} {
		values := generate(16*testDay, func(i int) float64 {
			if i < 12*testDay {
				return jump[0]
			}
			return jump[1]
		})
		for _, m := range []forecast.Model{forecast.Naive{}, forecast.Ridge{}, forecast.HoltWinters{}} {
			all := forecastsAt(t, m, values, 10*testDay)
			size := math.Abs(jump[1] - jump[0])
			for i, forecasts := range all {
				for _, f := range forecasts[:5] {
					if math.IsNaN(f) || f < -10*size || f > 10*size+300 {
						t.Fatalf("%s, %v: forecast %v at %d", m.Name(), jump, f, i)
					}
				}
			}
			if f := all[len(all)-1][0]; math.Abs(f-jump[1]) > .02*size {
				t.Errorf("%s, %v: %v after four days at %v", m.Name(), jump, f, jump[1])
			}
		}
	}
}

func TestFitCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, m := range allModels() {
		if _, err := m.Fit(ctx, hours(daily(20*testDay, testDay, 7)...)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", m.Name(), err)
		}
	}
}

func TestSameForecastTwice(t *testing.T) {
	values := daily(14*testDay, testDay, 8)
	for _, m := range allModels() {
		a, b := forecastsAt(t, m, values, 10*testDay), forecastsAt(t, m, values, 10*testDay)
		for i := range a {
			if !slices.Equal(a[i], b[i]) {
				t.Fatalf("%s gives two forecasts for one series", m.Name())
			}
		}
	}
}
