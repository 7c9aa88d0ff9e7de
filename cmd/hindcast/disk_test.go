package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

// TestDiskFull: however often and deep it was noticed, a full disk is one line, and any other error is
// left alone.
func TestDiskFull(t *testing.T) {
	full := func(name string) error { return &fs.PathError{Op: "write", Path: name, Err: syscall.ENOSPC} }
	err := fmt.Errorf("scrape: %w", errors.Join(fmt.Errorf("compact: %w", full("a")), full("b"), errors.New("x")))
	got := diskFull(err, "run", "free some")
	if want := "write run: " + syscall.ENOSPC.Error() + "; free some"; got == nil || got.Error() != want || !errors.Is(got, syscall.ENOSPC) {
		t.Errorf("%v, want %s", got, want)
	}
	if other := errors.New("no answer"); diskFull(other, "run", "free some").Error() != "no answer" || diskFull(nil, "run", "") != nil {
		t.Error("another error is not what it was")
	}
}
