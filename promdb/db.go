package promdb

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Errors of opening and closing.
var (
	// ErrNotEmpty is returned by Open for a directory with files in it, unless
	// Config.WAL is set.
	ErrNotEmpty = errors.New("directory is not empty")
	// ErrClosed is returned by every method but Close after Close or Finish.
	ErrClosed = errors.New("database is closed")
	// ErrBroken is returned by every method but Close after a write that failed.
	ErrBroken = errors.New("database is broken by a failed write")
)

// The defaults of Config.
const (
	DefaultBlockDuration = 6 * time.Hour
	DefaultLookback      = 5 * time.Minute
	DefaultMaxSamples    = 50_000_000
)

// Config is how a DB is opened; the zero value is a database in a temporary
// directory, without a write-ahead log, whose samples are visible at once.
type Config struct {
	// Dir is where blocks are written; it must be missing or empty unless WAL is
	// set. Empty: a temporary directory that Close removes.
	Dir string `json:"dir,omitempty"`
	// WAL keeps a write-ahead log, so that opening Dir again after a crash brings
	// back every committed sample. It costs about a quarter of the append speed.
	WAL bool `json:"wal,omitempty"`
	// Delay is the time from a sample's timestamp until queries see it: the
	// duration of the scrape and the lag of the query path. Default 0.
	Delay time.Duration `json:"delay,omitempty"`
	// Lag is added to Delay for a query at an instant; it is not negative. Nil: nothing is.
	Lag func(at time.Time) time.Duration `json:"-"`
	// ExternalLabels are added to every appended series, so that the directories
	// of several runs can be read as one.
	ExternalLabels map[string]string `json:"externalLabels,omitempty"`
	// BlockDuration is the simulated time that one block spans, a whole number of
	// milliseconds. Default 6 h: cutting blocks of 2 h, as Prometheus does, costs
	// three times as much, and with blocks of a day the series of pods that are
	// gone burden every query for longer. It never changes an answer.
	BlockDuration time.Duration `json:"blockDuration,omitempty"`
	// Lookback is how old the newest sample of a series may be for an instant
	// selector to return it. Default 5 min, that of Prometheus.
	Lookback time.Duration `json:"lookback,omitempty"`
	// MaxSamples is the number of samples that one query may hold in memory; a
	// query that needs more is an error. Default 50 million, that of Prometheus.
	MaxSamples int `json:"maxSamples,omitempty"`
}

// Validate returns all faults of the configuration, joined.
func (c Config) Validate() error {
	var errs []error
	nonNegative := func(field string, d time.Duration) {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s is negative: %s", field, d))
		}
		if d%time.Millisecond != 0 {
			errs = append(errs, fmt.Errorf("%s is not a whole number of milliseconds: %s", field, d))
		}
	}
	nonNegative("delay", c.Delay)
	nonNegative("blockDuration", c.BlockDuration)
	nonNegative("lookback", c.Lookback)
	if c.MaxSamples < 0 {
		errs = append(errs, fmt.Errorf("maxSamples is negative: %d", c.MaxSamples))
	}
	for _, name := range slices.Sorted(maps.Keys(c.ExternalLabels)) {
		if err := checkLabel(name, c.ExternalLabels[name]); err != nil {
			errs = append(errs, fmt.Errorf("externalLabels: %w", err))
		}
		if name == model.MetricNameLabel {
			errs = append(errs, fmt.Errorf("externalLabels: %s is the name of a metric", name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.BlockDuration == 0 {
		c.BlockDuration = DefaultBlockDuration
	}
	if c.Lookback == 0 {
		c.Lookback = DefaultLookback
	}
	if c.MaxSamples == 0 {
		c.MaxSamples = DefaultMaxSamples
	}
	return c
}

// A DB is an embedded time series database with a PromQL engine. Series, Append,
// Stale, Commit, Finish and Close belong to one goroutine; queries may run in
// several at once, but not beside those methods.
type DB struct {
	cfg  Config
	dir  string
	temp bool // dir is ours to remove

	tsdb     *tsdb.DB
	external []Label // sorted by name
	series   map[string]*Series
	app      storage.AppenderV2 // the open batch; nil between Commit and Append

	pendingMax  int64 // latest timestamp of the open batch
	committed   int64 // simulated time of the last Commit
	writtenOut  int64 // number of the last period whose head chunks were written out
	sampleCount uint64
	queryCount  atomic.Uint64

	eval   *evaluator
	shared bool // by Share
	closed bool
	broken bool // by a failed write, see caught
}

// Open opens the database that cfg describes.
func Open(cfg Config) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open time series database: %w", err)
	}
	cfg = cfg.withDefaults()
	db := &DB{
		cfg:        cfg,
		dir:        cfg.Dir,
		series:     make(map[string]*Series),
		pendingMax: math.MinInt64,
		committed:  math.MinInt64,
		writtenOut: math.MinInt64,
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.ExternalLabels)) {
		db.external = append(db.external, Label{Name: name, Value: cfg.ExternalLabels[name]})
	}
	if err := db.prepareDir(); err != nil {
		return nil, fmt.Errorf("open time series database: %w", err)
	}
	inner, err := tsdb.Open(db.dir, nil, nil, tsdbOptions(cfg), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open time series database: %w", err), db.removeTemp())
	}
	// Compaction is driven by Commit: the wall clock of the TSDB's own loop would
	// make the layout of the data, and the speed, depend on the machine's load.
	inner.DisableCompactions()
	db.tsdb = inner
	db.eval = newEvaluator(inner, cfg.Lookback, cfg.MaxSamples)
	return db, nil
}

// delay is the time from a sample's timestamp until a query at an instant sees it.
func (c *Config) delay(at time.Time) time.Duration {
	if c.Lag == nil {
		return c.Delay
	}
	return c.Delay + c.Lag(at)
}

// Dir returns the directory of the database.
func (db *DB) Dir() string { return db.dir }

// Stats are counts of what a DB has done since it was opened.
type Stats struct {
	Samples uint64 // samples appended, staleness markers included
	Series  int    // distinct series
	Queries uint64 // PromQL evaluations
}

// Stats returns the counts so far.
func (db *DB) Stats() Stats {
	return Stats{Samples: db.sampleCount, Series: len(db.series), Queries: db.queryCount.Load()}
}

// Close closes the database. Samples that were not committed are dropped, and
// without a write-ahead log so are those not yet in a block: use Finish to keep
// a run. Closing twice is harmless.
func (db *DB) Close() error {
	if db.closed {
		return nil
	}
	db.closed = true
	errs := []error{db.closeTSDB(), db.removeTemp()}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close time series database: %w", err)
	}
	return nil
}

// closeTSDB also writes to disk what is in memory, which may fail; a broken TSDB may
// hold locks for ever, and is left to the end of the process.
func (db *DB) closeTSDB() (err error) {
	if db.broken {
		return nil
	}
	defer db.caught(&err)
	if db.app != nil {
		err = db.app.Rollback()
		db.app = nil
	}
	return errors.Join(err, db.tsdb.Close())
}

func (db *DB) prepareDir() error {
	if db.dir == "" {
		dir, err := os.MkdirTemp("", "hindcast-tsdb-")
		if err != nil {
			return err
		}
		db.dir, db.temp = dir, true
		return nil
	}
	entries, err := os.ReadDir(db.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 && !db.cfg.WAL {
		return fmt.Errorf("%s: %w", filepath.Clean(db.dir), ErrNotEmpty)
	}
	return nil
}

func (db *DB) removeTemp() error {
	if !db.temp {
		return nil
	}
	return os.RemoveAll(db.dir)
}

func tsdbOptions(cfg Config) *tsdb.Options {
	const century = 100 * 365 * 24 * time.Hour
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = int64(century / time.Millisecond)
	opts.MinBlockDuration = cfg.BlockDuration.Milliseconds()
	opts.MaxBlockDuration = opts.MinBlockDuration
	opts.BlockReloadInterval = century
	opts.NoLockfile = true
	opts.IsolationDisabled = true // one goroutine appends and commits
	opts.StripeSize = 512
	opts.HeadChunksWriteBufferSize = 64 << 10
	if !cfg.WAL {
		opts.WALSegmentSize = -1
	}
	return opts
}

// ceilMilli returns t in milliseconds since the epoch, rounded up.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}

// checkLabel rejects what the TSDB would store but PromQL could not select.
func checkLabel(name, value string) error {
	switch {
	case !model.UTF8Validation.IsValidLabelName(name):
		return fmt.Errorf("invalid label name %q", name)
	case value == "":
		return fmt.Errorf("label %s has no value", name)
	case !model.LabelValue(value).IsValid():
		return fmt.Errorf("label %s: value %q is not UTF-8", name, value)
	}
	return nil
}
