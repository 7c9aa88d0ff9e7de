package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// A recorder tells the world of every decision of one life of a policy: metrics, status,
// events and the decision log.
type recorder struct {
	r         *runner
	ctx       context.Context // of the loop, whose Recorder has none to pass
	v3        *policy.V3
	target    target
	shadow    shadow
	demotions map[string]int
	looks     []policy.V3Status
	file      io.WriteCloser
	log       *autoscaler.Log
	warmAgain func() // nil: the policy has its past
	began     time.Time
}

func (r *runner) newRecorder(ctx context.Context, begin *autoscaler.Start, v3 *policy.V3, lead time.Duration) *recorder {
	floor := r.object.Spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas
	rec := &recorder{r: r, ctx: ctx, v3: v3, target: r.target(), shadow: shadow{lead: lead, floor: floor}, demotions: map[string]int{}}
	r.mu.Lock()
	rec.shadow.resume(r.status.Shadow)
	r.status.Lead = &metav1.Duration{Duration: lead}
	r.mu.Unlock()
	lowest, highest := v3.Bounds()
	r.c.metrics.fewest.WithLabelValues(r.object.Namespace, r.object.Name).Set(float64(lowest))
	r.c.metrics.most.WithLabelValues(r.object.Namespace, r.object.Name).Set(float64(highest))
	if r.c.cfg.DecisionLog == nil {
		return rec
	}
	// What cannot be written down is decided and carried out all the same: a disk that is full is no
	// reason to leave a load alone.
	if err := rec.open(begin); err != nil {
		rec.log = nil
		r.log.Error("decision log", "err", err)
		r.c.event(r.object, corev1.EventTypeWarning, "NoDecisionLog", "Decisions are made, and not written down: "+err.Error())
	}
	return rec
}

// open begins a decision log.
func (rec *recorder) open(begin *autoscaler.Start) error {
	file, err := rec.r.c.cfg.DecisionLog(rec.r.object.Namespace, rec.r.object.Name)
	if err != nil {
		return err
	}
	rec.file, rec.log = file, autoscaler.NewLog(file)
	rec.log.Start(rec.r.c.newClock().Now(), begin)
	return rec.log.Err()
}

func (rec *recorder) close() {
	if rec.file == nil {
		return
	}
	var err error
	if rec.log != nil {
		err = rec.log.Err()
	}
	if err = errors.Join(err, rec.file.Close()); err != nil {
		rec.r.log.Error("decision log", "err", err)
	}
}

// timed returns the clock, which notes when a step begins.
func (rec *recorder) timed(c autoscaler.Clock) autoscaler.Clock { return &stepClock{c, rec} }

type stepClock struct {
	autoscaler.Clock
	rec *recorder
}

func (c *stepClock) Now() time.Time {
	c.rec.began = time.Now()
	return c.Clock.Now()
}

// Record is called by the loop after each step.
func (rec *recorder) Record(s autoscaler.Step) {
	r := rec.r
	ns, name := r.object.Namespace, r.object.Name
	r.c.metrics.step(ns, name, s, time.Since(rec.began))
	if rec.log != nil {
		rec.log.Record(s)
		if err := rec.log.Err(); err != nil {
			r.log.Error("decision log", "err", err)
		}
	}
	if s.Skipped {
		r.log.Warn("replicas not read", "err", s.Err)
		r.update(rec.ctx, func(st *v1alpha1.PredictiveScalerStatus) { rec.describe(st, &s) })
		return
	}
	rec.looks = rec.v3.Status(rec.looks[:0], s.Input.Now)
	r.c.metrics.outlook(ns, name, rec.looks, s.Sources, rec.v3.Quantile(), rec.demotions)
	needed, known := rec.v3.Needed(s.Input.Now)
	t := rec.shadow.step(s.Input.Now, s.Input.Status, s.Set(), needed, known)
	r.c.metrics.shadow(ns, name, t)
	rec.tell(&s)
	rec.tellAccepted(&s)
	r.update(rec.ctx, func(st *v1alpha1.PredictiveScalerStatus) { rec.describe(st, &s) })
	if rec.warmAgain != nil && allFresh(s.Input.Values) {
		rec.warmAgain()
		rec.warmAgain = nil
	}
}

func allFresh(values []policy.Value) bool {
	for _, v := range values {
		if v.Err != nil {
			return false
		}
	}
	return true
}

// tell writes the log line and the event of a step.
func (rec *recorder) tell(s *autoscaler.Step) {
	r := rec.r
	for _, v := range s.Input.Values {
		if v.Err != nil {
			r.log.Debug("query", "metric", v.Name, "err", v.Err)
		}
	}
	switch {
	case s.Err != nil && !errors.Is(s.Err, errNotActive):
		r.log.Warn("replicas not set", "from", s.Input.Spec, "to", s.Decision.Replicas, "err", s.Err)
		if !apierrors.IsConflict(s.Err) {
			r.c.event(r.object, corev1.EventTypeWarning, "FailedRescale", s.Err.Error())
		}
	case s.Scaled || s.DryRun:
		r.log.Info("scaled", "from", s.Input.Spec, "to", s.Set(), "reason", s.Decision.Reason, "dry_run", s.DryRun)
		what := "replicas"
		if r.object.Spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas {
			what = "minReplicas of HorizontalPodAutoscaler " + r.object.Spec.Actuation.HPARef.Name
		}
		if s.DryRun {
			what = "(dry run) " + what
		}
		// Events of one reason about the same object are counted on the first of them, whose note stays. What
		// was changed tells one change from the next: its resourceVersion is another.
		r.c.eventOf(r.object, rec.target.changed(), corev1.EventTypeNormal, "Rescaled",
			fmt.Sprintf("%s from %d to %d: %s%s", what, s.Input.Spec, s.Set(), s.Decision.Reason, because(s)))
	}
}

// because names the figures behind a decision.
func because(s *autoscaler.Step) string {
	for _, p := range s.Decision.Proposals {
		if p.Replicas == s.Decision.Raw && p.Detail != "" {
			return " (" + p.Source + ": " + p.Detail + ")"
		}
	}
	return ""
}

// describe brings the status up to a step.
func (rec *recorder) describe(st *v1alpha1.PredictiveScalerStatus, s *autoscaler.Step) {
	now := s.Input.Now
	st.LastDecisionTime = new(metav1.NewTime(now))
	st.Reason = s.Decision.Reason
	generation := rec.r.object.Generation
	condition := func(c autoscaler.Condition) {
		if setCondition(st, generation, now, c.Type, c.True, c.Reason, c.Message) {
			rec.r.conditionEvent(c.Type, c.True, c.Reason, c.Message)
		}
	}
	err := s.Err
	if errors.Is(err, errNotActive) {
		err = nil
	}
	able := autoscaler.AbleToScale(s.Skipped, err)
	if _, ok := errors.AsType[*foreignChange](err); ok {
		able.Reason, able.Message = "ForeignChange", foreignRemedy(err)
	}
	condition(able)
	if s.Skipped {
		return
	}
	st.CurrentReplicas, st.DesiredReplicas, st.Holding = s.Input.Spec, s.Decision.Replicas, s.Decision.Hold
	if s.Scaled {
		noteChange(st, now, s.Input.Spec, s.Set())
		if a := rec.r.object.Spec.Actuation; a.Type == v1alpha1.ActuationHPAMinReplicas {
			st.Floor = &v1alpha1.FloorStatus{HPA: a.HPARef.Name, OriginalMinReplicas: s.Bounds.Least}
		}
	}
	st.Forecast = forecastStatus(s.Decision.Forecast, rec.looks)
	st.Shadow = rec.shadow.status()
	condition(autoscaler.Fresh(s, rec.looks, rec.v3.StaleAfter()))
	condition(autoscaler.Trusted(rec.looks))
}

// foreignRemedy says how to go on after a foreign change.
func foreignRemedy(err error) string {
	return err.Error() + "; nothing is changed any more. To let the scaler take that value as the HPA's own, remove the annotation " +
		v1alpha1.AnnotationScaler + " from it"
}
