package forecast

import "math"

// Renewal says when a model should be fitted anew. In the end that is every so many steps.
// Before, a fit is of the past too soon:
//
//   - when twice as many steps have been seen as at the fit;
//   - when 15 steps with load have come since, and more than twice the load of the newest
//     Every steps that the fit saw. What it knows of a night, of an idle morning or of a
//     hundredth of the load is not what is asked of it now.
//
// The past doubles between two of the former and the load triples between two of the
// latter, so that there are few of either.
type Renewal struct {
	// Every is the longest time between two fits, in steps, at least 1.
	Every int

	seen, since, loaded int     // steps: at the fit, since, and of these with load
	known, come         float64 // load: at the fit, and since
}

const (
	// renewalLoaded is the least number of steps with load that are worth a fit.
	renewalLoaded = 15
	// renewalTimes is how many times the load before must have come.
	renewalTimes = 2
)

// Fitted notes that the model is fitted to past now.
func (r *Renewal) Fitted(past []float64) {
	*r = Renewal{Every: r.Every, seen: len(past)}
	for _, y := range past[max(0, len(past)-r.Every):] {
		if isObserved(y) {
			r.known += math.Abs(y)
		}
	}
}

// Observe takes the next value, NaN where it is missing, and reports whether a fit is due,
// to a past that ends with it.
func (r *Renewal) Observe(y float64) bool {
	r.since++
	if isObserved(y) && y != 0 {
		r.loaded++
		r.come += math.Abs(y)
	}
	return r.since >= min(r.seen, r.Every) || r.loaded >= renewalLoaded && r.come > renewalTimes*r.known
}
