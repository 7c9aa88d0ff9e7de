package forecast

import (
	"math"
	"slices"
)

const (
	seasonStrength = .2 // the least Strength of a season
	seasonClip     = 4  // robust standard deviations of a change

	// The least standard deviations of an autocorrelation above chance. Of the usual
	// periods there are three at most, of the others dozens.
	usualDeviations    = 3.
	proposedDeviations = 4.
)

// confirm reports whether the series repeats after the period, and returns the period,
// moved to the best lag nearby where it is not one of the calendar.
//
// It looks at the changes from one part of the period to the next, by parts of an
// eighth, which average noise out, and of a forty-eighth, which keep short jobs apart;
// of a period shorter than 24 steps by quarters instead of the latter.
// The autocorrelation one period apart must exceed its mean over all shorter lags, by
// at least seasonStrength and by a number of standard deviations: changes are used
// as the levels of a series that merely wanders are correlated over any time, and the
// mean is subtracted as the changes of a series that merely grows are. The standard
// deviation is that of the parts' own contributions, so that two steps or floods that
// happen to lie one period apart are one coincidence, however large. No lag within a
// quarter of the period may be better; where a period of the calendar fits fewer than
// three times, not by more than chance.
func (d *seasonSearch) confirm(period int) (Season, bool) {
	widths := []int{max(1, period/8), max(1, period/48)}
	if period < 24 {
		widths[1] = max(1, period/4)
	}
	for _, width := range slices.Compact(widths) {
		c := d.changes(width)
		if c == nil {
			continue
		}
		best, ok := c.peak(period, d.calendar.isUsual(period))
		if !ok || slices.ContainsFunc(d.found, func(s Season) bool { return s.Period == best }) {
			continue
		}
		usual, longest, deviations := d.calendar.isUsual(best), len(d.values)/4, proposedDeviations
		if usual {
			longest, deviations = len(d.values)/2, usualDeviations
		}
		if best > longest || !usual && d.isMultiple(best) || !d.beyondMultiples(c, best) {
			continue
		}
		strength, ok := c.excess(best, deviations)
		if !ok {
			continue
		}
		if !usual && !c.keepsPhase(best) {
			d.drifting = append(d.drifting, best)
			continue
		}
		return Season{Period: best, Strength: strength}, true
	}
	return Season{}, false
}

// isMultiple reports whether a period is one of those that need no reason of their
// own: a multiple of one that did not keep its phase, which looks for a while like one
// that does, or, as far as the length of the series tells, of a day, a week or a year
// found before.
func (d *seasonSearch) isMultiple(period int) bool {
	for _, short := range d.drifting {
		if period%short == 0 {
			return true
		}
	}
	resolution := float64(period) * float64(period) / float64(len(d.values)) / 2
	for _, s := range d.found {
		if period > s.Period && d.calendar.isUsual(s.Period) {
			away := period % s.Period
			if float64(min(away, s.Period-away)) <= resolution {
				return true
			}
		}
	}
	return false
}

// beyondMultiples reports whether values one period apart are more alike than those
// any smaller multiple of a season found before apart: a daily pattern that slowly
// changes repeats after seven days, but after six days more so.
func (d *seasonSearch) beyondMultiples(c *seasonChanges, period int) bool {
	r := c.autocorrelation(period)
	for _, s := range d.found {
		if period%s.Period != 0 {
			continue
		}
		// Twelve of them say as much as all. Closer than two widths changes overlap.
		first, last := 1+2*c.width/s.Period, period/s.Period-1
		for k := first; k <= last; k += 1 + (last-first)/12 {
			if c.autocorrelation(k*s.Period) >= r {
				return false
			}
		}
	}
	return true
}

// seasonChanges are the differences of the means of width values after and before
// each index, without what the seasons found so far explain; NaN where too little was
// observed.
type seasonChanges struct {
	values []float64
	sums   []float64 // of the observed changes before an index
	counts []int     // of the same
	width  int
	stride int // at which lags are correlated: changes are smooth over their width
}

// changes returns nil where no change is left but rounding.
func (d *seasonSearch) changes(width int) *seasonChanges {
	n := len(d.values)
	c := &seasonChanges{values: make([]float64, n), width: width, stride: max(1, width/8)}
	for i := range c.values {
		c.values[i] = math.NaN()
		if i >= width && i+width <= n {
			c.values[i] = d.mean(i, i+width) - d.mean(i-width, i)
		}
	}
	// Sums over the whole series round at its scale.
	rounding := 1e-24 * power(d.values)
	before := power(c.values)
	if !(before > rounding) {
		return nil
	}
	clip(c.values)
	if len(d.found) > 0 {
		for _, s := range d.found {
			removeMeans(c.values, s.Period)
		}
		if !(power(c.values) > max(rounding, 1e-20*before)) {
			return nil
		}
	}
	c.sums, c.counts = make([]float64, n+1), make([]int, n+1)
	for i, v := range c.values {
		c.sums[i+1], c.counts[i+1] = c.sums[i], c.counts[i]
		if !math.IsNaN(v) {
			c.sums[i+1] += v
			c.counts[i+1]++
		}
	}
	return c
}

// mean returns the mean of the observed of values[from:to], NaN where fewer than a
// third were.
func (d *seasonSearch) mean(from, to int) float64 {
	count := d.counts[to] - d.counts[from]
	if count == 0 || 3*count < to-from {
		return math.NaN()
	}
	return (d.sums[to] - d.sums[from]) / float64(count)
}

// peak returns the lag of the highest autocorrelation within one width of the period,
// or the period itself where it is exact, and whether no lag within a quarter of it is
// higher.
func (c *seasonChanges) peak(period int, exact bool) (int, bool) {
	best, highest := period, c.autocorrelation(period)
	if !(highest > seasonStrength/2) {
		return 0, false
	}
	near := max(1, c.width/2)
	if !exact {
		best = c.refined(period, near)
		highest = c.autocorrelation(best)
	}
	margin := 0.0
	if exact && len(c.values) < 3*period {
		// The day need not be the best of all lags in two days of it.
		margin = math.Sqrt(float64(c.width) / float64(len(c.values)-period))
	}
	step := max(1, c.width/2)
	for away := near + step; away <= max(near+step, period/4); away += step {
		for _, lag := range []int{best - away, best + away} {
			if lag > 0 && c.autocorrelation(lag) > highest+margin {
				return 0, false
			}
		}
	}
	return best, true
}

// refined returns the lag within a distance of a period at which the autocorrelation
// is highest, one, two, four and more periods apart: far apart a small difference
// shows.
func (c *seasonChanges) refined(period, distance int) int {
	score := func(lag int) float64 {
		total := 0.0
		for far := lag; far <= len(c.values)/2; far *= 2 {
			total += c.autocorrelation(far)
		}
		return total
	}
	best, highest := period, score(period)
	for _, step := range []int{max(1, distance/8), 1} {
		middle := best
		for lag := max(shortestSeason, middle-distance); lag <= middle+distance; lag += step {
			if s := score(lag); s > highest {
				best, highest = lag, s
			}
		}
		distance = step - 1
	}
	return best
}

// autocorrelation returns the correlation of changes lag steps apart, around a mean
// of 0, over the observed pairs; 0 where there are none.
func (c *seasonChanges) autocorrelation(lag int) float64 {
	product, early, late := 0.0, 0.0, 0.0
	for i := lag; i < len(c.values); i += c.stride {
		a, b := c.values[i-lag], c.values[i]
		if v := a * b; !math.IsNaN(v) {
			product += v
			early += a * a
			late += b * b
		}
	}
	r := product / math.Sqrt(early*late)
	if math.IsNaN(r) {
		return 0
	}
	return r
}

// excess returns by how much the autocorrelation one period apart exceeds its mean
// over all shorter lags, and whether that is more than chance.
func (c *seasonChanges) excess(period int, deviations float64) (float64, bool) {
	var parts []float64 // contributions of parts of the series
	// Neighbours of an alternating series are alike in their contributions.
	width := max(c.width, 2)
	early, late := 0.0, 0.0
	for start := period; start < len(c.values); start += width {
		part, seen := 0.0, false
		for i := start; i < min(start+width, len(c.values)); i++ {
			a, b := c.values[i-period], c.values[i]
			if math.IsNaN(a * b) {
				continue
			}
			// a is among the shorter lags, so that there is one.
			shorter := (c.sums[i] - c.sums[i-period]) / float64(c.counts[i]-c.counts[i-period])
			part += b * (a - shorter)
			early += a * a
			late += b * b
			seen = true
		}
		if seen {
			parts = append(parts, part)
		}
	}
	var total, squares sum
	for _, part := range parts {
		total.add(part)
	}
	for _, part := range parts {
		squares.add((part - total.mean()) * (part - total.mean()))
	}
	n := float64(len(parts))
	strength := total.value() / math.Sqrt(early*late)
	deviation := math.Sqrt(squares.value() / (n - 1) * n)
	// Few parts know their own deviation badly.
	enough := total.value() > deviations*(1+4/n)*deviation
	return strength, enough && strength > max(seasonStrength, deviations/math.Sqrt(n))
}

// keepsPhase reports whether the series, half of it and three and two eighths apart, is
// still at the same phase of the period: the autocorrelation is at least half of that
// one period apart, in the mean of the nearest lags. It is not where the true period is
// a fraction of a step away, or where the series only swings. With half alone the
// drift might be a whole period.
func (c *seasonChanges) keepsPhase(period int) bool {
	enough := c.autocorrelation(period) / 2
	for eighths := 2; eighths <= 4; eighths++ {
		cycles := max(1, len(c.values)*eighths/8/period)
		far, lags := 0.0, min(cycles, 4)
		for k := range lags {
			far += c.autocorrelation((cycles - k) * period)
		}
		if far/float64(lags) < enough {
			return false
		}
	}
	return true
}

// clip limits changes to seasonClip standard deviations, estimated by the median of a
// sample of their sizes, where that is not 0.
func clip(changes []float64) {
	var sizes []float64
	stride := 1 + len(changes)/4096
	for i := 0; i < len(changes); i += stride {
		if !math.IsNaN(changes[i]) {
			sizes = append(sizes, math.Abs(changes[i]))
		}
	}
	if len(sizes) == 0 {
		return
	}
	slices.Sort(sizes)
	limit := seasonClip * 1.4826 * sizes[len(sizes)/2]
	if !(limit > 0) {
		return
	}
	for i, v := range changes {
		if !math.IsNaN(v) {
			changes[i] = clamp(v, -limit, limit)
		}
	}
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
	sums, counts := make([]float64, period), make([]float64, period)
	for i, v := range values {
		if !math.IsNaN(v) {
			sums[i%period] += v
			counts[i%period]++
		}
	}
	for i := range values {
		values[i] -= sums[i%period] / counts[i%period]
	}
}
