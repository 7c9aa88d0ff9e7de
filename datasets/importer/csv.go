package importer

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"hindcast.dev/internal/suggest"
)

// A csvSpec is a format of separated fields.
type csvSpec struct {
	separator byte
	// names are the columns that are read, in lower case, "|" between alternatives; one
	// that ends in ? may be missing.
	names []string
	// order has the names of all columns of files without a header; nil: a header must be.
	order []string
	// series are the columns, among names, that tell one source of levels from another;
	// for events none.
	series []string
	// nominal is the distance of levels in nanoseconds where the file does not tell.
	nominal int64
	columns []column // the first is the load by default
	// row reads a line: it sets the time, and the level or the number of each column.
	row func(r *csvRow) why
	// header, if set, sees the header before the rows.
	header func(r *csvRow, names []string) error
}

// A csvRow is the line being read.
type csvRow struct {
	*sink
	fields []([]byte)
	index  []int // of the names among the fields; -1: missing
	number int64 // of the row, from 0, over all files
	at     int64
	origin origin    // of at, where it is the row that tells
	out    []float64 // NaN: none
}

// An origin is what a time counts from.
type origin int

const (
	dated   origin = iota + 1 // from 1970
	undated                   // from an unknown origin
)

// agree takes the origin of the first row for that of all.
func (r *csvRow) agree() why {
	switch {
	case r.origin == 0 || r.origin == r.sink.origin:
		return ""
	case r.sink.origin == 0:
		r.sink.origin, r.undated = r.origin, r.origin == undated
		return ""
	case r.origin == undated:
		return "the time is a number of seconds since an unknown origin, but those before it are dates"
	}
	return "the time is a date, but those before it are seconds since an unknown origin"
}

// field returns the field of the i-th name, nil where it is missing.
func (r *csvRow) field(i int) []byte {
	if k := r.index[i]; k >= 0 {
		return r.fields[k]
	}
	return nil
}

// float returns the number in the field of the i-th name.
func (r *csvRow) float(i int) (float64, bool) { return number(r.field(i)) }

type csvTable struct {
	columns []int
	rows    int64
}

type csvDecoder struct {
	*sink
	spec     csvSpec
	table    *csvTable
	row      csvRow
	matchers []csvMatcher
	series   []int
	key      []byte
	width    int // fields of a line; 0: not known yet
}

type csvMatcher struct {
	matcher
	field int
}

// csvFormat completes a format whose files are described by a csvSpec.
func csvFormat(f Format, spec func() csvSpec) Format {
	f.open = func(s *sink) (decoder, error) {
		d := &csvDecoder{sink: s, spec: spec()}
		t, ok := s.state.(*csvTable)
		if !ok {
			t = &csvTable{}
			s.state = t
			for _, c := range d.spec.columns {
				t.columns = append(t.columns, s.table.addColumn(c))
			}
			s.value = t.columns[0]
		}
		d.table = t
		d.row = csvRow{sink: s, index: make([]int, len(d.spec.names)), out: make([]float64, len(d.spec.columns))}
		s.zone.forward = d.spec.columns[0].kind != rate
		if s.nominal == 0 {
			s.nominal = d.spec.nominal
		}
		return d, nil
	}
	if f.detect == nil {
		f.detect = func(h sample) bool {
			if len(h.lines) == 0 {
				return false
			}
			s := spec()
			_, _, err := s.place(split(nil, h.lines[0], s.separator))
			return err == nil
		}
	}
	return f
}

// place finds the names in a header.
func (s *csvSpec) place(header [][]byte) (index []int, names []string, err error) {
	for _, f := range header {
		names = append(names, strings.ToLower(string(f)))
	}
	for _, n := range s.names {
		n, optional := strings.CutSuffix(n, "?")
		at := -1
		for alternative := range strings.SplitSeq(n, "|") {
			for i, name := range names {
				if name == alternative && at < 0 {
					at = i
				}
			}
		}
		if at < 0 && !optional {
			return nil, names, fmt.Errorf("the header has no column %s", strings.ReplaceAll(n, "|", " or "))
		}
		index = append(index, at)
	}
	return index, names, nil
}

func (d *csvDecoder) decode(r *bufio.Reader) error { return d.eachLine(r, d.take) }

func (d *csvDecoder) take(line []byte) why {
	r := &d.row
	r.fields = split(r.fields, line, d.spec.separator)
	if d.width == 0 {
		if d.begin() {
			return skipped
		}
	}
	if len(r.fields) != d.width {
		return "the line has more or fewer fields than the first one"
	}
	for _, m := range d.matchers {
		if !m.matches(r.fields[m.field]) {
			return skipped
		}
	}
	r.number = d.table.rows
	d.table.rows++
	if w := d.spec.row(r); w != "" {
		return w
	}
	return d.store()
}

// begin takes the first line and reports whether it holds no data.
func (d *csvDecoder) begin() (header bool) {
	r := &d.row
	var names []string
	if n := len(d.spec.order); n > 0 && headerless(r.fields) {
		r.index, names, _ = d.spec.place(bytes.Split([]byte(strings.Join(d.spec.order[:min(n, len(r.fields))], ",")), []byte{','}))
		if r.index == nil {
			d.err = d.fault(d.line, fmt.Sprintf("the line has %d fields, %s has %d", len(r.fields), d.format.Name, n), "check --format")
			return true
		}
	} else {
		var err error
		if r.index, names, err = d.spec.place(r.fields); err != nil {
			d.err = d.fault(d.line, err.Error(), "check --format, or give the file the header of "+d.format.Name)
			return true
		}
		header = true
	}
	d.width = len(r.fields)
	if d.err = d.selects(names); d.err != nil {
		return true
	}
	for _, n := range d.spec.series {
		for i, known := range d.spec.names {
			if known, _ = strings.CutSuffix(known, "?"); known == n && r.index[i] >= 0 {
				d.series = append(d.series, r.index[i])
			}
		}
	}
	if d.spec.header != nil {
		if d.err = d.spec.header(r, names); d.err != nil {
			return true
		}
	}
	return header
}

// headerless reports whether a first line is data: some field of it is a number.
func headerless(fields [][]byte) bool {
	for _, f := range fields {
		if _, ok := number(f); ok {
			return true
		}
	}
	return false
}

func (d *csvDecoder) selects(names []string) error {
	all, err := parseMatchers(d.cfg.Select)
	if err != nil {
		return err
	}
	for _, m := range all {
		at := -1
		for i, n := range names {
			if n == strings.ToLower(m.matcherField()) {
				at = i
			}
		}
		if at < 0 {
			return fmt.Errorf("select %q: %s has no column %q%s", m.text, d.file, m.field, suggest.Hint(m.field, names))
		}
		d.matchers = append(d.matchers, csvMatcher{m, at})
	}
	return nil
}

func (m matcher) matcherField() string { return m.field }

// store puts what the row says into the table.
func (d *csvDecoder) store() why {
	r := &d.row
	if w := r.agree(); w != "" {
		return w
	}
	if k := d.spec.columns[0].kind; k == rate {
		bin, w := d.event(r.at)
		if w != "" {
			return w
		}
		for i, c := range d.table.columns {
			if r.out[i] != 0 {
				d.sink.table.add(bin, c, r.out[i])
			}
		}
		return ""
	}
	d.key = d.key[:0]
	if len(d.series) == 0 {
		d.key = append(d.key, d.file...)
	}
	for _, i := range d.series {
		d.key = append(append(d.key, r.fields[i]...), 0)
	}
	return d.sample(d.key, r.at, r.out, func() *series {
		return newSeries(d.sink.table, d.table.columns, d.nominal)
	})
}

// undatedTime reads seconds from the start of a recording, or milliseconds with unit
// 1e6, and marks it as undated.
func (r *csvRow) undatedTime(field []byte, unit int64) why {
	v, ok := number(field)
	if !ok || v < 0 || v > firstAbsolute*1000 {
		return noTime
	}
	r.undated = true
	r.at = int64(v*float64(unit) + 0.5)
	return ""
}

// positive returns w for a number that cannot be load.
func positive(v float64, ok bool, w why) why {
	if !ok || v < 0 {
		return w
	}
	return ""
}
