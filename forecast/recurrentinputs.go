package forecast

import (
	"math"
	"time"
)

// recurrentInputs describe the window before an origin to a network.
type recurrentInputs struct {
	window, lead int
	seasons      []int
	cycles       []time.Duration // day and week, as far as they are used
	start        time.Time
	step         time.Duration
	// Units are the mean size of values, and of their changes from step to step, as
	// logarithms: inputs are divided by them, for networks learn slowly from small ones.
	valueUnit, changeUnit float64
}

// recurrentSpans is how often past must span a season or a cycle that is used: of the time
// of week within two weeks a network learns what happened, not what recurs.
const recurrentSpans = 5

// newRecurrentInputs leaves units to be set.
func newRecurrentInputs(m Recurrent, past Series) recurrentInputs {
	in := recurrentInputs{window: m.Window, lead: m.Horizons, start: past.Start, step: past.Step}
	n := len(past.Values)
	for _, s := range m.Seasons {
		if s > 1 && recurrentSpans*s <= n && len(in.seasons) < 2 {
			in.seasons = append(in.seasons, s)
		}
	}
	for _, c := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
		if 4*past.Step <= c && time.Duration(n)*past.Step >= recurrentSpans*c {
			in.cycles = append(in.cycles, c)
		}
	}
	return in
}

// width is the number of inputs a step: the change from the step before, the value and
// whether it was observed, the same of each season, a point on the circle of each cycle,
// and 1.
func (in *recurrentInputs) width() int { return 3 + 2*len(in.seasons) + 2*len(in.cycles) + 1 }

// reach is how many values up to the origin the inputs depend on.
func (in *recurrentInputs) reach() int {
	reach := in.window + 1
	for _, s := range in.seasons {
		reach = max(reach, in.window+s)
	}
	return reach
}

// fill describes the origin values[len(values)-1], whose index in the series is at, step i
// of the window to dst[i*stride:].
func (in *recurrentInputs) fill(dst []float32, stride int, values []float64, at int, level float64) {
	first := len(values) - in.window
	before, known := recurrentInput(values, first-1, level, 1)
	for i := range in.window {
		row := dst[i*stride : i*stride+in.width()]
		v, observed := recurrentInput(values, first+i, level, 1)
		row[0] = clampInput((v - before) * observed * known / float32(in.changeUnit))
		row[1], row[2] = recurrentInput(values, first+i, level, in.valueUnit)
		before, known = v, observed
		row[len(row)-1] = 1
	}
	for j, s := range in.seasons {
		// Relative to the level of then, and so far ahead as the forecast looks.
		then := 0.
		if s < len(values) {
			then = recurrentLevel(values[:len(values)-s], in.window)
		}
		for i := range in.window {
			row := dst[i*stride : i*stride+in.width()]
			row[3+2*j], row[4+2*j] = recurrentInput(values, first+i-s+min(in.lead, s), then, in.valueUnit)
		}
	}
	for j, c := range in.cycles {
		elapsed := in.start.Add(time.Duration(at-in.window+1)*in.step).Sub(treesEpoch) % c
		sin, cos := math.Sincos(2 * math.Pi * float64(elapsed) / float64(c))
		stepSin, stepCos := math.Sincos(2 * math.Pi * float64(in.step) / float64(c))
		column := 3 + 2*len(in.seasons) + 2*j
		for i := range in.window {
			dst[i*stride+column], dst[i*stride+column+1] = float32(sin), float32(cos)
			sin, cos = sin*stepCos+cos*stepSin, cos*stepCos-sin*stepSin
		}
	}
}

// recurrentInput returns a value relative to the level as networks see it, and 1; or twice
// 0 where there is none, or no level.
func recurrentInput(values []float64, i int, level, unit float64) (v, observed float32) {
	if i < 0 || level == 0 || !isObserved(values[i]) {
		return 0, 0
	}
	return clampInput(float32(recurrentLog(values[i], level) / unit)), 1
}

func clampInput(v float32) float32 { return min(max(v, -10), 10) }

const (
	// recurrentOffset keeps the logarithm of no load finite: a tenth of the level.
	recurrentOffset = .1
	// recurrentHighest bounds inputs and targets, in units of the level.
	recurrentHighest = 100
	// recurrentResolution is what inputs and targets are rounded to, so that loads in
	// another unit, whose ratios differ by rounding, train the same network.
	recurrentResolution = 1. / (1 << 20)
)

// recurrentLog returns the logarithm of a value relative to the level, 0 at the level.
func recurrentLog(v, level float64) float64 {
	z := math.Log((clamp(v/level, 0, recurrentHighest) + recurrentOffset) / (1 + recurrentOffset))
	return math.Round(z/recurrentResolution) * recurrentResolution
}

// recurrentExp is the inverse of recurrentLog.
func recurrentExp(z, level float64) float64 {
	return level * ((1+recurrentOffset)*math.Exp(z) - recurrentOffset)
}

// recurrentLevel returns the local level at the end of values: their mean size over 15
// steps, and a little of that over the window, so that it is not 0 at once when load is.
func recurrentLevel(values []float64, window int) float64 {
	const local, share = 15, .02
	var near, far, nearest, all float64
	for i := range min(window, len(values)) {
		v := math.Abs(values[len(values)-1-i])
		if !isObserved(v) {
			continue
		}
		far += v
		all++
		if i < local {
			near += v
			nearest++
		}
	}
	if nearest == 0 {
		return 0
	}
	return (1-share)*near/nearest + share*far/all
}
