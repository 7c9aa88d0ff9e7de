package policy

import "math"

// A skill compares, over about a day, the pinball losses of two forecasts of a
// quantile of the highest value ahead: the model's and last value's.
type skill struct{ model, last lossTrack }

// fewestLosses is how many losses a skill rests on at least.
const fewestLosses = 60

// value is 1 - loss of the model / loss of last value; 0 while nothing is known.
func (s *skill) value() float64 {
	if !s.known() {
		return 0
	}
	return 1 - s.model.mean/s.last.mean
}

// known reports that enough was judged, and that last value misses at all.
func (s *skill) known() bool {
	return s.last.n >= fewestLosses && s.model.n >= fewestLosses && s.last.mean != 0
}

// A lossTrack keeps the mean pinball loss of forecasts of a quantile of the highest
// of the next len(pending) values. It forgets with a time constant of a day of
// minutes.
type lossTrack struct {
	quantile float64
	pending  []pendingMax // ring
	made     int
	mean     float64
	n        int
}

// pendingMax is a forecast under way and the highest value since.
type pendingMax struct {
	upper, highest float64
	seen           int
}

// step takes the next value, NaN if missing, and the forecast made now, NaN if there
// is none. A window with a missing value is not judged.
func (l *lossTrack) step(y, upper float64) {
	if !math.IsNaN(y) {
		for i := range l.pending {
			p := &l.pending[i]
			if p.seen == 0 || y > p.highest {
				p.highest = y
			}
			p.seen++
		}
	}
	slot := l.made % len(l.pending)
	if done := l.pending[slot]; l.made >= len(l.pending) && done.seen == len(l.pending) && !math.IsNaN(done.upper) {
		l.n++
		l.mean += (pinball(done.highest, done.upper, l.quantile) - l.mean) / float64(min(l.n, 24*60))
	}
	l.pending[slot] = pendingMax{upper: upper}
	l.made++
}

// pinball is the loss of forecasting f as the quantile q of what turned out as y.
func pinball(y, f, q float64) float64 {
	if y >= f {
		return q * (y - f)
	}
	return (1 - q) * (f - y)
}
