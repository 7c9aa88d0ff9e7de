package live

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/autoscaler"
)

// reasonSeriesAccepted is that of the event once a part of the series of a metric is taken for all
// of them.
const reasonSeriesAccepted = "SeriesAccepted"

// tellAccepted says which metrics have had fewer series for so long that these count as all.
func (rec *recorder) tellAccepted(s *autoscaler.Step) {
	r := rec.r
	for i := range s.Sources {
		if from := &s.Sources[i]; from.Accepted {
			text := fmt.Sprintf("metric %s: its series have come from %.0f scrape targets or pods in place of %.0f for %v: those count as all from now on",
				s.Input.Values[i].Name, from.Count, from.Expected, autoscaler.SourcesAcceptedAfter)
			r.log.Warn("fewer series accepted", "metric", s.Input.Values[i].Name, "sources", from.Count, "expected", from.Expected)
			r.c.event(r.object, corev1.EventTypeWarning, reasonSeriesAccepted, text)
		}
	}
}
