package live

import (
	"context"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
)

// retryOrphans is when to look again at an HPA that somebody else wrote.
const retryOrphans = 2 * time.Second

// restoreFloors gives the HPAs whose floor s raised their own minReplicas back, but for
// the one named keep. In a dry run none is given back: kept is one of those that stay.
func (c *reconciler) restoreFloors(ctx context.Context, s *v1alpha1.PredictiveScaler, keep string) (kept *v1alpha1.FloorStatus, err error) {
	hpas, err := c.raisedBy(ctx, client.ObjectKeyFromObject(s))
	if err != nil {
		return nil, err
	}
	for i := range hpas {
		hpa := &hpas[i]
		if hpa.Name == keep {
			continue
		}
		n, err := restore(ctx, c.client, hpa, c.cfg.DryRun)
		switch {
		case apierrors.IsNotFound(err): // nothing is left to give back
		case err != nil:
			return kept, err
		case c.cfg.DryRun:
			kept = &v1alpha1.FloorStatus{HPA: hpa.Name, OriginalMinReplicas: originalFloor(hpa)}
			c.eventOf(s, hpa, corev1.EventTypeNormal, "FloorKept", fmt.Sprintf(
				"Dry run: HorizontalPodAutoscaler %s would have its own minReplicas %d again", hpa.Name, n))
		default:
			c.eventOf(s, hpa, corev1.EventTypeNormal, "FloorRestored", fmt.Sprintf(
				"HorizontalPodAutoscaler %s has its own minReplicas %d again", hpa.Name, n))
		}
	}
	return kept, nil
}

// restoreOrphans does the same for a scaler that is gone without having done so: its
// finalizer was taken away, the CRD was installed anew, or HPAs came back from a backup.
// The event is of the HPA, as there is nothing else left. again is when to look again, 0 for
// not at all: every change of whose floor an HPA has is seen.
func (c *reconciler) restoreOrphans(ctx context.Context, gone client.ObjectKey) (again time.Duration, err error) {
	hpas, err := c.raisedBy(ctx, gone)
	if err != nil {
		return 0, err
	}
	for i := range hpas {
		hpa := &hpas[i]
		raised := minReplicas(hpa)
		n, err := restore(ctx, c.client, hpa, c.cfg.DryRun)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case apierrors.IsConflict(err):
			// Most often it is restored already, and was read before that was known.
			again = retryOrphans
			continue
		case err != nil:
			return 0, err
		}
		reason, note := "FloorRestored", fmt.Sprintf("PredictiveScaler %s, which set minReplicas to %d, is gone; it is %d again", gone.Name, raised, n)
		if c.cfg.DryRun {
			reason, note = "FloorKept", fmt.Sprintf("Dry run: PredictiveScaler %s, which set minReplicas to %d, is gone; it would be %d again", gone.Name, raised, n)
		}
		c.cfg.Log.Warn("floor of a scaler that is gone", "namespace", gone.Namespace, "scaler", gone.Name, "hpa", hpa.Name,
			"min_replicas", raised, "original", n, "dry_run", c.cfg.DryRun)
		c.events.Eventf(hpa, nil, corev1.EventTypeWarning, reason, "Scale", "%s", note)
	}
	return again, nil
}

// raisedBy lists the HPAs that say that a scaler has raised their floor.
func (c *reconciler) raisedBy(ctx context.Context, scaler client.ObjectKey) ([]autoscalingv2.HorizontalPodAutoscaler, error) {
	list := &autoscalingv2.HorizontalPodAutoscalerList{}
	if err := c.client.List(ctx, list, client.InNamespace(scaler.Namespace)); err != nil {
		return nil, fmt.Errorf("list HorizontalPodAutoscalers: %w", err)
	}
	var raised []autoscalingv2.HorizontalPodAutoscaler
	for i := range list.Items {
		if raisedBy(&list.Items[i]) == scaler.Name {
			raised = append(raised, list.Items[i])
		}
	}
	return raised, nil
}
