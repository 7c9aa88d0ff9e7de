package forecast

import "math"

// PredictQuantile implements QuantilePredictor by Prophet's own distribution: in the future
// the trend changes as often as it may in the past, at times that do not depend on each
// other, by a slope from a Laplace distribution whose scale is the mean change of the past;
// and there is normal noise, here that of the autoregression where there is one. Prophet
// draws paths; here the distribution function is worked out from its Fourier series.
func (p *FittedProphet) PredictQuantile(dst []float64, q float64) {
	p.Predict(dst)
	noise, from := p.sigma, float64(p.steps)-p.span-1
	if p.blend != nil {
		// The forecast starts from the newest value, not from the end of the fit.
		from = float64(p.gap)
	}
	ahead := p.spread(len(dst) + p.gap)
	for i := range dst {
		if p.blend != nil {
			noise = ahead[i+p.gap]
		}
		_, factor := p.regressionParts(p.steps + i)
		d := prophetDistribution{
			changes: float64(len(p.changepoints)), scale: p.meanChange * math.Abs(factor),
			span: (from + float64(i+1)) / p.span, noise: noise,
		}
		dst[i] = max(dst[i]+p.unit*d.quantile(q), p.floor)
	}
}

// spread returns the standard deviations of the errors of the autoregression 1..n steps
// ahead, in units.
func (p *FittedProphet) spread(n int) []float64 {
	out := make([]float64, n)
	if p.blend == nil {
		return out
	}
	weights := make([]float64, n) // of the error of a step on those that follow
	variance := 0.0
	for i := range n {
		if i == 0 {
			weights[0] = 1
		}
		for j, a := range p.ar {
			if i > j {
				weights[i] += a * weights[i-1-j]
			}
		}
		variance += weights[i] * weights[i]
		out[i] = p.innovation * math.Sqrt(variance)
	}
	return out
}

// A prophetDistribution is that of a value around its forecast, a part span of the past
// after it: the sum of changes of slope, changes of which are expected in a time as long
// as the past, each from a Laplace distribution, times what is left of the time; and
// normal noise. It is symmetrical.
type prophetDistribution struct{ changes, scale, span, noise float64 }

// characteristic returns the characteristic function. For a compound Poisson process its
// logarithm is the rate times the integral over the time u that is left of
// 1/(1+(scale u w)^2) - 1, the characteristic function of a Laplace change less 1.
func (d prophetDistribution) characteristic(w float64) float64 {
	exponent := -d.noise * d.noise * w * w / 2
	if s := d.scale * w; d.changes > 0 && s != 0 && d.span > 0 {
		exponent += d.changes * (math.Atan(s*d.span)/s - d.span)
	}
	return math.Exp(exponent)
}

// quantile returns that at level q, by the Fourier series of the distribution function on
// an interval outside of which next to nothing is.
func (d prophetDistribution) quantile(q float64) float64 {
	const most = 1 << 13
	longest := d.scale * max(d.span, 0) // of one change at once
	trend := math.Sqrt(2 * d.changes * longest * longest * max(d.span, 0) / 3)
	if trend < 1e-3*d.noise || d.changes == 0 {
		return d.noise * normalScore(q)
	}
	reach := 8*math.Hypot(trend, d.noise) + 20*longest
	terms := most
	if d.noise > 0 {
		terms = int(min(most, 8+6*reach/(math.Pi*d.noise)))
	}
	weights := make([]float64, terms+1)
	for k := 1; k <= terms; k++ {
		weights[k] = d.characteristic(float64(k)*math.Pi/reach) / (float64(k) * math.Pi)
	}
	low, high := -reach, reach
	for range 60 {
		x := (low + high) / 2
		if .5+x/(2*reach)+sineSeries(weights, math.Pi*x/reach) < q {
			low = x
		} else {
			high = x
		}
	}
	return (low + high) / 2
}

// sineSeries returns the sum of weights[k] sin(k x) over k from 1 (Clenshaw 1955).
func sineSeries(weights []float64, x float64) float64 {
	sin, cos := math.Sincos(x)
	var b, after float64
	for k := len(weights) - 1; k >= 1; k-- {
		b, after = weights[k]+2*cos*b-after, b
	}
	return b * sin
}
