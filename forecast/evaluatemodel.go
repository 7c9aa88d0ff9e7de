package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// An evaluator is what the models of one Evaluate share.
type evaluator struct {
	series           Series
	opt              EvaluateOptions
	levels           levels
	absolute, square float64
	done, total      int
}

// score runs one model over the series.
func (e *evaluator) score(ctx context.Context, m Model) (ModelEvaluation, error) {
	t := &trial{evaluator: e, model: m}
	t.result.Name = m.Name()
	if e.opt.tracks(t.result.Name) {
		t.result.Track = &Track{Horizon: e.opt.TrackHorizon}
	}
	if e.opt.Drift != nil {
		t.watch = newDriftWatch(*e.opt.Drift, slices.Min(e.opt.Horizons))
	} else if e.opt.RefitEarly && e.opt.RefitEvery > 0 {
		t.renewal = &Renewal{Every: e.opt.RefitEvery}
	}
	if err := t.warmUp(ctx); err != nil {
		return ModelEvaluation{}, err
	}
	sums := newModelSums(e)
	t.result.Blocks = newErrorBlocks(e.series, e.opt.WarmUp, e.opt.Horizons)
	for step := e.opt.WarmUp - 1; step < len(e.series.Values); step++ {
		if step >= e.opt.WarmUp {
			if err := t.advance(ctx, step); err != nil {
				return ModelEvaluation{}, err
			}
		}
		if t.watch != nil {
			t.watch.issue(t.calibrated.point[t.watch.horizon-1])
		}
		sums.add(t.calibrated, step, &t.result)
		if weights := WeightsOf(t.guard); weights != nil {
			t.weights.add(weights)
		}
	}
	sums.finish(&t.result)
	t.result.Weights = t.weights.mean()
	t.result.Failures = t.guard.Failures()
	return t.result, nil
}

// A trial is one model on its way through the series.
type trial struct {
	*evaluator
	model      Model
	guard      *Fallback   // around the model's predictor in force
	calibrated *Calibrated // around the guard
	fitted     int         // length of the series at the newest fit
	pending    *pendingFit
	watch      *driftWatch // nil: refits come by the clock
	renewal    *Renewal    // nil: and by nothing else
	weights    meanWeights
	result     ModelEvaluation
}

// A pendingFit is a predictor whose fit is still going on in the time of the series.
type pendingFit struct {
	predictor Predictor
	until     int // the step at which it takes over
}

// warmUp leaves the model fitted on the warm-up, with intervals calibrated on the
// errors that a fit on the first three quarters of it makes on the last.
func (t *trial) warmUp(ctx context.Context) error {
	end := t.opt.WarmUp
	split := min(end-end/4, end-1)
	t.guard = &Fallback{model: t.model, last: math.NaN()}
	for _, y := range t.series.Values[:split] {
		t.guard.see(y)
	}
	early, err := t.fit(ctx, split)
	switch {
	case err == nil:
		t.guard.adopt(early)
		if err := t.calibrate(); err != nil {
			return err
		}
		for _, y := range t.series.Values[split : end-1] {
			t.calibrated.Update(y)
			t.result.Updates++
		}
	case !errors.Is(err, ErrTooShort):
		return err
	default:
		for _, y := range t.series.Values[split : end-1] {
			t.guard.see(y)
		}
	}
	fitted, err := t.fit(ctx, end)
	if err != nil {
		return err
	}
	if t.calibrated == nil {
		if err := t.calibrate(); err != nil {
			return err
		}
	}
	t.step(fitted, t.series.Values[end-1])
	return nil
}

// calibrate puts intervals around the predictor.
func (t *trial) calibrate() (err error) {
	p := Predictor(t.guard)
	if t.opt.Stopwatch != nil {
		p = &timedPredictor{Fallback: t.guard, watch: t.opt.Stopwatch, spent: &t.result.UpdateTime}
	}
	t.calibrated, err = NewCalibrated(p, Conformal{Horizons: t.opt.Horizons}, Conformal{})
	return err
}

// advance moves the predictor to a step, by a refit where one is due.
func (t *trial) advance(ctx context.Context, step int) error {
	if t.done++; t.done%1024 == 0 || t.done == t.total {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.opt.Progress != nil {
			t.opt.Progress(t.done, t.total)
		}
	}
	y := t.series.Values[step]
	if t.watch != nil {
		t.watch.observe(y)
	}
	outdated := t.renewal != nil && t.renewal.Observe(y)
	next := t.catchUp(step, y)
	if outdated && t.pending == nil || t.due(step) {
		fitted, wait, err := t.refit(ctx, step+1)
		switch {
		case err != nil:
			return err
		case fitted != nil && wait == 0:
			next = fitted
		case fitted != nil:
			t.pending = &pendingFit{predictor: fitted, until: step + wait}
		}
	}
	t.step(next, y)
	if t.pending != nil {
		t.result.Waited++
	}
	return nil
}

// step takes an observation, by a predictor that takes over and has seen it already, or
// by the one in force where that is nil.
func (t *trial) step(next Predictor, y float64) {
	if next == nil {
		t.calibrated.Update(y)
		t.result.Updates++
		return
	}
	t.guard.see(y)
	t.guard.adopt(next)
	// The predictor behind the guard is a new one.
	t.calibrated.Refit(t.calibrated.predictor, y)
	if t.watch != nil {
		t.watch.reset()
	}
}

// catchUp moves a pending predictor on, and returns it when its time has come.
func (t *trial) catchUp(step int, y float64) Predictor {
	p := t.pending
	if p == nil {
		return nil
	}
	started := t.clock()
	p.predictor.Update(y)
	t.result.UpdateTime += t.clock() - started
	t.result.Updates++
	if step < p.until {
		return nil
	}
	t.pending = nil
	return p.predictor
}

func (t *trial) due(step int) bool {
	every := t.opt.RefitEvery
	switch {
	case every == 0:
		return false
	case t.watch != nil:
		return t.watch.alarmed && t.pending == nil && step+1-t.fitted >= every
	}
	return (step+1-t.opt.WarmUp)%every == 0
}

// refit fits on the window that ends before step end, and says for how many steps that
// goes on. It returns nil where nothing came of it.
func (t *trial) refit(ctx context.Context, end int) (p Predictor, wait int, err error) {
	if t.pending != nil {
		t.result.SkippedFits++
		return nil, 0, nil
	}
	if p, err = t.fit(ctx, end); errors.Is(err, ErrTooShort) {
		t.result.SkippedFits++
		err = nil
	}
	if t.watch != nil {
		t.watch.reset()
	}
	coster, ok := t.model.(Coster)
	if p == nil || err != nil || !ok {
		return p, 0, err
	}
	operations := coster.FitOperations
	if c, ok := coster.(RefitCoster); ok {
		if _, again := t.guard.predictor.(Refitter); again {
			operations = c.RefitOperations
		}
	}
	cost := math.Ceil(operations(len(t.window(end))) * t.opt.NanosecondsPerOperation)
	if !(cost > 0) {
		return p, 0, nil
	}
	charged := time.Duration(min(cost, float64(math.MaxInt64/2)))
	t.result.Charged += charged
	return p, int((charged-1)/t.series.Step) + 1, nil
}

// fit fits on the window that ends before step end. It returns nil where the model
// failed, which the guard has counted.
func (t *trial) fit(ctx context.Context, end int) (Predictor, error) {
	values := t.window(end)
	t.fitted = end
	if t.renewal != nil {
		t.renewal.Fitted(values)
	}
	started := t.clock()
	p, err := t.guard.try(ctx, Series{Start: t.series.Time(end - len(values)), Step: t.series.Step, Values: values})
	t.result.FitTime += t.clock() - started
	if err != nil {
		return nil, fmt.Errorf("fit on %d steps: %w", len(values), err)
	}
	if p != nil {
		t.result.Fits++
	}
	return p, nil
}

// window is what a fit at the given end sees; the future is out of its reach.
func (t *trial) window(end int) []float64 {
	start := 0
	if t.opt.Window > 0 {
		start = max(0, end-t.opt.Window)
	}
	return t.series.Values[start:end:end]
}

func (t *trial) clock() time.Duration {
	if t.opt.Stopwatch == nil {
		return 0
	}
	return t.opt.Stopwatch()
}

// A timedPredictor measures what its updates and forecasts take.
type timedPredictor struct {
	*Fallback
	watch func() time.Duration
	spent *time.Duration
}

func (p *timedPredictor) Update(y float64) {
	started := p.watch()
	p.Fallback.Update(y)
	*p.spent += p.watch() - started
}

func (p *timedPredictor) Predict(dst []float64) {
	started := p.watch()
	p.Fallback.Predict(dst)
	*p.spent += p.watch() - started
}
