package forecast

import (
	"context"
	"math"
	"slices"
)

// A Season is a period that a series shows.
type Season struct {
	// Period is in steps, at least 3 and at most half of the series.
	Period int
	// Strength is by how much the autocorrelation of the changes one period apart
	// exceeds its mean over all shorter lags: near 1 where every period is like the
	// last one, and above 0.2 for a season that is reported.
	Strength float64
}

// shortestSeason is the shortest period. What alternates is as well a negative
// autocorrelation, which has no phase.
const shortestSeason = 3

// DetectSeason returns the periods of Seasons, in steps and ascending; none is an answer.
func DetectSeason(s Series) []int {
	var periods []int
	for _, season := range Seasons(s) {
		periods = append(periods, season.Period)
	}
	return periods
}

// Seasons returns the seasons that the series itself shows, shortest first; none is
// an answer. A season of the calendar fits twice into the series, any other four times.
//
// The spectrum and the autocorrelation of the changes from step to step propose
// periods, and so does the calendar: a day and a week, for steps of a day or more a
// year. A proposal that the length of the series cannot tell from a whole part of an
// hour, a day or a week is taken for that. Each proposal, from the shortest up, must
// then be confirmed by the autocorrelation of changes; see confirm. What the seasons
// confirmed before it explain is taken out first, so that two days are no season
// beside one, but a week is where its days differ.
//
// A period of a half or a third of a longer season is one of its waves and left
// out, as is any whole part of it that has no more share in it than chance. A rhythm
// of a half or a third of a day is taken for a daily one, as loads with two or three
// humps a day are. A period that is not a whole number of steps is rounded where the
// series keeps the phase of the rounded one, else left out: half of the series apart,
// the autocorrelation must be at least half of that one period apart.
func Seasons(s Series) []Season {
	seasons, _ := findSeasons(context.Background(), s) // Never done.
	return seasons
}

// findSeasons is Seasons that ends with ctx.Err() soon after ctx is done.
func findSeasons(ctx context.Context, s Series) ([]Season, error) {
	values := seasonScale(s.Values)
	if len(values) < 2*shortestSeason {
		return nil, ctx.Err()
	}
	d := seasonSearch{values: values, calendar: newCalendar(s.Step)}
	d.prefix()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, period := range d.candidates() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		season, ok := d.confirm(period)
		if !ok {
			continue
		}
		if day := d.calendar.day(); isWave(season.Period, day) && day <= len(values)/2 {
			season.Period = day
		}
		d.found = append(d.found, season)
	}
	return d.pruned(), nil
}

// A seasonSearch is the state of one call of Seasons.
type seasonSearch struct {
	values   []float64 // on the scale of seasonScale, NaN where missing
	sums     []float64 // of the observed values before an index
	counts   []int     // of the same
	calendar calendar
	found    []Season
	drifting []int // periods that were confirmed but for their phase
}

func (d *seasonSearch) prefix() {
	n := len(d.values)
	d.sums, d.counts = make([]float64, n+1), make([]int, n+1)
	// Sums of what is left of the mean lose fewer digits.
	var total sum
	for _, v := range d.values {
		if !math.IsNaN(v) {
			total.add(v)
		}
	}
	mean := total.mean()
	for i, v := range d.values {
		d.sums[i+1], d.counts[i+1] = d.sums[i], d.counts[i]
		if !math.IsNaN(v) {
			d.sums[i+1] += v - mean
			d.counts[i+1]++
		}
	}
}

// candidates returns the periods to look at, ascending.
func (d *seasonSearch) candidates() []int {
	n := len(d.values)
	var periods []int
	for _, exact := range propose(d.values) {
		// The spectrum tells frequencies apart that differ by one cycle of the series.
		resolution := exact * exact / float64(n)
		periods = append(periods, d.calendar.snap(exact, max(.5, .5*resolution)))
	}
	periods = append(periods, d.calendar.usual()...)
	slices.Sort(periods)
	periods = slices.Compact(periods)
	return slices.DeleteFunc(periods, func(p int) bool { return p < shortestSeason || p > n/2 })
}

// pruned returns the seasons found, shortest first, without the waves of longer ones.
func (d *seasonSearch) pruned() []Season {
	var seasons []Season
	for _, short := range d.found {
		wave := slices.ContainsFunc(d.found, func(long Season) bool {
			return isWave(short.Period, long.Period) ||
				long.Period > short.Period && long.Period%short.Period == 0 && !d.standsOut(short.Period, long.Period)
		})
		if !wave {
			seasons = append(seasons, short)
		}
	}
	slices.SortFunc(seasons, func(a, b Season) int { return a.Period - b.Period })
	return seasons
}

// standsOut reports whether the mean values of the phases of a period have at least
// a thousandth of the power of the pattern of a multiple of it, and twice the share
// that they have in a pattern without any order.
func (d *seasonSearch) standsOut(short, long int) bool {
	n := len(d.values)
	rest := make([]float64, n)
	for i, v := range d.values {
		from := min(max(0, i-long/2), n-long)
		rest[i] = v - d.mean(from, from+long)
	}
	total := power(rest)
	afterShort := slices.Clone(rest)
	removeMeans(afterShort, short)
	removeMeans(rest, long)
	share := max(.001, 2*float64(short)/float64(long))
	return total-power(afterShort) >= share*(total-power(rest))
}

// isWave reports whether short is a half or a third of long.
func isWave(short, long int) bool { return 2*short == long || 3*short == long }

// seasonScale returns the values as a season is looked for: ln(1 + y/(0.01 mean)), so
// that a single flood does not drown it, or the values themselves where one is
// negative or all are 0. Infinite values are missing; what is missing at either end is
// cut off, which moves no period.
func seasonScale(values []float64) []float64 {
	out := make([]float64, len(values))
	first, last := len(values), -1
	for i, y := range values {
		if math.IsInf(y, 0) {
			y = math.NaN()
		}
		out[i] = y
		if !math.IsNaN(y) {
			first, last = min(first, i), i
		}
	}
	if last < first {
		return nil
	}
	out = out[first : last+1]
	if unit, ok := logUnit(out); ok {
		for i, y := range out {
			out[i] = math.Log1p(y / unit)
		}
		return out
	}
	// Squares of values near the end of the range of float64 would be infinite.
	largest := 0.0
	for _, y := range out {
		if a := math.Abs(y); a > largest {
			largest = a
		}
	}
	if largest > 0 {
		for i := range out {
			out[i] /= largest
		}
	}
	return out
}

// logUnit returns 1 % of the mean, the unit in which a logarithm of one more than the
// values is taken, and false where one is negative or all are 0.
func logUnit(values []float64) (float64, bool) {
	var total sum
	for _, y := range values {
		if y < 0 {
			return 0, false
		}
		if !math.IsNaN(y) && !math.IsInf(y, 0) {
			total.add(y)
		}
	}
	unit := .01 * total.mean()
	return unit, unit > 0 && !math.IsInf(unit, 0)
}
