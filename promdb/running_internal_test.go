package promdb

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What a server without a lock does to its folder is noticed.
func TestNoticesChanges(t *testing.T) {
	block := "01HQ0000000000000000000000"
	for name, change := range map[string]func(dir string) error{
		"nothing":                func(string) error { return nil },
		"a file that is no data": func(dir string) error { return os.WriteFile(filepath.Join(dir, "queries.active"), nil, 0o600) },
		"a sample": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "wal", "00000000"), []byte("ab"), 0o600)
		},
		"the log is cut":           func(dir string) error { return os.Remove(filepath.Join(dir, "wal", "00000000")) },
		"a checkpoint":             func(dir string) error { return writeIn(dir, "wal", "checkpoint.00000000", "00000000") },
		"chunks are written":       func(dir string) error { return writeIn(dir, "chunks_head", "000001") },
		"a block is cut":           func(dir string) error { return writeIn(dir, "01HQ0000000000000000000001", "meta.json") },
		"a block is taken away":    func(dir string) error { return os.RemoveAll(filepath.Join(dir, block)) },
		"the folder is taken away": os.RemoveAll,
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if err := errors.Join(writeIn(dir, "wal", "00000000"), writeIn(dir, block, "meta.json")); err != nil {
			t.Fatal(err)
		}
		before, err := list(dir)
		if err != nil || len(before) != 2 {
			t.Fatalf("%v, %v", before, err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		err = before.same(dir)
		if harmless := name == "nothing" || name == "a file that is no data"; harmless != (err == nil) || err != nil && name != "the folder is taken away" && !errors.Is(err, ErrRunning) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func writeIn(elem ...string) error {
	name := filepath.Join(elem...)
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte("a"), 0o600))
}
