package datasets

import (
	"math"
	"slices"
	"time"
)

// A Summary describes the observed values of a series, in the series' unit.
// Without any observed value the numbers are NaN.
type Summary struct {
	Points     int // steps, observed or not
	Missing    int // steps without a value
	Min        float64
	Median     float64
	Mean       float64
	P95        float64
	P99        float64
	Max        float64
	LongestGap time.Duration // the longest run of missing steps
}

// Stats summarises s; its quantiles are those of [Quantile].
func Stats(s Series) Summary {
	sorted := observed(s.Values)
	sum := 0.0
	for _, v := range sorted {
		sum += v
	}
	return Summary{
		Points:     len(s.Values),
		Missing:    len(s.Values) - len(sorted),
		Min:        quantile(sorted, 0),
		Median:     quantile(sorted, 0.5),
		Mean:       sum / float64(len(sorted)),
		P95:        quantile(sorted, 0.95),
		P99:        quantile(sorted, 0.99),
		Max:        quantile(sorted, 1),
		LongestGap: time.Duration(longestRunMissing(s.Values)) * s.Step,
	}
}

// Quantile returns the q-quantile of the observed values, by linear
// interpolation of the order statistics (type 7 of Hyndman and Fan, 1996, the
// default of R and NumPy). It is NaN if nothing is observed or q is not in [0, 1].
func Quantile(s Series, q float64) float64 { return quantile(observed(s.Values), q) }

// observed returns the values without gaps, in ascending order.
func observed(values []float64) []float64 {
	sorted := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	return sorted
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 || !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	rank := q * float64(len(sorted)-1)
	below := int(rank)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (rank-float64(below))*(sorted[below+1]-sorted[below])
}

func longestRunMissing(values []float64) int {
	longest, run := 0, 0
	for _, v := range values {
		if math.IsNaN(v) {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
