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
	// RefitEarly asks for fits between these where a Renewal says that what was fitted is
	// outdated. It has no effect with Drift.
	RefitEarly bool
	// Drift asks for a refit only where the model's forecasts at the shortest horizon lose
	// ground against last value, as this detector judges, and RefitEvery is then the least
	// number of steps between two fits, at least 1. The detector is given |y-f| less
	// |y-last|, relative to the mean of the latter over about a hundred steps, within 3 of
	// 0. nil means that refits come by the clock alone.
	Drift *PageHinkley
	// NanosecondsPerOperation is what a floating-point operation of a fit costs in the
	// time of the series, for models that are Costers; 0 means that fits take no time. A
	// refit takes over so many whole steps later as it takes, caught up by updates, and the
	// predictor before it forecasts until then. The first fit is not charged: there was a
	// warm-up to do it in.
	NanosecondsPerOperation float64
	// Stopwatch returns the time that has passed since any instant, to measure what fits
	// and updates take; nil measures nothing. It changes no score.
	Stopwatch func() time.Duration
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
	// FanOrigins are the steps after whose observation the forecasts at all of Horizons are
	// kept.
	FanOrigins []int
	// KeepErrors keeps the errors at the first of Horizons, to compare models by.
	KeepErrors bool
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
	// Hours are the scores at the first of the horizons by the hour of the day (UTC) that
	// was forecast.
	Hours [24]HourScore
	// Errors are y - f at the first horizon, for each scored instant, NaN where nothing was
	// observed; nil where they were not asked for.
	Errors []float64
	// Weights are what the model's experts counted in the mean over all forecasts, nil
	// where it has none.
	Weights []Weight
	Work
	// Failures tell where the model failed and something simpler stood in: the predictor
	// before a refit, or the last value.
	Failures Failures
	// Track holds the forecasts at TrackHorizon, nil where they were not asked for.
	Track *Track
	// Blocks are the errors by blocks of time, in the order of Horizons.
	Blocks []ErrorBlocks
	// Fans are the forecasts made at FanOrigins.
	Fans []Fan
}

// A Fan is what was forecast at one instant for several horizons.
type Fan struct {
	Origin  time.Time // of the newest observation
	Last    float64   // that observation, NaN where it is missing
	Horizon []int     // steps, ascending
	Point   []float64
	// The quantiles at 0.25 and 0.75, 0.1 and 0.9, 0.025 and 0.975.
	Lower50, Upper50 []float64
	Lower80, Upper80 []float64
	Lower95, Upper95 []float64
}

// Work is what a model did while it was scored.
type Work struct {
	// Fits and Updates count the work done. A refit that fell due while the one before had
	// not taken over yet, or for which the window was too short, counts in SkippedFits and
	// leaves the predictor as it was.
	Fits, SkippedFits, Updates int
	// Charged is the time of the series that fits took by their declared cost, and Waited
	// the number of forecasts that were made by an older predictor meanwhile.
	Charged time.Duration
	Waited  int
	// FitTime and UpdateTime are by the Stopwatch: of fits, and of updates with the
	// forecast after each. They differ from run to run.
	FitTime, UpdateTime time.Duration
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
	Coverage50 float64 // share within the quantiles at 0.25 and 0.75
	Coverage80 float64 // share within the quantiles at 0.1 and 0.9
	Coverage95 float64 // share within the quantiles at 0.025 and 0.975
	Error80    float64 // standard error of Coverage80, dependence counted
	Error95    float64
	Width80    float64 // mean width of that interval, as a fraction of the mean of |y|
	Width95    float64
	Within10   float64 // share of forecasts that are off by 10 % of y at most
	Bias       float64
}

// An HourScore is the score of one hour of the day over all days.
type HourScore struct {
	N          int
	WAPE, Bias float64
}

// A Track is what was forecast for each scored instant, missing ones included, and
// what came.
type Track struct {
	Horizon          int // steps
	Time             []time.Time
	Actual           []float64 // NaN: missing
	Point            []float64
	Lower50, Upper50 []float64
	Lower80, Upper80 []float64
	Lower95, Upper95 []float64
}

// Skill returns 1 - wape/reference: how much of the error of a reference forecast a model
// saves; below 0 it adds to it. It is NaN where the reference is never wrong.
func Skill(wape, reference float64) float64 { return 1 - fraction(wape, reference) }

// Evaluate scores models by rolling origin: from the end of the warm-up on, each
// model forecasts at every step from what was observed until then, and is compared
// with what came. The models get intervals by Conformal with its defaults.
//
// At horizon h the instants from WarmUp-1+h to the end are scored, as far as they
// are observed: the same for every model. Where a model fails something simpler stands
// in, which is counted (see Fallback), and the others go on. Evaluate returns all faults
// of the options at once, that the warm-up is too short to fit a model to, or ctx.Err().
func Evaluate(ctx context.Context, s Series, models []Model, opt EvaluateOptions) (Evaluation, error) {
	opt = opt.withDefaults(len(s.Values))
	if err := opt.validate(len(s.Values)); err != nil {
		return Evaluation{}, fmt.Errorf("evaluate forecasts: %w", err)
	}
	evaluation := Evaluation{FirstOrigin: s.Time(opt.WarmUp - 1)}
	e := evaluator{series: s, opt: opt, levels: newLevels(opt.Levels), total: len(models) * (len(s.Values) - opt.WarmUp)}
	e.absolute, e.square = SeasonalErrors(s.Values[:opt.WarmUp], opt.Season)
	for _, m := range models {
		scored, err := e.score(ctx, m)
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
	if o.Drift != nil && o.RefitEvery == 0 {
		faults = append(faults, errors.New("a refit on drift needs the least number of steps between two"))
	}
	if !(o.NanosecondsPerOperation >= 0) || math.IsInf(o.NanosecondsPerOperation, 0) {
		faults = append(faults, fmt.Errorf("%v ns an operation", o.NanosecondsPerOperation))
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
