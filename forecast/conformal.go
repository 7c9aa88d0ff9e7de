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
// margin. The score is counted when y[t+h] comes, not before. The level at which that
// quantile is taken is corrected by the misses seen (conformalLevels), so that coverage
// holds in the long run where the scores are not exchangeable.
type Conformal struct {
	// Horizons are the steps ahead that are calibrated, each at least 1. They cost
	// memory: 2 Window float64 each.
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
type Intervals struct{ bands []band }

// NewIntervals returns Intervals without any score yet.
func NewIntervals(c Conformal) (*Intervals, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("conformal intervals: %w", err)
	}
	return &Intervals{bands: newBands(c.withDefaults(.04), true)}, nil
}

// Step takes the newest observation (NaN: missing) and the point forecasts made
// right after it, point[h-1] being h steps ahead, for every horizon at least.
func (iv *Intervals) Step(y float64, point []float64) {
	for i := range iv.bands {
		b := &iv.bands[i]
		b.settle(y)
		b.issue(point[b.horizon-1])
	}
}

// Quantile returns the quantile at level q in (0, 1) of the value h steps after the
// newest observation: NaN where h is not calibrated or nothing was forecast yet, the
// point forecast until the first score, and never below 0. Quantiles do not cross.
func (iv *Intervals) Quantile(h int, q float64) float64 {
	return quantileOf(iv.bands, h, q)
}

// Scores returns how many scores stand behind the quantiles at horizon h.
func (iv *Intervals) Scores(h int) int { return scoresOf(iv.bands, h) }

// A band is the calibration of one horizon.
type band struct {
	horizon int
	rate    float64
	scale   float64 // running mean absolute error
	settled int     // errors in scale
	scores  rollingQuantile
	levels  conformalLevels
	// corrected says that levels has a part in quantiles.
	corrected bool
	issued    []issuedForecast // the last horizon forecasts, by time modulo horizon
	time      int
	point     float64 // the newest forecast
}

type issuedForecast struct {
	point, scale float64
	bounds       [len(trackedLevels)]float64 // the quantiles at trackedLevels
}

// newBands returns the bands of all horizons, whose levels are corrected by the misses
// seen, or taken as they are.
func newBands(c Conformal, corrected bool) []band {
	bands := make([]band, len(c.Horizons))
	for i, h := range c.Horizons {
		bands[i] = band{
			horizon: h, rate: c.Rate, scores: newRollingQuantile(c.Window),
			issued: make([]issuedForecast, h), point: math.NaN(), levels: newConformalLevels(h), corrected: corrected,
		}
		for j := range bands[i].issued {
			bands[i].issued[j].point = math.NaN()
		}
	}
	return bands
}

// settle scores the forecast made horizon steps ago by what came. NaN says that it
// is not known.
func (b *band) settle(actual float64) {
	was := &b.issued[b.time%b.horizon]
	e := actual - was.point
	if math.IsNaN(e) || math.IsInf(e, 0) {
		return
	}
	if b.corrected && len(b.scores.sorted) > 0 {
		b.levels.settle(actual, &was.bounds)
	}
	size := math.Abs(e)
	b.settled++
	b.scale += max(b.rate, 1/float64(b.settled)) * (size - b.scale)
	// The first forecasts had no scale yet, and after a long calm it may be near 0. No
	// score exceeds 1/rate, as the scale is at least rate*size once it has seen this
	// error.
	scale := max(was.scale, b.rate*size)
	if was.scale == 0 {
		scale = b.scale
	}
	if scale == 0 {
		b.scores.push(0)
		return
	}
	b.scores.push(e / scale)
}

// issue notes the forecast made now.
func (b *band) issue(point float64) {
	b.point = point
	slot := &b.issued[b.time%b.horizon]
	slot.point, slot.scale = point, b.scale
	if b.corrected {
		for i := range slot.bounds {
			slot.bounds[i] = b.at(b.levels.effective[i])
		}
	}
	b.time++
}

func (b *band) quantile(q float64) float64 {
	if b.corrected {
		q = b.levels.level(q)
	}
	return b.at(q)
}

// at returns the quantile that the scores have at a level, whatever it has to be called.
func (b *band) at(level float64) float64 {
	return max(b.point+b.scale*b.scores.quantile(level), 0)
}

func quantileOf(bands []band, h int, q float64) float64 {
	for i := range bands {
		if bands[i].horizon == h {
			return bands[i].quantile(q)
		}
	}
	return math.NaN()
}

func scoresOf(bands []band, h int) int {
	for i := range bands {
		if bands[i].horizon == h {
			return len(bands[i].scores.sorted)
		}
	}
	return 0
}
