package live

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// leases answers every look with one lease whose holder is what the function says; real
// clocks that differ cannot be had in one process.
type leases func() coordinationv1.LeaseSpec

func (l leases) Get(_ context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	lease := o.(*coordinationv1.Lease)
	lease.Namespace, lease.Name, lease.Spec = key.Namespace, key.Name, l()
	return nil
}

func (l leases) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*coordinationv1.LeaseList).Items = []coordinationv1.Lease{{ObjectMeta: metav1.ObjectMeta{Namespace: "ops", Name: LeaseName}, Spec: l()}}
	return nil
}

// TestHolders: who renews is at work, whatever its clock says; who does not is not.
func TestHolders(t *testing.T) {
	renewing := func(behind time.Duration) leases {
		return func() coordinationv1.LeaseSpec {
			return coordinationv1.LeaseSpec{
				HolderIdentity: new("other"), LeaseDurationSeconds: new(int32(15)),
				RenewTime: new(metav1.NewMicroTime(time.Now().Truncate(2 * time.Second).Add(-behind))),
			}
		}
	}
	for name, tc := range map[string]struct {
		reader leases
		alone  bool
	}{
		"nobody holds it":                    {func() coordinationv1.LeaseSpec { return coordinationv1.LeaseSpec{} }, true},
		"given back":                         {func() coordinationv1.LeaseSpec { return coordinationv1.LeaseSpec{HolderIdentity: new("")} }, true},
		"held":                               {renewing(0), false},
		"held, by a clock that is behind":    {renewing(time.Hour), false},
		"held, by a clock that is ahead":     {renewing(-time.Hour), false},
		"the holder died a minute ago":       {dead(time.Minute), true},
		"the holder died, its lease is left": {dead(3 * time.Second), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, namespaces := range [][]string{nil, {"ops"}} {
				synctest.Test(t, func(t *testing.T) {
					a := &alone{reader: tc.reader, namespaces: namespaces, now: time.Now, renewed: map[client.ObjectKey]time.Time{}}
					if err := a.begin(t.Context()); errors.Is(err, ErrNotAlone) == tc.alone || err != nil != !tc.alone {
						t.Errorf("looking in %v: %v, alone is %v", namespaces, err, tc.alone)
					}
				})
			}
		})
	}
}

// dead is a lease that was last renewed so long before the first look.
func dead(before time.Duration) leases {
	var at time.Time
	return func() coordinationv1.LeaseSpec {
		if at.IsZero() || at.After(time.Now()) {
			at = time.Now().Add(-before)
		}
		return coordinationv1.LeaseSpec{HolderIdentity: new("other"), LeaseDurationSeconds: new(int32(15)), RenewTime: new(metav1.NewMicroTime(at))}
	}
}

func TestWhichLeasesCount(t *testing.T) {
	for _, tc := range []struct {
		o    Options
		want []string
	}{
		{Options{}, nil},
		{Options{Namespaces: []string{"b", "a"}}, []string{"a", "b", InstallNamespace}},
		{Options{Namespaces: []string{InstallNamespace}}, []string{InstallNamespace}},
		{Options{Namespaces: []string{"a"}, LeaseNamespace: "ops"}, []string{"ops"}},
	} {
		if got := tc.o.leasesToHeed(); !slices.Equal(got, tc.want) {
			t.Errorf("%v, %q: %v, want %v", tc.o.Namespaces, tc.o.LeaseNamespace, got, tc.want)
		}
	}
}
