package forecast

import (
	"math"
	"time"
)

// DetectSeason returns the periods, in steps and ascending, of the day and the week
// as far as the series shows them; none is an answer. A period must be a whole number
// of steps and fit twice into the series.
//
// A period is confirmed by the autocorrelation of the changes from one part of the
// day to the next: one period apart it must exceed its mean over all shorter lags.
// Changes are used as the levels of a series that merely wanders are correlated over
// any time, and the mean is subtracted as the changes of a series that merely grows
// are. For the week the mean changes of each time of day are taken out first, as any
// daily pattern also repeats after seven days.
func DetectSeason(s Series) []int {
	const day = 24 * time.Hour
	if s.Step <= 0 || day%s.Step != 0 || s.Step > day/4 {
		return nil
	}
	steps := int(day / s.Step)
	var seasons []int
	if seasonal(s.Values, steps, 1) {
		seasons = append(seasons, steps)
	}
	if seasonal(s.Values, steps, 7) {
		seasons = append(seasons, 7*steps)
	}
	return seasons
}

// seasonal reports whether the series repeats after so many days. It looks at parts
// of three hours, which average noise out, and of half an hour, which keep short
// nightly jobs apart.
func seasonal(values []float64, day, days int) bool {
	if len(values) < 2*days*day {
		return false
	}
	values = logarithms(values)
	for _, parts := range []int{8, 48} {
		if day%parts != 0 {
			parts = day
		}
		means := partMeans(values, day/parts)
		changes := differences(means)
		// What is left of a season without noise after the day is taken out, or of a
		// constant, is rounding.
		rounding := 1e-24 * power(means)
		if days > 1 {
			rounding = 1e-20 * power(changes)
			removeMeans(changes, parts)
		}
		if power(changes) <= rounding {
			continue
		}
		lag := days * parts
		var shorter sum
		for k := 1; k <= lag; k++ {
			r, _ := autocorrelation(changes, k)
			shorter.add(r)
		}
		r, pairs := autocorrelation(changes, lag)
		// Without a season, r has a standard deviation near 1/sqrt(pairs).
		if r-shorter.mean() > max(.2, 3/math.Sqrt(float64(pairs))) {
			return true
		}
	}
	return false
}

// logarithms returns ln(1 + y/(0.01 mean)), so that a single flood does not drown the
// season, or the values themselves where one is negative or all are 0.
func logarithms(values []float64) []float64 {
	var total sum
	for _, y := range values {
		if y < 0 {
			return values
		}
		if !math.IsNaN(y) {
			total.add(y)
		}
	}
	unit := .01 * total.mean()
	if !(unit > 0) {
		return values
	}
	out := make([]float64, len(values))
	for i, y := range values {
		out[i] = math.Log1p(y / unit)
	}
	return out
}

func partMeans(values []float64, width int) []float64 {
	out := make([]float64, 0, len(values)/width)
	for i := 0; i+width <= len(values); i += width {
		var s sum
		for _, v := range values[i : i+width] {
			if !math.IsNaN(v) {
				s.add(v)
			}
		}
		out = append(out, s.mean())
	}
	return out
}

func differences(values []float64) []float64 {
	out := make([]float64, max(len(values)-1, 0))
	for i := range out {
		out[i] = values[i+1] - values[i]
	}
	return out
}

// power returns the mean square of the observed values.
func power(values []float64) float64 {
	var s sum
	for _, v := range values {
		if !math.IsNaN(v) {
			s.add(v * v)
		}
	}
	return s.mean()
}

// removeMeans subtracts from each value the mean of its phase.
func removeMeans(values []float64, period int) {
	for phase := range period {
		var s sum
		for i := phase; i < len(values); i += period {
			if !math.IsNaN(values[i]) {
				s.add(values[i])
			}
		}
		mean := s.mean()
		for i := phase; i < len(values); i += period {
			values[i] -= mean
		}
	}
}

// autocorrelation returns the correlation of values lag steps apart, around a mean
// of 0, over the observed pairs; 0 where there are none.
func autocorrelation(values []float64, lag int) (r float64, pairs int) {
	product, early, late := 0.0, 0.0, 0.0
	for i := lag; i < len(values); i++ {
		a, b := values[i-lag], values[i]
		if v := a * b; !math.IsNaN(v) {
			product += v
			early += a * a
			late += b * b
			pairs++
		}
	}
	r = product / math.Sqrt(early*late)
	if math.IsNaN(r) {
		r = 0
	}
	return r, pairs
}
