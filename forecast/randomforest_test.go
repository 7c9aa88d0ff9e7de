package forecast_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// Against scikit-learn on features made by testdata/randomforest_golden.py: over many
// seeds, forecasts and quantiles have the same mean.
func TestRandomForestAgreesWithScikitLearn(t *testing.T) {
	data, err := os.ReadFile("testdata/randomforest_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	const seeds = 50
	var golden struct {
		States int
		Levels []float64
		Cases  []struct {
			Name        string
			Start       time.Time
			StepSeconds float64
			Values      []*float64
			Answers     []struct {
				Horizon         int
				Mean, Deviation []float64
			}
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		s := forecast.Series{Start: c.Start, Step: time.Duration(c.StepSeconds * float64(time.Second))}
		for _, v := range c.Values {
			if v == nil {
				s.Values = append(s.Values, nan)
			} else {
				s.Values = append(s.Values, *v)
			}
		}
		horizon := c.Answers[len(c.Answers)-1].Horizon
		got := make([][][]float64, horizon) // of each step, what is asked, seeds
		for seed := range uint64(seeds) {
			p := mustFit(t, forecast.RandomForest{Horizons: horizon, Seed: seed + 1}, s).(forecast.QuantilePredictor)
			paths := [][]float64{predict(p, horizon)}
			for _, q := range golden.Levels {
				path := make([]float64, horizon)
				p.PredictQuantile(path, q)
				paths = append(paths, path)
			}
			for h := range horizon {
				got[h] = append(got[h], nil)
				for _, path := range paths {
					got[h][seed] = append(got[h][seed], path[h])
				}
			}
		}
		for _, a := range c.Answers {
			for i, want := range a.Mean {
				var ours []float64
				for _, answers := range got[a.Horizon-1] {
					ours = append(ours, answers[i])
				}
				mean, variance := moments(ours)
				// At 4 standard errors a right forest fails once in 16,000 comparisons.
				tolerance := 4*math.Sqrt(variance/seeds+a.Deviation[i]*a.Deviation[i]/float64(golden.States)) + 1e-3
				if math.Abs(mean-want) > tolerance {
					t.Errorf("%s, %d ahead, answer %d: mean %v, scikit-learn's %v +- %v", c.Name, a.Horizon, i, mean, want, tolerance)
				}
			}
		}
	}
}

// Between the horizons that have a forest the forecast is a straight line, beyond the last
// it stays, and in a gap the last origin goes on.
func TestRandomForestBetweenHorizons(t *testing.T) {
	p := mustFit(t, forecast.RandomForest{Horizons: 12}, minutes(daily(600, 90, 3)...))
	path := predict(p, 20)
	for _, h := range []int{2, 3, 4} {
		if want := path[0] + (path[4]-path[0])*float64(h-1)/4; !near(path[h-1], want, 100, 1e-12) {
			t.Errorf("%d ahead: %v, want %v on the line from %v to %v", h, path[h-1], want, path[0], path[4])
		}
	}
	checkNear(t, "beyond", path[12:], []float64{path[11], path[11], path[11], path[11], path[11], path[11], path[11], path[11]}, 0)
	p.Update(nan)
	p.Update(math.Inf(1))
	checkNear(t, "in a gap", predict(p, 18), path[2:], 0)
}

// The hour tells what the value alone does not: a job that starts at two in the morning.
func TestRandomForestKnowsTheHour(t *testing.T) {
	job := func(i int) float64 {
		if h := i / 60 % 24; h >= 2 && h < 4 {
			return 90
		}
		return 10
	}
	values := generate(5*1440+110, job) // until ten minutes to two
	p := mustFit(t, forecast.RandomForest{Horizons: 15}, minutes(values...))
	if f := predict(p, 15); f[0] > 20 || f[14] < 80 {
		t.Errorf("forecast %v, want 10 until the tenth step and 90 after it", f)
	}
}

// It has nothing but what it saw, which is why it is a yardstick.
func TestRandomForestDoesNotExtrapolate(t *testing.T) {
	values := generate(400, func(i int) float64 { return 100 + float64(i) })
	f := predict(mustFit(t, forecast.RandomForest{Horizons: 10}, minutes(values...)), 10)
	for h, v := range f {
		if v > values[len(values)-1] {
			t.Errorf("%d ahead: %v, above the largest of the past", h+1, v)
		}
	}
}

func TestRandomForestTooShort(t *testing.T) {
	_, err := forecast.RandomForest{Horizons: 15}.Fit(t.Context(), minutes(generate(34, func(i int) float64 { return float64(i) })...))
	if !errors.Is(err, forecast.ErrTooShort) {
		t.Errorf("19 origins with a value 15 steps later: error %v, want ErrTooShort", err)
	}
	mustFit(t, forecast.RandomForest{Horizons: 15}, minutes(generate(35, func(i int) float64 { return float64(i) })...))
}

// A fit looks at its context before each tree, not once for each horizon, which takes seconds on a
// long past.
func TestRandomForestCancelled(t *testing.T) {
	ctx := &countdown{Context: t.Context(), looks: 20}
	m := forecast.RandomForest{Horizons: 1}
	if _, err := m.Fit(ctx, minutes(daily(500, 24, 1)...)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
