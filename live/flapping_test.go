package live_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
)

// TestNothingFlapsLive: a load that does not change, a Prometheus that is away at every other decision
// for two and a half minutes, and an API server whose first two answers are conflicts: the
// Deployment is changed once.
func TestNothingFlapsLive(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	p := level(95)
	var refused atomic.Int32
	f.run(refusing(f.cluster.Config, 2, http.StatusConflict, metav1.StatusReasonConflict, &refused), p, nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.want("replicas", 10, func() int32 { return f.replicas("shop") })
	if n := refused.Load(); n != 2 {
		t.Errorf("%d changes were refused, want 2", n)
	}
	generation := f.generation("shop")
	for i := range 5 {
		var err error
		if i%2 == 0 {
			err = errors.New("connection refused")
		}
		p.set(err, nil)
		time.Sleep(30 * time.Second)
	}
	if n, ok := f.gauge("hindcast_scaler_query_errors_total", map[string]string{"scaler": "shop"}); !ok || n < 3 {
		t.Errorf("%v failed queries, want 3 or more", n)
	}
	if changed := f.generation("shop") - generation; changed != 0 || f.replicas("shop") != 10 {
		t.Errorf("changed %d times, %d replicas; want 0 and 10", changed, f.replicas("shop"))
	}
	if all := f.status("shop").RecentChanges; len(all) != 1 {
		t.Errorf("changes %v, want the one to 10", all)
	}
}
