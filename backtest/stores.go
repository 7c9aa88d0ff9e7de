package backtest

import (
	"errors"
	"math"
	"sync"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
)

// sharedStores hold the ingress counter of the whole load, which no policy can change: one
// for all seeds, or one for each where the seed says which scrapes failed. They are filled
// when they are first asked for.
type sharedStores struct {
	mu     sync.Mutex
	bySeed map[uint64]*promdb.Shared
}

// view returns what a run of a seed may see of the shared store.
func (e *env) view(seed uint64) (*promdb.View, error) {
	late := e.lagsOf(e.faultsOf(seed))
	if !e.randomScrapes() {
		seed = 0
	}
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	s := e.shared.bySeed[seed]
	if s == nil {
		var err error
		if s, err = e.fillShared(e.outagesOf(e.faultsOf(seed))); err != nil {
			return nil, err
		}
		if e.shared.bySeed == nil {
			e.shared.bySeed = map[uint64]*promdb.Shared{}
		}
		e.shared.bySeed[seed] = s
	}
	v, err := s.View(e.scrapeDelay)
	if err != nil || late == nil {
		return v, err
	}
	return v.Lagging(late.at), nil
}

// close closes the shared stores. No view may be in use.
func (e *env) close() error {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	var errs []error
	for _, s := range e.shared.bySeed {
		errs = append(errs, s.Close())
	}
	e.shared.bySeed = nil
	return errors.Join(errs...)
}

func (e *env) fillShared(out outages) (*promdb.Shared, error) {
	db, err := promdb.Open(promdb.Config{BlockDuration: day})
	if err != nil {
		return nil, err
	}
	if err := e.appendIngress(db, out); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	shared, err := promdb.Share(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return shared, nil
}

// appendIngress appends the counter as every scrape of a run's own database finds it.
func (e *env) appendIngress(db *promdb.DB, out outages) error {
	series, err := ingressSeries(db, e.namespace, e.app)
	if err != nil {
		return err
	}
	end := e.load.End()
	total := newOffered(e.load)
	var now time.Time
	set := seriesSet{gauges: []gauge{{series: series, read: func() float64 { return math.Floor(total.at(now)) }}}}
	for now = e.load.Start; now.Before(end); now = now.Add(e.scrape) {
		if out.prometheus(now) {
			set.forget()
			continue
		}
		if err := set.append(db, now, out.down(metricnames.JobIngress, now)); err != nil {
			return err
		}
		if err := db.Commit(now); err != nil {
			return err
		}
	}
	return nil
}
