package promdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/tsdb"
)

// Finish ends a run: it writes what is still in memory to blocks, closes the
// database and leaves in Config.Dir nothing but blocks that do not overlap, which
// OpenReadOnly and a Prometheus server (as its --storage.tsdb.path) can read.
// Samples that were not committed are an error. After an error, call Close.
func (db *DB) Finish() error {
	if err := db.writable(); err != nil {
		return err
	}
	switch {
	case db.temp:
		return errors.New("finish time series database: it is in a temporary directory")
	case db.app != nil:
		return errors.New("finish time series database: the last samples were not committed")
	}
	if err := db.flush(); err != nil {
		return fmt.Errorf("finish time series database: %w", err)
	}
	if err := db.Close(); err != nil {
		return err
	}
	for _, name := range []string{"wal", "wbl", "chunks_head"} {
		if err := os.RemoveAll(filepath.Join(db.dir, name)); err != nil {
			return fmt.Errorf("finish time series database: %w", err)
		}
	}
	return nil
}

// flush moves the head to blocks that end where all others do, at multiples of
// the block duration.
func (db *DB) flush() (err error) {
	defer db.caught(&err)
	head := db.tsdb.Head()
	width := db.cfg.BlockDuration.Milliseconds()
	last := head.MaxTime()
	for mint := head.MinTime(); mint <= last; {
		end := (mint/width + 1) * width
		if err := db.tsdb.CompactHead(tsdb.NewRangeHead(head, mint, min(end-1, last))); err != nil {
			return err
		}
		mint = end
	}
	return nil
}
