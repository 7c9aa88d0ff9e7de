package live

import (
	"math"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// rememberChanges is how long a change counts for rate limits: the longest period that a
// scaling rule may have.
const rememberChanges = 30 * time.Minute

// mostChanges bounds the changes of a status.
const mostChanges = 256

// setCondition sets a condition and reports whether its status or reason changed.
func setCondition(st *v1alpha1.PredictiveScalerStatus, generation int64, now time.Time, kind string, ok bool, reason, message string) bool {
	status := metav1.ConditionFalse
	if ok {
		status = metav1.ConditionTrue
	}
	before := meta.FindStatusCondition(st.Conditions, kind)
	changed := before == nil || before.Status != status || before.Reason != reason
	meta.SetStatusCondition(&st.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(now),
	})
	return changed
}

// noteChange appends a change and drops those that no longer count.
func noteChange(st *v1alpha1.PredictiveScalerStatus, now time.Time, from, to int32) {
	at := metav1.NewMicroTime(now)
	st.RecentChanges = append(recentChanges(st.RecentChanges, now), v1alpha1.ReplicaChange{Time: at, From: from, To: to})
	if extra := len(st.RecentChanges) - mostChanges; extra > 0 {
		st.RecentChanges = slices.Delete(st.RecentChanges, 0, extra)
	}
	st.LastScaleTime = new(metav1.NewTime(now))
}

func recentChanges(all []v1alpha1.ReplicaChange, now time.Time) []v1alpha1.ReplicaChange {
	return slices.DeleteFunc(slices.Clone(all), func(c v1alpha1.ReplicaChange) bool {
		return now.Sub(c.Time.Time) > rememberChanges
	})
}

// material reports whether a status says something new, beyond times and figures that
// move with every decision.
func material(before, after *v1alpha1.PredictiveScalerStatus) bool {
	a, b := before.DeepCopy(), after.DeepCopy()
	for _, st := range []*v1alpha1.PredictiveScalerStatus{a, b} {
		st.LastDecisionTime, st.Forecast, st.Shadow, st.Reason = nil, nil, nil, ""
		if st.LastRestart != nil {
			st.LastRestart.Time = metav1.Time{}
		}
		for i := range st.Conditions {
			st.Conditions[i].Message = ""
		}
	}
	return !equality.Semantic.DeepEqual(a, b)
}

// forecastStatus shows a forecast with what is known of the quality of its like.
func forecastStatus(f *policy.Forecast, all []policy.V3Status) *v1alpha1.ForecastStatus {
	if f == nil {
		return nil
	}
	out := &v1alpha1.ForecastStatus{
		Metric: f.Metric, Model: f.Model, Horizon: metav1.Duration{Duration: f.Horizon},
		Observed: decimal(f.Observed), Point: decimal(f.Point), Upper: decimal(f.Upper),
	}
	for i := range all {
		s := &all[i]
		if s.Metric == f.Metric && len(s.Horizons) > 0 {
			out.Accuracy, out.Skill = decimal(s.Horizons[0].Accuracy), decimal(s.Skill)
		}
	}
	return out
}

// decimal writes a figure with four significant digits, and nothing for none.
func decimal(v float64) v1alpha1.Decimal {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return v1alpha1.Decimal(strconv.FormatFloat(v, 'g', 4, 64))
}
