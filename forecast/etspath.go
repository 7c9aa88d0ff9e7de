package forecast

import (
	"math"
	"slices"
)

// An etsPath runs exponential smoothing of one form over the values and back again, for
// the likelihood and its gradient.
type etsPath struct {
	form     etsForm
	values   []float64
	observed int
	floor    float64 // sum of squared errors that counts as none
	squares  float64 // those of the newest run
	// What was expected before each value of the newest run: level with trend, damped
	// trend and season.
	levels, trends, seasons []float64
}

func newETSPath(form etsForm, values []float64) etsPath {
	n := len(values)
	room := make([]float64, 3*n)
	f := etsPath{form: form, values: values, levels: room[:n], trends: room[n : 2*n], seasons: room[2*n:]}
	for _, y := range values {
		if math.IsNaN(y) {
			continue
		}
		f.observed++
		if form.multiplicativeError {
			f.floor += 1e-20
		} else {
			f.floor += 1e-20 * y * y
		}
	}
	if f.floor == 0 {
		f.floor = 1
	}
	return f
}

// likelihood returns -2 ln of it, without the constant of the series, for states at
// the start, which it moves to the end: n ln(sum of e^2), and for relative errors
// 2 sum of ln|expected| more. It is infinite where the form has no likelihood.
//
// The recursion is that of FittedETS.step.
func (f *etsPath) likelihood(p *FittedETS) float64 {
	if !f.form.seasonal && f.observed == len(f.values) {
		return f.levelLikelihood(p)
	}
	if f.form.multiplicativeSeason {
		for _, v := range p.seasonal {
			if !(v > 0) {
				return math.Inf(1)
			}
		}
	}
	alpha, beta, gamma, phi := p.smoothing.Alpha, p.smoothing.Beta, p.smoothing.Gamma, p.smoothing.Phi
	level, trend, phase := p.level, p.trend, p.phase
	squares, logs := 0.0, logarithm{product: 1}
	for i, y := range f.values {
		trend *= phi
		level += trend
		season := p.seasonal[phase]
		f.levels[i], f.trends[i], f.seasons[i] = level, trend, season
		switch {
		case y != y: // A missing value corrects nothing.
		case f.form.multiplicativeSeason:
			expected := level * season
			if !(expected > 0) {
				return math.Inf(1)
			}
			logs.multiply(expected)
			inverse := 1 / level
			p.seasonal[phase] = max(season+gamma*(y*inverse-season), etsLeastFactor)
			correction := y/season - level
			e := correction * inverse
			squares += e * e
			level += alpha * correction
			trend += beta * correction
		case f.form.multiplicativeError:
			expected := level + season
			if !(expected > 0) {
				return math.Inf(1)
			}
			logs.multiply(expected)
			correction := y - expected
			e := correction / expected
			squares += e * e
			p.seasonal[phase] = season + gamma*correction
			level += alpha * correction
			trend += beta * correction
		default:
			e := y - (level + season)
			squares += e * e
			p.seasonal[phase] = season + gamma*e
			level += alpha * e
			trend += beta * e
		}
		if phase++; phase == len(p.seasonal) {
			phase = 0
		}
	}
	p.level, p.trend, p.phase = level, trend, phase
	return f.minus2(squares, logs)
}

// minus2 returns the likelihood of the sums of a run.
func (f *etsPath) minus2(squares float64, logs logarithm) float64 {
	f.squares = squares
	l := float64(f.observed)*math.Log(max(squares, f.floor)) + 2*logs.value()
	if math.IsNaN(l) {
		return math.Inf(1)
	}
	return l
}

// gradient writes the slopes of the newest likelihood, which was finite, by the parameters
// and the states at the start, to those of d: the chain rule from the last value back to
// the first (reverse accumulation: Griewank and Walther, Evaluating Derivatives, 2008,
// chapter 3).
func (f *etsPath) gradient(at Smoothing, d *FittedETS) {
	alpha, beta, gamma, phi := at.Alpha, at.Beta, at.Gamma, at.Phi
	bySquares := 2 * float64(f.observed) / f.squares
	if f.squares <= f.floor {
		bySquares = 0
	}
	if !f.form.seasonal && f.observed == len(f.values) {
		f.levelGradient(at, bySquares, d)
		return
	}
	clear(d.seasonal)
	// The slopes by the states after the step at hand, and the sums of those by the
	// parameters over the steps after it.
	var byLevel, byTrend, byAlpha, byBeta, byGamma, byPhi float64
	phase := len(f.values) % len(d.seasonal)
	for i, y := range slices.Backward(f.values) {
		if phase--; phase < 0 {
			phase = len(d.seasonal) - 1
		}
		level, trend, season := f.levels[i], f.trends[i], f.seasons[i]
		bySeason := d.seasonal[phase]
		switch {
		case y != y:
		case f.form.multiplicativeSeason:
			toLevel, toSeason := 1/level, 1/season
			ratio := y * toLevel
			correction := y*toSeason - level
			byAlpha += byLevel * correction
			byBeta += byTrend * correction
			byCorrection := alpha*byLevel + beta*byTrend
			if season+gamma*(ratio-season) <= etsLeastFactor {
				bySeason = 0
			}
			byGamma += bySeason * (ratio - season)
			e := correction * toLevel
			toExpected := toLevel * toSeason
			byExpected := (2 - bySquares*e*(1+e)) * toExpected
			byLevel += byExpected*season - byCorrection - bySeason*gamma*ratio*toLevel
			d.seasonal[phase] = bySeason*(1-gamma) - byCorrection*y*toSeason*toSeason + byExpected*level
		default:
			correction := y - (level + season)
			byAlpha += byLevel * correction
			byBeta += byTrend * correction
			byGamma += bySeason * correction
			byExpected := -bySquares * correction
			if f.form.multiplicativeError {
				toExpected := 1 / (level + season)
				e := correction * toExpected
				byExpected = (2 - bySquares*e*(1+e)) * toExpected
			}
			byExpected -= alpha*byLevel + beta*byTrend + gamma*bySeason
			byLevel += byExpected
			d.seasonal[phase] = bySeason + byExpected
		}
		byTrend += byLevel
		byPhi += trend * byTrend
		byTrend *= phi
	}
	d.smoothing = Smoothing{Alpha: byAlpha, Beta: byBeta, Gamma: byGamma, Phi: byPhi / phi}
	d.level, d.trend = byLevel, byTrend
}

// A logarithm is that of a long product, with few calls of math.Log.
type logarithm struct{ product, total float64 }

func (l *logarithm) multiply(v float64) {
	l.product *= v
	if l.product > 1e150 || l.product < 1e-150 {
		l.total += math.Log(l.product)
		l.product = 1
	}
}

func (l *logarithm) value() float64 { return l.total + math.Log(l.product) }
