package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

func forecastEvalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "score models on a load, out of sample",
		Description: "At every step after the warm-up each model forecasts from what was observed until then\n" +
			"(rolling origin). Accuracy is 1 - WAPE; pinball is in the unit of the load, the mean over\n" +
			"quantiles 0.5, 0.9, 0.95 and 0.99. naive and seasonal-naive are always scored beside the\n" +
			"others. Loads with steps below a minute are scored by the minute where every horizon\n" +
			"allows it. A fit sees the last 28 days, and takes over when the time that it is declared to\n" +
			"take has passed in the load.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "load: `FILE` or scenario:NAME; required"},
			&cli.StringFlag{Name: "unit", Usage: "what the values of the data are: `UNIT` is " + unitList(), DefaultText: "rps, or the scenario's own"},
			&cli.StringFlag{Name: "models", Usage: "comma-separated `IDS`: " + strings.Join(forecast.Names(), ", "), DefaultText: strings.Join(evalModels, ",")},
			&cli.StringFlag{Name: "horizons", Usage: "comma-separated `TIMES` ahead, rounded up to whole steps", Value: "5m,10m"},
			&cli.StringFlag{Name: "warmup", Usage: "score nobody on the first `PART` of the data, as 25% or 24h", Value: "25%"},
			&cli.StringFlag{Name: "refit", Usage: "fit anew after each `TIME`, or never; between fits models are updated", Value: "24h"},
			&cli.StringFlag{Name: "json", Usage: "write the scores to `FILE` too, as JSON; - writes them to standard output instead of the table"},
		},
		Action: runForecastEval,
	}
}

// evalModels are scored where nobody chose any.
var evalModels = []string{"naive", "seasonal-naive", forecast.DefaultModel}

// As in a backtest: the step of loads recorded at shorter ones, and the longest past
// that a fit is given.
const (
	scoredStep   = time.Minute
	modelHistory = 28 * 24 * time.Hour
)

// An evalPlan says what `forecast eval` scores and how.
type evalPlan struct {
	models   []string
	horizons []time.Duration // ascending, as asked for
	refit    time.Duration   // 0: never
	load     datasets.Series // as recorded
	said     string          // who says what its unit is
	series   datasets.Series // as scored
	options  forecast.EvaluateOptions
	seasons  []int // steps
}

func runForecastEval(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("forecast eval takes no argument, got %q; data is given by --data", c.Args().First())
	}
	p, err := evalPlanOf(c)
	if err != nil {
		return err
	}
	m := newMeter(c.App.ErrWriter)
	scores, err := p.evaluate(c, m)
	m.clear()
	if err != nil {
		return err
	}
	json, err := evalJSON(p, scores)
	if err != nil {
		return err
	}
	text, err := evalText(p, scores)
	if err != nil {
		return err
	}
	return writeResult(c, "json", json, text)
}

// evalPlanOf reads the flags and the load, and tells all faults of the flags at once.
func evalPlanOf(c *cli.Context) (*evalPlan, error) {
	p := &evalPlan{}
	data := c.String("data")
	if data == "" {
		return nil, errors.New("forecast eval needs --data FILE or scenario:NAME; see `hindcast forecast eval --help`")
	}
	list := strings.Join(evalModels, ",")
	if c.IsSet("models") {
		list = c.String("models")
	}
	var noModels, noUnit error
	p.models, noModels = modelIDs(list, "naive", "seasonal-naive")
	if unit := c.String("unit"); unit != "" {
		if _, err := datasets.ParseUnit(unit); err != nil {
			noUnit = fmt.Errorf("--unit: %w", err)
		}
	}
	spec := v1alpha1.ExperimentSpec{Warmup: c.String("warmup")}
	_, _, noWarmup := spec.WarmupPart()
	if noWarmup != nil {
		noWarmup = fmt.Errorf("--warmup: %w; write a percentage such as 25%% or a duration such as 24h", noWarmup)
	}
	err := errors.Join(noUnit, noModels, p.setHorizons(c.String("horizons")), noWarmup, p.setRefit(c.String("refit")), checkOutput(c, "json"))
	if err != nil {
		return nil, err
	}
	if p.load, p.said, err = openLoad(data, c.String("unit")); err != nil {
		return nil, err
	}
	if err := enough(p.load, data); err != nil {
		return nil, err
	}
	if err := p.arrange(spec); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.past(p.options.WarmUp).Values, func(v float64) bool { return !math.IsNaN(v) }) {
		return nil, fmt.Errorf("%s: the warm-up has no value; lengthen it with --warmup", data)
	}
	return p, nil
}

func (p *evalPlan) setHorizons(list string) error {
	var faults []error
	for text := range strings.SplitSeq(list, ",") {
		d, err := positive(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--horizons: %w", err))
		}
		p.horizons = append(p.horizons, time.Duration(d))
	}
	slices.Sort(p.horizons)
	p.horizons = slices.Compact(p.horizons)
	return errors.Join(faults...)
}

func (p *evalPlan) setRefit(text string) error {
	if text == "never" {
		return nil
	}
	d, err := positive(text)
	if err != nil {
		return fmt.Errorf("--refit: %w, or never", err)
	}
	p.refit = time.Duration(d)
	return nil
}

// arrange turns times into steps and finds the seasons of the warm-up.
func (p *evalPlan) arrange(spec v1alpha1.ExperimentSpec) error {
	p.series = p.load
	if p.load.Step < scoredStep && scoredStep%p.load.Step == 0 && p.horizons[0] >= scoredStep {
		var err error
		if p.series, err = datasets.Resample(p.load, scoredStep); err != nil {
			return err
		}
	}
	step, n := p.series.Step, len(p.series.Values)
	share, warmUp, err := spec.WarmupPart()
	if err != nil {
		return err
	}
	if warmUp == 0 {
		warmUp = time.Duration(share * float64(n) * float64(step))
	}
	if warmUp > time.Duration(n-1)*step {
		return fmt.Errorf("--warmup: %s leaves nothing of %v to score; shorten it", spec.Warmup, datasets.Duration(step)*datasets.Duration(n))
	}
	opt := &p.options
	opt.NanosecondsPerOperation = 1
	opt.WarmUp = max(1, steps(warmUp, step))
	opt.Window = max(1, int(modelHistory/step))
	if p.refit > 0 {
		opt.RefitEvery = steps(p.refit, step)
	}
	for _, h := range p.horizons {
		if h > time.Duration(n-opt.WarmUp)*step {
			return fmt.Errorf("--horizons: %v is more than the %v after the warm-up; shorten it",
				datasets.Duration(h), datasets.Duration(n-opt.WarmUp)*datasets.Duration(step))
		}
		opt.Horizons = append(opt.Horizons, steps(h, step))
	}
	opt.Horizons = slices.Compact(opt.Horizons)
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
func (p *evalPlan) evaluate(c *cli.Context, m *meter) ([]modelScore, error) {
	whole := p.past(len(p.series.Values))
	var scores []modelScore
	for i, id := range p.models {
		model, err := forecast.ByName(id, forecast.Settings{Step: whole.Step, Seasons: noneNotNil(p.seasons), Season: p.options.Season, Horizon: slices.Max(p.options.Horizons)})
		if err != nil {
			return nil, err
		}
		opt := p.options
		opt.Progress = func(done, total int) { m.showSteps(id, i*total+done, len(p.models)*total) }
		e, err := forecast.Evaluate(c.Context, whole, []forecast.Model{model}, opt)
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
