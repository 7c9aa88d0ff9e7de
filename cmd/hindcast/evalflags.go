package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// evalFlags are what `forecast eval` is asked to do with every load.
type evalFlags struct {
	models   []string
	horizons []horizon // as given
	warmup   v1alpha1.ExperimentSpec
	refit    refit
	events   []forecast.Event
	location *time.Location // of the clock by which models count days
	shown    string         // the model whose forecasts are kept and drawn, "" for none
}

// A horizon is a length of time ahead.
type horizon struct {
	ahead time.Duration
	ready bool // what V3 looks ahead
}

// refit says when models are fitted anew: after each time, and earlier where little was
// known, after each number of steps, or never where both are 0; on drift, that long apart
// at least.
type refit struct {
	after time.Duration
	steps int
	drift bool
	words string
}

// driftRefit is the least time between two refits on drift.
const driftRefit = time.Hour

// readyHorizon is the name of the horizon that scaling up needs.
const readyHorizon = "ready"

// readyAfter is how long a replica of the built-in application takes, in nineteen of
// twenty cases, until it serves at full speed.
func readyAfter() datasets.Duration {
	var x v1alpha1.Experiment
	x.Default()
	app := x.Spec.App
	return datasets.Duration(app.TimeToReady.P95.Duration + app.WarmUp.Duration.Duration)
}

// evalPlansOf reads the flags and the loads, and tells all faults of the flags at once.
func evalPlansOf(c *cli.Context) ([]*evalPlan, error) {
	data := c.StringSlice("data")
	if len(data) == 0 {
		return nil, errors.New("forecast eval needs --data FILE or scenario:NAME; see `hindcast forecast eval --help`")
	}
	units, noUnits := evalUnits(c.StringSlice("unit"), data)
	flags, noFlags := evalFlagsOf(c)
	if err := errors.Join(noUnits, noFlags); err != nil {
		return nil, err
	}
	var plans []*evalPlan
	var faults []error
	from := map[string]string{}
	for i, d := range data {
		p, err := newEvalPlan(flags, d, units[i])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if first, ok := from[p.load.Name]; ok {
			faults = append(faults, fmt.Errorf("%s and %s are both called %q; give each load once, or rename a file", first, d, p.load.Name))
		}
		from[p.load.Name] = d
		plans = append(plans, p)
	}
	return plans, errors.Join(faults...)
}

// evalUnits returns the unit of every load, "" where nobody says it.
func evalUnits(given, data []string) ([]string, error) {
	var faults []error
	for _, unit := range given {
		if _, err := datasets.ParseUnit(unit); err != nil {
			faults = append(faults, fmt.Errorf("--unit: %w", err))
		}
	}
	units := make([]string, len(data))
	switch len(given) {
	case 0:
	case 1:
		for i := range units {
			units[i] = given[0]
		}
	case len(data):
		copy(units, given)
	default:
		faults = append(faults, fmt.Errorf("--unit: %d units for %d loads; give it once for all, or once for each --data", len(given), len(data)))
	}
	return units, errors.Join(faults...)
}

func evalFlagsOf(c *cli.Context) (*evalFlags, error) {
	f := &evalFlags{warmup: v1alpha1.ExperimentSpec{Warmup: c.String("warmup")}}
	list := strings.Join(evalModels, ",")
	if c.IsSet("models") {
		list = c.String("models")
	}
	var noModels, noHorizons, noRefit error
	f.models, noModels = modelIDs(list, "naive", "seasonal-naive")
	f.horizons, noHorizons = parseHorizons(c.String("horizons"), c.String("ready"))
	f.refit, noRefit = parseRefit(c.String("refit"))
	noEvents := f.readEvents(c)
	var noOutput error
	if c.IsSet("output") && c.String("output") == "" {
		noOutput = errors.New("--output: is empty; give a folder")
	}
	_, _, noWarmup := f.warmup.WarmupPart()
	if noWarmup != nil {
		noWarmup = fmt.Errorf("--warmup: %w; write a percentage such as 25%% or a duration such as 24h", noWarmup)
	}
	if c.IsSet("output") && noModels == nil {
		f.shown = f.models[len(f.models)-1]
		if slices.Contains(f.models, forecast.DefaultModel) {
			f.shown = forecast.DefaultModel
		}
	}
	return f, errors.Join(noModels, noHorizons, noWarmup, noRefit, noEvents, checkOutput(c, "json"), noOutput)
}

// readEvents reads --events, which some of the models must know, and --timezone.
func (f *evalFlags) readEvents(c *cli.Context) error {
	var faults []error
	if c.IsSet("events") && !slices.ContainsFunc(f.models, forecast.KnowsEvents) {
		faults = append(faults, errors.New("--events: none of the models makes use of it; add prophet to --models"))
	}
	zone, err := time.LoadLocation(c.String("timezone"))
	if err != nil || c.String("timezone") == "" {
		return errors.Join(append(faults, fmt.Errorf("--timezone: %q is not known; write a name such as Europe/Berlin", c.String("timezone")))...)
	}
	f.location = zone
	if c.IsSet("events") {
		if f.events, err = readEvents(c.String("events"), zone); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func parseHorizons(list, ready string) ([]horizon, error) {
	var horizons []horizon
	var faults []error
	after, err := positive(ready)
	if err != nil {
		faults = append(faults, fmt.Errorf("--ready: %w", err))
	}
	for text := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(text) == readyHorizon {
			horizons = append(horizons, horizon{time.Duration(after) + policy.V3Interval, true})
			continue
		}
		d, err := positive(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--horizons: %w, or ready", err))
		}
		horizons = append(horizons, horizon{ahead: time.Duration(d)})
	}
	return horizons, errors.Join(faults...)
}

func parseRefit(text string) (refit, error) {
	switch text {
	case "never":
		return refit{words: "never"}, nil
	case "drift":
		return refit{after: driftRefit, drift: true, words: "on drift, at least " + datasets.Duration(driftRefit).String() + " apart"}, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return refit{steps: n, words: fmt.Sprintf("every %d steps", n)}, nil
	}
	d, err := positive(text)
	if err != nil {
		return refit{}, fmt.Errorf("--refit: %w, a number of steps, drift or never", err)
	}
	return refit{after: time.Duration(d), words: "every " + d.String() + ", earlier where little was known"}, nil
}

// apply sets how models are fitted anew on a load of this step.
func (r refit) apply(opt *forecast.EvaluateOptions, step time.Duration) {
	opt.RefitEvery = r.steps
	if r.after > 0 {
		opt.RefitEvery, opt.RefitEarly = steps(r.after, step), true
	}
	if r.drift {
		opt.Drift = &forecast.PageHinkley{}
	}
}
