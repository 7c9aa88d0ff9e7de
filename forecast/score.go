package forecast

import "math"

// The measures below compare observations y with forecasts of the same instants; the
// slices must have the same length. Where y is NaN nothing was observed and the point
// does not count; a forecast of NaN makes the measure NaN. A measure that is not
// defined, such as one with nothing observed or a denominator of 0, is NaN.

// WAPE returns sum|y-f| / sum|y|, a fraction, also known as ND. 1-WAPE is what the
// reports call accuracy.
func WAPE(y, f []float64) float64 {
	s := pointScore{}
	for i := range y {
		s.add(y[i], f[i])
	}
	return s.wape()
}

// Bias returns sum(f-y) / sum y, a fraction: above 0 the forecasts are too high.
func Bias(y, f []float64) float64 {
	s := pointScore{}
	for i := range y {
		s.add(y[i], f[i])
	}
	return s.bias()
}

// MASE returns mean|y-f| / scale, where scale is the mean absolute error of the
// seasonal naive forecast on the training part (Hyndman and Koehler, International
// Journal of Forecasting 22, 2006); see SeasonalErrors.
func MASE(y, f []float64, scale float64) float64 {
	s := pointScore{}
	for i := range y {
		s.add(y[i], f[i])
	}
	return s.mase(scale)
}

// RMSSE returns sqrt(mean (y-f)^2 / square), where square is the mean squared error
// of the seasonal naive forecast on the training part (M5 competition, 2020, with a
// season of 1); see SeasonalErrors.
func RMSSE(y, f []float64, square float64) float64 {
	s := pointScore{}
	for i := range y {
		s.add(y[i], f[i])
	}
	return s.rmsse(square)
}

// Pinball returns the mean of max(q e, (q-1) e), e = y - f, for forecasts f of the
// quantile at level q in (0, 1), in the unit of y (Koenker and Bassett, Econometrica
// 46, 1978). Other libraries report twice the value.
func Pinball(y, f []float64, q float64) float64 {
	var s sum
	for i := range y {
		if !math.IsNaN(y[i]) {
			s.add(pinballLoss(y[i], f[i], q))
		}
	}
	return s.mean()
}

// Coverage returns the share of observations with low <= y <= high.
func Coverage(y, low, high []float64) float64 {
	var s sum
	for i := range y {
		if !math.IsNaN(y[i]) {
			s.add(covered(y[i], low[i], high[i]))
		}
	}
	return s.mean()
}

// SeasonalErrors returns mean|y[t]-y[t-season]| and mean (y[t]-y[t-season])^2 over
// the pairs observed in train: the denominators of MASE and RMSSE. A season below 1
// counts as 1.
func SeasonalErrors(train []float64, season int) (absolute, square float64) {
	season = max(season, 1)
	var abs, sq sum
	for i := season; i < len(train); i++ {
		if d := train[i] - train[i-season]; !math.IsNaN(d) {
			abs.add(math.Abs(d))
			sq.add(d * d)
		}
	}
	return abs.mean(), sq.mean()
}

// NoiseFloor returns the WAPE that no forecast of these counts can be expected to
// beat: sqrt(2 D / (pi mu)), where mu is the mean count of a step and D the index of
// dispersion (1 for a Poisson process), estimated from the first differences, which
// do not see slow changes of the rate.
func NoiseFloor(counts []float64) float64 {
	var level, squares sum
	for i, v := range counts {
		if math.IsNaN(v) {
			continue
		}
		level.add(v)
		if i > 0 && !math.IsNaN(counts[i-1]) {
			squares.add((v - counts[i-1]) * (v - counts[i-1]))
		}
	}
	mu := level.mean()
	dispersion := squares.mean() / 2 / mu
	return math.Sqrt(2 * dispersion / (math.Pi * mu))
}

// pointScore gathers the measures of point forecasts one by one.
type pointScore struct{ absolute, square, signed, actual, size sum }

func (s *pointScore) add(y, f float64) {
	if math.IsNaN(y) {
		return
	}
	e := y - f
	s.absolute.add(math.Abs(e))
	s.square.add(e * e)
	s.signed.add(-e)
	s.actual.add(y)
	s.size.add(math.Abs(y))
}

func (s *pointScore) wape() float64 { return fraction(s.absolute.value(), s.size.value()) }

func (s *pointScore) bias() float64 { return fraction(s.signed.value(), s.actual.value()) }

func (s *pointScore) mase(scale float64) float64 { return fraction(s.absolute.mean(), scale) }

func (s *pointScore) rmsse(square float64) float64 {
	return math.Sqrt(fraction(s.square.mean(), square))
}

func pinballLoss(y, f, q float64) float64 {
	e := y - f
	return max(q*e, (q-1)*e)
}

// rounding is what arithmetic may make of a number, relative to it.
const rounding = 1e-9

// covered returns 1 where y is within the bounds, but for rounding, else 0, and NaN without
// bounds.
func covered(y, low, high float64) float64 {
	switch {
	case math.IsNaN(low) || math.IsNaN(high):
		return math.NaN()
	case low-rounding*math.Abs(y) <= y && y <= high+rounding*math.Abs(y):
		return 1
	default:
		return 0
	}
}

// fraction returns a/b, and NaN where b is 0.
func fraction(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
