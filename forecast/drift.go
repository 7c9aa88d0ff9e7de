package forecast

import "math"

// PageHinkley notices that the mean of a sequence has risen (Page, Biometrika 41, 1954;
// the form of Hinkley, Biometrika 58, 1971). With x̄ the mean of the values so far it
// sums up x - x̄ - Tolerance, and is alarmed where the sum lies more than Threshold above
// its lowest: a rise by d is noticed after about Threshold/(d - Tolerance) values. The
// zero value is ready.
type PageHinkley struct {
	// Tolerance is the rise that is put up with, in the unit of the values; 0 means 0.1.
	Tolerance float64
	// Threshold is how much must have come together, in the unit of the values; 0 means
	// 50.
	Threshold float64

	n           int
	mean        float64
	sum, lowest float64
}

// Add takes the next value and reports whether the detector is alarmed. NaN is ignored.
func (d *PageHinkley) Add(x float64) bool {
	tolerance, threshold := d.Tolerance, d.Threshold
	if tolerance == 0 {
		tolerance = .1
	}
	if threshold == 0 {
		threshold = 50
	}
	if !math.IsNaN(x) {
		d.n++
		d.mean += (x - d.mean) / float64(d.n)
		d.sum += x - d.mean - tolerance
		d.lowest = min(d.lowest, d.sum)
	}
	return d.sum-d.lowest > threshold
}

// Reset forgets all values.
func (d *PageHinkley) Reset() { *d = PageHinkley{Tolerance: d.Tolerance, Threshold: d.Threshold} }

// A driftWatch watches the forecasts of one model at one horizon lose ground against the
// last value. Its values are |y-f| - |y-last|, divided by the running mean of |y-last|:
// a load that becomes noisier, or larger, is no drift, since last value suffers as well,
// while a model that is stuck at an old level falls behind it.
type driftWatch struct {
	detector PageHinkley
	horizon  int
	issued   []issuedPair // the newest forecasts, by time modulo horizon
	time     int
	last     float64
	scale    float64 // running mean of |y-last|
	settled  int
	alarmed  bool
}

type issuedPair struct{ point, last float64 }

const (
	// driftRate is the rate of the running mean: about the newest hundred steps.
	driftRate = .01
	// driftClip is the most that one step may count, so that one outage is no drift.
	driftClip = 3
)

func newDriftWatch(detector PageHinkley, horizon int) *driftWatch {
	w := &driftWatch{detector: detector, horizon: horizon, issued: make([]issuedPair, horizon), last: math.NaN()}
	for i := range w.issued {
		w.issued[i] = issuedPair{math.NaN(), math.NaN()}
	}
	return w
}

// observe takes the newest observation, NaN where it is missing.
func (w *driftWatch) observe(y float64) {
	if math.IsNaN(y) {
		return
	}
	w.last = y
	was := w.issued[w.time%w.horizon]
	own, naive := math.Abs(y-was.point), math.Abs(y-was.last)
	if math.IsNaN(own) || math.IsNaN(naive) {
		return
	}
	w.settled++
	w.scale += max(driftRate, 1/float64(w.settled)) * (naive - w.scale)
	if w.scale == 0 {
		return // So far the last value was always right.
	}
	w.alarmed = w.detector.Add(max(-driftClip, min(driftClip, (own-naive)/w.scale)))
}

// issue notes the forecast made after the newest observation.
func (w *driftWatch) issue(point float64) {
	w.issued[w.time%w.horizon] = issuedPair{point, w.last}
	w.time++
}

// reset starts anew with a new predictor.
func (w *driftWatch) reset() {
	w.detector.Reset()
	w.alarmed = false
}
