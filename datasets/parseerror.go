package datasets

import (
	"fmt"
	"strings"
	"unicode"
)

// A ParseError says where a file cannot be read as load, why, and what to do.
type ParseError struct {
	File string // as given by the caller
	Line int    // from 1; 0 if the fault is not on a line
	Msg  string // what is wrong
	Hint string // the remedy; may be empty
	Err  error  // the cause, for errors.Is and errors.As; may be nil
}

// Error returns one line, "FILE:LINE: what is wrong; remedy".
func (e *ParseError) Error() string {
	var b strings.Builder
	file := e.File
	switch {
	case file == "":
		file = "input"
	case strings.ContainsFunc(file, unicode.IsControl):
		file = fmt.Sprintf("%q", file)
	}
	b.WriteString(file)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": " + e.Msg)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }
