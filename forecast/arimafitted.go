package forecast

import (
	"math"
	"slices"
)

// FittedARIMA is the Predictor of ARIMA and HarmonicARMA: a regression on a constant, a
// trend and waves, around which an ARIMA process moves. Its Update is a step of the Kalman
// filter; the coefficients stay as they are until the next Fit. Where the past was never
// negative, forecasts are not either.
type FittedARIMA struct {
	estimate *arimaEstimate
	season   int
	waves    *fittedWaves // nil where there are none
	filter   *arimaFilter
	steps    int // of the value now, since the first one of the fit
	floor    float64
	value    [1]float64 // scratch of Update
	residual [1]float64
}

// A fittedWaves is the regression on seasons and trend, beside the constant.
type fittedWaves struct {
	seasons  []Waves
	trend    float64 // per step
	profiles [][]float64
}

// at returns the regression at a step.
func (w *fittedWaves) at(t int) float64 {
	v := w.trend * float64(t+1)
	for _, p := range w.profiles {
		v += p[t%len(p)]
	}
	return v
}

// newFittedARIMA brings an estimate to the end of its data, whose waves are not yet taken
// out.
func newFittedARIMA(d *arimaData, e *arimaEstimate, waves *fittedWaves) *FittedARIMA {
	p := &FittedARIMA{estimate: e, season: d.season, waves: waves, floor: math.Inf(-1)}
	if slices.Min(d.seen(d.values)) >= 0 {
		p.floor = 0
	}
	var c armaCoefficients
	c.set(e.order, d.season, e.coefficients)
	var w armaWeights
	w.set(&c)
	delta := differencing(e.order.D, e.order.SeasonalD, d.season)
	p.filter, _ = newARIMAFilter(&w, delta, 1)
	states := float64(w.states())
	first := max(len(d.values)-int(arimaStateWork/(states*states)), 0)
	p.steps = first
	for t := first; t < len(d.values); t++ {
		y := d.values[t]
		if d.observed != nil && !d.observed[t] {
			y = math.NaN()
		}
		p.Update(y)
	}
	return p
}

// regression returns the regression at a step.
func (p *FittedARIMA) regression(t int) float64 {
	v := 0.0
	if e := p.estimate; e.constant {
		v = e.regression[0]
		if e.order.D+e.order.SeasonalD > 0 {
			v *= float64(t + 1)
		}
	}
	if p.waves != nil {
		v += p.waves.at(t)
	}
	return v
}

// Update implements Predictor.
func (p *FittedARIMA) Update(y float64) {
	observed := !math.IsNaN(y) && !math.IsInf(y, 0)
	p.value[0] = y - p.regression(p.steps)
	p.filter.step(p.value[:], p.residual[:], observed)
	p.steps++
}

// Predict implements Predictor.
func (p *FittedARIMA) Predict(dst []float64) {
	p.filter.forecast(dst)
	for h := range dst {
		dst[h] = max(dst[h]+p.regression(p.steps+h), p.floor)
	}
}

// PredictQuantile implements QuantilePredictor: the quantiles are those of the normal
// distribution whose variance takes the coefficients as known.
func (p *FittedARIMA) PredictQuantile(dst []float64, q float64) {
	deviations := make([]float64, len(dst))
	p.filter.variances(deviations)
	p.filter.forecast(dst)
	z := math.Sqrt2 * math.Erfinv(2*q-1)
	for h, v := range deviations {
		dst[h] += p.regression(p.steps+h) + z*math.Sqrt(p.estimate.sigma2*max(v, 0))
		dst[h] = max(dst[h], p.floor)
	}
}

// Order returns the order in force.
func (p *FittedARIMA) Order() ARIMAOrder { return p.estimate.order }

// Sigma2 returns the variance of the innovations, without bias: the sum of squares by the
// number of values less that of coefficients.
func (p *FittedARIMA) Sigma2() float64 { return p.estimate.sigma2 }

// LogLikelihood returns the logarithm of the likelihood of the differences.
func (p *FittedARIMA) LogLikelihood() float64 { return p.estimate.logLik }

// AICc returns Akaike's information criterion with the correction for small samples.
func (p *FittedARIMA) AICc() float64 { return p.estimate.aicc }

// ARIMACoefficients are those of
//
//	(1 - sum AR[i] B^(i+1)) (1 - sum SeasonalAR[j] B^(m(j+1))) w
//		= (1 + sum MA[i] B^(i+1)) (1 + sum SeasonalMA[j] B^(m(j+1))) e
//
// where w are the differences of the series less its regression.
type ARIMACoefficients struct {
	AR, MA, SeasonalAR, SeasonalMA []float64
	// Constant is the mean of a series without differences, the drift a step of one with
	// a single difference; 0 where there is none.
	Constant float64
	// Trend is the slope of a regression on time, a step.
	Trend float64
}

// Coefficients returns the coefficients in force.
func (p *FittedARIMA) Coefficients() ARIMACoefficients {
	var c armaCoefficients
	c.set(p.estimate.order, p.season, slices.Clone(p.estimate.coefficients))
	out := ARIMACoefficients{AR: c.ar, MA: c.ma, SeasonalAR: c.seasonalAR, SeasonalMA: c.seasonalMA}
	if p.estimate.constant {
		out.Constant = p.estimate.regression[0]
	}
	if p.waves != nil {
		out.Trend = p.waves.trend
	}
	return out
}

// Waves returns the seasons in force with their numbers of waves; those of 0 waves were
// found to be none.
func (p *FittedARIMA) Waves() []Waves {
	if p.waves == nil {
		return nil
	}
	return slices.Clone(p.waves.seasons)
}

// Profile returns one period of the i-th season, by the step since the first value of the
// fit.
func (p *FittedARIMA) Profile(i int) []float64 { return slices.Clone(p.waves.profiles[i]) }

var _ QuantilePredictor = (*FittedARIMA)(nil)
