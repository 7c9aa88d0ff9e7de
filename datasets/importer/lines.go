package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// why is what is wrong with a line; empty: nothing.
type why string

// skipped is returned for a line that is no fault and no data.
const skipped why = "\x00"

// eachLine calls f with every line, without its end, until the end of the file or
// until the sink is full. Blank lines are skipped. The line is valid during the call.
func (s *sink) eachLine(r *bufio.Reader, f func(line []byte) why) error {
	first := true
	for {
		line, err := r.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return s.ended(err)
		}
		s.line++
		s.report.Lines++
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		if tooLong {
			shown := bytes.Clone(line[:min(len(line), 200)])
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			s.count("the line is longer than 256 kB", shown)
			if err != nil {
				return s.ended(err)
			}
			continue
		}
		if first {
			first = false
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				return s.fault(s.line, "the text is UTF-16", "save it as UTF-8")
			}
		}
		if n := len(line); n > 0 && line[n-1] == '\n' {
			line = line[:n-1]
		}
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) == 0 {
			s.report.Skipped++
		} else {
			s.count(f(line), line)
		}
		if s.err != nil {
			return s.err
		}
		if err != nil {
			return s.ended(err)
		}
	}
}

func (s *sink) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return readFault(s.file, s.line, err)
}

// count files a line under what became of it.
func (s *sink) count(w why, line []byte) {
	switch w {
	case "":
		s.report.Accepted++
	case skipped:
		s.report.Skipped++
	default:
		s.report.Malformed++
		if len(s.report.Faults) < mostFaults {
			const most = 100
			s.report.Faults = append(s.report.Faults, Fault{File: s.file, Line: s.line, Why: string(w), Text: string(line[:min(len(line), most)])})
		}
	}
}
