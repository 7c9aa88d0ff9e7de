package forecast

import (
	"math"
	"time"
)

// FittedProphet is the Predictor of Prophet.
type FittedProphet struct {
	start        time.Time
	step         time.Duration
	steps        int     // steps seen
	span         float64 // steps of the past less one: the unit of the trend's time
	unit         float64 // largest absolute value of the past
	floor        float64 // 0 where the past was never negative, else -Inf
	periods      []prophetPeriod
	events       []Event
	changepoints []float64
	coefficients []float64
	sigma        float64
	ar           []float64
	residuals    []float64     // newest first; a missing one is replaced by its forecast
	blend        *prophetBlend // nil: pure Prophet
	scratch      []float64
	path         []float64

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
	days := float64(at.Unix())/86400 + float64(at.Nanosecond())/86400e9
	for _, season := range p.periods {
		for h := 1; h <= season.pairs; h++ {
			dst[c], dst[c+1] = math.Sincos(2 * math.Pi * float64(h) * days / season.days)
			c += 2
		}
	}
	for _, e := range p.events {
		dst[c] = 0
		if e.covers(at) {
			dst[c] = 1
		}
		c++
	}
}

// regression returns trend, seasons and events at step i, in units.
func (p *FittedProphet) regression(i int) float64 {
	p.row(p.scratch, i)
	v := 0.0
	for j, b := range p.coefficients {
		v += b * p.scratch[j]
	}
	return v
}

// EventEffects returns what each event adds, in the order of the configuration.
func (p *FittedProphet) EventEffects() []float64 {
	effects := append([]float64(nil), p.coefficients[len(p.coefficients)-len(p.events):]...)
	for i := range effects {
		effects[i] *= p.unit
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

// push appends a residual.
func (p *FittedProphet) push(residual float64) {
	if len(p.ar) == 0 {
		return
	}
	if math.IsNaN(residual) {
		residual = 0
		for i, a := range p.ar {
			residual += a * p.residuals[i]
		}
	}
	copy(p.residuals[1:], p.residuals)
	p.residuals[0] = residual
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
