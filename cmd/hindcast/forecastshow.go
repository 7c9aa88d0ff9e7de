package main

import (
	"bytes"
	"fmt"
	"time"

	"hindcast.dev/datasets"
)

// timings says how long the models took on this machine.
func (p *evalPlan) timings(b *bytes.Buffer, scores []modelScore) {
	for _, s := range scores {
		if s.unfit != nil {
			continue
		}
		each := func(total time.Duration, n int) time.Duration {
			return (total / time.Duration(max(n, 1))).Round(time.Microsecond)
		}
		// The two fits of the warm-up count too.
		fmt.Fprintf(b, "%s: %s: fits took %v (%d, %v each, charged %v), updates and forecasts %v (%d, %v each)\n", p.load.Name, s.Name,
			s.FitTime.Round(time.Millisecond), s.Fits, each(s.FitTime, s.Fits), datasets.Duration(s.Charged.Round(time.Millisecond)),
			s.UpdateTime.Round(time.Millisecond), s.Updates, each(s.UpdateTime, s.Updates))
	}
}
