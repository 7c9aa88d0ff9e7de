package live

import (
	"context"
	"errors"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/live/promclient"
	"hindcast.dev/policy"
)

// Guarded returns the Prometheus of a controller: every query is kept within the
// namespace of its object and within limits, and equal queries are asked once.
func Guarded(client *promclient.Client, limits promclient.Limits) (Prometheus, error) {
	guard, err := promclient.NewGuard(promclient.Share(client), limits, time.Now)
	if err != nil {
		return nil, err
	}
	return guarded{guard}, nil
}

type guarded struct{ guard *promclient.Guard }

func (g guarded) Check(namespace, expr string) error {
	ns, err := g.guard.For(namespace)
	if err != nil {
		return err
	}
	_, err = ns.Isolate(expr)
	return err
}

func (g guarded) For(namespace string) autoscaler.Querier {
	ns, err := g.guard.For(namespace)
	return querier{ns, err}
}

// Forget drops the rate of a namespace.
func (g guarded) Forget(namespace string) { g.guard.Forget(namespace) }

// A querier gives the errors of promclient the names of package policy.
type querier struct {
	from *promclient.Guarded
	err  error
}

func (q querier) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	if q.err != nil {
		return 0, q.err
	}
	v, err := q.from.Query(ctx, expr, at)
	return v, named(err)
}

func (q querier) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	if q.err != nil {
		return nil, q.err
	}
	values, err := q.from.QueryRange(ctx, expr, from, to, step)
	return values, named(err)
}

func named(err error) error {
	if errors.Is(err, promclient.ErrNoData) {
		return noData{err}
	}
	return err
}

// noData is promclient.ErrNoData, and policy.ErrNoData too.
type noData struct{ error }

func (e noData) Is(target error) bool { return target == policy.ErrNoData }
func (e noData) Unwrap() error        { return e.error }
