package forecast_test

import (
	"context"
	"math"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// TestErrorBlocksAddUp wants the blocks to hold every scored point once, in the hour
// it came in, missing ones left out.
func TestErrorBlocksAddUp(t *testing.T) {
	const warmUp, n = 90, 90 + 5*60 + 30
	s := forecast.Series{Step: time.Minute, Values: make([]float64, n)}
	for i := range s.Values {
		s.Values[i] = 50 + 10*math.Sin(float64(i)/7) + float64(i%3)
	}
	for i := warmUp + 60; i < warmUp+120; i++ {
		s.Values[i] = math.NaN() // the second hour
	}
	eval, err := forecast.Evaluate(context.Background(), s, []forecast.Model{forecast.Naive{}},
		forecast.EvaluateOptions{Horizons: []int{1, 5}, WarmUp: warmUp})
	if err != nil {
		t.Fatal(err)
	}
	m := eval.Models[0]
	for i, b := range m.Blocks {
		h := m.Horizons[i]
		if b.Horizon != h.Horizon || b.Steps != 60 || len(b.N) != 6 {
			t.Fatalf("blocks of horizon %d: horizon %d, %d steps, %d blocks", h.Horizon, b.Horizon, b.Steps, len(b.N))
		}
		points, absolute, size := 0, 0.0, 0.0
		for k := range b.N {
			points += b.N[k]
			absolute += b.Absolute[k]
			size += b.Size[k]
		}
		if points != h.N || math.Abs(absolute/size-h.WAPE) > 1e-12 {
			t.Errorf("horizon %d: blocks have %d points and WAPE %v, scored were %d and %v", h.Horizon, points, absolute/size, h.N, h.WAPE)
		}
		// The instants before warmUp-1+horizon are scored by no forecast.
		if want := [...]int{60 - h.Horizon + 1, 0, 60, 60, 60, 30}; [6]int(b.N) != want {
			t.Errorf("horizon %d: points by block %v, want %v", h.Horizon, b.N, want)
		}
	}
}

// TestErrorBlocksAreFew bounds their number for every length of data, and keeps them
// in step with the day where the step allows it.
func TestErrorBlocksAreFew(t *testing.T) {
	for _, c := range []struct {
		step   time.Duration
		scored int
		want   time.Duration
	}{
		{time.Minute, 7 * 24 * 60, time.Hour},
		{time.Minute, 21 * 24 * 60, 3 * time.Hour},
		{5 * time.Minute, 100, time.Hour},
		{5 * time.Minute, 90 * 24 * 12, 12 * time.Hour},
		{time.Hour, 700, 12 * time.Hour},
		{7 * time.Minute, 400, 126 * time.Minute},
		{24 * time.Hour, 36500, 183 * 24 * time.Hour},
	} {
		s := forecast.Series{Step: c.step, Values: make([]float64, 40+c.scored)}
		eval, err := forecast.Evaluate(context.Background(), s, []forecast.Model{forecast.Naive{}},
			forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: 40})
		if err != nil {
			t.Fatal(err)
		}
		b := eval.Models[0].Blocks[0]
		if got := time.Duration(b.Steps) * c.step; got != c.want || len(b.N) > 200 {
			t.Errorf("%d steps of %v: %d blocks of %v, want %v", c.scored, c.step, len(b.N), got, c.want)
		}
	}
}
