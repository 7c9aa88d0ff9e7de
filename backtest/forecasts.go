package backtest

import (
	"math"
	"slices"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// finestStep is the shortest step that models are scored at: policies look at the
// load once a minute.
const finestStep = time.Minute

// horizons are how far ahead models are scored, where the step allows it.
func (e *env) horizons(step time.Duration) []int {
	var steps []int
	for _, h := range []time.Duration{5 * time.Minute, 10 * time.Minute, e.v3Horizon()} {
		n := max(1, int(math.Ceil(float64(h)/float64(step))))
		steps = append(steps, n)
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

// series is the load as models are scored on it, in requests/s.
func (e *env) series() (forecast.Series, error) {
	s := datasets.Series{Unit: datasets.RPS, Start: e.load.Start, Step: e.load.Step, Values: e.load.Values}
	if s.Step < finestStep {
		var err error
		if s, err = datasets.Resample(s, finestStep); err != nil {
			return forecast.Series{}, err
		}
	}
	return forecast.Series{Start: s.Start, Step: s.Step, Values: s.Values}, nil
}

// noiseFloor is the WAPE below which no model can get on counts of independent
// events, sqrt(2D/(pi mu)), with mu events a step and the dispersion D from first
// differences; undefined where the load is not a count.
func (e *env) noiseFloor() result.Number {
	var perStep float64
	switch e.recorded.Unit {
	case datasets.RPS:
		perStep = e.recorded.Step.Seconds()
	case datasets.CountPerStep:
		perStep = 1
	default:
		return result.Undefined()
	}
	var sum, squares float64
	var n, pairs int
	last := math.NaN()
	for _, v := range e.recorded.Values {
		v *= perStep
		if !math.IsNaN(v) {
			sum += v
			n++
			if !math.IsNaN(last) {
				squares += (v - last) * (v - last)
				pairs++
			}
		}
		last = v
	}
	if sum == 0 || pairs == 0 {
		return result.Undefined()
	}
	mu := sum / float64(n)
	dispersion := squares / float64(pairs) / 2 / mu
	return result.Number(math.Sqrt(2 * dispersion / (math.Pi * mu)))
}
