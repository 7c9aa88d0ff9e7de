package forecast

import (
	"fmt"
	"math"
)

// Peaks are calibrated quantiles of the highest value within the next h steps, which
// is what a workload that takes h steps to grow must carry. The maximum is
// calibrated itself, against the maximum of the point forecasts: the quantiles of
// the single steps do not give it, as their errors are neither independent nor equal.
//
// Unlike those of Intervals the levels are not corrected by the misses seen: a surge
// misses at every step of a window, and what provides for the next window would grow for
// one event as if it were many.
type Peaks struct {
	bands  []peakBand
	recent *ring // observations of the longest window
}

// NewPeaks returns Peaks without any score yet. The horizons of c are the lengths of
// the windows.
func NewPeaks(c Conformal) (*Peaks, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("conformal peaks: %w", err)
	}
	c = c.withDefaults(.02)
	p := &Peaks{recent: newRing(c.maxHorizon())}
	for _, h := range c.Horizons {
		p.bands = append(p.bands, newPeakBand(h, c))
	}
	return p, nil
}

// Step takes the newest observation (NaN: missing) and the point forecasts made
// right after it, point[h-1] being h steps ahead, up to the longest window at least.
// A window that misses more than a quarter of its values is not scored.
func (p *Peaks) Step(y float64, point []float64) {
	p.recent.push(y)
	for i := range p.bands {
		b := &p.bands[i]
		highest, missing := math.Inf(-1), 0
		for lag := range b.horizon {
			if v := p.recent.at(lag); math.IsNaN(v) {
				missing++
			} else {
				highest = max(highest, v)
			}
		}
		if 4*missing > b.horizon {
			highest = math.NaN()
		}
		b.judge(highest)
		b.issue(maximum(point[:b.horizon]))
	}
}

// Point returns the highest point forecast of the next h steps: NaN where h is not
// calibrated or nothing was forecast yet.
func (p *Peaks) Point(h int) float64 {
	for i := range p.bands {
		if p.bands[i].horizon == h {
			return p.bands[i].point
		}
	}
	return math.NaN()
}

// Upper returns the quantile at level q in (0, 1) of the highest value within the
// next h steps: NaN where h is not calibrated or nothing was forecast yet, Point(h)
// until the first error, and never below 0.
func (p *Peaks) Upper(h int, q float64) float64 {
	for i := range p.bands {
		if b := &p.bands[i]; b.horizon == h {
			return b.around(b.point, q)
		}
	}
	return math.NaN()
}

// Scores returns how many forecasts were judged for Upper at window length h.
func (p *Peaks) Scores(h int) int {
	for i := range p.bands {
		if b := &p.bands[i]; b.horizon == h {
			return b.count()
		}
	}
	return 0
}

// A peakBand is the calibration of one length of window.
type peakBand struct {
	horizon int
	margins
	issued []issuedPeak // the last horizon forecasts, by time modulo horizon
	time   int
	point  float64 // the newest forecast
}

type issuedPeak struct{ point, scale float64 }

func newPeakBand(horizon int, c Conformal) peakBand {
	b := peakBand{
		horizon: horizon,
		margins: newMargins(c.Rate, c.Window, highestOfTwo),
		issued:  make([]issuedPeak, horizon),
		point:   math.NaN(),
	}
	for i := range b.issued {
		b.issued[i].point = math.NaN()
	}
	return b
}

// judge scores the forecast made horizon steps ago by what came. NaN says that it is not
// known.
func (b *peakBand) judge(actual float64) {
	was := b.issued[b.time%b.horizon]
	e := actual - was.point
	if math.IsNaN(e) || math.IsInf(e, 0) {
		return
	}
	if actual == 0 && e == 0 && b.scale == 0 && was.scale == 0 {
		b.skip() // Hours of nothing, forecast as such, say nothing of what comes after them.
		return
	}
	b.settle(e, was.scale)
}

// issue notes the forecast made now.
func (b *peakBand) issue(point float64) {
	b.point = point
	b.issued[b.time%b.horizon] = issuedPeak{point, b.scale}
	b.time++
}

// maximum returns the highest value, NaN where one of them is.
func maximum(values []float64) float64 {
	highest := math.Inf(-1)
	for _, v := range values {
		highest = max(highest, v)
	}
	return highest
}
