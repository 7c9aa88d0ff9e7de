package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Auto forecasts by many models at once, its experts, weighed at every step and for
// every horizon by how they did (see mixture): no model is the best on every load (Kim,
// Wang, Qi and Humphrey, IEEE CLOUD 2016), and which one is shows only in use. What it
// loses against the best of them in hindsight is bounded, and where experts err in
// different ways it is better than each of them.
//
// Fit has the experts forecast the newest part of the past, for the first weights, from
// what was before it. Experts that learn by every value are not fitted again after that;
// the others are, to all of the past.
type Auto struct {
	// Horizons is the longest horizon, in steps, that experts are weighed at; 0 means 15.
	// A forecast beyond takes the weights of the longest.
	Horizons int
	// Seasons are periods in steps that are known. Others are found in the past, and the
	// day and the week are tried in any case.
	Seasons []int
	// Experts are the models that take part; nil means those that suit the series.
	Experts []Expert
}

// An Expert is a model that takes part in Auto.
type Expert struct {
	Model
	// After is how many values must have been observed before its forecasts count.
	After int
	// Window is the longest past that it is fitted to, in steps; 0 means all of it.
	Window int
	// Prior is its weight, relative to the others', before anything is known of them; 0
	// means 1.
	Prior float64
	// Label tells the expert from others of the same model; "" means the model's name.
	Label string
}

// Name returns the label.
func (e Expert) Name() string {
	if e.Label != "" {
		return e.Label
	}
	return e.Model.Name()
}

// early reports whether a fit to so many steps would be in vain: it costs something, and by
// the time its forecasts count, twice as much will be known (see Renewal).
func (e Expert) early(steps int) bool {
	_, costly := e.Model.(Coster)
	return costly && steps < e.After/2
}

var (
	_ Model       = Auto{}
	_ RefitCoster = Auto{}
)

const (
	// autoTrial is the longest part of the past, in steps, that experts are first weighed
	// by, and autoTrialPart its share of a short past.
	autoTrial, autoTrialPart = 2000, .4
	// autoReach is how far above the highest recent load a forecast may be.
	autoReach = 5
	// autoUpdateOperations is the cost of one expert's forecasts at one step, and of
	// weighing them.
	autoUpdateOperations = 3000
)

// Name returns "auto".
func (Auto) Name() string { return "auto" }

// FitOperations implements Coster: the search for seasons, two fits of each expert, and its
// forecasts of the newest part of the past. How many seasons that has cannot be known
// here; a day and a week of minutes are counted.
func (m Auto) FitOperations(steps int) float64 {
	experts := m.usualExperts()
	trial := min(int(autoTrialPart*float64(steps)), autoTrial)
	operations := seasonOperations(steps)
	for _, e := range experts {
		operations += autoUpdateOperations*float64(trial) + e.fitOperations(steps-trial) + e.fitOperations(steps)
	}
	return operations
}

// RefitOperations implements RefitCoster: the search and the trial are over, and experts
// that learn by every value are not fitted.
func (m Auto) RefitOperations(steps int) float64 {
	operations := 0.0
	for _, e := range m.usualExperts() {
		operations += e.fitOperations(steps)
	}
	return operations
}

// usualExperts are those of two weeks of minutes in which no season was found.
func (m Auto) usualExperts() []Expert {
	if m.Experts != nil {
		return m.Experts
	}
	return m.withDefaults().experts(Series{Step: time.Minute})
}

// fitOperations are those of a fit to so many steps, 0 for an expert that declares none.
func (e Expert) fitOperations(steps int) float64 {
	c, ok := e.Model.(Coster)
	if !ok || e.early(steps) {
		return 0
	}
	if e.Window > 0 {
		steps = min(steps, e.Window)
	}
	return c.FitOperations(steps)
}

// Fit returns an AutoPredictor, or an error that wraps ErrTooShort where past has no
// observed value.
func (m Auto) Fit(ctx context.Context, past Series) (Predictor, error) {
	if past.Step <= 0 {
		return nil, fmt.Errorf("fit auto: step %v of the series is not positive", past.Step)
	}
	if _, ok := lastObserved(past.Values); !ok {
		return nil, fmt.Errorf("auto needs one observed value: %w", ErrTooShort)
	}
	m = m.withDefaults()
	if m.Experts == nil {
		m.Experts = m.experts(past)
	}
	p := newAutoPredictor(m)
	n := len(past.Values)
	trial := min(int(autoTrialPart*float64(n)), autoTrial)
	before := past
	before.Values = past.Values[: n-trial : n-trial]
	for k := range p.experts {
		if err := p.experts[k].fit(ctx, before); err != nil {
			return nil, err
		}
	}
	for _, y := range before.Values {
		p.see(y)
	}
	p.forecast()
	for i, y := range past.Values[n-trial:] {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p.Update(y)
	}
	if trial > 0 {
		if err := p.fit(ctx, past); err != nil {
			return nil, err
		}
		p.forecastAgain()
	}
	return p, nil
}

func (m Auto) withDefaults() Auto {
	if m.Horizons <= 0 {
		m.Horizons = 15
	}
	return m
}

// An autoExpert is an expert at work.
type autoExpert struct {
	Expert
	predictor Predictor // nil: asleep
	path      []float64 // what it forecasts now
	failed    error     // why it sleeps
}

// learns reports whether the expert learns by every value, and need not be fitted anew.
func (e *autoExpert) learns() bool {
	_, ok := e.predictor.(cloner)
	return ok
}

// fit fits the expert. One that fails sleeps; only the end of ctx is an error.
func (e *autoExpert) fit(ctx context.Context, past Series) error {
	e.predictor, e.failed = nil, nil
	if e.early(len(past.Values)) {
		return nil
	}
	if n := len(past.Values); e.Window > 0 && n > e.Window {
		past.Start, past.Values = past.Time(n-e.Window), past.Values[n-e.Window:]
	}
	p, err := e.Fit(ctx, past)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		e.failed = fmt.Errorf("%s: %w", e.Name(), err)
	default:
		e.predictor = p
	}
	return nil
}

// An AutoPredictor is the Predictor of Auto.
type AutoPredictor struct {
	model    Auto
	experts  []autoExpert
	grid     []int // the horizons of mixtures
	mixtures []*mixture
	nearest  []int // of each step ahead, less 1: its place in grid

	observed int
	negative bool
	highest  float64 // of recent values
	last     float64
	point    []float64
	scratch  []float64 // of the experts' number
}

func newAutoPredictor(m Auto) *AutoPredictor {
	p := &AutoPredictor{
		model: m, last: math.NaN(),
		experts: make([]autoExpert, len(m.Experts)),
		grid:    autoGrid(m.Horizons),
		point:   make([]float64, m.Horizons),
		scratch: make([]float64, len(m.Experts)),
	}
	for k, e := range m.Experts {
		p.experts[k] = autoExpert{Expert: e, path: make([]float64, m.Horizons)}
	}
	prior := priors(m.Experts)
	for _, h := range p.grid {
		p.mixtures = append(p.mixtures, newMixture(h, prior))
	}
	for h := 1; h <= m.Horizons; h++ {
		i, _ := slices.BinarySearch(p.grid, h)
		p.nearest = append(p.nearest, i)
	}
	return p
}

// priors returns the weights of experts before anything is known of them.
func priors(experts []Expert) []float64 {
	weights := make([]float64, len(experts))
	total := 0.0
	for k, e := range experts {
		weights[k] = e.Prior
		if e.Prior == 0 {
			weights[k] = 1
		}
		total += weights[k]
	}
	for k := range weights {
		weights[k] /= total
	}
	return weights
}

// autoGrid returns the horizons that have weights of their own, the longest included:
// every one up to 6 and then each a fifth further than the one before.
func autoGrid(longest int) []int {
	var grid []int
	for h := 1; h < longest; h = max(h+1, h+h/5) {
		grid = append(grid, h)
	}
	return append(grid, longest)
}

// see takes a value without judging anybody.
func (p *AutoPredictor) see(y float64) {
	if math.IsNaN(y) {
		return
	}
	p.observed++
	p.last = y
	p.negative = p.negative || y < 0
	p.highest = max(.999*p.highest, math.Abs(y))
}

// judge takes a value and weighs the forecasts that were waiting for it.
func (p *AutoPredictor) judge(y float64) {
	if !isObserved(y) {
		y = math.NaN()
	}
	for _, m := range p.mixtures {
		m.settle(y)
	}
	p.see(y)
}

// Update implements Predictor.
func (p *AutoPredictor) Update(y float64) {
	p.judge(y)
	for k := range p.experts {
		if e := &p.experts[k]; e.predictor != nil {
			e.predictor.Update(y)
		}
	}
	p.forecast()
}

// forecastAgain replaces the newest forecast, by experts fitted anew.
func (p *AutoPredictor) forecastAgain() {
	for _, m := range p.mixtures {
		m.time--
	}
	p.forecast()
}

// forecast asks every expert and mixes what they say.
func (p *AutoPredictor) forecast() {
	for k := range p.experts {
		p.ask(&p.experts[k], p.experts[k].path)
	}
	for i, m := range p.mixtures {
		for k := range p.experts {
			p.scratch[k] = p.experts[k].path[p.grid[i]-1]
		}
		m.issue(p.scratch)
	}
	for h := range p.point {
		p.point[h] = p.mix(h, p.mixtures[p.nearest[h]].weights)
	}
}

// ask writes the forecast of an expert, NaN where it has none to be trusted.
func (p *AutoPredictor) ask(e *autoExpert, path []float64) {
	if e.predictor == nil || p.observed < e.After {
		for i := range path {
			path[i] = math.NaN()
		}
		return
	}
	e.predictor.Predict(path)
	low, high := 0.0, autoReach*p.highest
	if p.negative {
		low = -high
	}
	for i, f := range path {
		path[i] = clamp(f, low, high)
	}
}

// mix weighs the forecasts h+1 steps ahead, and gives last value where there are none.
func (p *AutoPredictor) mix(h int, weights []float64) float64 {
	total, sum := 0.0, 0.0
	for k := range p.experts {
		if f := p.experts[k].path[h]; weights[k] > 0 && !math.IsNaN(f) {
			total += weights[k]
			sum += weights[k] * f
		}
	}
	if total == 0 {
		return p.last
	}
	return sum / total
}

// Predict implements Predictor. Beyond the horizons of Auto it takes some time, as the
// experts are asked again.
func (p *AutoPredictor) Predict(dst []float64) {
	n := copy(dst, p.point)
	if n == len(dst) {
		return
	}
	weights := p.mixtures[len(p.mixtures)-1].weights
	path := make([]float64, len(dst))
	totals := make([]float64, len(dst))
	clear(dst[n:])
	for k := range p.experts {
		if weights[k] == 0 {
			continue
		}
		p.ask(&p.experts[k], path)
		for h := n; h < len(dst); h++ {
			if f := path[h]; !math.IsNaN(f) {
				dst[h] += weights[k] * f
				totals[h] += weights[k]
			}
		}
	}
	for h := n; h < len(dst); h++ {
		if totals[h] == 0 {
			dst[h] = p.last
		} else {
			dst[h] /= totals[h]
		}
	}
}

var _ Refitter = (*AutoPredictor)(nil)

// Refit implements Refitter. The weights stay, as do experts that learn by every value;
// the others are fitted anew.
func (p *AutoPredictor) Refit(ctx context.Context, past Series) (Predictor, error) {
	next := p.clone()
	if n := len(past.Values); n > 0 {
		next.judge(past.Values[n-1])
		for k := range next.experts {
			if e := &next.experts[k]; e.learns() {
				e.predictor.Update(past.Values[n-1])
			}
		}
	}
	if err := next.fit(ctx, past); err != nil {
		return nil, err
	}
	next.forecast()
	return next, nil
}

// fit fits the experts that do not learn by every value.
func (p *AutoPredictor) fit(ctx context.Context, past Series) error {
	for k := range p.experts {
		if e := &p.experts[k]; !e.learns() {
			if err := e.fit(ctx, past); err != nil {
				return err
			}
		}
	}
	return nil
}

// Failures returns why experts sleep whose fit failed, other than on too short a past.
func (p *AutoPredictor) Failures() []error {
	var failures []error
	for k := range p.experts {
		if err := p.experts[k].failed; err != nil && !errors.Is(err, ErrTooShort) {
			failures = append(failures, err)
		}
	}
	return failures
}

// Weights returns the mean over the horizons of the weights of the experts.
func (p *AutoPredictor) Weights() []Weight {
	weights := make([]Weight, len(p.experts))
	for k := range p.experts {
		weights[k].Name = p.experts[k].Name()
		for _, m := range p.mixtures {
			weights[k].Weight += m.weights[k] / float64(len(p.mixtures))
		}
	}
	return weights
}

// clone returns a copy that shares nothing with p but experts which have to be fitted
// anew.
func (p *AutoPredictor) clone() *AutoPredictor {
	next := *p
	next.experts = slices.Clone(p.experts)
	for k := range next.experts {
		e := &next.experts[k]
		e.path = slices.Clone(e.path)
		if c, ok := e.predictor.(cloner); ok {
			e.predictor = c.clone()
		}
	}
	next.mixtures = make([]*mixture, len(p.mixtures))
	for i, m := range p.mixtures {
		next.mixtures[i] = m.clone()
	}
	next.point, next.scratch = slices.Clone(p.point), slices.Clone(p.scratch)
	return &next
}

// A cloner is a Predictor that learns by every value, so that it need not be fitted anew.
type cloner interface{ clone() Predictor }
