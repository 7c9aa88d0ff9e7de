package sim

import (
	"math"
	"time"
)

// What the application does for each request: it looks once into a cache, and spends the
// wait of the service model on one query of a database and one call of another service.
// Some answers complete a business transaction.
const (
	databaseShare    = 0.6 // of the wait; the rest is the other service's
	cacheHitShare    = 0.8
	transactionShare = 0.02 // of the answers without error
	// keepAlive is how many idle connections the ingress keeps open to a pod.
	keepAlive = 8
)

// CacheHits returns how many look-ups the cache answered, of one for each request whose
// work is over.
func (p *Pod) CacheHits() float64 { return math.Floor(cacheHitShare * p.answered()) }

// CacheMisses returns the look-ups that the cache could not answer.
func (p *Pod) CacheMisses() float64 { return p.answered() - p.CacheHits() }

// answered is the whole number of requests whose work is over.
func (p *Pod) answered() float64 { return math.Floor(p.Completed.Total()) }

// Queries returns how often the pod has asked the database, and as often the other
// service.
func (p *Pod) Queries() float64 { return p.answered() }

// QueryTime is how long a query of the database takes.
func (w *World) QueryTime() time.Duration {
	return time.Duration(databaseShare * float64(w.cfg.Service.app.Wait))
}

// CallTime is how long a call of the other service takes.
func (w *World) CallTime() time.Duration { return w.cfg.Service.app.Wait - w.QueryTime() }

// Transactions returns how many business transactions the pod has completed.
func (p *Pod) Transactions() float64 {
	return math.Floor(transactionShare * (p.Completed[Good] + p.Completed[Late]))
}

// Queued returns how many requests in the pod wait for a core.
func (w *World) Queued(p *Pod) float64 { return w.cfg.Service.queued(&p.state) }

// Connections returns how many connections are open to the pod: one for each request
// in it, and idle ones while it gets load.
func (p *Pod) Connections() float64 {
	n := p.InFlight()
	if p.inRotation {
		n += keepAlive
	}
	return n
}
