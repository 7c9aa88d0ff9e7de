package live_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// TestScaleOfADeployment: a load of 95 needs ten replicas of 10 each, and the past is
// known from the first decision on.
func TestScaleOfADeployment(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.want("replicas of the Deployment", 10, func() int32 { return f.replicas("shop") })
	f.condition("shop", v1alpha1.ConditionTrusted, metav1.ConditionTrue, "Skilled")
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
	f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionTrue, "Current")
	f.event("shop", "Rescaled")
	st := f.status("shop")
	if st.DesiredReplicas != 10 || st.Mode != v1alpha1.ModeActive || st.ObservedGeneration != 1 || len(st.RecentChanges) != 1 || st.LastScaleTime == nil {
		t.Errorf("status %+v", st)
	}
	if st.Forecast == nil || math.Abs(st.Forecast.Observed.Or(0)-95) > 1e-9 || st.Forecast.Accuracy.Or(0) < 0.99 {
		t.Errorf("forecast %+v, want one of a load of 95, exact", st.Forecast)
	}
	labels := map[string]string{"namespace": f.ns, "scaler": "shop"}
	if v, ok := f.gauge("hindcast_scaler_desired_replicas", labels); !ok || v != 10 {
		t.Errorf("desired replicas %v, %v", v, ok)
	}
	if v, ok := f.gauge("hindcast_scaler_mode", map[string]string{"scaler": "shop", "mode": "Active"}); !ok || v != 1 {
		t.Errorf("mode %v, %v", v, ok)
	}
	// What is gone has no metrics.
	f.deleteScaler("shop")
	f.eventually("the series are gone", func() error {
		if v, ok := f.gauge("hindcast_scaler_desired_replicas", labels); ok {
			return fmt.Errorf("still %v", v)
		}
		return nil
	})
	if n := f.replicas("shop"); n != 10 {
		t.Errorf("%d replicas after the scaler was deleted, want those it left", n)
	}
}

func (f *fixture) deleteScaler(name string) {
	f.t.Helper()
	if err := f.client.Delete(f.t.Context(), &v1alpha1.PredictiveScaler{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name}}); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("the scaler is gone", func() error {
		return f.gone(name)
	})
}

// gone returns nil once there is no scaler of this name.
func (f *fixture) gone(name string) error {
	err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.ns, Name: name}, &v1alpha1.PredictiveScaler{})
	if err == nil {
		return errors.New("it is still there")
	}
	return client.IgnoreNotFound(err)
}

// TestShadowNeverWrites: in mode Shadow, by the object, the annotation or the flag, no
// request changes anything but the scaler's own status, and events.
func TestShadowNeverWrites(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		mode v1alpha1.Mode
		note string
		flag v1alpha1.Mode
	}{
		{"by the object", v1alpha1.ModeShadow, "", v1alpha1.ModeActive},
		{"by the annotation", v1alpha1.ModeActive, "Shadow", v1alpha1.ModeActive},
		{"by the flag", v1alpha1.ModeActive, "", v1alpha1.ModeShadow},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := cluster(t)
			var mu sync.Mutex
			var writes []string
			see := func(r *http.Request) error {
				own := strings.HasSuffix(r.URL.Path, "/predictivescalers/shop/status") || strings.HasSuffix(r.URL.Path, "/predictivescalers/floor/status")
				if r.Method != http.MethodGet && !own && !strings.Contains(r.URL.Path, "/events") {
					mu.Lock()
					defer mu.Unlock()
					writes = append(writes, r.Method+" "+r.URL.Path)
				}
				return nil
			}
			f.run(observed(f.cluster.Config, see), level(95), configMode(tc.flag))
			f.deployment("shop", 2)
			f.deployment("other", 2)
			f.hpa("other", "other", 2, 20)
			for _, s := range []*v1alpha1.PredictiveScaler{f.scaler("shop", "shop", tc.mode), floored(f.scaler("floor", "other", tc.mode), "other")} {
				if tc.note != "" {
					s.Annotations = map[string]string{v1alpha1.AnnotationMode: tc.note}
				}
				f.create(s)
			}
			for _, name := range []string{"shop", "floor"} {
				f.want("the wish of "+name, 10, func() int32 { return f.status(name).DesiredReplicas })
				if st := f.status(name); st.Mode != v1alpha1.ModeShadow || st.CurrentReplicas != 2 || st.Shadow == nil {
					t.Errorf("%s: status %+v", name, st)
				}
			}
			if f.replicas("shop") != 2 || f.floor("other") != 2 {
				t.Error("something was scaled")
			}
			mu.Lock()
			defer mu.Unlock()
			if len(writes) > 0 {
				t.Errorf("written: %v", writes)
			}
		})
	}
}

// TestNoData: a Prometheus that fails, has no data or answers nonsense never scales down,
// and never to zero.
func TestNoData(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		err  error
		load float64
	}{
		{"down", errors.New("connection refused"), 0},
		{"empty", policy.ErrNoData, 0},
		{"NaN", nil, math.NaN()},
		{"infinite", nil, math.Inf(1)},
		{"negative", nil, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := level(95)
			f := start(t, p, nil)
			f.deployment("shop", 2)
			s := f.scaler("shop", "shop", v1alpha1.ModeActive)
			s.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Second}
			f.create(s)
			f.want("replicas", 10, func() int32 { return f.replicas("shop") })
			p.set(tc.err, func(time.Time) float64 { return tc.load })
			f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionFalse, "NoCurrentData")
			f.event("shop", "NoCurrentData")
			if n := f.replicas("shop"); n != 10 {
				t.Errorf("%d replicas without data, want the 10 that there were", n)
			}
			if v, ok := f.gauge("hindcast_scaler_stale", map[string]string{"scaler": "shop"}); !ok || v != 1 {
				t.Errorf("stale is %v, %v", v, ok)
			}
		})
	}
}

// TestConflicts: what else scales the target is named, and nothing is scaled until it is
// gone.
func TestConflicts(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	f.hpa("rival", "shop", 1, 20)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionFalse, "TargetHasHPA")
	f.want("the wish", 10, func() int32 { return f.status("shop").DesiredReplicas })
	if n := f.replicas("shop"); n != 2 {
		t.Errorf("%d replicas beside an HPA", n)
	}
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("rival", h)
	if err := f.client.Delete(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
	f.want("replicas once the HPA is gone", 10, func() int32 { return f.replicas("shop") })

	// A second scaler of the same target waits until the first is gone.
	time.Sleep(1100 * time.Millisecond) // creation times are in seconds
	second := f.scaler("younger", "shop", v1alpha1.ModeActive)
	second.Spec.Metrics[0].Target.PerReplica = "5"
	f.create(second)
	f.condition("younger", v1alpha1.ConditionActive, metav1.ConditionFalse, "TargetHasAnotherScaler")
	f.deleteScaler("shop")
	f.want("replicas by the second scaler", 19, func() int32 { return f.replicas("shop") })
}

// TestWhatCannotRun is named in condition Active.
func TestWhatCannotRun(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	query := f.scaler("query", "shop", v1alpha1.ModeActive)
	query.Spec.Metrics[0].Query = "forbidden"
	f.create(query)
	f.condition("query", v1alpha1.ConditionActive, metav1.ConditionFalse, "InvalidQuery")
	model := f.scaler("model", "shop", v1alpha1.ModeActive)
	model.Spec.Forecast.Model = "crystal-ball" // which models there are the controller knows, not the CRD
	f.create(model)
	f.condition("model", v1alpha1.ConditionActive, metav1.ConditionFalse, "InvalidSpec")
	f.create(f.scaler("lost", "nowhere", v1alpha1.ModeActive))
	f.condition("lost", v1alpha1.ConditionActive, metav1.ConditionFalse, "TargetNotFound")
	f.deployment("other", 2)
	f.create(floored(f.scaler("floor", "other", v1alpha1.ModeActive), "nobody"))
	f.condition("floor", v1alpha1.ConditionActive, metav1.ConditionFalse, "HPANotFound")
}
