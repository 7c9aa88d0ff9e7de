package promdb

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// Data is the folder of a Prometheus server's data, a snapshot of it, or that of a
// finished run: its blocks, and what is still in its write-ahead log. Nothing is written
// to the folder; the log is read from a copy, of which a torn end is cut off.
type Data struct {
	blocks blocks
	head   storage.Querier // nil: no samples outside blocks
	log    *tsdb.DBReadOnly
	temp   string // the copy of the log, ours to remove
	eval   *evaluator
}

// OpenData opens a folder of data. While a server is running on it, that is ErrRunning.
func OpenData(dir string) (*Data, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("open data of Prometheus: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open data of Prometheus: %s is no folder", dir)
	}
	d := &Data{}
	if err := d.open(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open data of Prometheus: %w", err), d.Close())
	}
	d.eval = newEvaluator(d, DefaultLookback, DefaultMaxSamples)
	return d, nil
}

// logFolders hold what is in no block yet.
var logFolders = []string{"wal", "wbl", "chunks_head"}

func (d *Data) open(dir string) error {
	if err := checkNotRunning(dir); err != nil {
		return err
	}
	before, err := list(dir)
	if err != nil {
		return err
	}
	err = d.openFolder(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if changed := before.same(dir); changed != nil {
		return changed
	}
	return err
}

func (d *Data) openFolder(dir string) error {
	r := &Reader{}
	err := r.addBlocks(dir)
	d.blocks = r.blocks
	if err != nil && !errors.Is(err, ErrNoData) {
		return err
	}
	noBlocks := err
	for _, name := range logFolders {
		switch err := checkNoData(filepath.Join(dir, name)); {
		case errors.Is(err, ErrUnfinished):
			return d.openLog(dir)
		case err != nil:
			return err
		}
	}
	return noBlocks
}

// openLog reads the write-ahead log from a copy.
func (d *Data) openLog(dir string) (err error) {
	if d.temp, err = os.MkdirTemp("", "hindcast-tsdb-"); err != nil {
		return err
	}
	for _, name := range logFolders {
		from := filepath.Join(dir, name)
		if _, err := os.Stat(from); err != nil {
			continue
		}
		if err := os.CopyFS(filepath.Join(d.temp, name), os.DirFS(from)); err != nil {
			return fmt.Errorf("copy the write-ahead log: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(d.temp, "wal"), 0o755); err != nil {
		return err
	}
	err = d.replay()
	torn, ok := errors.AsType[*wlog.CorruptionErr](err)
	if !ok {
		return err
	}
	if err := errors.Join(d.closeLog(), d.repair(torn)); err != nil {
		return err
	}
	return d.replay()
}

func (d *Data) replay() (err error) {
	if d.log, err = tsdb.OpenDBReadOnly(d.temp, d.temp, nil); err != nil {
		return err
	}
	d.head, err = d.log.Querier(math.MinInt64, math.MaxInt64)
	return err
}

// repair cuts off the copy of the log where it is torn: a server that was killed, or is
// still writing, leaves half a record.
func (d *Data) repair(torn *wlog.CorruptionErr) error {
	w, err := wlog.Open(nil, filepath.Join(d.temp, "wal"))
	if err != nil {
		return err
	}
	return errors.Join(w.Repair(torn), w.Close())
}

func (d *Data) closeLog() error {
	var errs []error
	if d.head != nil {
		errs = append(errs, d.head.Close())
	}
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	d.head, d.log = nil, nil
	return errors.Join(errs...)
}

// Close closes the data and removes the copy of the log.
func (d *Data) Close() error {
	errs := []error{d.closeLog()}
	for _, b := range d.blocks {
		errs = append(errs, b.Close())
	}
	d.blocks = nil
	if d.temp != "" {
		errs = append(errs, os.RemoveAll(d.temp))
	}
	return errors.Join(errs...)
}

// Querier implements storage.Queryable.
func (d *Data) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := d.blocks.Querier(mint, maxt)
	if err != nil || d.head == nil {
		return q, err
	}
	return storage.NewMergeQuerier([]storage.Querier{q, keptOpen{d.head}}, nil, storage.ChainedSeriesMerge), nil
}

// keptOpen is a querier whose life is that of the Data: opening one replays the log.
type keptOpen struct{ storage.Querier }

func (keptOpen) Close() error { return nil }
