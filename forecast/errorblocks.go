package forecast

import (
	"math"
	"time"
)

// ErrorBlocks are the errors of one model at one horizon, added up over blocks of
// equal length of the scored part: enough to compare two models, or one model then
// and now, on the same instants (a paired block bootstrap), and no more.
//
// Block k holds the scored instants from step WarmUp + k*Steps of the series on,
// the same for every model and horizon; the last one may be shorter.
type ErrorBlocks struct {
	Horizon  int       // steps
	Steps    int       // of the series in a block
	Absolute []float64 // sum of |y-f|, in the unit of the series
	Size     []float64 // sum of |y|
	N        []int     // observed points; 0 where all are missing
}

// mostBlocks bounds the blocks of a horizon; fewestSteps is how many steps a block
// has at least, so that its sum says more than one point does.
const (
	mostBlocks  = 200
	fewestSteps = 12
)

// blockLengths are the lengths that blocks have, so that they keep step with the day.
var blockLengths = [...]time.Duration{
	time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 4 * 24 * time.Hour, 7 * 24 * time.Hour,
}

// blockSteps returns how many steps the blocks of so many scored steps have: the
// shortest of blockLengths, rounded up, that gives few enough of them; longer only
// where even the longest does not.
func blockSteps(step time.Duration, scored int) int {
	least := max(fewestSteps, (scored+mostBlocks-1)/mostBlocks)
	for _, length := range blockLengths {
		if n := int((length + step - 1) / step); n >= least {
			return n
		}
	}
	return least
}

// newErrorBlocks returns empty blocks, one entry for each horizon.
func newErrorBlocks(s Series, warmUp int, horizons []int) []ErrorBlocks {
	scored := len(s.Values) - warmUp
	steps := blockSteps(s.Step, scored)
	count := (scored + steps - 1) / steps
	blocks := make([]ErrorBlocks, len(horizons))
	for i, h := range horizons {
		blocks[i] = ErrorBlocks{
			Horizon: h, Steps: steps,
			Absolute: make([]float64, count), Size: make([]float64, count), N: make([]int, count),
		}
	}
	return blocks
}

// add adds the forecast of an observation that came so many steps after the warm-up.
func (b *ErrorBlocks) add(step int, y, point float64) {
	k := step / b.Steps
	b.Absolute[k] += math.Abs(y - point)
	b.Size[k] += math.Abs(y)
	b.N[k]++
}
