package main

import (
	"fmt"
	"math"
	"time"
)

// aftermath is how long after its end a fault still counts.
const aftermath = 10 * time.Minute

// faultsOf are the shares of good requests of a policy during the faults of the first seed, which
// begin in the scored part, with the rows at the edges in part.
func faultsOf(policy string, tl timeline, doc *document) []line {
	var out []line
	for i, f := range doc.Faults {
		until := f.End.Add(aftermath)
		good, all := 0.0, 0.0
		for _, r := range tl {
			part := r.seconds - math.Max(0, f.Start.Sub(r.from).Seconds()) - math.Max(0, r.to.Sub(until).Seconds())
			if part <= 0 || r.gap || f.Start.Before(doc.Dataset.ScoredFrom) {
				continue
			}
			good += r.good * part / r.seconds
			all += (r.good + r.bad) * part / r.seconds
		}
		reported, ok := f.RequestsGood[policy]
		if !ok {
			reported = nullable(math.NaN())
		}
		recomputed := math.NaN()
		if all > 0 {
			recomputed = good / all
		}
		out = append(out, line{policy, fmt.Sprintf("faults[%d].requestsGood", i), float64(reported), recomputed})
	}
	return out
}
