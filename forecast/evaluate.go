package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// EvaluateOptions say how Evaluate scores.
type EvaluateOptions struct {
	// Horizons are the steps ahead that are scored, each at least 1.
	Horizons []int
	// WarmUp is the number of leading steps that are scored for nobody: the models
	// are first fitted on them and the intervals calibrated on the last quarter of
	// them. 0 means a quarter of the series.
	WarmUp int
	// RefitEvery is the number of steps between two fits after the first; 0 means
	// that the first fit stays and is only updated.
	RefitEvery int
	// Window is the longest history given to a fit, in steps; 0 means all of it.
	Window int
	// Levels are the quantile levels, in (0, 1), that Pinball is the mean over; nil
	// means 0.5, 0.9, 0.95 and 0.99.
	Levels []float64
	// Season is the period in steps of the seasonal naive forecast that scales MASE
	// and RMSSE; below 1 counts as 1.
	Season int
	// TrackHorizon is the horizon of which the forecasts are kept, one of Horizons;
	// 0 keeps none.
	TrackHorizon int
	// TrackModels are the names of the models whose forecasts are kept; empty means
	// all of them.
	TrackModels []string
	// Progress is told now and then how many of all steps are done; nil is allowed.
	Progress func(done, total int)
}

// An Evaluation is the score of several models on one series.
type Evaluation struct {
	// FirstOrigin is the instant of the first forecast: the last of the warm-up.
	FirstOrigin time.Time
	Models      []ModelEvaluation // in the order given
}

// A ModelEvaluation is the score of one model.
type ModelEvaluation struct {
	Name     string
	Horizons []HorizonScore // in the order of EvaluateOptions.Horizons
	// Fits and Updates count the work done; a refit for which the window was too
	// short counts in SkippedFits and leaves the predictor as it was.
	Fits, SkippedFits, Updates int
	// Track holds the forecasts at TrackHorizon, nil where they were not asked for.
	Track *Track
	// Blocks are the errors by blocks of time, in the order of Horizons.
	Blocks []ErrorBlocks
}

// A HorizonScore is the score of one model at one horizon. A measure that is not
// defined is NaN.
type HorizonScore struct {
	Horizon    int     // steps
	N          int     // scored points: observed ones, the same for every model
	Accuracy   float64 // 1 - WAPE
	WAPE       float64
	MASE       float64
	RMSSE      float64
	Pinball    float64 // mean over the levels, in the unit of the series
	Coverage80 float64 // share within the quantiles at 0.1 and 0.9
	Coverage95 float64 // share within the quantiles at 0.025 and 0.975
	Bias       float64
}

// A Track is what was forecast for each scored instant, missing ones included, and
// what came.
type Track struct {
	Horizon          int // steps
	Time             []time.Time
	Actual           []float64 // NaN: missing
	Point            []float64
	Lower80, Upper80 []float64
	Lower95, Upper95 []float64
}

// Evaluate scores models by rolling origin: from the end of the warm-up on, each
// model forecasts at every step from what was observed until then, and is compared
// with what came. The models get intervals by Conformal with its defaults.
//
// At horizon h the instants from WarmUp-1+h to the end are scored, as far as they
// are observed: the same for every model. It returns all faults of the options at
// once, the error of a first fit, or ctx.Err().
func Evaluate(ctx context.Context, s Series, models []Model, opt EvaluateOptions) (Evaluation, error) {
	opt = opt.withDefaults(len(s.Values))
	if err := opt.validate(len(s.Values)); err != nil {
		return Evaluation{}, fmt.Errorf("evaluate forecasts: %w", err)
	}
	evaluation := Evaluation{FirstOrigin: s.Time(opt.WarmUp - 1)}
	e := evaluator{series: s, opt: opt, total: len(models) * (len(s.Values) - opt.WarmUp)}
	e.absolute, e.square = SeasonalErrors(s.Values[:opt.WarmUp], opt.Season)
	for _, m := range models {
		scored, err := e.model(ctx, m)
		if err != nil {
			return Evaluation{}, fmt.Errorf("evaluate %s: %w", m.Name(), err)
		}
		evaluation.Models = append(evaluation.Models, scored)
	}
	return evaluation, nil
}

func (o EvaluateOptions) withDefaults(n int) EvaluateOptions {
	if o.WarmUp == 0 {
		o.WarmUp = n / 4
	}
	if o.Levels == nil {
		o.Levels = []float64{.5, .9, .95, .99}
	}
	return o
}

func (o EvaluateOptions) validate(n int) error {
	faults := []error{}
	if err := (Conformal{Horizons: o.Horizons}).Validate(); err != nil {
		faults = append(faults, err)
	}
	if o.WarmUp < 1 || o.WarmUp >= n {
		faults = append(faults, fmt.Errorf("warm-up of %d steps in a series of %d", o.WarmUp, n))
	}
	if o.RefitEvery < 0 {
		faults = append(faults, fmt.Errorf("refit every %d steps", o.RefitEvery))
	}
	if o.Window < 0 {
		faults = append(faults, fmt.Errorf("window of %d steps", o.Window))
	}
	for _, q := range o.Levels {
		if !(q > 0 && q < 1) {
			faults = append(faults, fmt.Errorf("level %v is not between 0 and 1", q))
		}
	}
	if o.TrackHorizon != 0 && !slices.Contains(o.Horizons, o.TrackHorizon) {
		faults = append(faults, fmt.Errorf("horizon %d to be kept is not scored", o.TrackHorizon))
	}
	return errors.Join(faults...)
}

func (o EvaluateOptions) tracks(name string) bool {
	return o.TrackHorizon > 0 && (len(o.TrackModels) == 0 || slices.Contains(o.TrackModels, name))
}

// An evaluator is what the models of one Evaluate share.
type evaluator struct {
	series           Series
	opt              EvaluateOptions
	absolute, square float64
	done, total      int
}

func (e *evaluator) model(ctx context.Context, m Model) (ModelEvaluation, error) {
	result := ModelEvaluation{Name: m.Name()}
	predictor, err := e.warmUp(ctx, m, &result)
	if err != nil {
		return ModelEvaluation{}, err
	}
	if e.opt.tracks(result.Name) {
		result.Track = &Track{Horizon: e.opt.TrackHorizon}
	}
	scores := make([]horizonSums, len(e.opt.Horizons))
	result.Blocks = newErrorBlocks(e.series, e.opt.WarmUp, e.opt.Horizons)
	values := e.series.Values
	for t := e.opt.WarmUp - 1; t < len(values); t++ {
		if t >= e.opt.WarmUp {
			if err := e.advance(ctx, m, predictor, t, &result); err != nil {
				return ModelEvaluation{}, err
			}
		}
		for i, h := range e.opt.Horizons {
			if t+h >= len(values) {
				continue
			}
			point := predictor.point[h-1]
			b := bounds{
				lower80: predictor.intervals.Quantile(h, .1), upper80: predictor.intervals.Quantile(h, .9),
				lower95: predictor.intervals.Quantile(h, .025), upper95: predictor.intervals.Quantile(h, .975),
			}
			if result.Track != nil && h == result.Track.Horizon {
				result.Track.append(e.series.Time(t+h), values[t+h], point, b)
			}
			if y := values[t+h]; !math.IsNaN(y) {
				scores[i].add(y, point, b)
				result.Blocks[i].add(t+h-e.opt.WarmUp, y, point)
				for _, q := range e.opt.Levels {
					scores[i].pinball.add(pinballLoss(y, predictor.intervals.Quantile(h, q), q))
				}
			}
		}
	}
	for i, h := range e.opt.Horizons {
		result.Horizons = append(result.Horizons, scores[i].score(h, e.absolute, e.square))
	}
	return result, nil
}

// warmUp returns the model fitted on the warm-up, with intervals calibrated on the
// errors that a fit on the first three quarters of it makes on the last.
func (e *evaluator) warmUp(ctx context.Context, m Model, result *ModelEvaluation) (*Calibrated, error) {
	intervals := Conformal{Horizons: e.opt.Horizons}
	end := e.opt.WarmUp
	split := end - end/4
	var calibrated *Calibrated
	early, err := e.fit(ctx, m, split, result)
	switch {
	case err == nil:
		if calibrated, err = NewCalibrated(early, intervals, Conformal{}); err != nil {
			return nil, err
		}
		for t := split; t < end-1; t++ {
			calibrated.Update(e.series.Values[t])
			result.Updates++
		}
	case !errors.Is(err, ErrTooShort):
		return nil, err
	}
	fitted, err := e.fit(ctx, m, end, result)
	if err != nil {
		return nil, err
	}
	if calibrated == nil {
		if calibrated, err = NewCalibrated(fitted, intervals, Conformal{}); err != nil {
			return nil, err
		}
	}
	calibrated.Refit(fitted, e.series.Values[end-1])
	return calibrated, nil
}

// advance moves the predictor to step t, by a refit where one is due.
func (e *evaluator) advance(ctx context.Context, m Model, predictor *Calibrated, t int, result *ModelEvaluation) error {
	if e.done++; e.done%1024 == 0 || e.done == e.total {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.opt.Progress != nil {
			e.opt.Progress(e.done, e.total)
		}
	}
	if e.opt.RefitEvery > 0 && (t+1-e.opt.WarmUp)%e.opt.RefitEvery == 0 {
		fitted, err := e.fit(ctx, m, t+1, result)
		if err == nil {
			predictor.Refit(fitted, e.series.Values[t])
			return nil
		}
		if !errors.Is(err, ErrTooShort) {
			return err
		}
		result.SkippedFits++
	}
	predictor.Update(e.series.Values[t])
	result.Updates++
	return nil
}

// fit fits on the window that ends before step end.
func (e *evaluator) fit(ctx context.Context, m Model, end int, result *ModelEvaluation) (Predictor, error) {
	start := 0
	if e.opt.Window > 0 {
		start = max(0, end-e.opt.Window)
	}
	past := Series{Start: e.series.Time(start), Step: e.series.Step, Values: e.series.Values[start:end:end]}
	p, err := m.Fit(ctx, past)
	if err != nil {
		return nil, fmt.Errorf("fit on %d steps: %w", len(past.Values), err)
	}
	result.Fits++
	return p, nil
}

// bounds are the two intervals of one forecast.
type bounds struct{ lower80, upper80, lower95, upper95 float64 }

// horizonSums gathers the score of one horizon.
type horizonSums struct {
	point                           pointScore
	pinball, coverage80, coverage95 sum
}

func (s *horizonSums) add(y, point float64, b bounds) {
	s.point.add(y, point)
	s.coverage80.add(covered(y, b.lower80, b.upper80))
	s.coverage95.add(covered(y, b.lower95, b.upper95))
}

func (s *horizonSums) score(horizon int, absolute, square float64) HorizonScore {
	return HorizonScore{
		Horizon:    horizon,
		N:          s.point.actual.n,
		Accuracy:   1 - s.point.wape(),
		WAPE:       s.point.wape(),
		MASE:       s.point.mase(absolute),
		RMSSE:      s.point.rmsse(square),
		Pinball:    s.pinball.mean(),
		Coverage80: s.coverage80.mean(),
		Coverage95: s.coverage95.mean(),
		Bias:       s.point.bias(),
	}
}

func (t *Track) append(at time.Time, actual, point float64, b bounds) {
	t.Time = append(t.Time, at)
	t.Actual = append(t.Actual, actual)
	t.Point = append(t.Point, point)
	t.Lower80 = append(t.Lower80, b.lower80)
	t.Upper80 = append(t.Upper80, b.upper80)
	t.Lower95 = append(t.Lower95, b.lower95)
	t.Upper95 = append(t.Upper95, b.upper95)
}
