package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// As in a backtest: the step of loads recorded at shorter ones, and the longest past
// that a fit is given.
const (
	scoredStep   = time.Minute
	modelHistory = 28 * 24 * time.Hour
)

// An evalPlan says how models are scored on one load.
type evalPlan struct {
	*evalFlags
	load    datasets.Series // as recorded
	said    string          // who says what its unit is
	series  datasets.Series // as scored
	options forecast.EvaluateOptions
	seasons []int // steps
}

// newEvalPlan opens a load and turns times into its steps.
func newEvalPlan(flags *evalFlags, data, unit string) (*evalPlan, error) {
	p := &evalPlan{evalFlags: flags}
	var err error
	if p.load, p.said, err = openLoad(data, unit); err != nil {
		return nil, err
	}
	if err := enough(p.load, data); err != nil {
		return nil, err
	}
	if err := p.arrange(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.past(p.options.WarmUp).Values, func(v float64) bool { return !math.IsNaN(v) }) {
		return nil, fmt.Errorf("%s: the warm-up has no value; lengthen it with --warmup", data)
	}
	return p, nil
}

// arrange turns times into steps and finds the seasons of the warm-up.
func (p *evalPlan) arrange() error {
	p.series = p.load
	fine := func(h horizon) bool { return h.ahead < scoredStep }
	if p.load.Step < scoredStep && scoredStep%p.load.Step == 0 && !slices.ContainsFunc(p.horizons, fine) {
		var err error
		if p.series, err = datasets.Resample(p.load, scoredStep); err != nil {
			return err
		}
	}
	step, n := p.series.Step, len(p.series.Values)
	share, warmUp, err := p.warmup.WarmupPart()
	if err != nil {
		return err
	}
	if warmUp == 0 {
		warmUp = time.Duration(share * float64(n) * float64(step))
	}
	if warmUp > time.Duration(n-1)*step {
		return fmt.Errorf("--warmup: %s leaves nothing of %v to score; shorten it", p.warmup.Warmup, datasets.Duration(step)*datasets.Duration(n))
	}
	opt := &p.options
	opt.NanosecondsPerOperation = 1
	opt.KeepErrors = true
	opt.WarmUp = max(1, steps(warmUp, step))
	opt.Window = max(1, int(modelHistory/step))
	p.refit.apply(opt, step)
	for _, h := range p.horizons {
		if h.ahead > time.Duration(n-opt.WarmUp)*step {
			return fmt.Errorf("--horizons: %v is more than the %v after the warm-up; shorten it",
				datasets.Duration(h.ahead), datasets.Duration(n-opt.WarmUp)*datasets.Duration(step))
		}
		// The first is the one whose errors are kept.
		if s := steps(h.ahead, step); !slices.Contains(opt.Horizons, s) {
			opt.Horizons = append(opt.Horizons, s)
		}
	}
	p.seasons = forecast.DetectSeason(p.past(opt.WarmUp))
	opt.Season = forecast.MainSeason(p.past(opt.WarmUp), p.seasons, slices.Max(opt.Horizons))
	return nil
}

// past is the series as models see it, up to a step.
func (p *evalPlan) past(end int) forecast.Series {
	return forecast.Series{Start: p.series.Start, Step: p.series.Step, Values: p.series.Values[:end]}
}

// A modelScore is the score of one model, or why it has none.
type modelScore struct {
	forecast.ModelEvaluation
	unfit error
}

// evaluate scores one model after the other.
func (p *evalPlan) evaluate(ctx context.Context, watch func() time.Duration, progress func(what string, done, total int)) ([]modelScore, error) {
	whole := p.past(len(p.series.Values))
	var scores []modelScore
	for i, id := range p.models {
		model, err := forecast.ByName(id, forecast.Settings{
			Step: whole.Step, Seasons: noneNotNil(p.seasons), Season: p.options.Season, Horizon: slices.Max(p.options.Horizons),
			Events: p.events, Location: p.location,
		})
		if err != nil {
			return nil, err
		}
		opt := p.options
		if id == p.shown {
			p.keep(&opt)
		}
		opt.Stopwatch = watch
		opt.Progress = func(done, total int) { progress(p.load.Name+", "+id, i*total+done, len(p.models)*total) }
		e, err := forecast.Evaluate(ctx, whole, []forecast.Model{model}, opt)
		switch {
		case errors.Is(err, forecast.ErrTooShort):
			// The outermost error names the model, but not by its id.
			unfit := fmt.Errorf("%s: %w", id, errors.Unwrap(err))
			scores = append(scores, modelScore{ModelEvaluation: forecast.ModelEvaluation{Name: id}, unfit: unfit})
		case err != nil:
			return nil, err
		default:
			e.Models[0].Name = id
			scores = append(scores, modelScore{ModelEvaluation: e.Models[0]})
		}
	}
	return scores, nil
}

// fans is how many forecasts are drawn as they were made, and fanSteps how many horizons
// the longest of them has.
const fans, fanSteps = 6, 60

// keep has the forecasts of the model that is drawn kept: all at the main horizon, and a
// few, around the highest load, at every horizon up to the longest.
func (p *evalPlan) keep(opt *forecast.EvaluateOptions) {
	opt.TrackHorizon = opt.Horizons[0]
	longest := slices.Max(opt.Horizons)
	opt.Horizons = slices.Clone(opt.Horizons)
	if longest <= fanSteps {
		for h := 1; h <= longest; h++ {
			if !slices.Contains(opt.Horizons, h) {
				opt.Horizons = append(opt.Horizons, h)
			}
		}
	}
	// The fans stand side by side, the highest load in the middle of the third.
	apart := max(longest, 4) + 2
	highest := opt.WarmUp
	for i := opt.WarmUp; i < len(p.series.Values); i++ {
		if v := p.series.Values[i]; v > p.series.Values[highest] || math.IsNaN(p.series.Values[highest]) {
			highest = i
		}
	}
	first := min(highest-longest/2-2*apart, len(p.series.Values)-fans*apart)
	for i := range fans {
		if at := max(first, opt.WarmUp) + i*apart; at < len(p.series.Values) {
			opt.FanOrigins = append(opt.FanOrigins, at)
		}
	}
}

// noiseFloor is the least WAPE to be expected on the scored part, NaN where the load
// is no count.
func (p *evalPlan) noiseFloor() float64 {
	factor := 1.0
	switch p.series.Unit {
	case datasets.RPS:
		factor = p.series.Step.Seconds()
	case datasets.CountPerStep:
	case datasets.Cores, datasets.Percent:
		return math.NaN()
	}
	counts := slices.Clone(p.series.Values[p.options.WarmUp:])
	for i := range counts {
		counts[i] *= factor
	}
	return forecast.NoiseFloor(counts)
}

// noneNotNil tells a model that there is no season, where nil leaves it to the model.
func noneNotNil(seasons []int) []int { return append([]int{}, seasons...) }

// steps is a length of time in steps, rounded up.
func steps(d, step time.Duration) int { return int((d + step - 1) / step) }
