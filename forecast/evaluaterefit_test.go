package forecast_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// A costly spy declares what its fits cost.
type costlySpy struct {
	spy
	operations float64 // a fit
}

func (s costlySpy) FitOperations(int) float64 { return s.operations }

// A refitting spy declares another cost of refits.
type refittingSpy struct {
	costlySpy
	again float64
}

func (s refittingSpy) RefitOperations(int) float64 { return s.again }

func (s refittingSpy) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	p, err := s.costlySpy.Fit(ctx, past)
	return refittingPredictor{p, s}, err
}

type refittingPredictor struct {
	forecast.Predictor
	model refittingSpy
}

func (p refittingPredictor) Refit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	return p.model.Fit(ctx, past)
}

// What is fitted anew from what it has learnt is charged for that, not for a first fit.
func TestEvaluateChargesRefits(t *testing.T) {
	s := refittingSpy{costlySpy{newSpy(), 1e12}, 3}
	e, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{s}, forecast.EvaluateOptions{
		Horizons: []int{2}, WarmUp: 8, RefitEvery: 5, NanosecondsPerOperation: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if m := e.Models[0]; m.Charged != 12 || m.Waited != 2 {
		t.Errorf("charged %v, waited %d steps; want 12ns of two refits, 2", m.Charged, m.Waited)
	}
}

// A refit takes over as late as its declared cost says, the predictor before it forecasts
// until then, and the new one has seen what came meanwhile.
func TestEvaluateChargesFits(t *testing.T) {
	run := func(operations float64) forecast.ModelEvaluation {
		s := costlySpy{newSpy(), operations}
		e, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{s}, forecast.EvaluateOptions{
			Horizons: []int{2}, WarmUp: 8, RefitEvery: 5, TrackHorizon: 2, NanosecondsPerOperation: 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		return e.Models[0]
	}
	// Each origin t from 7 to 17 forecasts t plus 10 for each fit in force; fits are due at
	// 12 and 17.
	for _, tt := range []struct {
		name       string
		operations float64
		fits       []float64 // in force at each origin
		waited     int
		skipped    int
		charged    time.Duration
	}{
		{"free", 0, []float64{2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4}, 0, 0, 0},
		{"an instant", 1, []float64{2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3}, 2, 0, 4},
		{"a minute", 30e9, []float64{2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3}, 2, 0, 2 * time.Minute},
		{"just over a minute", 30e9 + 1, []float64{2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3}, 4, 0, 2*time.Minute + 4},
		{"until the next is due", 150e9, []float64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3}, 8, 0, 10 * time.Minute},
		{"longer than between two", 151e9, []float64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 6, 1, 302 * time.Second},
	} {
		m := run(tt.operations)
		want := make([]float64, len(tt.fits))
		for i, n := range tt.fits {
			want[i] = float64(7+i) + 10*n
		}
		checkNear(t, tt.name, m.Track.Point, want, 0)
		if m.Waited != tt.waited || m.SkippedFits != tt.skipped || m.Charged != tt.charged {
			t.Errorf("%s: waited %d, skipped %d, charged %v; want %d, %d, %v", tt.name,
				m.Waited, m.SkippedFits, m.Charged, tt.waited, tt.skipped, tt.charged)
		}
	}
}

// A stuck model forecasts the mean of what it was fitted on.
type stuck struct{ fits *[]int }

func (m stuck) Name() string { return "stuck" }

func (m stuck) Fit(_ context.Context, past forecast.Series) (forecast.Predictor, error) {
	*m.fits = append(*m.fits, len(past.Values))
	total := 0.0
	for _, v := range past.Values[max(0, len(past.Values)-60):] {
		total += v / 60
	}
	return stuckPredictor(total), nil
}

type stuckPredictor float64

func (stuckPredictor) Update(float64) {}

func (p stuckPredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = float64(p)
	}
}

func TestEvaluateRefitsOnDrift(t *testing.T) {
	const shiftAt, every = 1500, 30
	steady := daily(3000, 1e9, 18) // no day to speak of: noise around a level
	for i := range steady {
		steady[i] -= 100
		steady[i] = 100 + steady[i]
	}
	run := func(values []float64) []int {
		m := stuck{new([]int)}
		_, err := forecast.Evaluate(context.Background(), minutes(values...), []forecast.Model{m}, forecast.EvaluateOptions{
			Horizons: []int{5, 2}, WarmUp: 500, RefitEvery: every, Drift: &forecast.PageHinkley{},
		})
		if err != nil {
			t.Fatal(err)
		}
		return (*m.fits)[2:]
	}
	if got := run(steady); len(got) > 0 {
		t.Errorf("refits at %v of a steady load", got)
	}
	// Another unit is the same load, and noise that doubles is no drift.
	louder := slices.Clone(steady)
	for i := shiftAt; i < len(louder); i++ {
		louder[i] = 100 + 2*(louder[i]-100)
	}
	if got := run(louder); len(got) > 0 {
		t.Errorf("refits at %v of a load that becomes noisier", got)
	}
	shifted := slices.Clone(steady)
	for i := shiftAt; i < len(shifted); i++ {
		shifted[i] += 60
	}
	got := run(shifted)
	if len(got) == 0 || got[0] < shiftAt || got[0] > shiftAt+40 {
		t.Fatalf("refits at %v, want the first soon after %d", got, shiftAt)
	}
	if last := got[len(got)-1]; last > shiftAt+200 || len(got) > 4 {
		t.Errorf("refits at %v: no end", got)
	}
	for i := 1; i < len(got); i++ {
		if got[i]-got[i-1] < every {
			t.Errorf("refits at %v, closer than %d", got, every)
		}
	}
	// Drift without the least distance is an error.
	_, err := forecast.Evaluate(context.Background(), minutes(steady...), nil, forecast.EvaluateOptions{Horizons: []int{1}, Drift: &forecast.PageHinkley{}})
	if err == nil {
		t.Error("drift without a least distance gives no error")
	}
}

// After a long time at 0, a rise to d takes Threshold/(d - Tolerance) values to notice.
func TestPageHinkley(t *testing.T) {
	for _, tt := range []struct{ tolerance, threshold, rise float64 }{{0, 0, 1.1}, {0, 0, 3}, {.5, 10, 1}, {.01, 5, .5}} {
		d := forecast.PageHinkley{Tolerance: tt.tolerance, Threshold: tt.threshold}
		for i := range 100000 {
			if d.Add(0) {
				t.Fatalf("%+v: alarmed at %d by nothing", tt, i)
			}
		}
		d.Add(nan)
		tolerance, threshold := tt.tolerance, tt.threshold
		if tolerance == 0 {
			tolerance, threshold = .1, 50
		}
		n := 1
		for !d.Add(tt.rise) {
			n++
		}
		if want := threshold / (tt.rise - tolerance); math.Abs(float64(n)-want) > 1+.02*want {
			t.Errorf("%+v: noticed after %d values, want %v", tt, n, want)
		}
		d.Reset()
		if d.Add(0) {
			t.Errorf("%+v: still alarmed after a reset", tt)
		}
		// A fall is no alarm.
		for range 1000 {
			if d.Add(-tt.rise) {
				t.Fatalf("%+v: alarmed by a fall", tt)
			}
		}
	}
}

// The stopwatch is read around fits, and around updates with their forecasts; scores do
// not depend on it.
func TestEvaluateStopwatch(t *testing.T) {
	var now time.Duration
	opt := forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: 8, RefitEvery: 5}
	plain, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{newSpy()}, opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.Stopwatch = func() time.Duration { now += time.Second; return now }
	timed, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{newSpy()}, opt)
	if err != nil {
		t.Fatal(err)
	}
	m := timed.Models[0]
	// 4 fits; 11 updates, and a forecast after each of these and after 3 of the fits.
	if m.FitTime != 4*time.Second || m.UpdateTime != (11+14)*time.Second {
		t.Errorf("fits took %v and updates %v, want 4 s and 25 s", m.FitTime, m.UpdateTime)
	}
	if p := plain.Models[0]; p.FitTime != 0 || p.UpdateTime != 0 || p.Horizons[0].WAPE != m.Horizons[0].WAPE || p.Horizons[0].Pinball != m.Horizons[0].Pinball {
		t.Errorf("without a stopwatch %+v, with it %+v", p, m)
	}
}

// A warm-up of a value or two leaves nothing to calibrate on, and is no fault.
func TestEvaluateAfterTheShortestWarmUp(t *testing.T) {
	for warmUp := 1; warmUp <= 4; warmUp++ {
		s := minutes(daily(12, 6, 91)...)
		for _, m := range []forecast.Model{forecast.Naive{}, forecast.Auto{Horizons: 1}} {
			e, err := forecast.Evaluate(t.Context(), s, []forecast.Model{m}, forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: warmUp})
			if err != nil {
				t.Fatal(err)
			}
			if n := e.Models[0].Horizons[0].N; n != 12-warmUp {
				t.Errorf("%s: %d points scored after a warm-up of %d of 12", m.Name(), n, warmUp)
			}
		}
	}
}
