package liveflags

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// logFiles opens DIR/NAMESPACE_NAME.jsonl for appending. Neither name holds an underscore.
func logFiles(dir string) func(namespace, name string) (io.WriteCloser, error) {
	return func(namespace, name string) (io.WriteCloser, error) {
		f, err := os.OpenFile(filepath.Join(dir, namespace+"_"+name+".jsonl"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := dropTorn(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
}

// dropTorn cuts off a last line without an end, as a process that was killed or a disk that was full
// leaves it: with the next one behind it nothing could be read any more.
func dropTorn(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for at := end; at > 0; {
		n := min(at, int64(len(buf)))
		at -= n
		if _, err := f.ReadAt(buf[:n], at); err != nil {
			return err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return f.Truncate(at + int64(i) + 1)
		}
	}
	return f.Truncate(0)
}
