package promclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// ErrRate is the error of a query that comes too soon after the others of its namespace.
var ErrRate = errors.New("namespace asks too often")

// Defaults of Limits.
const (
	DefaultMaxLength  = 8 << 10
	DefaultMaxRange   = 32 * 24 * time.Hour
	DefaultMaxHistory = 92 * 24 * time.Hour
	DefaultMaxSteps   = 11_000
	DefaultPerSecond  = 30
	DefaultBurst      = 150
)

// Limits say what the queries of one namespace may cost. The number of series is limited
// by the Client. A zero field has a default; there is no unlimited.
type Limits struct {
	// CrossNamespace lets queries read series of all namespaces.
	CrossNamespace bool

	MaxLength  int           // of an expression, bytes
	MaxRange   time.Duration // how far back one evaluation reads
	MaxHistory time.Duration // from the start of a range query to its end
	MaxSteps   int           // of subqueries within subqueries
	Timeout    time.Duration // of a query; default: that of the Client
	PerSecond  float64       // queries of a namespace, in the long run
	Burst      int           // queries of a namespace at once
}

// Validate lists all faults of Limits.
func (l Limits) Validate() error {
	if l.MaxLength < 0 || l.MaxRange < 0 || l.MaxHistory < 0 || l.MaxSteps < 0 || l.Timeout < 0 || !(l.PerSecond >= 0) || l.Burst < 0 {
		return errors.New("a limit of queries is negative")
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	l.MaxLength = orElse(l.MaxLength, DefaultMaxLength)
	l.MaxRange = orElse(l.MaxRange, DefaultMaxRange)
	l.MaxHistory = orElse(l.MaxHistory, DefaultMaxHistory)
	l.MaxSteps = orElse(l.MaxSteps, DefaultMaxSteps)
	l.PerSecond = orElse(l.PerSecond, DefaultPerSecond)
	l.Burst = orElse(l.Burst, DefaultBurst)
	return l
}

// A Guard stands between the objects of many namespaces and one server. Whoever may write
// an object chooses its queries: each is kept within its namespace and its limits. It is
// safe for concurrent use.
type Guard struct {
	to     Asker
	limits Limits
	now    func() time.Time

	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

// NewGuard returns a Guard of what to can be asked. The rates are measured by now.
func NewGuard(to Asker, limits Limits, now func() time.Time) (*Guard, error) {
	if err := limits.Validate(); err != nil {
		return nil, err
	}
	return &Guard{to: to, limits: limits.withDefaults(), now: now, limiters: make(map[string]*rate.Limiter)}, nil
}

// For returns what the objects of a namespace may ask.
func (g *Guard) For(namespace string) (*Guarded, error) {
	if namespace == "" {
		return nil, fmt.Errorf("%w: no namespace", ErrIsolation)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	limiter, ok := g.limiters[namespace]
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(g.limits.PerSecond), g.limits.Burst)
		g.limiters[namespace] = limiter
	}
	return &Guarded{guard: g, namespace: namespace, limiter: limiter}, nil
}

// Forget drops what is known of a namespace that no object is left in.
func (g *Guard) Forget(namespace string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.limiters, namespace)
}

// Guarded is an Asker for one namespace. It is safe for concurrent use.
type Guarded struct {
	guard     *Guard
	namespace string
	limiter   *rate.Limiter
	isolated  sync.Map // expr to isolation
}

type isolation struct {
	expr string
	err  error
}

// Isolate returns the expression that is asked in place of expr.
func (g *Guarded) Isolate(expr string) (string, error) {
	if known, ok := g.isolated.Load(expr); ok {
		if i, ok := known.(isolation); ok {
			return i.expr, i.err
		}
	}
	namespace := g.namespace
	if g.guard.limits.CrossNamespace {
		namespace = ""
	}
	isolated, err := Isolate(expr, namespace, g.guard.limits)
	g.isolated.Store(expr, isolation{isolated, err})
	return isolated, err
}

// Query implements Asker.
func (g *Guarded) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	isolated, ctx, cancel, err := g.admit(ctx, expr)
	if err != nil {
		return 0, err
	}
	defer cancel()
	return g.guard.to.Query(ctx, isolated, at)
}

// QueryRange implements Asker.
func (g *Guarded) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	if span, most := to.Sub(from), g.guard.limits.MaxHistory; span > most {
		return nil, fmt.Errorf("query %q: %w: a range of %v is longer than %v", expr, ErrIsolation, span, most)
	}
	isolated, ctx, cancel, err := g.admit(ctx, expr)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return g.guard.to.QueryRange(ctx, isolated, from, to, step)
}

func (g *Guarded) admit(ctx context.Context, expr string) (string, context.Context, context.CancelFunc, error) {
	isolated, err := g.Isolate(expr)
	if err != nil {
		return "", nil, nil, err
	}
	if !g.limiter.AllowN(g.guard.now(), 1) {
		return "", nil, nil, fmt.Errorf("query %q: %w: more than %v a second in %s",
			expr, ErrRate, g.guard.limits.PerSecond, g.namespace)
	}
	if g.guard.limits.Timeout > 0 {
		ctx, cancel := context.WithTimeoutCause(ctx, g.guard.limits.Timeout, ErrTimeout)
		return isolated, ctx, cancel, nil
	}
	return isolated, ctx, func() {}, nil
}
