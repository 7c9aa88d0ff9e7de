package importer

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"slices"

	"hindcast.dev/internal/suggest"
)

// A Format is a kind of file that can be imported.
type Format struct {
	Name   string
	Title  string   // what it is, for a list
	Fields []string // what Select may name; nil: selectors

	detect func(h sample) bool
	// open prepares to read one file of the format.
	open func(s *sink) (decoder, error)
	// unordered files stand side by side, such as one a machine; they are not sorted.
	unordered bool
	// sorted lines are written as time passes, so that a long step back is a fault.
	sorted bool
	// minutes: levels come at all distances, and are imported in steps of a minute.
	minutes bool
	// spans: an entry is all events of a time that begins where it says.
	spans bool
	// closing, if set, comes after the last file.
	closing func(s *sink) error
}

// A decoder reads one file to its end. What is wrong with a line goes to the sink;
// an error ends the import.
type decoder interface {
	decode(r *bufio.Reader) error
}

// Formats lists what can be imported, in the order in which files are tried.
func Formats() []Format {
	return []Format{
		accessLog(), openMetrics(), worldCup(),
		azureFunctions(), azureFunctions2021(), azureLLM(), azureVM(),
		alibabaMachine(), alibabaContainer(), alibabaMean(), alibabaMicroservices(), alibabaGenAI(), alibabaLoRA(),
		burstGPT(), bitbrains(), counts(), nab(),
	}
}

// A sample is what detection sees of a file.
type sample struct {
	file  string
	bytes []byte
	lines [][]byte // the first complete lines, without line ends and byte order mark
}

const detectLines = 100

func newSample(file string, h []byte) sample {
	s := sample{file: file, bytes: h}
	rest := bytes.TrimPrefix(h, []byte("\xef\xbb\xbf"))
	for len(rest) > 0 && len(s.lines) < detectLines {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		if !ended && len(h) >= headBytes && len(s.lines) > 0 {
			break
		}
		if line = bytes.TrimRight(line, "\r"); len(bytes.TrimSpace(line)) > 0 {
			s.lines = append(s.lines, line)
		}
		rest = after
	}
	return s
}

// most reports whether more than half of the lines fit.
func (s sample) most(fits func(line []byte) bool) bool {
	n := 0
	for _, l := range s.lines {
		if fits(l) {
			n++
		}
	}
	return 2*n > len(s.lines)
}

// detect returns the format of a file by its beginning; nil: none fits.
func detect(file string, h []byte) *Format {
	smp := newSample(file, h)
	for _, f := range Formats() {
		if len(smp.bytes) > 0 && f.detect(smp) {
			return &f
		}
	}
	return nil
}

// A probe is what the head of a file tells of the whole.
type probe struct {
	earliest int64 // time; the largest there is if there is none
	levels   bool
	distance int64 // of the levels of one series; 0 if unknown
}

// probe reads the head of a file. What is wrong with it shows when the file is read.
func (f *Format) probe(file string, h []byte, cfg Config) probe {
	s := newSink(&cfg)
	s.format, s.file, s.distances = f, file, make(map[int64]int)
	p := probe{earliest: math.MaxInt64}
	d, err := f.open(s)
	if err != nil {
		return p
	}
	if len(h) >= headBytes {
		if end := bytes.LastIndexByte(h, '\n'); end > 0 {
			h = h[:end+1]
		}
	}
	_ = d.decode(bufio.NewReaderSize(bytes.NewReader(h), headBytes))
	for _, one := range s.series {
		one.finish()
	}
	p.earliest, p.levels = s.earliest, len(s.series) > 0
	// The distance that the format has by rights, unless most are another.
	p.distance = s.nominal
	most, all := 0, 0
	for d, n := range s.distances {
		if all += n; n > most || n == most && d < p.distance {
			if s.nominal == 0 {
				p.distance = d
			}
			most = n
		}
	}
	for d, n := range s.distances {
		if 2*n > all {
			p.distance = d
		}
	}
	return p
}

// checkSelect returns an error for a condition on a field that the format has not.
func (f *Format) checkSelect(cfg *Config) error {
	if f.Fields == nil {
		return nil
	}
	m, err := parseMatchers(cfg.Select)
	if err != nil {
		return err
	}
	for _, one := range m {
		if !slices.Contains(f.Fields, one.field) {
			return fmt.Errorf("select %q: %s has no field %q%s", one.text, f.Name, one.field, suggest.Hint(one.field, f.Fields))
		}
	}
	return nil
}
