package live

import (
	"context"
	"fmt"
	"math"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live/external"
)

// shortestAge is the age up to which a decision counts whatever staleAfter says: three
// turns of the loop.
const shortestAge = 90 * time.Second

// published is the newest decision of every scaler that others scale by, as their status
// shows it. So every replica of the controller knows it, and it survives them all.
type published struct {
	cached client.Reader
	limit  v1alpha1.Mode
	dryRun bool
	now    func() time.Time
}

// Decision returns what an HPA or KEDA may scale by, or why there is nothing.
func (p *published) Decision(ctx context.Context, namespace, name string) (external.Decision, error) {
	s := &v1alpha1.PredictiveScaler{}
	switch err := p.cached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, s); {
	case apierrors.IsNotFound(err):
		return external.Decision{}, external.ErrNotFound
	case err != nil:
		return external.Decision{}, err
	}
	s.Default()
	if why := p.notServed(s); why != "" {
		return external.Decision{}, fmt.Errorf("%w: %s", external.ErrNotServed, why)
	}
	now := p.now()
	if why := undecided(s, now); why != "" {
		return external.Decision{}, fmt.Errorf("%w: %s", external.ErrNoDecision, why)
	}
	d := external.Decision{Replicas: s.Status.DesiredReplicas, At: s.Status.LastDecisionTime.Time, Forecast: math.NaN()}
	d.NoForecast = unforeseen(s)
	if d.NoForecast == "" {
		d.Forecast = s.Status.Forecast.Upper.Or(math.NaN())
	}
	return d, nil
}

// notServed says why nobody may scale by a scaler, "" if they may.
func (p *published) notServed(s *v1alpha1.PredictiveScaler) string {
	mode, why := effectiveMode(s, p.limit)
	switch {
	case s.Spec.Actuation.Type != v1alpha1.ActuationExternal:
		return fmt.Sprintf("its actuation is %s; write actuation: {type: External}", s.Spec.Actuation.Type)
	case s.DeletionTimestamp != nil:
		return "it is being deleted"
	case mode != v1alpha1.ModeActive && why != "":
		return fmt.Sprintf("its mode is %s: %s", mode, why)
	case mode != v1alpha1.ModeActive:
		return fmt.Sprintf("its mode is %s; write mode: Active", mode)
	case p.dryRun:
		return "the controller runs with --dry-run"
	}
	return ""
}

// undecided says why there is no decision of now, "" if there is.
func undecided(s *v1alpha1.PredictiveScaler, now time.Time) string {
	st := &s.Status
	if st.LastDecisionTime == nil {
		return "it has not decided yet" + withCause(st, v1alpha1.ConditionActive)
	}
	limit := max(shortestAge, s.Spec.Safety.StaleAfter.Duration)
	if age := now.Sub(st.LastDecisionTime.Time); age > limit {
		return fmt.Sprintf("it last decided %v ago%s", age.Round(time.Second), withCause(st, v1alpha1.ConditionActive))
	}
	if c := meta.FindStatusCondition(st.Conditions, v1alpha1.ConditionAbleToScale); c != nil && c.Status == metav1.ConditionFalse {
		return "its replicas are not known: " + c.Message
	}
	if st.Holding {
		return "it leaves the replicas as they are: " + st.Reason
	}
	return ""
}

// unforeseen says why there is no forecast of now, "" if there is.
func unforeseen(s *v1alpha1.PredictiveScaler) string {
	fresh := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionFresh)
	switch {
	case len(s.Spec.Metrics) != 1:
		return fmt.Sprintf("it forecasts %d metrics, each in a unit of its own; use %s", len(s.Spec.Metrics), external.MetricDesired)
	case fresh == nil || fresh.Status != metav1.ConditionTrue:
		return "there is no current data"
	case s.Status.Forecast == nil || s.Status.Forecast.Upper == "":
		return "there is no forecast" + withCause(&s.Status, v1alpha1.ConditionTrusted)
	}
	return ""
}

// withCause adds what a condition says that is not true.
func withCause(st *v1alpha1.PredictiveScalerStatus, kind string) string {
	if c := meta.FindStatusCondition(st.Conditions, kind); c != nil && (c.Status == metav1.ConditionFalse || c.Reason == reasonWarmUp) {
		return ": " + c.Message
	}
	return ""
}
