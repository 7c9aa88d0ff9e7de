package promdb

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// ErrRunning is returned by OpenData for the folder of a server that is running: it cuts
// and removes what is being read, so that hours could be missing without a word.
var ErrRunning = errors.New("a Prometheus server is running on it; copy from the server by `hindcast record`, or read a snapshot (POST /api/v1/admin/tsdb/snapshot), or stop the server")

// checkNotRunning returns ErrRunning where a server holds the lock of its folder. A lock
// file that nobody holds is left by a server that was killed.
func checkNotRunning(dir string) error {
	held, err := isHeld(filepath.Join(dir, "lock"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if held {
		return ErrRunning
	}
	return nil
}

// A listing has the sizes of the files that a running server changes, and the names of its
// blocks: servers may run without a lock (--storage.tsdb.no-lockfile).
type listing map[string]int64

func list(dir string) (listing, error) {
	found := listing{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if isBlock(dir, entry) {
			found[entry.Name()] = 0
		}
	}
	for _, name := range logFolders {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				found[path] = info.Size()
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return found, nil
}

// same returns ErrRunning where the folder is not as it was.
func (l listing) same(dir string) error {
	now, err := list(dir)
	if err != nil {
		return err
	}
	if !maps.Equal(l, now) {
		return fmt.Errorf("it changes while it is read: %w", ErrRunning)
	}
	return nil
}
