package forecast

import (
	"math"
	"slices"
)

// levelLikelihood is likelihood without a season or missing values, in about half the
// time: of level and trend before each value,
//
//	L' = L + phi T + (alpha + phi beta) e,  T' = phi T + phi beta e
//
// little has to wait for the error e = y - L.
func (f *etsPath) levelLikelihood(p *FittedETS) float64 {
	phi := p.smoothing.Phi
	toTrend := phi * p.smoothing.Beta
	toLevel := p.smoothing.Alpha + toTrend
	trend := phi * p.trend
	level := p.level + trend
	squares, logs := 0.0, logarithm{product: 1}
	levels, trends := f.levels[:len(f.values)], f.trends[:len(f.values)]
	if f.form.multiplicativeError {
		for i, y := range f.values {
			if !(level > 0) {
				return math.Inf(1)
			}
			levels[i], trends[i] = level, trend
			logs.multiply(level)
			correction := y - level
			e := correction / level
			squares += e * e
			trend *= phi
			level += trend
			trend += toTrend * correction
			level += toLevel * correction
		}
	} else {
		for i, y := range f.values {
			levels[i], trends[i] = level, trend
			e := y - level
			squares += e * e
			trend *= phi
			level += trend
			trend += toTrend * e
			level += toLevel * e
		}
	}
	p.level, p.trend, p.phase = level-trend, trend/phi, 0
	return f.minus2(squares, logs)
}

// levelGradient is gradient after levelLikelihood.
func (f *etsPath) levelGradient(at Smoothing, bySquares float64, d *FittedETS) {
	alpha, beta, phi := at.Alpha, at.Beta, at.Phi
	var byLevel, byTrend, byAlpha, byBeta, byPhi float64
	levels, trends := f.levels[:len(f.values)], f.trends[:len(f.values)]
	if f.form.multiplicativeError {
		for i, y := range slices.Backward(f.values) {
			toLevel := 1 / levels[i]
			correction := y - levels[i]
			byAlpha += byLevel * correction
			byBeta += byTrend * correction
			e := correction * toLevel
			byLevel = (1-alpha)*byLevel + ((2-bySquares*e*(1+e))*toLevel - beta*byTrend)
			byTrend += byLevel
			byPhi += trends[i] * byTrend
			byTrend *= phi
		}
	} else {
		for i, y := range slices.Backward(f.values) {
			e := y - levels[i]
			byAlpha += byLevel * e
			byBeta += byTrend * e
			byLevel = (1-alpha)*byLevel - (bySquares*e + beta*byTrend)
			byTrend += byLevel
			byPhi += trends[i] * byTrend
			byTrend *= phi
		}
	}
	d.smoothing = Smoothing{Alpha: byAlpha, Beta: byBeta, Phi: byPhi / phi}
	d.level, d.trend = byLevel, byTrend
}
