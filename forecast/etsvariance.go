package forecast

import "math"

// PredictQuantile implements QuantilePredictor: quantiles of the normal distribution
// around the point forecast, with the variance that the form gives to the errors still to
// come, where those of the parameters count as known (Hyndman, Koehler, Ord and Snyder,
// Forecasting with Exponential Smoothing, 2008, sections 6.2 and 6.3). With additive
// errors the distribution is normal and the variance exact; with relative ones the
// variance alone is, and with a multiplicative season that is so within the first season and
// good to the first order beyond. Nothing is simulated.
func (p *FittedETS) PredictQuantile(dst []float64, q float64) {
	p.Predict(dst)
	addQuantile(dst, p.variances(dst), q)
}

// variances returns the variances of the steps ahead, whose means are given.
func (p *FittedETS) variances(means []float64) []float64 {
	season := 0
	if p.form.seasonal && !p.form.multiplicativeSeason {
		season = len(p.seasonal)
	}
	reactions := p.smoothing.reactions(len(means), season)
	if !p.form.multiplicativeError {
		return additiveVariances(reactions, p.variance)
	}
	variances := make([]float64, len(means))
	// The mean squares of what is expected h+1 steps ahead, which the relative errors
	// multiply, without the season where that is a factor. An error moves the level in
	// proportion to what was expected, and a factor in proportion to itself.
	squares := make([]float64, len(means))
	for h, mean := range means {
		season := 1.0
		if p.form.multiplicativeSeason {
			season = p.seasonal[(p.phase+h)%len(p.seasonal)]
			mean /= season
		}
		total := mean * mean
		for j := range h {
			moved := reactions[j] * reactions[j] * squares[h-1-j]
			if p.form.multiplicativeSeason && (j+1)%len(p.seasonal) == 0 {
				both := reactions[j]*math.Sqrt(squares[h-1-j]) + p.smoothing.Gamma*mean
				moved = both * both
			}
			total += p.variance * moved
		}
		squares[h] = total
		variances[h] = max(season*season*(total*(1+p.variance)-mean*mean), 0)
	}
	return variances
}
