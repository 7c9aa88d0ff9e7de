package liveread

import (
	"fmt"

	"hindcast.dev/live/liveview"
)

// shortWatch is the time in Shadow below which its verdict says little: one day holds the
// season that most loads have.
const shortWatch = 24.0 // hours

// remarks are what to know before trusting the figures.
func (r *reading) remarks(v *liveview.View) []string {
	var all []string
	note := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if h := v.Verdict.WatchedHours; h > 0 && h < shortWatch {
		length := fmt.Sprintf("%.3g hours", h)
		if h < 2 {
			length = fmt.Sprintf("%.0f minutes", 60*h)
		}
		note("It was watched in Shadow for %s only: less than one day says little of the next.", length)
	}
	decisions := 0.0
	for _, e := range v.Reasons {
		decisions += e.Total
	}
	for _, e := range v.Reasons {
		if e.Name == "Learning" && e.Total > 0 {
			note("%.2g %% of the decisions were made while it had seen too little to forecast (reason Learning).", 100*e.Total/decisions)
		}
	}
	return all
}
