package promdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// ErrUnfinished is returned by OpenReadOnly for a directory with samples that
// are not in a block yet: a run that was killed, or the data of a Prometheus
// server, of which a snapshot has to be taken.
var ErrUnfinished = errors.New("directory holds samples outside its blocks")

// A Reader queries block directories, of finished runs or of a Prometheus
// server. It writes nothing, and is safe for concurrent use.
type Reader struct {
	blocks blocks
	eval   *evaluator
}

// OpenReadOnly opens the blocks of all dirs as one database, with the lookback
// and the limits of Config's defaults. Runs are told apart by their external
// labels; the samples of one series in several directories are merged.
func OpenReadOnly(dirs ...string) (*Reader, error) {
	r := &Reader{}
	for _, dir := range dirs {
		if err := r.add(dir); err != nil {
			return nil, errors.Join(fmt.Errorf("open blocks: %w", err), r.Close())
		}
	}
	if len(r.blocks) == 0 {
		return nil, fmt.Errorf("open blocks: no directory given: %w", ErrNoData)
	}
	r.eval = newEvaluator(r.blocks, DefaultLookback, DefaultMaxSamples)
	return r, nil
}

// Bounds returns the time range of the blocks: no sample is earlier than first
// or later than last.
func (r *Reader) Bounds() (first, last time.Time) {
	mint, maxt := r.blocks[0].MinTime(), r.blocks[0].MaxTime()
	for _, b := range r.blocks[1:] {
		mint, maxt = min(mint, b.MinTime()), max(maxt, b.MaxTime())
	}
	return time.UnixMilli(mint).UTC(), time.UnixMilli(maxt - 1).UTC() // the end of a block is exclusive
}

// Query is DB.Query without a delay.
func (r *Reader) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	return r.eval.query(ctx, expr, at, 0)
}

// QueryRange is DB.QueryRange without a delay.
func (r *Reader) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	return r.eval.queryRange(ctx, expr, from, to, step, 0)
}

// QueryVector is DB.QueryVector without a delay.
func (r *Reader) QueryVector(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	return r.eval.queryVector(ctx, expr, at, 0)
}

// QueryRanges is QueryRange without the sum: it returns the series sorted by their
// labels, and none where there is no data.
func (r *Reader) QueryRanges(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Range, error) {
	return r.eval.queryRanges(ctx, expr, from, to, step, 0)
}

// Querier implements storage.Queryable, for promapi. Nothing of it is hidden: the run
// is over.
func (r *Reader) Querier(mint, maxt int64) (storage.Querier, error) {
	return r.blocks.Querier(mint, maxt)
}

// BlockMetas returns what the blocks say of themselves.
func (r *Reader) BlockMetas() []tsdb.BlockMeta {
	metas := make([]tsdb.BlockMeta, len(r.blocks))
	for i, b := range r.blocks {
		metas[i] = b.Meta()
	}
	return metas
}

// Close closes the blocks. No query may be running.
func (r *Reader) Close() error {
	var errs []error
	for _, b := range r.blocks {
		errs = append(errs, b.Close())
	}
	r.blocks = nil
	return errors.Join(errs...)
}

func (r *Reader) add(dir string) error {
	for _, name := range []string{"wal", "wbl", "chunks_head"} {
		if err := checkNoData(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return r.addBlocks(dir)
}

func (r *Reader) addBlocks(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	before := len(r.blocks)
	for _, entry := range entries {
		if !isBlock(dir, entry) {
			continue
		}
		block, err := tsdb.OpenBlock(nil, filepath.Join(dir, entry.Name()), nil, nil)
		if err != nil {
			return err
		}
		r.blocks = append(r.blocks, block)
	}
	if len(r.blocks) == before {
		return fmt.Errorf("%s holds no blocks: %w", dir, ErrNoData)
	}
	slices.SortStableFunc(r.blocks, func(a, b *tsdb.Block) int {
		return int(min(max(a.MinTime()-b.MinTime(), -1), 1))
	})
	return nil
}

// isBlock tells blocks, named by a ULID of 26 characters, from the TSDB's other
// directories and from blocks that were only half written or half removed.
func isBlock(dir string, entry fs.DirEntry) bool {
	if !entry.IsDir() || len(entry.Name()) != 26 {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, entry.Name(), "meta.json"))
	return err == nil
}

// checkNoData returns ErrUnfinished if a file below dir has content.
func checkNoData(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Size() > 0 {
			return fmt.Errorf("%s: %w", path, ErrUnfinished)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// blocks is a Queryable over blocks sorted by their start.
type blocks []*tsdb.Block

// Querier implements storage.Queryable.
func (bs blocks) Querier(mint, maxt int64) (storage.Querier, error) {
	var qs []storage.Querier
	for _, b := range bs {
		if !b.OverlapsClosedInterval(mint, maxt) {
			continue
		}
		q, err := tsdb.NewBlockQuerier(b, mint, maxt)
		if err != nil {
			for _, open := range qs {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		qs = append(qs, q)
	}
	return storage.NewMergeQuerier(qs, nil, storage.ChainedSeriesMerge), nil
}
