package live

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live/external"
)

// servable returns a scaler whose decision of 7 replicas and forecast of 63.5 others may
// scale by, as of now.
func servable(now time.Time) *v1alpha1.PredictiveScaler {
	s := &v1alpha1.PredictiveScaler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	s.Spec.Mode = v1alpha1.ModeActive
	s.Spec.Actuation.Type = v1alpha1.ActuationExternal
	s.Spec.Metrics = []v1alpha1.Metric{{Name: "load"}}
	s.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Minute}
	st := &s.Status
	st.DesiredReplicas, st.LastDecisionTime = 7, new(metav1.NewTime(now))
	st.Forecast = &v1alpha1.ForecastStatus{Upper: "63.5"}
	setCondition(st, 1, now, v1alpha1.ConditionFresh, true, "Current", "")
	setCondition(st, 1, now, v1alpha1.ConditionAbleToScale, true, "ReadyForNewScale", "")
	return s
}

// TestPublished changes one thing at a time of a scaler that others may scale by. Whatever
// is missing is an error with a reason, never a number.
func TestPublished(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.PredictiveScaler, *published)
		want   error  // of the decision
		reason string // part of it, or of why there is no forecast
	}{
		{name: "decided", change: func(*v1alpha1.PredictiveScaler, *published) {}},
		{"nobody", func(s *v1alpha1.PredictiveScaler, _ *published) { s.Name = "other" }, external.ErrNotFound, ""},
		{"shadow", func(s *v1alpha1.PredictiveScaler, _ *published) { s.Spec.Mode = v1alpha1.ModeShadow }, external.ErrNotServed, "mode: Active"},
		{"no mode", func(s *v1alpha1.PredictiveScaler, _ *published) { s.Spec.Mode = "" }, external.ErrNotServed, "Shadow"},
		{"annotation", func(s *v1alpha1.PredictiveScaler, _ *published) {
			s.Annotations = map[string]string{v1alpha1.AnnotationMode: "Paused"}
		}, external.ErrNotServed, "Paused"},
		{"flag", func(_ *v1alpha1.PredictiveScaler, p *published) { p.limit = v1alpha1.ModeShadow }, external.ErrNotServed, "controller runs with"},
		{"dry run", func(_ *v1alpha1.PredictiveScaler, p *published) { p.dryRun = true }, external.ErrNotServed, "--dry-run"},
		{"scales itself", func(s *v1alpha1.PredictiveScaler, _ *published) { s.Spec.Actuation.Type = v1alpha1.ActuationScale }, external.ErrNotServed, "type: External"},
		{"new", func(s *v1alpha1.PredictiveScaler, _ *published) { s.Status = v1alpha1.PredictiveScalerStatus{} }, external.ErrNoDecision, "has not decided"},
		{"as old as can be", func(_ *v1alpha1.PredictiveScaler, p *published) {
			p.now = func() time.Time { return now.Add(5 * time.Minute) }
		}, nil, ""},
		{"too old", func(_ *v1alpha1.PredictiveScaler, p *published) {
			p.now = func() time.Time { return now.Add(5*time.Minute + time.Second) }
		}, external.ErrNoDecision, "5m1s ago"},
		{"no target", func(s *v1alpha1.PredictiveScaler, _ *published) {
			setCondition(&s.Status, 1, now, v1alpha1.ConditionAbleToScale, false, "FailedGetScale", "deployments not found")
		}, external.ErrNoDecision, "deployments not found"},
		{"learning, with nobody to decide meanwhile", func(s *v1alpha1.PredictiveScaler, _ *published) {
			s.Status.Holding, s.Status.Reason = true, "Learning: too little has been seen to forecast"
		}, external.ErrNoDecision, "Learning"},
		{"set to 0 by hand", func(s *v1alpha1.PredictiveScaler, _ *published) {
			s.Status.Holding, s.Status.DesiredReplicas, s.Status.Reason = true, 0, "ScalingDisabled"
		}, external.ErrNoDecision, "ScalingDisabled"},
		{"no data, and a decision upwards", func(s *v1alpha1.PredictiveScaler, _ *published) {
			setCondition(&s.Status, 1, now, v1alpha1.ConditionFresh, false, "NoCurrentData", "metric load")
		}, nil, "no current data"},
		{"learning, with an HPA that decides", func(s *v1alpha1.PredictiveScaler, _ *published) {
			s.Status.Forecast = nil
			setCondition(&s.Status, 1, now, v1alpha1.ConditionTrusted, false, "Learning", "Too little has been seen of metric load")
		}, nil, "Too little has been seen"},
		{"a forecast without a figure", func(s *v1alpha1.PredictiveScaler, _ *published) { s.Status.Forecast.Upper = "" }, nil, "no forecast"},
		{"two units", func(s *v1alpha1.PredictiveScaler, _ *published) {
			s.Spec.Metrics = append(s.Spec.Metrics, v1alpha1.Metric{Name: "queue"})
		}, nil, "2 metrics"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := servable(now)
			p := &published{limit: v1alpha1.ModeActive, now: func() time.Time { return now }}
			tc.change(s, p)
			p.cached = fake.NewClientBuilder().WithScheme(Scheme()).WithObjects([]client.Object{s}...).Build()
			d, err := p.Decision(t.Context(), "shop", "web")
			if !errors.Is(err, tc.want) {
				t.Fatalf("%v, want %v", err, tc.want)
			}
			if err != nil {
				if !strings.Contains(err.Error(), tc.reason) {
					t.Errorf("%v, which does not tell of %q", err, tc.reason)
				}
				return
			}
			if d.Replicas != 7 || !d.At.Equal(now) {
				t.Errorf("%+v, want 7 replicas as of %v", d, now)
			}
			if tc.reason == "" && (d.Forecast != 63.5 || d.NoForecast != "") {
				t.Errorf("forecast %v (%s), want 63.5", d.Forecast, d.NoForecast)
			}
			if tc.reason != "" && (!math.IsNaN(d.Forecast) || !strings.Contains(d.NoForecast, tc.reason)) {
				t.Errorf("forecast %v, not for %q, want none for want of %q", d.Forecast, d.NoForecast, tc.reason)
			}
		})
	}
}
