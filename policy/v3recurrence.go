package policy

import (
	"math"
	"time"
)

// recurringDays is how many days back a recurrence looks.
const recurringDays = 3

// A recurrence remembers what the load did at the same time of the last days: a
// nightly batch job comes out of nowhere for every model that looks at the level of
// now, but it came yesterday, too.
type recurrence struct {
	perDay int       // steps a day, 0 if a day is no whole number of steps or less than a window
	values []float64 // ring of the last days and the longest window
	n      int
}

func newRecurrence(step time.Duration, window int) recurrence {
	const day = 24 * time.Hour
	if day%step != 0 || window > int(day/step) {
		return recurrence{}
	}
	r := recurrence{perDay: int(day / step)}
	r.values = make([]float64, recurringDays*r.perDay+window+1)
	return r
}

// step takes the next value, NaN if missing.
func (r *recurrence) step(y float64) {
	if r.perDay == 0 {
		return
	}
	r.values[r.n%len(r.values)] = y
	r.n++
}

// ahead returns the highest load of the next window steps as it was in the median of
// the last three days: once is no recurrence, and neither is twice if the third day
// says otherwise. It is NaN before that many days were seen.
func (r *recurrence) ahead(window int) float64 {
	if r.perDay == 0 || r.n < len(r.values) {
		return math.NaN()
	}
	var highest [recurringDays]float64
	for d := range highest {
		from := r.n - (d+1)*r.perDay // the step after now, so many days ago
		highest[d] = math.Inf(-1)
		for i := range window {
			// NaN is never more.
			if v := r.values[(from+i)%len(r.values)]; v > highest[d] {
				highest[d] = v
			}
		}
	}
	a, b, c := highest[0], highest[1], highest[2]
	median := max(min(a, b), min(max(a, b), c))
	if math.IsInf(median, -1) {
		return math.NaN()
	}
	return median
}
