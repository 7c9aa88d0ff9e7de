package live_test

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
)

// elected lets the controllers of a fixture compete for a lease in its namespace.
func (f *fixture) elected(o *ctrl.Options) {
	o.LeaderElection, o.LeaderElectionID, o.LeaderElectionNamespace = true, live.LeaseName, f.ns
}

// unelected are the arguments of a controller in Shadow that holds no lease.
func (f *fixture) unelected() []string {
	return []string{"--namespace", f.ns, "--mode", "shadow", "--leader-elect=false", "--prometheus", "http://127.0.0.1:1",
		"--metrics-address", "0", "--probe-address", "0"}
}

// TestShadowBesideTheActive: a controller in Shadow without the lease is started beside one
// that is active and has raised a floor. It says why it cannot run, ends with code 2, and
// the floor stays, the status too. Once the other one has gone it runs.
func TestShadowBesideTheActive(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	f.manage(f.cluster.Config, level(95), nil, f.elected)
	f.deployment("shop", 2)
	f.hpa("shop", "shop", 3, 20)
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
	f.want("the floor", 10, func() int32 { return f.floor("shop") })

	code, log, ended := f.cluster.StartController(t, f.unelected()...).Wait(patience)
	if !ended || code != 2 {
		t.Fatalf("exit code %d, ended: %v", code, ended)
	}
	last := strings.TrimSpace(log)
	last = last[strings.LastIndex(last, "\n")+1:]
	for _, want := range []string{"another controller is at work", "Lease " + live.LeaseName, f.ns, "--leader-elect"} {
		if !strings.Contains(last, want) {
			t.Errorf("last line %q, want one with %q", last, want)
		}
	}
	if n := f.floor("shop"); n != 10 {
		t.Errorf("the floor is %d, want the 10 of the active controller", n)
	}
	if m := f.status("shop").Mode; m != v1alpha1.ModeActive {
		t.Errorf("status.mode is %s", m)
	}

	// The active one ends and gives its lease away; then nothing is in the way.
	f.stopAndRelease()
	f.cluster.StartController(t, f.unelected()...)
	f.want("the floor that Shadow gives back", 3, func() int32 { return f.floor("shop") })
}

// stopAndRelease ends a controller whose lease nobody renews any more; it lasts 15 s.
func (f *fixture) stopAndRelease() {
	f.t.Helper()
	if err := f.stop(); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("the lease has run out", func() error {
		l, err := f.cluster.Client(f.t).CoordinationV1().Leases(f.ns).Get(f.t.Context(), live.LeaseName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if left := time.Until(l.Spec.RenewTime.Add(time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second)); left > 0 {
			return context.DeadlineExceeded
		}
		return nil
	})
}

// TestActiveBesideTheShadow: the controller that holds the lease comes while one without
// runs. That one ends by itself, with the reason, and takes nothing back any more.
func TestActiveBesideTheShadow(t *testing.T) {
	t.Parallel()
	f := cluster(t)
	f.deployment("shop", 2)
	f.hpa("shop", "shop", 3, 20)
	f.create(floored(f.scaler("shop", "shop", v1alpha1.ModeActive), "shop"))
	shadow := f.cluster.StartController(t, f.unelected()...)
	f.eventually("the scaler is in Shadow", func() error {
		if m := f.status("shop").Mode; m != v1alpha1.ModeShadow {
			return context.DeadlineExceeded
		}
		return nil
	})
	f.manage(f.cluster.Config, level(95), nil, f.elected)
	code, log, ended := shadow.Wait(patience)
	if !ended || code != 2 || !strings.Contains(log, "another controller is at work") {
		t.Fatalf("exit code %d, ended: %v, log: %s", code, ended, log)
	}
	// What the two did to each other before ends here: the one that is left raises the floor.
	f.change("shop", func(s *v1alpha1.PredictiveScaler) { s.Spec.MinReplicas = new(int32(2)) })
	f.want("the floor", 10, func() int32 { return f.floor("shop") })
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
}
