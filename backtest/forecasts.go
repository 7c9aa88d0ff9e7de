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

// noiseFloor is the WAPE below which no model can be expected to get on the scored part
// of s, the load at the step that models are scored at; undefined where the load was no
// count of events.
func (e *env) noiseFloor(s forecast.Series) result.Number {
	if u := e.recorded.Unit; u != datasets.RPS && u != datasets.CountPerStep {
		return result.Undefined()
	}
	first := int(e.scoredFrom.Sub(s.Start) / s.Step)
	counts := slices.Clone(s.Values[first:])
	for i := range counts {
		counts[i] *= s.Step.Seconds() / e.factor
	}
	return result.Number(forecast.NoiseFloor(counts))
}
