//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package promdb

import (
	"errors"
	"os"
	"syscall"
)

// isHeld reports whether a process holds the lock of a file, by flock(2) as Prometheus takes
// it. Nothing is written. A lock that is free is taken for a moment, shared with other
// readers: only a server that starts within that moment would be refused.
func isHeld(name string) (held bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // which lets go of the lock
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
