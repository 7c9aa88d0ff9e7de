package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// MSTL takes a series with several seasons apart by STL for one season after the other,
// in two rounds (Bandara, Hyndman and Bergmeir, International Journal of Operational
// Research 2021).
type MSTL struct {
	// Seasons are the periods in steps. Those of which the series does not hold more
	// than two are left out.
	Seasons []int
}

// mstlRounds is how often the seasons are fitted in turn where there are several.
const mstlRounds = 2

// Decompose returns the parts of the values, with the seasonal components of the periods
// that Periods returns. It returns an error that wraps ErrTooShort where there is no such
// season or no value is observed, and ctx.Err() soon after ctx is done.
func (m MSTL) Decompose(ctx context.Context, values []float64) (*Decomposition, error) {
	periods := m.Periods(len(values))
	if len(periods) == 0 {
		return nil, fmt.Errorf("mstl needs more than two periods of one of its seasons %v: %w", m.Seasons, ErrTooShort)
	}
	rest := slices.Clone(values)
	seasonal := make([][]float64, len(periods))
	for i := range seasonal {
		seasonal[i] = make([]float64, len(values))
	}
	rounds := mstlRounds
	if len(periods) == 1 {
		rounds = 1
	}
	var last *Decomposition
	for range rounds {
		for i, period := range periods {
			for t := range rest {
				rest[t] += seasonal[i][t]
			}
			// The longer the period the fewer of them there are, and the more of them
			// are needed to tell its shape from noise: 11, 15, 19, ...
			d, err := STL{Period: period, SeasonalWindow: 11 + 4*i}.Decompose(ctx, rest)
			if err != nil {
				return nil, err
			}
			seasonal[i], last = d.Seasonal[0], d
			for t := range rest {
				rest[t] -= seasonal[i][t]
			}
		}
	}
	d := &Decomposition{Trend: last.Trend, Seasonal: seasonal, Remainder: rest}
	for t := range rest {
		if rest[t] -= d.Trend[t]; math.IsInf(rest[t], 0) {
			rest[t] = math.NaN()
		}
	}
	return d, nil
}

// Periods returns the seasons of which a series of so many steps holds more than two
// periods, shortest first.
func (m MSTL) Periods(steps int) []int {
	var periods []int
	for _, period := range m.Seasons {
		if period >= 2 && 2*period < steps {
			periods = append(periods, period)
		}
	}
	slices.Sort(periods)
	return slices.Compact(periods)
}
