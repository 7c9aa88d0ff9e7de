package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hindcast.dev/datasets"
)

// Config says how files are imported; the zero value lets them say it themselves.
type Config struct {
	// Format is the name of one of [Formats]; empty: found from the first lines.
	Format string
	// Step is the distance of the values; 0: that of the recording, or a minute
	// where it lists events.
	Step time.Duration
	// Location is the time zone of times that do not tell it; nil: UTC.
	Location *time.Location
	// Start dates a recording that counts from an unknown origin; zero: it stays
	// undated.
	Start time.Time
	// Column is the column that becomes the load; empty: the first.
	Column string
	// Select are the conditions that a line or series must meet, as field=value,
	// with =, !=, =~ or !~; for metrics in text form, selectors.
	Select []string
	// MaxDisorder is how far events may step back in time before a line counts as
	// malformed, in formats that are written as time passes. 0: an hour.
	MaxDisorder time.Duration
	// GapAfter is the silence in a list of events from which on it is a gap and no
	// longer a time without events. 0: never.
	GapAfter time.Duration
	// Duration says where an access log has its response times: auto, none, the
	// number of a field after the size (or the user agent), or the key of a
	// key=value field. Empty: auto.
	Duration string
	// DurationUnit is s, ms or us; empty: told by how the values are written.
	DurationUnit string
	// MaxMalformed is the share of malformed lines above which the import is an
	// error. 0: a tenth, provided that there are more than ten of them.
	MaxMalformed float64
	// MaxValues is how many values the table may have, all columns together, before the
	// import is an error. 0: 24 million, 192 MB.
	MaxValues int
}

// A Source is one file to read. Open starts at its beginning; of several sources each is
// opened twice.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// A Fault is a line that was left out.
type Fault struct {
	File string
	Line int64 // from 1; of a binary file, the record
	Why  string
	Text string // the beginning of the line
}

// String returns "FILE:LINE: why: text" on one line.
func (f Fault) String() string {
	if f.Text == "" {
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Why)
	}
	return fmt.Sprintf("%s:%d: %s: %q", f.File, f.Line, f.Why, f.Text)
}

// A Report says what became of every line.
type Report struct {
	Format    string
	Files     []string // in the order read
	Lines     int64    // all of them
	Accepted  int64    // lines that are in the table
	Skipped   int64    // headers, comments, blank lines, and what Select left out
	Malformed int64    // the rest
	Faults    []Fault  // the first malformed lines
	Notes     []string // what the reader took for granted, a sentence each
}

// A Result is an imported load.
type Result struct {
	datasets.Table
	Report Report
}

const (
	maxValues    = 24_000_000
	headBytes    = 256 << 10
	bufferBytes  = 256 << 10
	mostFaults   = 5
	fewMalformed = 10
	maxMalformed = 0.1
	maxDisorder  = time.Hour
	eventStep    = time.Minute
	longestStep  = 366 * 24 * time.Hour
	shortestStep = time.Millisecond
)

// Import reads the sources as one recording. Several sources are read in the order
// of their first times, so that rotated logs may be named in any order. Errors are
// of type *[datasets.ParseError] where a file is at fault.
func Import(sources []Source, cfg Config) (*Result, error) {
	if len(sources) == 0 {
		return nil, errors.New("import: no file")
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := newSink(&cfg)
	inputs, err := s.survey(sources)
	if err != nil {
		return nil, err
	}
	for _, in := range inputs {
		if err := s.read(in); err != nil {
			return nil, err
		}
	}
	return s.finish(inputs[0].Name)
}

func (c *Config) validate() error {
	var faults []error
	if c.Step != 0 && (c.Step < shortestStep || c.Step > longestStep) {
		faults = append(faults, fmt.Errorf("step %s is not between 1ms and a year", c.Step))
	}
	if c.MaxMalformed < 0 || c.MaxMalformed > 1 {
		faults = append(faults, fmt.Errorf("share of malformed lines %g is not between 0 and 1", c.MaxMalformed))
	}
	if c.MaxValues < 0 {
		faults = append(faults, fmt.Errorf("most values %d are negative", c.MaxValues))
	}
	if c.MaxDisorder < 0 || c.GapAfter < 0 {
		faults = append(faults, errors.New("a duration is negative"))
	}
	if !slices.Contains([]string{"", "s", "ms", "us"}, c.DurationUnit) {
		faults = append(faults, fmt.Errorf("unit of response times %q is none of s, ms, us", c.DurationUnit))
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.MaxValues == 0 {
		c.MaxValues = maxValues
	}
	if c.MaxDisorder == 0 {
		c.MaxDisorder = maxDisorder
	}
	return errors.Join(faults...)
}

// opened is an open source, decompressed.
type opened struct {
	*bufio.Reader
	file io.Closer
	zip  *gzip.Reader
}

func open(src Source) (*opened, error) {
	f, err := src.Open()
	if err != nil {
		return nil, err
	}
	o := &opened{Reader: bufio.NewReaderSize(f, bufferBytes), file: f}
	if magic, _ := o.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if o.zip, err = gzip.NewReader(o.Reader); err != nil {
			f.Close()
			return nil, readFault(src.Name, 0, err)
		}
		o.Reader = bufio.NewReaderSize(o.zip, bufferBytes)
	}
	return o, nil
}

func (o *opened) Close() { o.file.Close() }

func readFault(file string, line int64, err error) error {
	e := &datasets.ParseError{File: file, Line: int(line), Msg: "reading: " + err.Error(), Err: err}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		e.Msg, e.Hint = "the compressed data is damaged or cut short: "+err.Error(), "copy or compress the file again"
	}
	return e
}
