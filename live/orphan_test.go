package live_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
)

// stripped deletes a scaler as somebody does who loses patience: without its finalizer.
func (f *fixture) stripped(name string) {
	f.t.Helper()
	f.change(name, func(s *v1alpha1.PredictiveScaler) { s.Finalizers = nil })
	if err := f.client.Delete(f.t.Context(), &v1alpha1.PredictiveScaler{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name}}); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("the scaler is gone", func() error { return f.gone(name) })
}

// fromBackup makes an HPA as a backup holds it that was made while its floor was raised.
func (f *fixture) fromBackup(name string, original, floor, minReplicas int32) {
	f.t.Helper()
	f.create(&autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name, Annotations: map[string]string{
			v1alpha1.AnnotationScaler: "lost", v1alpha1.AnnotationOriginal: strconv.Itoa(int(original)), v1alpha1.AnnotationFloor: strconv.Itoa(int(floor)),
		}},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"},
			MinReplicas:    &minReplicas, MaxReplicas: 20,
		},
	})
}

// own waits until an HPA has its own floor, and nothing of ours.
func (f *fixture) own(name string, n int32) {
	f.t.Helper()
	f.eventually("the HPA has its own floor", func() error {
		h := &autoscalingv2.HorizontalPodAutoscaler{}
		f.get(name, h)
		if *h.Spec.MinReplicas != n || len(h.Annotations) != 0 {
			return fmt.Errorf("minReplicas %d, annotations %v, want %d and none", *h.Spec.MinReplicas, h.Annotations, n)
		}
		for _, e := range h.ManagedFields {
			if e.Manager == "hindcast" {
				return fmt.Errorf("hindcast still has %s", e.FieldsV1)
			}
		}
		return nil
	})
}

// TestFloorOfAScalerThatIsGone: the scaler that raised a floor is gone, and never said so to
// a controller. The one that runs, or starts, gives the floor back, and an event says why.
func TestFloorOfAScalerThatIsGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		happen func(f *fixture)
		want   int32
		note   string
	}{
		// A look that comes in between gives the scaler its finalizer again: then it goes as others do.
		"while the controller runs": {func(f *fixture) { f.stripped("shop") }, 3, "3 again"},
		"before it starts": {func(f *fixture) {
			if err := f.stop(); err != nil {
				f.t.Fatal(err)
			}
			f.stripped("shop")
			f.run(f.cluster.Config, level(95), nil)
		}, 3, "set minReplicas to 10, is gone; it is 3 again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := raised(t, 3)
			tc.happen(f)
			f.own("shop", tc.want)
			if note := f.event("shop", "FloorRestored"); !strings.Contains(note, tc.note) {
				t.Errorf("event %q, want one with %q", note, tc.note)
			}
		})
	}
}

// TestFloorsFromABackup: HPAs come back from a backup with a floor that a scaler raised which
// does not come back; one of them was changed by hand since, and keeps that. In a dry run
// they stay, and it is told what would have been.
func TestFloorsFromABackup(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), func(c *live.Config) { c.DryRun = true })
	f.fromBackup("first", 3, 10, 10)
	if note := f.event("first", "FloorKept"); !strings.Contains(note, "it would be 3 again") {
		t.Errorf("event %q", note)
	}
	if n := f.floor("first"); n != 10 {
		t.Errorf("minReplicas %d after a dry run, want 10", n)
	}
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	f.run(f.cluster.Config, level(95), nil)
	f.own("first", 3)
	f.fromBackup("second", 3, 10, 7)
	f.own("second", 7)
}

// TestOrphanWrittenMeanwhile: an HPA that somebody else writes between the look and the
// restore is looked at again.
func TestOrphanWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	other := func() error {
		h := &autoscalingv2.HorizontalPodAutoscaler{}
		f.get("shop", h)
		h.Spec.MaxReplicas++
		return f.client.Update(f.t.Context(), h)
	}
	var once bool
	f.run(observed(f.cluster.Config, func(r *http.Request) error {
		if r.Method != http.MethodPatch || !strings.HasSuffix(r.URL.Path, "/horizontalpodautoscalers/shop") || once {
			return nil
		}
		once = true
		return other()
	}), level(95), nil)
	f.fromBackup("shop", 3, 10, 10)
	f.own("shop", 3)
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	if !once || h.Spec.MaxReplicas != 21 {
		t.Errorf("written meanwhile: %v, maxReplicas %d, want the 21 of the other writer", once, h.Spec.MaxReplicas)
	}
}
