//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package promdb

import "os"

// isHeld reports whether a process holds the lock of a file. Where a lock keeps others from
// opening the file, as on Windows, that is an error, which says it too; elsewhere nobody can
// tell, and changes while the folder is read have to do.
func isHeld(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	return false, f.Close()
}
