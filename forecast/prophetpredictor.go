package forecast

import (
	"math"
	"time"
)

// FittedProphet is the Predictor of Prophet.
type FittedProphet struct {
	start          time.Time
	step           time.Duration
	steps          int     // steps seen
	span           float64 // steps of the past less one: the unit of the trend's time
	unit           float64 // largest absolute value of the past
	floor          float64 // 0 where the past was never negative, else -Inf
	multiplicative bool
	periods        []prophetPeriod
	events         []Event
	location       *time.Location // nil: UTC
	changepoints   []float64
	coefficients   []float64
	sigma          float64
	ar             []float64
	innovation     float64       // standard deviation of the errors of the autoregression, in units
	meanChange     float64       // mean size of the changes of slope
	residuals      []float64     // newest first; a missing one is replaced by its forecast
	blend          *prophetBlend // nil: pure Prophet
	scratch        []float64
	path           []float64

	gap                  int     // steps since the newest observed value
	last, lastRegression float64 // that value, and the regression there, in units
}

// row writes the regressors of step i: m, k, a hinge a changepoint, waves, events.
func (p *FittedProphet) row(dst []float64, i int) {
	t := float64(i) / p.span
	dst[0], dst[1] = 1, t
	c := 2
	for _, s := range p.changepoints {
		dst[c] = max(t-s/p.span, 0)
		c++
	}
	at := p.start.Add(time.Duration(i) * p.step)
	seconds := at.Unix()
	if p.location != nil {
		_, offset := at.In(p.location).Zone()
		seconds += int64(offset)
	}
	days := float64(seconds)/86400 + float64(at.Nanosecond())/86400e9
	for _, season := range p.periods {
		for h := 1; h <= season.pairs; h++ {
			dst[c], dst[c+1] = math.Sincos(2 * math.Pi * float64(h) * days / season.days)
			c += 2
		}
	}
	for _, e := range p.events {
		e.fill(dst[c:c+e.effects()], at)
		c += e.effects()
	}
}

// regression returns trend, seasons and events at step i, in units.
func (p *FittedProphet) regression(i int) float64 {
	v, factor := p.regressionParts(i)
	return v * factor
}

// regressionParts returns the trend and what it is multiplied by; where seasons are added,
// all of it and 1.
func (p *FittedProphet) regressionParts(i int) (trend, factor float64) {
	p.row(p.scratch, i)
	n := len(p.trendCoefficients())
	rest := 0.0
	for j, b := range p.coefficients {
		if j < n {
			trend += b * p.scratch[j]
		} else {
			rest += b * p.scratch[j]
		}
	}
	if p.multiplicative {
		return trend, 1 + rest
	}
	return trend + rest, 1
}

// trendCoefficients are level, slope and its changes.
func (p *FittedProphet) trendCoefficients() []float64 { return p.coefficients[:2+len(p.changepoints)] }

// EventEffects returns what each event adds, in the order of the configuration, before, in
// and after it: an amount, or a part of the trend where the model is multiplicative.
func (p *FittedProphet) EventEffects() [][]float64 {
	count := 0
	for _, e := range p.events {
		count += e.effects()
	}
	unit := p.unit
	if p.multiplicative {
		unit = 1
	}
	rest := p.coefficients[len(p.coefficients)-count:]
	effects := make([][]float64, len(p.events))
	for i, e := range p.events {
		for _, c := range rest[:e.effects()] {
			effects[i] = append(effects[i], unit*c)
		}
		rest = rest[e.effects():]
	}
	return effects
}

// Update implements Predictor.
func (p *FittedProphet) Update(y float64) {
	if math.IsInf(y, 0) {
		y = math.NaN()
	}
	regression := p.regression(p.steps)
	p.push(y/p.unit - regression)
	p.steps++
	p.gap++
	if !math.IsNaN(y) {
		p.gap, p.last, p.lastRegression = 0, y/p.unit, regression
	}
	if p.blend != nil {
		p.learn()
	}
}

// push appends a residual and returns by how much it differs from its forecast.
func (p *FittedProphet) push(residual float64) float64 {
	expected := 0.0
	for i, a := range p.ar {
		expected += a * p.residuals[i]
	}
	if math.IsNaN(residual) {
		residual = expected
	}
	if len(p.ar) > 0 {
		copy(p.residuals[1:], p.residuals)
		p.residuals[0] = residual
	}
	return residual - expected
}

// foresee makes path the residuals that are expected in the next n steps.
func (p *FittedProphet) foresee(n int) {
	order := len(p.ar)
	p.path = p.path[:0]
	for i := order - 1; i >= 0; i-- {
		p.path = append(p.path, p.residuals[i])
	}
	for i := range n {
		r := 0.0
		for j, a := range p.ar {
			r += a * p.path[order+i-1-j]
		}
		p.path = append(p.path, r)
	}
	p.path = p.path[order:]
}

// Predict implements Predictor.
func (p *FittedProphet) Predict(dst []float64) {
	p.foresee(len(dst))
	for i, residual := range p.path {
		v := p.regression(p.steps + i)
		if p.blend == nil {
			v += residual
		} else {
			season, rest := p.blend.weights(i + 1 + p.gap)
			v = p.last + season*(v-p.lastRegression) + rest*(residual-(p.last-p.lastRegression))
		}
		dst[i] = max(p.unit*v, p.floor)
	}
}
