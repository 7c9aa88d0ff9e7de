package promdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrShared is returned by the appending methods of a DB that is shared.
var ErrShared = errors.New("database is shared and can no longer change")

// maxAnswers bounds the memory of a Shared: an answer takes 25 to 50 bytes of a
// map, hence 100 MB at most. 30 days of one expression at 15 s are 172,800.
const maxAnswers = 2 << 20

// Shared answers queries over series that no policy can change, such as the load
// offered at an ingress: the series are appended once, ahead of all runs, and
// each run looks at them through a View that hides what is still to come. An
// answer is computed once for all runs that ask for it. Shared and its Views are
// safe for concurrent use.
type Shared struct {
	db *DB

	mu      sync.RWMutex
	answers map[question]map[int64]answer // by instant, milliseconds; errors are not remembered
	count   int
	limit   int
}

// question is what is asked at one instant after another.
type question struct {
	expr  string
	delay time.Duration
}

// Share takes over a database whose samples are all committed. From then on
// appending to it is ErrShared; Close of the Shared closes it.
func Share(db *DB) (*Shared, error) {
	if db.app != nil {
		return nil, errors.New("share time series database: the last samples were not committed")
	}
	if db.closed {
		return nil, fmt.Errorf("share time series database: %w", ErrClosed)
	}
	db.shared = true
	return &Shared{db: db, answers: make(map[question]map[int64]answer), limit: maxAnswers}, nil
}

// Close closes the database. No View may be in use.
func (s *Shared) Close() error { return s.db.Close() }

// View returns the series as one run sees them: a query at an instant sees the
// samples with a timestamp of at most that instant less delay. The Config.Delay
// of the shared database has no effect.
func (s *Shared) View(delay time.Duration) (*View, error) {
	if delay < 0 {
		return nil, fmt.Errorf("view of shared series: delay %s is negative", delay)
	}
	return &View{shared: s, delay: delay}, nil
}

// A View is what one run may see of a Shared.
type View struct {
	shared *Shared
	delay  time.Duration
	lag    func(at time.Time) time.Duration // nil: none
}

// Lagging returns the view with a Config.Lag.
func (v *View) Lagging(lag func(at time.Time) time.Duration) *View {
	return &View{shared: v.shared, delay: v.delay, lag: lag}
}

func (v *View) delayAt(at time.Time) time.Duration {
	c := Config{Delay: v.delay, Lag: v.lag}
	return c.delay(at)
}

// Query is DB.Query with the delay and the lag of the View.
func (v *View) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	s, q := v.shared, question{expr: expr, delay: v.delayAt(at)}
	at = floor(at)
	s.mu.RLock()
	a, ok := s.answers[q][at.UnixMilli()]
	s.mu.RUnlock()
	if !ok {
		if s.db.closed {
			return 0, ErrClosed
		}
		// Two runs may compute the same answer at once, and store it twice.
		s.db.queryCount.Add(1)
		var err error
		if a, err = s.db.eval.answer(ctx, expr, at, q.delay); err != nil {
			return 0, err
		}
		s.remember(q, at.UnixMilli(), a)
	}
	return a.unpack(expr, at)
}

// QueryRange is DB.QueryRange with the delay and the lag of the View. Nothing is remembered.
func (v *View) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	if v.shared.db.closed {
		return nil, ErrClosed
	}
	v.shared.db.queryCount.Add(1)
	return v.shared.db.eval.queryRange(ctx, expr, from, to, step, v.delayAt(to))
}

func (s *Shared) remember(q question, at int64, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count >= s.limit {
		// Runs move forward together: what they asked long ago is not asked again.
		clear(s.answers)
		s.count = 0
	}
	byTime := s.answers[q]
	if byTime == nil {
		byTime = make(map[int64]answer)
		s.answers[q] = byTime
	}
	if _, ok := byTime[at]; !ok {
		s.count++
	}
	byTime[at] = a
}
