package policy

import "math"

// An accuracyTrack follows how good the point forecasts h steps ahead are: the mean of
// |forecast - observed| over the mean of observed, both with the time constant of a
// lossTrack.
type accuracyTrack struct {
	pending   []float64 // ring of the forecasts of the last h steps
	made      int
	miss, all float64 // running means
	n         int
}

func newAccuracyTrack(h int) accuracyTrack {
	a := accuracyTrack{pending: make([]float64, h)}
	for i := range a.pending {
		a.pending[i] = math.NaN()
	}
	return a
}

// step takes the next value, NaN if missing, and the forecast made now for h steps
// ahead, NaN if there is none.
func (a *accuracyTrack) step(y, point float64) {
	slot := a.made % len(a.pending)
	if was := a.pending[slot]; !math.IsNaN(y) && !math.IsNaN(was) {
		a.n++
		rate := 1 / float64(min(a.n, 24*60))
		a.miss += rate * (math.Abs(y-was) - a.miss)
		a.all += rate * (y - a.all)
	}
	a.pending[slot] = point
	a.made++
}

// value is 1 - WAPE, NaN while too little was judged.
func (a *accuracyTrack) value() float64 {
	if a.n < fewestLosses || a.all <= 0 {
		return math.NaN()
	}
	return 1 - a.miss/a.all
}
