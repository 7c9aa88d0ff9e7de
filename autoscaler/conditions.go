package autoscaler

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// A Condition is one of a scaler's status, by the types and reasons of package v1alpha1.
type Condition struct {
	Type            string
	True            bool
	Reason, Message string
}

// AbleToScale says whether the replicas could be read, and set where asked for: a step that was
// skipped could not read them, and any other with an error could not set them.
func AbleToScale(skipped bool, err error) Condition {
	c := Condition{Type: v1alpha1.ConditionAbleToScale, Reason: v1alpha1.ReasonFailedUpdateScale}
	switch {
	case err == nil:
		c.True, c.Reason = true, v1alpha1.ReasonReadyForNewScale
		c.Message = "The replicas could be read, and set where asked for"
		return c
	case skipped:
		c.Reason = v1alpha1.ReasonFailedGetScale
	}
	c.Message = err.Error()
	return c
}

// Fresh says whether every metric of a step has current data, and all of it, by what the policy
// knew after it.
func Fresh(s *Step, looks []policy.V3Status, staleAfter time.Duration) Condition {
	c := Condition{Type: v1alpha1.ConditionFresh, True: true, Reason: v1alpha1.ReasonCurrent, Message: "Every metric has current data"}
	for i := range looks {
		look := &looks[i]
		if lack := lacks(s, i, look, staleAfter); lack != "" {
			c.True, c.Reason, c.Message = false, v1alpha1.ReasonSeriesMissing, "metric "+lack
		} else if math.IsNaN(look.Observed) {
			c.True, c.Reason, c.Message = false, v1alpha1.ReasonNoCurrentData, "metric "+look.Metric
			if err := s.Input.Values[i].Err; err != nil {
				c.Message += ": " + err.Error()
			}
		}
	}
	return c
}

// lacks says what is missing of the series of a metric where that lasted for staleAfter, "" if
// nothing does. Shorter it is every rollout.
func lacks(s *Step, i int, look *policy.V3Status, staleAfter time.Duration) string {
	if i >= len(s.Sources) {
		return ""
	}
	from, err := &s.Sources[i], s.Input.Values[i].Err
	switch {
	case from.Missing && s.Input.Now.Sub(from.Since) >= staleAfter:
		return fmt.Sprintf("%s: its series come from %.0f scrape targets or pods where %.0f are expected, since %s; the scaler only scales up. "+
			"Look at up of its targets, and at the stores behind the server. Those that are left count as all from %s on",
			look.Metric, from.Count, from.Expected, stamp(from.Since), stamp(from.Since.Add(SourcesAcceptedAfter)))
	case errors.Is(err, ErrSeriesMissing) && math.IsNaN(look.Observed):
		return look.Metric + ": " + err.Error()
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Trusted says whether the forecast of every metric is used.
func Trusted(looks []policy.V3Status) Condition {
	learning, demoted := "", ""
	for i := range looks {
		if looks[i].Learning {
			learning = looks[i].Metric
		}
		if looks[i].Demoted {
			demoted = looks[i].Metric
		}
	}
	c := Condition{Type: v1alpha1.ConditionTrusted}
	switch {
	case learning != "":
		c.Reason, c.Message = v1alpha1.ReasonLearning, "Too little has been seen of metric "+learning
	case demoted != "":
		c.Reason, c.Message = v1alpha1.ReasonDemoted, "The forecast of metric "+demoted+" has less skill than safety.demoteWhenSkillBelow; last value is used"
	default:
		c.True, c.Reason, c.Message = true, v1alpha1.ReasonSkilled, "The forecast is used"
	}
	return c
}
