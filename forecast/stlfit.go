package forecast

import (
	"context"
	"math"
	"slices"
)

// An stlFit is a decomposition on the way.
type stlFit struct {
	values, weights          []float64
	trend, season            []float64
	period, inner            int
	seasonal, level, lowPass loess

	detrended []float64
	cycles    []float64 // smoothed phases, from one period before the series to one after it
	filtered  []float64
	// One phase: its values, weights and curve.
	phase, phaseWeights, curve []float64
}

func (m STL) newFit(values, weights []float64) *stlFit {
	n := len(values)
	window := m.SeasonalWindow
	if window == 0 {
		window = 10*n + 1
	}
	trend := oddAtLeast(float64(orDefault(m.TrendWindow,
		int(math.Ceil(1.5*float64(m.Period)/(1-1.5/float64(window)))))))
	lowPass := oddAtLeast(float64(orDefault(m.LowPassWindow, m.Period)))
	window = oddAtLeast(float64(window))
	jump := func(given, window int) int { return orDefault(given, (window+9)/10) }
	f := &stlFit{
		values: values, weights: slices.Clone(weights), period: m.Period,
		trend: make([]float64, n), season: make([]float64, n),
		inner:    orDefault(m.Inner, 2),
		seasonal: loess{window: window, jump: jump(m.SeasonalJump, window)},
		level:    loess{window: trend, degree: 1, jump: jump(m.TrendJump, trend)},
		lowPass:  loess{window: lowPass, degree: 1, jump: jump(m.LowPassJump, lowPass)},

		detrended: make([]float64, n),
		cycles:    make([]float64, n+2*m.Period),
		filtered:  make([]float64, n+2*m.Period),
	}
	if m.Robust {
		f.inner = orDefault(m.Inner, 1)
	}
	longest := (n-1)/m.Period + 1
	f.phase, f.phaseWeights = make([]float64, longest), make([]float64, longest)
	f.curve = make([]float64, longest)
	return f
}

// iterate fits season and trend in turn: the inner loop of Cleveland et al. (1990),
// section 3.2.
func (f *stlFit) iterate(ctx context.Context) error {
	n := len(f.values)
	for range f.inner {
		for i, y := range f.values {
			f.detrended[i] = y - f.trend[i]
		}
		if err := f.smoothPhases(ctx); err != nil {
			return err
		}
		// The filter takes the level out of the cycles, so that it stays with the trend.
		f.filter()
		if err := f.lowPass.smooth(ctx, f.season, f.filtered[:n], nil); err != nil {
			return err
		}
		for i := range f.season {
			f.season[i] = f.cycles[f.period+i] - f.season[i]
			f.detrended[i] = f.values[i] - f.season[i]
		}
		if err := f.level.smooth(ctx, f.trend, f.detrended, f.weights); err != nil {
			return err
		}
	}
	return nil
}

// smoothPhases smooths the detrended values of each phase and carries them on by one
// period at both ends.
func (f *stlFit) smoothPhases(ctx context.Context) error {
	for phase := range f.period {
		periods := 0
		for i := phase; i < len(f.detrended); i += f.period {
			f.phase[periods] = f.detrended[i]
			if f.weights != nil {
				f.phaseWeights[periods] = f.weights[i]
			}
			periods++
		}
		y, curve := f.phase[:periods], f.curve[:periods]
		var weights []float64
		if f.weights != nil {
			weights = f.phaseWeights[:periods]
		}
		if err := f.seasonal.smooth(ctx, curve, y, weights); err != nil {
			return err
		}
		width := min(f.seasonal.window, periods)
		before := f.seasonal.at(-1, y, weights, 0, width)
		if math.IsNaN(before) {
			before = curve[0]
		}
		after := f.seasonal.at(float64(periods), y, weights, periods-width, periods)
		if math.IsNaN(after) {
			after = curve[periods-1]
		}
		f.cycles[phase] = before
		for i, v := range curve {
			f.cycles[phase+(i+1)*f.period] = v
		}
		f.cycles[phase+(periods+1)*f.period] = after
	}
	return nil
}

// filter writes the moving averages of length period, again period, and 3 of the cycles
// to filtered, which has as many values as the series then.
func (f *stlFit) filter() {
	once := movingMeans(f.filtered, f.cycles, f.period)
	twice := movingMeans(f.filtered, once, f.period)
	movingMeans(f.filtered, twice, 3)
}

// movingMeans writes the means of every width values in a row to dst, which may be the
// values themselves, and returns the part written.
func movingMeans(dst, values []float64, width int) []float64 {
	total := 0.0
	for _, v := range values[:width] {
		total += v
	}
	n := len(values) - width + 1
	for i := range n {
		first := values[i]
		dst[i] = total / float64(width)
		if i+width < len(values) {
			total += values[i+width] - first
		}
	}
	return dst[:n]
}

// reweigh sets the weights to the bisquares of the remainders relative to six times
// their median, and to 0 where nothing was observed.
func (f *stlFit) reweigh(observed []float64) {
	remainders := make([]float64, len(f.values))
	var sorted []float64
	for i, y := range f.values {
		remainders[i] = math.Abs(y - f.trend[i] - f.season[i])
		if observed == nil || observed[i] > 0 {
			sorted = append(sorted, remainders[i])
		}
	}
	slices.Sort(sorted)
	n := len(sorted)
	reach := 3 * (sorted[n/2] + sorted[(n-1)/2])
	f.weights = make([]float64, len(f.values))
	for i, r := range remainders {
		switch {
		case observed != nil && observed[i] == 0:
		case r <= .001*reach:
			f.weights[i] = 1
		case r <= .999*reach:
			q := r / reach
			q = 1 - q*q
			f.weights[i] = q * q
		}
	}
}
