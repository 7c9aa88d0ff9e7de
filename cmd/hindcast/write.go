package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// readFile reads a file, or standard input where it is called "-".
func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &noSuchFile{name}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder; name a file in it", name)
	}
	return os.ReadFile(name)
}

// noSuchFile is a file that is named somewhere and is not there.
type noSuchFile struct{ name string }

func (e *noSuchFile) Error() string { return e.name + ": no such file; check the path" }

func (e *noSuchFile) Unwrap() error { return fs.ErrNotExist }

// indented writes JSON for people and diffs.
func indented(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return append(text, '\n'), err
}

// writeWhole writes a file whole or not at all: beside its place first, then renamed.
// What is no regular file, such as a pipe, is written to directly.
func writeWhole(name string, data []byte) error {
	return writeStream(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeStream is writeWhole for what is written bit by bit.
func writeStream(name string, write func(w io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: is a folder; name a file", name)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".partial-")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, cause(err))
	}
	err = write(tmp)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, cause(err)), os.Remove(tmp.Name()))
	}
	return nil
}

// noInput returns an error where the file that is to be written is one that is read, which it would
// replace.
func noInput(output string, inputs ...string) error {
	info, _ := os.Stat(output) // what is not there, or a device, is not replaced
	for _, name := range inputs {
		if info != nil && info.Mode().IsRegular() && sameFile(name, output) {
			return fmt.Errorf("--output: %s is read, and would be replaced; name another file", output)
		}
	}
	return nil
}

// cause leaves out the name of the temporary file, which says nothing to a user.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// missingAbove returns the folders above dir that are not there, the deepest first.
func missingAbove(dir string) []string {
	var missing []string
	for parent := filepath.Dir(filepath.Clean(dir)); ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(parent); !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = append(missing, parent)
	}
}

// removeEmpty removes folders, the deepest first, as far as they are empty.
func removeEmpty(dirs []string) {
	for _, dir := range dirs {
		if err := os.Remove(dir); err != nil {
			return // Something was finished in it.
		}
	}
}
