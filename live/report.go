package live

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
)

// statusTimeout bounds how long a write of the status may hold a loop up.
const statusTimeout = 10 * time.Second

// snapshot returns a copy of the status to be shown.
func (r *runner) snapshot() v1alpha1.PredictiveScalerStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.status.DeepCopy()
}

// update changes the status to be shown, and writes it where it says something new, has
// not been written for long, or is what others scale by. A write that fails is tried
// again at the next step.
func (r *runner) update(ctx context.Context, change func(*v1alpha1.PredictiveScalerStatus)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
	r.c.metrics.conditions(r.object.Namespace, r.object.Name, r.status.Conditions)
	every := r.c.cfg.StatusEvery
	if r.status.Mode == v1alpha1.ModeActive && r.object.Spec.Actuation.Type == v1alpha1.ActuationExternal {
		every = 0
	}
	if !material(&r.written, &r.status) && time.Since(r.writtenAt) < every {
		return
	}
	r.tryWrite(ctx)
}

// hasNews reports whether the status says something new that is not written yet.
func (r *runner) hasNews() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return material(&r.written, &r.status)
}

// flush writes what is not written yet.
func (r *runner) flush(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !equality.Semantic.DeepEqual(&r.written, &r.status) {
		r.tryWrite(ctx)
	}
}

// tryWrite needs mu.
func (r *runner) tryWrite(ctx context.Context) {
	if err := r.write(ctx); err != nil && ctx.Err() == nil && client.IgnoreNotFound(err) != nil {
		r.log.Warn("status not written", "err", err)
	}
}

// write needs mu.
func (r *runner) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	before := &v1alpha1.PredictiveScaler{}
	before.Namespace, before.Name = r.object.Namespace, r.object.Name
	after := before.DeepCopy()
	r.written.DeepCopyInto(&before.Status)
	r.status.DeepCopyInto(&after.Status)
	if err := r.c.client.Status().Patch(ctx, after, client.MergeFrom(before), fieldOwner); err != nil {
		return err
	}
	r.status.DeepCopyInto(&r.written)
	r.writtenAt = time.Now()
	if meant, err := throughJSON(&r.status); err == nil && !equality.Semantic.DeepEqual(meant, &after.Status) {
		// Somebody else wrote, too: what they left is what the next step changes.
		after.Status.DeepCopyInto(&r.written)
	}
	return nil
}

// throughJSON returns a status as it comes back from an API server that stored it: times
// lose what is below a second.
func throughJSON(st *v1alpha1.PredictiveScalerStatus) (*v1alpha1.PredictiveScalerStatus, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	back := &v1alpha1.PredictiveScalerStatus{}
	return back, json.Unmarshal(text, back)
}

// activity sets condition Active, unless something is in the way of which that tells.
func (r *runner) activity(ctx context.Context, ok bool, reason, message string) {
	r.update(ctx, func(st *v1alpha1.PredictiveScalerStatus) {
		if !r.refused && setCondition(st, r.object.Generation, time.Now(), v1alpha1.ConditionActive, ok, reason, message) {
			r.conditionEvent(v1alpha1.ConditionActive, ok, reason, message)
		}
	})
}

// conditionEvent tells of a condition that changed, where somebody should know.
func (r *runner) conditionEvent(kind string, ok bool, reason, message string) {
	r.log.Info("condition changed", "condition", kind, "ok", ok, "reason", reason, "message", message)
	if ok && kind == v1alpha1.ConditionAbleToScale {
		return
	}
	level := corev1.EventTypeNormal
	if !ok && reason != v1alpha1.ReasonLearning {
		level = corev1.EventTypeWarning
	}
	r.c.event(r.object, level, reason, message)
}
