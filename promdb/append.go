package promdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// Errors of appending.
var (
	// ErrOutOfOrder is returned for a sample that is not later than the last one
	// of its series.
	ErrOutOfOrder = errors.New("sample is not later than the last one of its series")
	// ErrAhead is returned by Commit for samples later than the instant of the
	// Commit, and for a Commit earlier than the last one.
	ErrAhead = errors.New("samples must be committed as time passes")
)

// writeOutEvery is the simulated time between two writes of full head chunks to
// disk. Queries walk the chunks of a series that are still in memory one by one,
// so that a head which is never written out makes them several times slower.
const writeOutEvery = 2 * time.Hour

// A Label is a name and a value of a series.
type Label struct{ Name, Value string }

// A Series is a handle for appending to one series of one DB.
type Series struct {
	db     *DB
	labels labels.Labels
	ref    storage.SeriesRef
	last   int64 // timestamp of the last sample, milliseconds
}

// String returns the series in PromQL notation.
func (s *Series) String() string { return s.labels.String() }

// Series returns the handle of the series with the given metric name and labels,
// in any order, to which the external labels of the DB are added. The same
// series has one handle. Faulty, repeated and empty labels are errors, as are
// labels that an external label would hide.
func (db *DB) Series(name string, ls ...Label) (*Series, error) {
	all := make([]Label, 0, len(ls)+len(db.external)+1)
	all = append(all, Label{Name: model.MetricNameLabel, Value: name})
	all = append(all, ls...)
	all = append(all, db.external...)
	slices.SortFunc(all, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	b := labels.NewScratchBuilder(len(all))
	for i, l := range all {
		if err := checkLabel(l.Name, l.Value); err != nil {
			return nil, fmt.Errorf("series %s: %w", name, err)
		}
		if i > 0 && l.Name == all[i-1].Name {
			return nil, fmt.Errorf("series %s: label %s is set twice", name, l.Name)
		}
		b.Add(l.Name, l.Value)
	}
	lset := b.Labels()
	key := string(lset.Bytes(nil))
	if s, ok := db.series[key]; ok {
		return s, nil
	}
	s := &Series{db: db, labels: lset, last: math.MinInt64}
	db.series[key] = s
	return s, nil
}

// Append adds the sample v at t to the open batch; no query sees it before
// Commit. A sample must be later than the last one of its series (ErrOutOfOrder)
// and at most half a BlockDuration earlier than the latest of all.
func (db *DB) Append(s *Series, t time.Time, v float64) error {
	if err := db.writable(); err != nil {
		return err
	}
	if s.db != db {
		return fmt.Errorf("append to %s: series of another database", s)
	}
	ms := ceilMilli(t)
	if ms <= s.last {
		return fmt.Errorf("append to %s at %s: %w", s, stamp(t), ErrOutOfOrder)
	}
	if db.app == nil {
		db.app = db.tsdb.AppenderV2(context.Background())
	}
	// The labels travel with the reference: it dangles once compaction has dropped
	// a series that was silent for long.
	ref, err := db.append(s, ms, v)
	if err != nil {
		return fmt.Errorf("append to %s at %s: %w", s, stamp(t), err)
	}
	s.ref, s.last = ref, ms
	db.pendingMax = max(db.pendingMax, ms)
	db.sampleCount++
	return nil
}

func (db *DB) append(s *Series, ms int64, v float64) (ref storage.SeriesRef, err error) {
	defer db.caught(&err)
	return db.app.Append(s.ref, s.labels, 0, ms, v, nil, nil, storage.AOptions{})
}

// Stale adds a staleness marker at t: from then on the series is gone for
// instant selectors, as after a scrape that no longer saw it.
func (db *DB) Stale(s *Series, t time.Time) error {
	return db.Append(s, t, math.Float64frombits(value.StaleNaN))
}

// IsStale returns whether a value is a staleness marker: a NaN of its own.
func IsStale(v float64) bool { return value.IsStaleNaN(v) }

// Commit makes the open batch visible and lets the simulated time now pass:
// every two hours full chunks are written out, and every BlockDuration a block
// is cut. Samples later than now, and a now before that of the last Commit, are
// ErrAhead. After an error the DB is good for Close only.
func (db *DB) Commit(now time.Time) error {
	if err := db.writable(); err != nil {
		return err
	}
	ms := ceilMilli(now)
	if ms < db.committed || ms < db.pendingMax {
		return fmt.Errorf("commit at %s: %w", stamp(now), ErrAhead)
	}
	db.committed = ms
	if db.app != nil {
		if err := db.commit(); err != nil {
			return fmt.Errorf("commit at %s: %w", stamp(now), err)
		}
	}
	if err := db.age(ms); err != nil {
		return fmt.Errorf("compact at %s: %w", stamp(now), err)
	}
	return nil
}

func (db *DB) commit() (err error) {
	defer db.caught(&err)
	app := db.app
	db.app = nil
	return app.Commit()
}

func (db *DB) writable() error {
	switch {
	case db.broken:
		return ErrBroken
	case db.closed:
		return ErrClosed
	case db.shared:
		return ErrShared
	}
	return nil
}

// age does the upkeep that falls due by the simulated time now, in milliseconds.
func (db *DB) age(now int64) (err error) {
	defer db.caught(&err)
	if period := now / writeOutEvery.Milliseconds(); period != db.writtenOut {
		db.writtenOut = period
		db.tsdb.ForceHeadMMap()
	}
	// The TSDB cuts a block once the head spans one and a half of them; asking it
	// earlier would only read the metadata of every block again.
	head := db.tsdb.Head()
	if head.MaxTime()-head.MinTime() <= db.cfg.BlockDuration.Milliseconds()/2*3 {
		return nil
	}
	return db.tsdb.Compact(context.Background())
}
