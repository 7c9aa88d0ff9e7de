package forecast

import (
	"math"
	"slices"
)

// kpssCritical is the value that the statistic of a series with a constant level exceeds
// in 5 % of cases (Kwiatkowski, Phillips, Schmidt and Shin, Journal of Econometrics 54,
// 1992, table 1).
const kpssCritical = .463

// kpss returns the statistic of the test of Kwiatkowski, Phillips, Schmidt and Shin for a
// level that wanders: the mean square of the partial sums of the deviations from the
// mean, over n times their long-run variance, with Bartlett weights up to lag
// 3 sqrt(n)/13. It is NaN for a constant.
func kpss(values []float64) float64 {
	n := len(values)
	var total sum
	for _, y := range values {
		total.add(y)
	}
	mean := total.mean()
	deviations := make([]float64, n)
	partial, area := 0.0, 0.0
	for i, y := range values {
		deviations[i] = y - mean
		partial += deviations[i]
		area += partial * partial
	}
	size := float64(n)
	variance := squares(deviations) / size
	lags := int(3 * math.Sqrt(size) / 13)
	for lag := 1; lag <= min(lags, n-1); lag++ {
		weight := 1 - float64(lag)/float64(lags+1)
		variance += 2 * weight * dot(deviations[lag:], deviations[:n-lag]) / size
	}
	return area / (size * size * variance)
}

// differencesNeeded returns how often the values, none missing, must be differenced, at
// most twice, until they no longer wander by the test of kpss, or are constant.
func differencesNeeded(values []float64) int {
	for d := range 2 {
		if constant(values) || !(kpss(values) > kpssCritical) {
			return d
		}
		values = lagDifferences(values, 1)
		if constant(values) {
			return d + 1 // a straight line, of which only the slope is left
		}
	}
	return 2
}

// constant reports whether the values differ by rounding only.
func constant(values []float64) bool { return constantWithin(values, 0) }

// constantWithin reports whether the values differ by rounding only where they were
// computed from values of the given size.
func constantWithin(values []float64, size float64) bool {
	if len(values) == 0 {
		return true
	}
	low, high := slices.Min(values), slices.Max(values)
	return high-low <= 1e-12*max(math.Abs(low), math.Abs(high), size)
}
