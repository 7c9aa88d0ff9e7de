package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
)

// raised starts a controller that raises the minReplicas of an HPA from original to 10.
func raised(t *testing.T, original int32) *fixture {
	t.Helper()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	f.hpa("shop", "shop", original, 20)
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
	f.want("the floor", 10, func() int32 { return f.floor("shop") })
	return f
}

// TestFloorOfAnHPA: minReplicas is raised, the original is written down with the first
// change, and comes back by Paused, by Shadow and by deletion; its own annotations stay.
func TestFloorOfAnHPA(t *testing.T) {
	t.Parallel()
	f := raised(t, 3)
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	if h.Annotations[v1alpha1.AnnotationOriginal] != "3" || h.Annotations[v1alpha1.AnnotationScaler] != "shop" || h.Annotations[v1alpha1.AnnotationFloor] != "10" {
		t.Errorf("annotations %v", h.Annotations)
	}
	if n := f.replicas("shop"); n != 2 {
		t.Errorf("%d replicas: the HPA scales, not we", n)
	}
	f.change("shop", func(s *v1alpha1.PredictiveScaler) {
		s.Annotations = map[string]string{v1alpha1.AnnotationMode: "Paused"}
	})
	f.want("the floor while paused", 3, func() int32 { return f.floor("shop") })
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionFalse, "Paused")
	f.event("shop", "FloorRestored")
	f.get("shop", h)
	if len(h.Annotations) != 0 {
		t.Errorf("annotations %v are left", h.Annotations)
	}
	f.change("shop", func(s *v1alpha1.PredictiveScaler) { delete(s.Annotations, v1alpha1.AnnotationMode) })
	f.want("the floor after the pause", 10, func() int32 { return f.floor("shop") })
	f.change("shop", func(s *v1alpha1.PredictiveScaler) {
		s.Annotations = map[string]string{v1alpha1.AnnotationMode: "Shadow"}
	})
	f.want("the floor in Shadow", 3, func() int32 { return f.floor("shop") })
	f.change("shop", func(s *v1alpha1.PredictiveScaler) { delete(s.Annotations, v1alpha1.AnnotationMode) })
	f.want("the floor after Shadow", 10, func() int32 { return f.floor("shop") })
	f.deleteScaler("shop")
	if n := f.floor("shop"); n != 3 {
		t.Errorf("minReplicas %d after the deletion, want 3", n)
	}
}

// TestFloorStaysWithinItsHPA: a wish above the HPA's maximum raises the floor to that, once, and one
// below the HPA's own minimum changes nothing, at no decision.
func TestFloorStaysWithinItsHPA(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		load    float64
		floor   int32
		changes int
	}{{"high", 95, 8, 1}, {"low", 5, 3, 0}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := cluster(t)
			p := level(tc.load)
			f.run(f.cluster.Config, p, nil)
			f.deployment("shop", 3)
			f.hpa("shop", "shop", 3, 8)
			f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
			f.want("the floor", tc.floor, func() int32 { return f.floor("shop") })
			// Who asks for the third time has decided twice. Of decisions that change nothing the status
			// does not tell.
			f.eventually("two decisions", func() error {
				p.mu.Lock()
				defer p.mu.Unlock()
				asked := 0
				for _, n := range p.asks {
					asked += n
				}
				if asked < 3 {
					return fmt.Errorf("%d queries", asked)
				}
				return nil
			})
			if st := f.status("shop"); len(st.RecentChanges) != tc.changes || f.floor("shop") != tc.floor {
				t.Errorf("changes %+v, the floor is %d", st.RecentChanges, f.floor("shop"))
			}
		})
	}
}

// TestLostStatusOfAFloor: where the status was lost, as by a crash right after the HPA was patched,
// the next change tells of the HPA's own minReplicas, not of what was raised.
func TestLostStatusOfAFloor(t *testing.T) {
	t.Parallel()
	f := raised(t, 3)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	s := &v1alpha1.PredictiveScaler{}
	f.eventually("the status is lost", func() error {
		f.get("shop", s)
		s.Status.Floor = nil
		return f.client.Status().Update(t.Context(), s)
	})
	f.run(f.cluster.Config, level(155), nil)
	f.want("the floor", 16, func() int32 { return f.floor("shop") })
	f.eventually("the status", func() error {
		if got := f.status("shop").Floor; got == nil || got.OriginalMinReplicas != 3 {
			return fmt.Errorf("floor %+v", got)
		}
		return nil
	})
	// A floor that was raised twice comes back as the first time.
	f.deleteScaler("shop")
	if n := f.floor("shop"); n != 3 {
		t.Errorf("minReplicas %d after the deletion, want 3", n)
	}
}

// TestDryRunKeepsTheScalerOfAFloor: a floor that was raised before stays raised in a dry run,
// the status says so, and its scaler stays when it is deleted, silent, until a controller
// may give the floor back.
func TestDryRunKeepsTheScalerOfAFloor(t *testing.T) {
	t.Parallel()
	f := raised(t, 3)
	want := &v1alpha1.FloorStatus{HPA: "shop", OriginalMinReplicas: 3}
	floor := func() error {
		if st := f.status("shop"); st.Floor == nil || *st.Floor != *want {
			return fmt.Errorf("mode %s, floor %+v", st.Mode, st.Floor)
		}
		return nil
	}
	f.eventually("the status tells of the floor", floor)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	f.run(f.cluster.Config, level(95), func(c *live.Config) { c.DryRun, c.Mode = true, v1alpha1.ModeShadow })
	f.eventually("the mode", func() error {
		if st := f.status("shop"); st.Mode != v1alpha1.ModeShadow {
			return fmt.Errorf("%s", st.Mode)
		}
		return nil
	})
	if note := f.event("shop", "FloorKept"); !strings.Contains(note, "minReplicas 3") {
		t.Errorf("event %q", note)
	}
	if err := floor(); err != nil {
		t.Error(err)
	}
	labels := map[string]string{"namespace": f.ns, "scaler": "shop"}
	if _, ok := f.gauge("hindcast_scaler_mode", labels); !ok {
		t.Error("no series of the scaler")
	}
	s := &v1alpha1.PredictiveScaler{}
	f.get("shop", s)
	if err := f.client.Delete(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.eventually("the series are gone", func() error {
		if _, ok := f.gauge("hindcast_scaler_mode", labels); ok {
			return errors.New("still there")
		}
		return nil
	})
	if n := f.floor("shop"); n != 10 || f.gone("shop") == nil {
		t.Errorf("minReplicas %d, scaler gone: %v; want 10 and a scaler that waits", n, f.gone("shop") == nil)
	}
	f.run(f.cluster.Config, level(95), nil)
	f.eventually("the scaler is gone", func() error { return f.gone("shop") })
	if n := f.floor("shop"); n != 3 {
		t.Errorf("minReplicas %d, want 3 again", n)
	}
}

// TestDryRunRaisesNoFloor: the status does not tell of a floor that nobody raised.
func TestDryRunRaisesNoFloor(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	var mu sync.Mutex
	var stored []string
	dry := 0
	see := func(r *http.Request) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodGet, strings.Contains(r.URL.Path, "/predictivescalers/") && strings.HasSuffix(r.URL.Path, "/status"),
			strings.Contains(r.URL.Path, "/events"):
		case r.URL.Query().Get("dryRun") == metav1.DryRunAll:
			dry++
		default:
			stored = append(stored, r.Method+" "+r.URL.Path)
		}
		return nil
	}
	f.run(observed(f.cluster.Config, see), level(95), func(c *live.Config) { c.DryRun = true })
	f.deployment("shop", 2)
	f.deployment("other", 2)
	f.hpa("shop", "shop", 3, 20)
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
	f.create(f.scaler("other", "other", v1alpha1.ModeActive))
	for _, name := range []string{"shop", "other"} {
		if note := f.event(name, "Rescaled"); !strings.Contains(note, "(dry run)") {
			t.Errorf("event %q", note)
		}
		f.want("the decision in the status of "+name, 10, func() int32 { return f.status(name).DesiredReplicas })
		s := &v1alpha1.PredictiveScaler{}
		f.get(name, s)
		if len(s.Finalizers) != 0 || len(s.Status.RecentChanges) != 0 || s.Status.LastScaleTime != nil {
			t.Errorf("%s: finalizers %v, changes %v, last of them %v; want none", name, s.Finalizers, s.Status.RecentChanges, s.Status.LastScaleTime)
		}
	}
	if n := f.replicas("other"); n != 2 {
		t.Errorf("%d replicas after a dry run, want 2", n)
	}
	f.eventually("the status tells of the decision", func() error {
		st := f.status("shop")
		if st.DesiredReplicas != 10 {
			return fmt.Errorf("desired %d", st.DesiredReplicas)
		}
		if st.Floor != nil || f.floor("shop") != 3 {
			t.Errorf("floor %+v, minReplicas %d", st.Floor, f.floor("shop"))
		}
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	if len(stored) > 0 || dry < 2 {
		t.Errorf("stored by a dry run: %v; %d requests were dry, want 2 or more", stored, dry)
	}
}

// TestFloorMoves: a scaler that is given another HPA gives the first one's floor back, and
// the status tells of the second.
func TestFloorMoves(t *testing.T) {
	t.Parallel()
	f := raised(t, 3)
	f.deployment("till", 2)
	f.hpa("till", "till", 4, 20)
	f.change("shop", func(s *v1alpha1.PredictiveScaler) {
		s.Spec.ScaleTargetRef.Name, s.Spec.Actuation.HPARef.Name = "till", "till"
	})
	f.want("the floor of the second", 10, func() int32 { return f.floor("till") })
	f.want("the floor of the first", 3, func() int32 { return f.floor("shop") })
	f.eventually("the status tells of the second", func() error {
		if st := f.status("shop"); st.Floor == nil || *st.Floor != (v1alpha1.FloorStatus{HPA: "till", OriginalMinReplicas: 4}) {
			return fmt.Errorf("floor %+v", st.Floor)
		}
		return nil
	})
}

// TestRestoredFloorIsNotOurs: an owner who applies the HPA server-side, as GitOps does, is
// told of a conflict while the floor is raised, and of none once it is restored: then the
// next apply changes minReplicas, and the one after it, without the field, removes it.
func TestRestoredFloorIsNotOurs(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	apply := func(minReplicas string) error {
		text := fmt.Sprintf(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: shop, namespace: %s},
			spec: {%s maxReplicas: 20, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}}}`, f.ns, minReplicas)
		cmd := exec.CommandContext(t.Context(), filepath.Join(f.cluster.Programs, "kubectl"), "--kubeconfig", f.cluster.Kubeconfig(t),
			"apply", "--server-side", "--field-manager=gitops", "-f", "-")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.New(string(out))
		}
		return nil
	}
	applied := func(minReplicas string, want int32) {
		t.Helper()
		if err := apply(minReplicas); err != nil {
			t.Fatal(err)
		}
		if n := f.floor("shop"); n != want {
			t.Errorf("minReplicas %d after an apply of {%s}, want %d", n, minReplicas, want)
		}
	}
	applied("minReplicas: 3,", 3)
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
	f.want("the floor", 10, func() int32 { return f.floor("shop") })
	if err := apply("minReplicas: 3,"); err == nil || !strings.Contains(err.Error(), `conflict with "hindcast"`) {
		t.Errorf("an apply over the raised floor: %v, want a conflict with hindcast", err)
	}
	f.deleteScaler("shop")
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	if *h.Spec.MinReplicas != 3 || len(h.Annotations) != 0 {
		t.Errorf("minReplicas %d, annotations %v, want 3 and none", *h.Spec.MinReplicas, h.Annotations)
	}
	for _, e := range h.ManagedFields {
		if e.Manager == "hindcast" {
			t.Errorf("hindcast still has %s", e.FieldsV1)
		}
	}
	applied("minReplicas: 5,", 5)
	applied("", 1) // the API server's default
}

// TestGivingUpIsDoneAgain: the second of the two writes that restore a floor fails; minReplicas is
// right already, the scaler stays until the rest is done too.
func TestGivingUpIsDoneAgain(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	refused := false
	config := observed(f.cluster.Config, func(r *http.Request) error {
		if r.Method != http.MethodPatch || !strings.HasSuffix(r.URL.Path, "/horizontalpodautoscalers/shop") || refused {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(string(body), "managedFields") {
			refused = true
			return errors.New("refused by the test")
		}
		return nil
	})
	f.run(config, level(95), nil)
	f.deployment("shop", 2)
	f.hpa("shop", "shop", 3, 20)
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
	f.want("the floor", 10, func() int32 { return f.floor("shop") })
	f.deleteScaler("shop")
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	if !refused || *h.Spec.MinReplicas != 3 || len(h.Annotations) != 0 {
		t.Errorf("refused %v, minReplicas %d, annotations %v; want true, 3 and none", refused, *h.Spec.MinReplicas, h.Annotations)
	}
	for _, e := range h.ManagedFields {
		if e.Manager == "hindcast" {
			t.Errorf("hindcast still has %s", e.FieldsV1)
		}
	}
}

// TestFloorIsRestoredAfterACrash: the controller that raised the floor never comes back;
// the scaler is deleted meanwhile; the next controller restores and lets it go.
func TestFloorIsRestoredAfterACrash(t *testing.T) {
	t.Parallel()
	f := raised(t, 4)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	s := &v1alpha1.PredictiveScaler{}
	f.get("shop", s)
	if err := f.client.Delete(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.get("shop", s) // the finalizer keeps it
	f.run(f.cluster.Config, level(95), nil)
	f.want("the floor", 4, func() int32 { return f.floor("shop") })
	f.eventually("the scaler is gone", func() error { return f.gone("shop") })
}

// TestForeignChange: somebody sets minReplicas by hand; nothing is changed any more, and
// their value stays even when the scaler goes.
func TestForeignChange(t *testing.T) {
	t.Parallel()
	f := raised(t, 3)
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	h.Spec.MinReplicas = new(int32(5))
	if err := f.client.Update(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	f.condition("shop", v1alpha1.ConditionAbleToScale, metav1.ConditionFalse, "ForeignChange")
	f.deleteScaler("shop")
	if note := f.event("shop", "FloorRestored"); !strings.Contains(note, "minReplicas 5") {
		t.Errorf("event %q", note)
	}
	f.get("shop", h)
	if *h.Spec.MinReplicas != 5 || len(h.Annotations) != 0 {
		t.Errorf("minReplicas %d, annotations %v; want 5 and none", *h.Spec.MinReplicas, h.Annotations)
	}
}
