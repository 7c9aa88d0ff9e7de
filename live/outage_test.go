package live_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live"
)

// writesOfScale counts the updates of scale subresources that a controller sends.
func writesOfScale(n *atomic.Int32) func(*http.Request) error {
	return func(r *http.Request) error {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/scale") {
			n.Add(1)
		}
		return nil
	}
}

// TestLeaderFailOver: of two controllers one works. It ends without giving its lease back,
// as one that is killed; the other takes over, with what the first had learnt from
// Prometheus and changed by its status, and every change is made once.
func TestLeaderFailOver(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	elected := func(o *ctrl.Options) {
		o.LeaderElection, o.LeaderElectionID, o.LeaderElectionNamespace = true, live.LeaseName, f.ns
	}
	p := level(95)
	var first, second atomic.Int32
	f.manage(observed(f.cluster.Config, writesOfScale(&first)), p, nil, elected)
	kill := f.stop
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.want("replicas by the first", 10, func() int32 { return f.replicas("shop") })
	f.manage(observed(f.cluster.Config, writesOfScale(&second)), p, nil, elected)
	time.Sleep(3 * time.Second)
	if n := second.Load(); n != 0 {
		t.Errorf("%d updates by one that is not elected", n)
	}
	if err := kill(); err != nil {
		t.Fatal(err)
	}
	p.set(nil, func(time.Time) float64 { return 195 })
	began := time.Now()
	f.want("replicas by the second", 20, func() int32 { return f.replicas("shop") })
	// The lease lasts 15 s, and the loop decides every 30 s.
	gap := time.Since(began)
	t.Logf("nobody scaled for %v", gap.Round(time.Second))
	if gap > 90*time.Second {
		t.Errorf("nobody scaled for %v", gap)
	}
	// The status follows the scale.
	f.eventually("both changes are in the status, each once", func() error {
		if all, noted := first.Load()+second.Load(), len(f.status("shop").RecentChanges); all != 2 || noted != 2 {
			return fmt.Errorf("%d updates of the scale, and %d changes in the status", all, noted)
		}
		return nil
	})
}

// TestRestartOfTheAPIServer: while it is away nothing is decided on guesses, and once it
// is back the loop goes on, in the same process.
func TestRestartOfTheAPIServer(t *testing.T) {
	t.Parallel()
	c := clustertest.New(t, crds)
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, cluster: c, client: k, ns: c.Namespace(t)}
	p := level(95)
	f.run(c.Config, p, nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.want("replicas", 10, func() int32 { return f.replicas("shop") })
	c.StopAPIServer(t)
	p.set(nil, func(time.Time) float64 { return 195 })
	f.eventually("a decision meets the outage", func() error {
		if n, ok := f.gauge("hindcast_scaler_scale_errors_total", map[string]string{"scaler": "shop"}); !ok || n == 0 {
			return fmt.Errorf("%v errors", n)
		}
		return nil
	})
	c.StartAPIServer(t)
	// The jump is a surge, of which more may come: at least what it needs.
	f.eventually("enough replicas after the restart", func() error {
		if n := f.replicas("shop"); n < 20 {
			return fmt.Errorf("%d, want 20 or more", n)
		}
		return nil
	})
	f.condition("shop", v1alpha1.ConditionAbleToScale, metav1.ConditionTrue, "ReadyForNewScale")
}
