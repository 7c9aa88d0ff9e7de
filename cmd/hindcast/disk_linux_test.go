package main

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestFullDevice: the words of this system for a full disk are those that are looked for.
func TestFullDevice(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("x"); !errors.Is(diskFull(err, "run", "free some"), syscall.ENOSPC) {
		t.Errorf("what the system says of a full disk is not known as such: %v", err)
	}
}
