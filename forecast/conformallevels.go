package forecast

import "math"

// trackedLevels are the levels whose coverage is watched; those between them follow
// their neighbours.
var trackedLevels = [...]float64{.005, .01, .025, .05, .1, .25, .5, .75, .9, .95, .975, .99, .995}

const (
	// levelGain is the gain of the correction at a horizon of one step, where misses are
	// known at once. Of h steps it takes 1/sqrt(h): a late correction overshoots.
	levelGain = .15
	// The first scores are few and may be of another time, so that the gain begins at
	// 1 + levelHaste times its value, and is half way down after levelHastens scores.
	levelHaste, levelHastens = 5, 100
	// levelReach bounds how far a quantile moves outwards: its level misses at least one
	// in levelReach of what it should. Without a bound ten misses in a row, which at a
	// horizon of ten steps are one surge, lead far beyond all scores.
	levelReach = 3
)

// conformalLevels corrects the levels at which quantiles of the scores are taken, by how
// often what came was below them (adaptive conformal inference: Gibbs and Candès,
// Advances in Neural Information Processing Systems 34, 2021, one-sided): the level of
// the quantile at q moves by
//
//	gain min(q, 1-q, 0.1) (q - [y <= quantile])
//
// so that in the long run a share q lies below, whatever the scores do: after a shift of
// the level, where the forecast is biased, and where many values are equal.
type conformalLevels struct {
	gain      float64
	settled   float64
	tracked   [len(trackedLevels)]float64
	effective [len(trackedLevels)]float64 // tracked, not crossing
}

func newConformalLevels(horizon int) conformalLevels {
	return conformalLevels{
		gain:    levelGain / math.Sqrt(float64(horizon)),
		tracked: trackedLevels, effective: trackedLevels,
	}
}

// settle takes what came and the quantiles that had been issued for it.
func (c *conformalLevels) settle(actual float64, bounds *[len(trackedLevels)]float64) {
	c.settled++
	if actual == bounds[0] && actual == bounds[len(bounds)-1] {
		// All quantiles were one value, and it came: above some and below others of them, if
		// one knew. A night of nothing would take all levels to the median.
		return
	}
	gain := c.gain * (1 + levelHaste/(1+c.settled/levelHastens))
	highest := 0.0
	for i, q := range trackedLevels {
		// A value equal to the bound is inside, on either side.
		below, low, high := 0.0, 0.0, 1.0
		if q < .5 {
			low = q / levelReach
			if actual < bounds[i] {
				below = 1
			}
		} else {
			high = 1 - (1-q)/levelReach
			if actual <= bounds[i] {
				below = 1
			}
		}
		c.tracked[i] = clamp(c.tracked[i]+gain*min(q, 1-q, .1)*(q-below), low, high)
		highest = max(highest, c.tracked[i])
		c.effective[i] = highest
	}
}

// level returns the level at which to take the quantile at q, linear between those that
// are tracked.
func (c *conformalLevels) level(q float64) float64 {
	belowQ, below := 0.0, 0.0
	for i, tracked := range trackedLevels {
		if q <= tracked {
			return below + (c.effective[i]-below)*(q-belowQ)/(tracked-belowQ)
		}
		belowQ, below = tracked, c.effective[i]
	}
	return below + (1-below)*(q-belowQ)/(1-belowQ)
}
