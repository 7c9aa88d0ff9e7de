package main

import (
	"errors"
	"fmt"
	"syscall"
)

// diskFull returns one error for all that could not be written to a folder because its disk is full
// or read-only: what failed first, second and third in temporary files tells a user nothing more.
func diskFull(err error, folder, remedy string) error {
	for _, fault := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if errors.Is(err, fault) {
			return fmt.Errorf("write %s: %w; %s", folder, fault, remedy)
		}
	}
	return err
}
