package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// STL takes a series apart into a trend, a season that may change slowly and a
// remainder, by loess (Cleveland, Cleveland, McRae and Terpenning, Journal of Official
// Statistics 6, 1990). The season is fitted by local means, trend and low-pass filter by
// local lines.
//
// Missing values have no weight in any fit. Where a whole neighbourhood is missing,
// what is fitted is interpolated between the values around it.
type STL struct {
	// Period is that of the season in steps, at least 2.
	Period int
	// SeasonalWindow is the number of periods over which the season of a phase is
	// smoothed, odd and at least 3; 0 means all: the season never changes.
	SeasonalWindow int
	// TrendWindow is in steps, odd and at least 3; 0 means the least odd number of at
	// least 1.5 Period / (1 - 1.5/SeasonalWindow), by which the trend leaves the season
	// alone.
	TrendWindow int
	// LowPassWindow is in steps, odd and at least 3; 0 means the least odd number of at
	// least Period.
	LowPassWindow int
	// SeasonalJump, TrendJump and LowPassJump are the distances of the points at which the
	// curves are computed; between them they are straight. 0 means a tenth of the window,
	// rounded up.
	SeasonalJump, TrendJump, LowPassJump int
	// Robust weighs down values far from the fit, by bisquares of their remainder.
	Robust bool
	// Inner is the number of times that season and trend are fitted in turn; 0 means 2,
	// or 1 where Robust. Outer is the number of times that Robust weighs anew; 0 means 15.
	Inner, Outer int
}

// A Decomposition is a series as the sum of its parts.
type Decomposition struct {
	Trend []float64
	// Seasonal has one component for every season, that of the shortest period first.
	Seasonal [][]float64
	// Remainder is what is left, NaN where the value is missing.
	Remainder []float64
}

// SeasonalStrength returns the share of the variance of the detrended series that
// component i of Seasonal explains, beside the others: from 0 for none to 1 (Wang, Smith
// and Hyndman, Data Mining and Knowledge Discovery 13, 2006):
//
//	max(0, 1 - Var(remainder) / Var(remainder + seasonal))
//
// It is 0 where the detrended series does not vary.
func (d *Decomposition) SeasonalStrength(i int) float64 {
	var rest, seasonal variance
	for t, r := range d.Remainder {
		if !math.IsNaN(r) {
			rest.add(r)
			seasonal.add(r + d.Seasonal[i][t])
		}
	}
	if !(seasonal.squares > 0) {
		return 0
	}
	return min(max(1-rest.squares/seasonal.squares, 0), 1)
}

// A variance is that of the values added, by running moments (Welford, Technometrics 4,
// 1962).
type variance struct {
	n             int
	mean, squares float64
}

func (v *variance) add(x float64) {
	v.n++
	before := x - v.mean
	v.mean += before / float64(v.n)
	v.squares += before * (x - v.mean)
}

// Decompose returns the parts of the values. It returns an error that wraps ErrTooShort
// where there are no more than two periods or none is observed, and ctx.Err() soon after
// ctx is done.
func (m STL) Decompose(ctx context.Context, values []float64) (*Decomposition, error) {
	n := len(values)
	if m.Period < 2 || n <= 2*m.Period {
		return nil, fmt.Errorf("stl needs more than two periods of at least 2 steps: %d steps of period %d: %w", n, m.Period, ErrTooShort)
	}
	filled, observed := fillGaps(values)
	if filled == nil {
		return nil, fmt.Errorf("stl needs an observed value: %w", ErrTooShort)
	}
	f := m.newFit(filled, observed)
	rounds := 1
	if m.Robust {
		rounds += orDefault(m.Outer, 15)
	}
	for round := range rounds {
		if round > 0 {
			f.reweigh(observed)
		}
		if err := f.iterate(ctx); err != nil {
			return nil, err
		}
	}
	if m.SeasonalWindow == 0 {
		f.season = repeatMeans(f.season, m.Period)
	}
	d := &Decomposition{Trend: f.trend, Seasonal: [][]float64{f.season}, Remainder: make([]float64, n)}
	for i := range d.Remainder {
		d.Remainder[i] = filled[i] - f.trend[i] - f.season[i]
		if observed != nil && observed[i] == 0 {
			d.Remainder[i] = math.NaN()
		}
	}
	return d, nil
}

// fillGaps returns the values with straight lines through what is missing, or the
// nearest value at the ends, and the weights 1 for observed and 0 for missing ones, nil
// where all are observed. Without any the values are nil.
func fillGaps(values []float64) (filled, observed []float64) {
	filled = slices.Clone(values)
	last := -1 // Where a value was last observed.
	for i, y := range values {
		if !isFinite(y) {
			if observed == nil {
				observed = slices.Repeat([]float64{1}, len(values))
			}
			observed[i] = 0
			continue
		}
		from, step := y, 0.0
		if last >= 0 {
			from, step = values[last], (y-values[last])/float64(i-last)
		}
		for j := last + 1; j < i; j++ {
			filled[j] = from + step*float64(j-last)
		}
		last = i
	}
	if last < 0 {
		return nil, observed
	}
	for j := last + 1; j < len(filled); j++ {
		filled[j] = values[last]
	}
	return filled, observed
}

// repeatMeans returns the mean of each phase in every period.
func repeatMeans(season []float64, period int) []float64 {
	phases := make([]sum, period)
	for i, v := range season {
		phases[i%period].add(v)
	}
	means := make([]float64, len(season))
	for i := range means {
		means[i] = phases[i%period].mean()
	}
	return means
}

// orDefault returns v, or other where v is 0.
func orDefault(v, other int) int {
	if v == 0 {
		return other
	}
	return v
}

// oddAtLeast returns the least odd number not below v.
func oddAtLeast(v float64) int {
	n := int(math.Ceil(v))
	return n + 1 - n%2
}
