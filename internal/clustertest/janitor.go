package clustertest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// A janitor cleans up behind this process, however it ends: it kills the programs that
// were started through it and removes their folder. A test binary that runs into its
// timeout, or is killed, cannot do that itself.
type janitor struct {
	dir  string
	pipe io.Closer
	cmd  *exec.Cmd
}

// hire starts a janitor that waits for the end of its standard input, which comes with
// the end of this process at the latest.
func hire() (*janitor, error) {
	dir, err := os.MkdirTemp("", "hindcast-cluster-")
	if err != nil {
		return nil, err
	}
	// An interrupt from the terminal reaches it too, and must not end it first.
	const script = `trap '' INT HUP TERM
read -r _
for p in $(cat "$0/pids" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
sleep 0.2
rm -rf "$0"`
	cmd := exec.Command("/bin/sh", "-c", script, dir)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &janitor{dir: dir, pipe: pipe, cmd: cmd}, nil
}

// wrap returns a program that does the same as another, and is known to the janitor.
func (j *janitor) wrap(program string) (string, error) {
	path := filepath.Join(j.dir, filepath.Base(program))
	if _, err := os.Stat(path); err == nil {
		return path, nil // it runs already, and one more is to
	}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >>'%s'\nexec '%s' \"$@\"\n", filepath.Join(j.dir, "pids"), program)
	return path, os.WriteFile(path, []byte(script), 0o700)
}

// clean has everything cleaned up now.
func (j *janitor) clean() error {
	if err := j.pipe.Close(); err != nil {
		return err
	}
	return j.cmd.Wait()
}
