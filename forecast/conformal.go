package forecast

import (
	"errors"
	"fmt"
	"math"
)

// Conformal configures the online calibration of forecasts: how wide the error
// around a forecast is, judged by its own newest errors out of sample (Vovk,
// Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; for series
// Xu and Xie, ICML 2021, without the bootstrap).
//
// For each horizon h the signed score of the forecast made at t is
// (y[t+h] - forecast) / scale, where scale is the running mean absolute error as it
// was known at t. A quantile of the newest scores, times the scale of today, is the
// margin. The score is counted when y[t+h] comes, not before.
type Conformal struct {
	// Horizons are the steps ahead that are calibrated, each at least 1. They cost
	// memory: 2 Window float64 each for Peaks, twice that for Intervals.
	Horizons []int
	// Window is the number of scores that count; 0 means 1000.
	Window int
	// Rate is the rate of the running mean absolute error, in (0, 1); 0 means 0.04 for
	// Intervals, which follow a shift of the level sooner, and 0.02 for Peaks.
	Rate float64
}

// Validate reports all faults at once.
func (c Conformal) Validate() error {
	var faults []error
	if len(c.Horizons) == 0 {
		faults = append(faults, errors.New("no horizon to calibrate"))
	}
	seen := make(map[int]bool, len(c.Horizons))
	for _, h := range c.Horizons {
		if h < 1 {
			faults = append(faults, fmt.Errorf("horizon %d is not at least 1 step", h))
		}
		if seen[h] {
			faults = append(faults, fmt.Errorf("horizon %d is given twice", h))
		}
		seen[h] = true
	}
	if c.Window < 0 {
		faults = append(faults, fmt.Errorf("window %d is negative", c.Window))
	}
	if !(c.Rate >= 0 && c.Rate < 1) {
		faults = append(faults, fmt.Errorf("rate %v is not in [0, 1)", c.Rate))
	}
	return errors.Join(faults...)
}

func (c Conformal) withDefaults(rate float64) Conformal {
	if c.Window == 0 {
		c.Window = 1000
	}
	if c.Rate == 0 {
		c.Rate = rate
	}
	return c
}

// maxHorizon returns the longest horizon.
func (c Conformal) maxHorizon() int {
	longest := 0
	for _, h := range c.Horizons {
		longest = max(longest, h)
	}
	return longest
}

// Intervals are calibrated quantiles around the forecasts of single steps. Feed them
// one Step per observation.
//
// They mix three sources by their pinball loss (see intervalBand), as no scale of errors
// suits every load, and where bursts come unforeseen the recent values themselves say
// more of the next than any error does. The level at which quantiles are taken is
// corrected by the misses seen (conformalLevels), so that coverage holds in the long run
// where the scores are not exchangeable.
type Intervals struct {
	bands  []intervalBand
	recent rollingQuantile // the newest values
}

// NewIntervals returns Intervals without any score yet.
func NewIntervals(c Conformal) (*Intervals, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("conformal intervals: %w", err)
	}
	c = c.withDefaults(.04)
	iv := &Intervals{recent: newRollingQuantile(c.Window)}
	for _, h := range c.Horizons {
		iv.bands = append(iv.bands, newIntervalBand(h, c))
	}
	return iv, nil
}

// Step takes the newest observation (NaN: missing) and the point forecasts made
// right after it, point[h-1] being h steps ahead, for every horizon at least.
func (iv *Intervals) Step(y float64, point []float64) {
	if isObserved(y) {
		iv.recent.push(y)
	}
	for i := range iv.bands {
		b := &iv.bands[i]
		b.settle(y)
		b.issue(point[b.horizon-1], &iv.recent)
	}
}

// Quantile returns the quantile at level q in (0, 1) of the value h steps after the
// newest observation: NaN where h is not calibrated or nothing was forecast yet, and
// never below 0. Quantiles do not cross.
func (iv *Intervals) Quantile(h int, q float64) float64 {
	for i := range iv.bands {
		if b := &iv.bands[i]; b.horizon == h {
			return b.quantile(q, &iv.recent)
		}
	}
	return math.NaN()
}

// Scores returns how many scores stand behind the quantiles at horizon h.
func (iv *Intervals) Scores(h int) int {
	for i := range iv.bands {
		if b := &iv.bands[i]; b.horizon == h {
			return b.slow.count()
		}
	}
	return 0
}
