package live

import (
	"errors"
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// reasonSeriesAccepted is that of the event once a part of the series of a metric is taken for all
// of them.
const reasonSeriesAccepted = "SeriesAccepted"

// lacks says what is missing of the series of a metric where that lasted for staleAfter, "" if
// nothing does. Shorter it is every rollout.
func lacks(s *autoscaler.Step, i int, look *policy.V3Status, staleAfter time.Duration) string {
	if i >= len(s.Sources) {
		return ""
	}
	from, err := &s.Sources[i], s.Input.Values[i].Err
	switch {
	case from.Missing && s.Input.Now.Sub(from.Since) >= staleAfter:
		return fmt.Sprintf("%s: its series come from %.0f scrape targets or pods where %.0f are expected, since %s; the scaler only scales up. "+
			"Look at up of its targets, and at the stores behind the server. Those that are left count as all from %s on",
			look.Metric, from.Count, from.Expected, stamp(from.Since), stamp(from.Since.Add(autoscaler.SourcesAcceptedAfter)))
	case errors.Is(err, autoscaler.ErrSeriesMissing) && math.IsNaN(look.Observed):
		return look.Metric + ": " + err.Error()
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

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
