package forecast_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// A spy records what Fit and Update are given; its forecast is the last value seen,
// missing or not, plus 10 for each fit so far.
type spy struct {
	fits *[][]float64
	seen *[]float64 // all updates, of all predictors
	err  error      // of fits after the second
}

func (s spy) Name() string { return "spy" }

func (s spy) Fit(_ context.Context, past forecast.Series) (forecast.Predictor, error) {
	if s.err != nil && len(*s.fits) >= 2 {
		return nil, s.err
	}
	*s.fits = append(*s.fits, slices.Clone(past.Values))
	if cap(past.Values) != len(past.Values) {
		return nil, errors.New("the future is within reach")
	}
	return &spyPredictor{spy: s, last: past.Values[len(past.Values)-1], lift: 10 * float64(len(*s.fits))}, nil
}

type spyPredictor struct {
	spy
	last, lift float64
}

func (p *spyPredictor) Update(y float64) { p.last = y; *p.seen = append(*p.seen, y) }

func (p *spyPredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = p.last + p.lift
	}
}

func newSpy() spy { return spy{fits: new([][]float64), seen: new([]float64)} }

func upTo(n int) []float64 { return generate(n, func(i int) float64 { return float64(i) }) }

func TestEvaluateSchedule(t *testing.T) {
	s := newSpy()
	var progress []int
	e, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{s}, forecast.EvaluateOptions{
		Horizons: []int{2}, WarmUp: 8, RefitEvery: 5, Window: 6, TrackHorizon: 2,
		Progress: func(done, total int) { progress = append(progress, done, total) },
	})
	if err != nil {
		t.Fatal(err)
	}
	// The first quarter's rest calibrates; then fits at the end of the warm-up and every
	// 5 steps after it, each on 6 values.
	wantFits := [][]float64{{0, 1, 2, 3, 4, 5}, {2, 3, 4, 5, 6, 7}, {7, 8, 9, 10, 11, 12}, {12, 13, 14, 15, 16, 17}}
	if fmt.Sprint(*s.fits) != fmt.Sprint(wantFits) {
		t.Errorf("fits on %v, want %v", *s.fits, wantFits)
	}
	if want := []float64{6, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19}; !slices.Equal(*s.seen, want) {
		t.Errorf("updates with %v, want %v", *s.seen, want)
	}
	m := e.Models[0]
	if m.Fits != 4 || m.Updates != 11 || m.SkippedFits != 0 {
		t.Errorf("%d fits, %d skipped, %d updates; want 4, 0, 11", m.Fits, m.SkippedFits, m.Updates)
	}
	// Origins are 7..17, the lift 20, from the origin 12 on 30 and from 17 on 40.
	want := []float64{27, 28, 29, 30, 31, 42, 43, 44, 45, 46, 57}
	checkNear(t, "points", m.Track.Point, want, 0)
	checkNear(t, "actual", m.Track.Actual, upTo(20)[9:], 0)
	if at := m.Track.Time[0]; !at.Equal(minutes().Start.Add(9 * time.Minute)) {
		t.Errorf("the first scored instant is %v", at)
	}
	if at := e.FirstOrigin; !at.Equal(minutes().Start.Add(7 * time.Minute)) {
		t.Errorf("the first origin is %v", at)
	}
	checkNear(t, "WAPE", []float64{m.Horizons[0].WAPE}, []float64{forecast.WAPE(m.Track.Actual, want)}, 1e-14)
	if !slices.Equal(progress, []int{12, 12}) {
		t.Errorf("progress %v", progress)
	}
}

// Every measure equals the plain function on the tracked series.
func TestEvaluateIsThePlainMeasures(t *testing.T) {
	const day, warmUp, h = 24, 240, 3
	values := daily(600, day, 15)
	for i := 5; i < len(values); i += 11 {
		values[i] = nan
	}
	models := []forecast.Model{forecast.Naive{}, forecast.SeasonalNaive{Season: day}, forecast.HoltWinters{Season: day}, forecast.Ridge{}}
	levels := []float64{.1, .975}
	e, err := forecast.Evaluate(context.Background(), hours(values...), models, forecast.EvaluateOptions{
		Horizons: []int{1, h}, WarmUp: warmUp, RefitEvery: 100, Season: day, Levels: levels,
		TrackHorizon: h, TrackModels: []string{"naive", "ridge"},
	})
	if err != nil {
		t.Fatal(err)
	}
	absolute, square := forecast.SeasonalErrors(values[:warmUp], day)
	n := 0
	for _, y := range values[warmUp-1+h:] {
		if !math.IsNaN(y) {
			n++
		}
	}
	for i, m := range e.Models {
		if m.Name != models[i].Name() {
			t.Fatalf("model %d is %s", i, m.Name)
		}
		got := m.Horizons[1]
		if got.Horizon != h || got.N != n {
			t.Errorf("%s: %d points at horizon %d, want %d at %d", m.Name, got.N, got.Horizon, n, h)
		}
		track := m.Track
		if (track != nil) != (m.Name == "naive" || m.Name == "ridge") {
			t.Errorf("%s: track %v", m.Name, track)
		}
		if track == nil {
			continue
		}
		y, f := track.Actual, track.Point
		checkNear(t, m.Name,
			[]float64{got.Accuracy, got.WAPE, got.MASE, got.RMSSE, got.Bias, got.Coverage80, got.Coverage95, got.Pinball},
			[]float64{
				1 - forecast.WAPE(y, f), forecast.WAPE(y, f), forecast.MASE(y, f, absolute), forecast.RMSSE(y, f, square),
				forecast.Bias(y, f), forecast.Coverage(y, track.Lower80, track.Upper80), forecast.Coverage(y, track.Lower95, track.Upper95),
				(forecast.Pinball(y, track.Lower80, levels[0]) + forecast.Pinball(y, track.Upper95, levels[1])) / 2,
			}, 1e-12)
	}
	// The naive forecast, by its definition.
	last := nan
	var want []float64
	for i, y := range values[:len(values)-h] {
		if !math.IsNaN(y) {
			last = y
		}
		if i >= warmUp-1 {
			want = append(want, last)
		}
	}
	checkNear(t, "naive", e.Models[0].Track.Point, want, 0)
}

// One horizon more changes nothing at the others, nor does one model more.
func TestEvaluateIsIndependent(t *testing.T) {
	s := hours(daily(700, 24, 16)...)
	run := func(models []forecast.Model, horizons ...int) forecast.Evaluation {
		e, err := forecast.Evaluate(context.Background(), s, models, forecast.EvaluateOptions{Horizons: horizons})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	alone := run([]forecast.Model{forecast.Ridge{}}, 2).Models[0].Horizons[0]
	together := run([]forecast.Model{forecast.Naive{}, forecast.Ridge{}}, 7, 2).Models[1].Horizons[1]
	if alone != together {
		t.Errorf("alone %+v, together %+v", alone, together)
	}
}

func TestEvaluateRefitTooShort(t *testing.T) {
	s := newSpy()
	s.err = fmt.Errorf("nothing there: %w", forecast.ErrTooShort)
	opt := forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: 8, RefitEvery: 5}
	e, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{s}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if m := e.Models[0]; m.Fits != 2 || m.SkippedFits != 2 || m.Updates != 13 {
		t.Errorf("%d fits, %d skipped, %d updates; want 2, 2, 13", m.Fits, m.SkippedFits, m.Updates)
	}
	s = newSpy()
	s.err = errors.New("broken")
	e, err = forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{s}, opt)
	if err != nil {
		t.Fatal(err)
	}
	m := e.Models[0]
	if m.Fits != 2 || m.SkippedFits != 0 || m.Updates != 13 || m.Failures.Fits != 2 || m.Failures.Forecasts != 0 {
		t.Errorf("%d fits, %d skipped, %d updates, %+v; want 2, 0, 13 and 2 failed", m.Fits, m.SkippedFits, m.Updates, m.Failures)
	}
	if !errors.Is(m.Failures.First, s.err) {
		t.Errorf("the first failure is %v, want %v", m.Failures.First, s.err)
	}
}

func TestEvaluateErrors(t *testing.T) {
	bad := forecast.EvaluateOptions{
		Horizons: []int{0}, WarmUp: 99, RefitEvery: -1, Window: -2, Levels: []float64{1}, TrackHorizon: 5,
	}
	_, err := forecast.Evaluate(context.Background(), minutes(upTo(50)...), nil, bad)
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"horizon 0", "warm-up of 99 steps in a series of 50", "refit every -1", "window of -2", "level 1", "horizon 5"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not mention %q", err, part)
		}
	}

	opt := forecast.EvaluateOptions{Horizons: []int{1}}
	_, err = forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{forecast.HoltWinters{Season: 24}}, opt)
	if !errors.Is(err, forecast.ErrTooShort) || !strings.Contains(err.Error(), "holt-winters") {
		t.Errorf("error %v, want ErrTooShort of holt-winters", err)
	}
	if _, err = forecast.Evaluate(context.Background(), minutes(), nil, opt); err == nil {
		t.Error("an empty series gives no error")
	}

	ctx, cancel := context.WithCancel(context.Background())
	opt.Progress = func(int, int) { cancel() }
	_, err = forecast.Evaluate(ctx, minutes(upTo(9000)...), []forecast.Model{forecast.Naive{}}, opt)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// With nothing observed after the warm-up there is no score.
func TestEvaluateNothingObserved(t *testing.T) {
	values := append(upTo(30), generate(30, func(int) float64 { return nan })...)
	e, err := forecast.Evaluate(context.Background(), minutes(values...), []forecast.Model{forecast.Naive{}},
		forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: 30})
	if err != nil {
		t.Fatal(err)
	}
	h := e.Models[0].Horizons[0]
	if h.N != 0 {
		t.Errorf("%d points", h.N)
	}
	for _, v := range []float64{h.Accuracy, h.WAPE, h.MASE, h.RMSSE, h.Pinball, h.Coverage80, h.Coverage95, h.Bias} {
		if !math.IsNaN(v) {
			t.Errorf("%+v, want NaN for every measure", h)
			break
		}
	}
}

// On recorded load the ridge is better than the yardsticks, and the intervals hold.
func TestEvaluateRecordedLoad(t *testing.T) {
	tests := []struct {
		name     string
		mean     int // steps averaged into one
		horizons []int
		naive    float64 // WAPE at the first horizon, measured independently; 0: not
	}{
		{"worldcup98", 1, []int{5, 10}, .0636},
		{"alibaba2018_cluster_cpu", 6, []int{5, 10}, 0},
		{"nab_rds_cpu_e47b3b", 1, []int{1, 2}, .0433},
		{"nab_asg_cpu", 1, []int{1, 2}, .232},
		{"azure_functions_2019_day", 1, []int{5, 10}, 0},
		{"nab_twitter_amzn", 1, []int{1, 2}, 0},
		{"bitbrains_vm871", 1, []int{1, 2}, 0},
		{"bitbrains_vm997", 1, []int{1, 2}, 0},
		{"nab_nyc_taxi", 1, []int{1, 2}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := blockMeans(trace(t, tt.name), tt.mean)
			day := int(24 * time.Hour / s.Step)
			warmUp := max(3*day, len(s.Values)/5)
			if warmUp > len(s.Values)/2 {
				warmUp = len(s.Values) / 4
			}
			e, err := forecast.Evaluate(context.Background(), s,
				[]forecast.Model{forecast.Naive{}, forecast.SeasonalNaive{Season: day}, forecast.Ridge{}},
				forecast.EvaluateOptions{Horizons: tt.horizons, WarmUp: warmUp, RefitEvery: day, Window: 7 * day, Season: day})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range e.Models {
				for _, h := range m.Horizons {
					t.Logf("%-14s %2d ahead: WAPE %5.2f %%, coverage %.3f and %.3f", m.Name, h.Horizon, 100*h.WAPE, h.Coverage80, h.Coverage95)
				}
			}
			naive, ridge := e.Models[0].Horizons, e.Models[2].Horizons
			if tt.naive > 0 && !near(naive[0].WAPE, tt.naive, 0, .003) {
				t.Errorf("naive WAPE %.4f, was measured as %.4f", naive[0].WAPE, tt.naive)
			}
			for i := range ridge {
				if ridge[i].WAPE >= naive[i].WAPE {
					t.Errorf("%d ahead: WAPE %.4f, naive %.4f", ridge[i].Horizon, ridge[i].WAPE, naive[i].WAPE)
				}
				// Errors h steps ahead overlap: n of them tell as much as n/h.
				share := float64(ridge[i].N) / float64(ridge[i].Horizon)
				bound80, bound95 := max(.02, 3*math.Sqrt(.8*.2/share)), max(.02, 3*math.Sqrt(.95*.05/share))
				if math.Abs(ridge[i].Coverage80-.8) > bound80 || math.Abs(ridge[i].Coverage95-.95) > bound95 {
					t.Errorf("%d ahead: coverage %.3f and %.3f, want 0.80 and 0.95", ridge[i].Horizon, ridge[i].Coverage80, ridge[i].Coverage95)
				}
			}
		})
	}
}
