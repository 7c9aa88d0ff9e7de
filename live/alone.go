package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// InstallNamespace is where the shipped manifests put the controller and its lease.
const InstallNamespace = "hindcast-system"

// A holder renews its lease every two seconds. So often a controller without one looks,
// and so long it doubts a holder that seems to be gone.
const (
	lookForLease = 2 * time.Second
	doubtALease  = 5 * time.Second
)

// ErrNotAlone is another controller at work: it holds a lease, and this one has none.
var ErrNotAlone = errors.New("another controller is at work")

// alone lets a controller without a lease work only while nobody else is seen to hold one.
// Two controllers that do not compete for a lease write the same status, and one whose mode
// is lower gives back the floors that the other has raised.
type alone struct {
	reader client.Reader
	// namespaces are those whose lease counts; none: all.
	namespaces []string
	now        func() time.Time
	// renewed is when the holder of a lease last said that it is there, by its own clock.
	renewed map[client.ObjectKey]time.Time
}

// leasesToHeed are the namespaces in which the lease of a controller may be that watches
// what o does; none: all. Somebody who names the namespace of the lease knows where it is.
func (o *Options) leasesToHeed() []string {
	switch {
	case o.LeaseNamespace != "":
		return []string{o.LeaseNamespace}
	case len(o.Namespaces) == 0:
		return nil
	}
	all := append(slices.Clone(o.Namespaces), InstallNamespace)
	slices.Sort(all)
	return slices.Compact(all)
}

// begin returns an error where somebody holds a lease. One that has not been renewed in
// time may be of a machine whose clock is behind: it is looked at twice.
func (a *alone) begin(ctx context.Context) error {
	held, err := a.look(ctx)
	if err != nil || !held {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(doubtALease):
	}
	_, err = a.look(ctx)
	return err
}

// Start looks until ctx is done or somebody holds a lease, which ends the manager. An API
// server that does not answer takes no changes either.
func (a *alone) Start(ctx context.Context) error {
	ticker := time.NewTicker(lookForLease)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		switch _, err := a.look(ctx); {
		case errors.Is(err, ErrNotAlone), apierrors.IsForbidden(err):
			return err
		}
	}
}

// look reports whether there is a lease with a holder, and returns ErrNotAlone where that
// holder is known to be at work: by our clock, or as it renewed the lease between two looks.
func (a *alone) look(ctx context.Context) (held bool, err error) {
	leases, err := a.leases(ctx)
	if err != nil {
		return false, err
	}
	for i := range leases {
		l := &leases[i]
		spec := &l.Spec
		if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
			continue
		}
		held = true
		key, at := client.ObjectKeyFromObject(l), spec.RenewTime.Time
		before, seen := a.renewed[key]
		a.renewed[key] = at
		if a.now().Sub(at) < time.Duration(*spec.LeaseDurationSeconds)*time.Second || seen && !at.Equal(before) {
			return held, fmt.Errorf("%w: %s holds Lease %s in namespace %s, and two controllers would undo what the other does; "+
				"end that one (kubectl -n %s scale deployment hindcast-controller --replicas=0), compete with it by --leader-elect --lease-namespace %s, "+
				"or, if it watches other namespaces, name by --lease-namespace the one whose lease counts",
				ErrNotAlone, *spec.HolderIdentity, l.Name, l.Namespace, l.Namespace, l.Namespace)
		}
	}
	return held, nil
}

func (a *alone) leases(ctx context.Context) ([]coordinationv1.Lease, error) {
	if len(a.namespaces) == 0 {
		list := &coordinationv1.LeaseList{}
		if err := a.reader.List(ctx, list, client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", LeaseName)}); err != nil {
			return nil, fmt.Errorf("look whether another controller is at work: %w; name by --lease-namespace a namespace whose leases you may read", err)
		}
		return list.Items, nil
	}
	var all []coordinationv1.Lease
	for _, namespace := range a.namespaces {
		l := &coordinationv1.Lease{}
		switch err := a.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: LeaseName}, l); {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("look whether another controller is at work: %w; name by --lease-namespace a namespace whose leases you may read", err)
		default:
			all = append(all, *l)
		}
	}
	return all, nil
}
