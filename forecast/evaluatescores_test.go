package forecast_test

import (
	"context"
	"math"
	"testing"

	"hindcast.dev/forecast"
)

// A mixture weighs two experts by turns.
type mixture struct{ forecast.Naive }

func (m mixture) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	p, err := m.Naive.Fit(ctx, past)
	return &mixturePredictor{Predictor: p}, err
}

type mixturePredictor struct {
	forecast.Predictor
	updates int
}

func (p *mixturePredictor) Update(y float64) { p.updates++; p.Predictor.Update(y) }

func (p *mixturePredictor) Weights() []forecast.Weight {
	if p.updates%2 == 1 {
		return []forecast.Weight{{Name: "late", Weight: .25}, {Name: "first", Weight: .75}}
	}
	return []forecast.Weight{{Name: "first", Weight: 1}}
}

func TestEvaluateMeanWeights(t *testing.T) {
	run := func(m forecast.Model) []forecast.Weight {
		e, err := forecast.Evaluate(context.Background(), minutes(upTo(20)...), []forecast.Model{m},
			forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: 10})
		if err != nil {
			t.Fatal(err)
		}
		return e.Models[0].Weights
	}
	// The last fit stands at step 9: of the steps 9 to 19 five have seen an odd number of
	// updates.
	got := run(mixture{})
	want := []forecast.Weight{{Name: "first", Weight: (6 + 5*.75) / 11}, {Name: "late", Weight: 5 * .25 / 11}}
	if len(got) != 2 || got[0].Name != want[0].Name || got[1].Name != want[1].Name ||
		!near(got[0].Weight, want[0].Weight, 0, 1e-12) || !near(got[1].Weight, want[1].Weight, 0, 1e-12) {
		t.Errorf("weights %v, want %v", got, want)
	}
	if got := run(forecast.Naive{}); got != nil {
		t.Errorf("naive has weights %v", got)
	}
}

// The further measures are the plain ones on the tracked series.
func TestEvaluateFurtherMeasures(t *testing.T) {
	const warmUp, h = 240, 2
	values := daily(600, 24, 19)
	for i := 7; i < len(values); i += 13 {
		values[i] = nan
	}
	e, err := forecast.Evaluate(context.Background(), hours(values...), []forecast.Model{forecast.Ridge{}}, forecast.EvaluateOptions{
		Horizons: []int{h, 1}, WarmUp: warmUp, TrackHorizon: h, KeepErrors: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := e.Models[0]
	track := m.Track
	var width80, width95, size, within, n float64
	byHour := map[int][2][]float64{}
	for i, y := range track.Actual {
		if got := m.Errors[i]; got != y-track.Point[i] && !(math.IsNaN(got) && math.IsNaN(y)) {
			t.Fatalf("error %d is %v, want %v", i, got, y-track.Point[i])
		}
		hour := byHour[track.Time[i].Hour()]
		byHour[track.Time[i].Hour()] = [2][]float64{append(hour[0], y), append(hour[1], track.Point[i])}
		if math.IsNaN(y) {
			continue
		}
		width80 += track.Upper80[i] - track.Lower80[i]
		width95 += track.Upper95[i] - track.Lower95[i]
		size += math.Abs(y)
		if math.Abs(y-track.Point[i]) <= .1*y {
			within++
		}
		n++
	}
	if len(m.Errors) != len(track.Actual) {
		t.Errorf("%d errors of %d forecasts", len(m.Errors), len(track.Actual))
	}
	got := m.Horizons[0]
	checkNear(t, "measures",
		[]float64{got.Width80, got.Width95, got.Within10, got.Coverage50},
		[]float64{width80 / size, width95 / size, within / n, forecast.Coverage(track.Actual, track.Lower50, track.Upper50)}, 1e-12)
	if len(byHour) != 24 {
		t.Fatalf("%d hours", len(byHour))
	}
	for hour, of := range byHour {
		if got := m.Hours[hour]; !near(got.WAPE, forecast.WAPE(of[0], of[1]), 0, 1e-12) || !near(got.Bias, forecast.Bias(of[0], of[1]), 1, 1e-12) {
			t.Errorf("hour %d: %+v, want WAPE %v", hour, got, forecast.WAPE(of[0], of[1]))
		}
	}
}

func TestSkill(t *testing.T) {
	if got := forecast.Skill(.03, .04); !near(got, .25, 0, 1e-12) {
		t.Errorf("skill %v, want 0.25", got)
	}
	if got := forecast.Skill(.05, 0); !math.IsNaN(got) {
		t.Errorf("skill %v against one that is never wrong", got)
	}
}
