package promdb

import (
	"errors"
	"runtime"
)

// caught turns a panic of the TSDB into an error of the calling method. The TSDB panics
// where it cannot write chunks out, as on a full disk, and keeps locks when it does: the
// DB is broken from then on, and Close leaves the TSDB alone. Faults of programs go on
// as panics.
func (db *DB) caught(err *error) {
	r := recover()
	if r == nil {
		return
	}
	cause, ok := r.(error)
	if _, fault := errors.AsType[runtime.Error](cause); !ok || fault {
		panic(r)
	}
	db.broken = true
	*err = errors.Join(*err, cause)
}
