package forecast_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

var errBroken = errors.New("matrix is singular")

// A brittle model forecasts 1000 and fails where its fields say so.
type brittle struct {
	fits   *int
	failAt []int // fits that fail, counted from 1
	broken float64
	from   int // updates after which forecasts are broken; 0: never
}

func (m brittle) Name() string { return "brittle" }

func (m brittle) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(past.Values) < 2 {
		return nil, fmt.Errorf("brittle: %w", forecast.ErrTooShort)
	}
	if *m.fits++; slices.Contains(m.failAt, *m.fits) {
		return nil, errBroken
	}
	return &brittlePredictor{brittle: m}, nil
}

type brittlePredictor struct {
	brittle
	updates int
}

func (p *brittlePredictor) Update(float64) { p.updates++ }

func (p *brittlePredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = 1000
	}
	if p.from > 0 && p.updates >= p.from && len(dst) > 1 {
		dst[1] = p.broken
	}
}

func TestFallbackWhereTheFirstFitFails(t *testing.T) {
	m := forecast.WithFallback(brittle{fits: new(int), failAt: []int{1}})
	f, err := m.FitFallback(context.Background(), minutes(1, 2, nan))
	if err != nil {
		t.Fatal(err)
	}
	checkNear(t, "last value", predict(f, 2), []float64{2, 2}, 0)
	f.Update(math.Inf(1))
	f.Update(7)
	f.Update(nan)
	checkNear(t, "last value", predict(f, 2), []float64{7, 7}, 0)
	if got := f.Failures(); got.Fits != 1 || got.Forecasts != 0 || !errors.Is(got.First, errBroken) || !got.Any() {
		t.Errorf("%+v, want one failed fit", got)
	}
	// The next fit succeeds.
	if ok, err := f.Refit(context.Background(), minutes(1, 2, 7)); !ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	checkNear(t, "model", predict(f, 2), []float64{1000, 1000}, 0)
}

func TestFallbackWhereARefitFails(t *testing.T) {
	m := forecast.WithFallback(brittle{fits: new(int), failAt: []int{2}})
	f, err := m.FitFallback(context.Background(), minutes(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := f.Refit(context.Background(), minutes(1, 2, 3)); ok || err != nil {
		t.Fatalf("%v, %v; want the old predictor to stay", ok, err)
	}
	checkNear(t, "old predictor", predict(f, 1), []float64{1000}, 0)
	if got := f.Failures(); got.Fits != 1 {
		t.Errorf("%+v, want one failed fit", got)
	}
	// Too short a past is the fault of nobody.
	if ok, err := f.Refit(context.Background(), minutes(1)); ok || err != nil || f.Failures().Fits != 1 {
		t.Errorf("%v, %v, %+v", ok, err, f.Failures())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Refit(ctx, minutes(1, 2, 3)); !errors.Is(err, context.Canceled) || f.Failures().Fits != 1 {
		t.Errorf("error %v, %+v; want context.Canceled and no failure", err, f.Failures())
	}
	if _, err := m.Fit(ctx, minutes(1, 2, 3)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := m.Fit(context.Background(), minutes(1)); !errors.Is(err, forecast.ErrTooShort) {
		t.Errorf("error %v, want ErrTooShort", err)
	}
}

func TestFallbackWhereAForecastIsNoNumber(t *testing.T) {
	for _, bad := range []float64{nan, math.Inf(1), math.Inf(-1)} {
		m := forecast.WithFallback(brittle{fits: new(int), broken: bad, from: 2})
		f, err := m.FitFallback(context.Background(), minutes(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		f.Update(3)
		checkNear(t, "sound", predict(f, 3), []float64{1000, 1000, 1000}, 0)
		f.Update(4)
		checkNear(t, "broken", predict(f, 3), []float64{1000, 4, 1000}, 0)
		if got := f.Failures(); got.Forecasts != 1 || got.Fits != 0 || got.First == nil {
			t.Errorf("%+v, want one failed forecast", got)
		}
	}
}

// A model that does not fail is what it is without a Fallback.
func TestFallbackIsTheModel(t *testing.T) {
	values := daily(13*testDay, testDay, 9)
	values[200], values[270] = nan, nan
	for _, m := range allModels() {
		with := forecastsAt(t, forecast.WithFallback(m), values, 10*testDay)
		for i, want := range forecastsAt(t, m, values, 10*testDay) {
			if !slices.Equal(with[i], want) {
				t.Fatalf("%s: %v with a fallback, %v without", m.Name(), with[i], want)
			}
		}
	}
}

// A model that fails is scored as what stood in for it, and the others go on.
func TestEvaluateFailures(t *testing.T) {
	values := daily(300, 24, 17)
	score := func(ms ...forecast.Model) []forecast.ModelEvaluation {
		e, err := forecast.Evaluate(context.Background(), hours(values...), ms,
			forecast.EvaluateOptions{Horizons: []int{1, 2}, WarmUp: 100, RefitEvery: 50})
		if err != nil {
			t.Fatal(err)
		}
		return e.Models
	}
	never := []int{1, 2, 3, 4, 5, 6}
	got := score(brittle{fits: new(int), failAt: never}, forecast.Naive{}, brittle{fits: new(int), broken: nan, from: 1})
	if f := got[0].Failures; f.Fits != 6 || f.Forecasts != 0 || got[0].Fits != 0 {
		t.Errorf("%d fits, %+v; want 6 failed ones", got[0].Fits, f)
	}
	for i := range got[0].Horizons {
		if got[0].Horizons[i] != got[1].Horizons[i] {
			t.Errorf("last value in place of a model scores %+v, naive %+v", got[0].Horizons[i], got[1].Horizons[i])
		}
	}
	// Broken at two steps ahead only, from the first update after each fit on.
	if f := got[2].Failures; f.Forecasts != 24+200-4 || f.Fits != 0 || f.First == nil {
		t.Errorf("%+v, want 220 failed forecasts", f)
	}
	if a, b := got[2].Horizons[0].WAPE, got[2].Horizons[1].WAPE; a < 5 || b > 1 {
		t.Errorf("WAPE %v one step ahead and %v two, want that of 1000 and that of last value", a, b)
	}
}
