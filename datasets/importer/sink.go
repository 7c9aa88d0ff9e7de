package importer

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hindcast.dev/datasets"
)

// A sink takes what a decoder finds.
type sink struct {
	cfg    *Config
	format *Format
	table  *table
	report Report
	zone   zone
	file   string
	line   int64
	err    error // ends the import

	earliest, latest int64 // accepted times
	silence          [2]int64
	series           map[string]*series
	nominal          int64         // distance of the samples of a series, 0 if unknown
	distances        map[int64]int // of a probe
	undated          bool
	origin           origin // of a format in which the rows tell; 0: none did yet
	value            int    // the column that is the load by default
	state            any    // of the format, across files
}

const tooFarBack why = "the time is too far before the latest one"

func newSink(cfg *Config) *sink {
	s := &sink{cfg: cfg, table: newTable(cfg.MaxValues), earliest: math.MaxInt64, latest: math.MinInt64, series: make(map[string]*series)}
	s.zone.loc = cfg.Location
	if s.zone.loc == nil {
		s.zone.loc = time.UTC
	}
	s.table.step = int64(eventStep)
	if cfg.Step != 0 {
		s.table.step = int64(cfg.Step)
	}
	return s
}

// read reads one source to its end.
func (s *sink) read(in input) error {
	o := in.open
	if o == nil {
		var err error
		if o, err = open(in.Source); err != nil {
			return err
		}
	}
	defer o.Close()
	s.file, s.line = in.Name, 0
	s.zone.seen = false
	s.report.Files = append(s.report.Files, in.Name)
	d, err := s.format.open(s)
	if err != nil {
		return err
	}
	return d.decode(o.Reader)
}

// event takes the time of one event and returns its step.
func (s *sink) event(at int64) (bin int64, w why) {
	if s.format.sorted && s.latest != math.MinInt64 && at < s.latest-int64(s.cfg.MaxDisorder) {
		return 0, tooFarBack
	}
	s.saw(at)
	bin = s.table.bin(at)
	s.bound()
	return bin, ""
}

// saw notes the time of something accepted.
func (s *sink) saw(at int64) {
	if at > s.latest {
		if s.latest != math.MinInt64 && at-s.latest > s.silence[1]-s.silence[0] {
			s.silence = [2]int64{s.latest, at}
		}
		s.latest = at
	}
	if at < s.earliest {
		s.earliest = at
	}
}

// bound ends the import when the table grows too large.
func (s *sink) bound() {
	if s.table.full && s.err == nil {
		s.err = s.fault(s.line, fmt.Sprintf("the recording has more than %d values in steps of %s", s.table.limit, time.Duration(s.table.step)),
			"take a longer --step, or correct the time on this line")
	}
}

// sample takes the levels of one series at a time.
func (s *sink) sample(key []byte, at int64, values []float64, create func() *series) why {
	one := s.series[string(key)]
	if one == nil {
		if len(s.series) >= maxSeries {
			s.err = s.fault(s.line, fmt.Sprintf("more than %d series", maxSeries), "narrow them down with --select")
			return skipped
		}
		one = create()
		one.distances = s.distances
		s.series[string(key)] = one
	}
	w := one.push(at, values)
	if w == "" {
		s.saw(at)
		s.bound()
	}
	return w
}

// maxSeries bounds the memory of series: about 300 bytes each.
const maxSeries = 200_000

func (s *sink) fault(line int64, msg, hint string) error {
	return &datasets.ParseError{File: s.file, Line: int(line), Msg: msg, Hint: hint}
}

func (s *sink) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(s.report.Notes, text) {
		s.report.Notes = append(s.report.Notes, text)
	}
}
