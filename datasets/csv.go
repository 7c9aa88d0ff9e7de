package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Open reads the CSV file at path, plain or gzip, as [ReadCSV] does. The series
// is called after the file without its extension, or after its folder if the
// file is load.csv. A file that is missing or unreadable is a *[ParseError] too.
func Open(path string) (Series, error) {
	f, err := openFile(path, "check the path, or name a scenario")
	if err != nil {
		return Series{}, err
	}
	defer f.Close()
	return readCSV(f, path, seriesName(path))
}

// openFile opens a file that is no folder; missing is what to do where it is not there.
func openFile(path, missing string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		e := &ParseError{File: path, Msg: "cannot open the file", Err: err}
		var cause *fs.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			e.Msg, e.Hint = "no such file", missing
		case errors.As(err, &cause):
			e.Msg += ": " + cause.Err.Error()
		}
		return nil, e
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, &ParseError{File: path, Msg: "is a folder", Hint: "name a CSV file in it"}
	}
	return f, nil
}

// ReadCSV reads a series of unit [RPS] from CSV text, plain or gzip (recognised
// by its first bytes). The result is called name, and so is the file in errors.
//
// A row has a time and a value, separated by comma or semicolon; with
// semicolons a decimal comma is allowed. A header is optional; with more than
// two columns it must name them (timestamp or time, value or load). A time is
// RFC 3339, a date and time without a zone (taken as UTC), or unix seconds, or
// milliseconds if 1e11 or more; seconds that start below 1e8 count from an
// unknown origin and make the series Relative. Lines that start with # and
// blank lines are skipped.
//
// The step is the commonest distance between rows; if some time is not on that
// grid, it is the smallest, provided that a quarter of the distances are that
// small. A time may be off its grid by a tenth of a step, and is moved onto it.
// A missing row or an empty value is a gap. Duplicate or unordered times, a
// value that is no number, negative or not finite, a time off the grid, and
// more than 50 million points are errors of type *[ParseError].
func ReadCSV(r io.Reader, name string) (Series, error) {
	return readCSV(r, name, name)
}

func seriesName(path string) string {
	base := filepath.Base(path)
	if strings.EqualFold(filepath.Ext(base), ".gz") {
		base = base[:len(base)-len(".gz")]
	}
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	if strings.EqualFold(base, "load.csv") {
		if folder := filepath.Base(filepath.Dir(path)); folder != "." && folder != string(filepath.Separator) {
			return folder
		}
	}
	return stem
}

// A row is one line of a file that holds data.
type row struct {
	at    int64 // nanoseconds since 1970
	value float64
	line  int32
}

func readCSV(r io.Reader, file, name string) (Series, error) {
	c := csvReader{file: file}
	if err := c.open(r); err != nil {
		return Series{}, err
	}
	if err := c.readRows(); err != nil {
		return Series{}, err
	}
	step, err := c.step()
	if err != nil {
		return Series{}, err
	}
	return c.series(name, step), nil
}

// A csvReader holds what is known of a file while it is read.
type csvReader struct {
	file      string
	csv       *csv.Reader
	separator rune
	columns   int // of the first row; 0 before it
	timeCol   int
	valueCol  int
	times     timeParser
	rows      []row
	header    []string
	beside    string // the column to read instead of the load; empty: the load
}

// open finds compression, byte order mark and separator.
func (c *csvReader) open(r io.Reader) error {
	const buffer = 64 << 10
	br := bufio.NewReaderSize(r, buffer)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(br)
		if err != nil {
			return c.fault(0, "gzip header is damaged", "compress the file again", err)
		}
		br = bufio.NewReaderSize(z, buffer)
	}
	head, err := br.Peek(buffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return c.readFault(err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		head = head[3:]
		if _, err := br.Discard(3); err != nil {
			return c.readFault(err)
		}
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return c.fault(1, "the text is UTF-16", "save it as UTF-8", nil)
	}
	c.separator = separatorOf(head)
	c.csv = csv.NewReader(br)
	c.csv.Comma = c.separator
	c.csv.Comment = '#'
	c.csv.FieldsPerRecord = -1
	c.csv.ReuseRecord = true
	return nil
}

// separatorOf returns the separator of the first line with data: a semicolon
// outside quotes wins, since a comma beside it is a decimal comma.
func separatorOf(head []byte) rune {
	for line := range bytes.Lines(head) {
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		quoted := false
		for _, b := range line {
			switch {
			case b == '"':
				quoted = !quoted
			case b == ';' && !quoted:
				return ';'
			}
		}
		break
	}
	return ','
}

func (c *csvReader) readRows() error {
	for {
		fields, err := c.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.readFault(err)
		}
		line, _ := c.csv.FieldPos(0)
		for i, f := range fields {
			fields[i] = strings.TrimSpace(f)
		}
		if len(fields) == 1 && fields[0] == "" {
			continue
		}
		if c.columns == 0 {
			skip, err := c.layout(fields, line)
			if err != nil {
				return err
			}
			if skip {
				continue
			}
		}
		if len(fields) != c.columns {
			return c.fault(line, fmt.Sprintf("columns: %d, but %d in the first row", len(fields), c.columns),
				"give every row the same columns", nil)
		}
		if err := c.readRow(fields[c.timeCol], fields[c.valueCol], line); err != nil {
			return err
		}
	}
	return c.enough()
}

// layout decides from the first row which columns to read and whether it is a
// header to skip.
func (c *csvReader) layout(fields []string, line int) (header bool, err error) {
	c.columns = len(fields)
	c.timeCol, c.valueCol = 0, 1
	header = isHeader(fields)
	if c.columns == 1 {
		return false, c.fault(line, "one column",
			"each row needs a time and a value, separated by comma or semicolon", nil)
	}
	if !header {
		if c.columns > 2 {
			return false, c.fault(line, fmt.Sprintf("%d columns and no header", c.columns),
				"keep two columns, or add a header that names timestamp and value", nil)
		}
		return false, nil
	}
	at := columnsNamed(fields, timeNames()...)
	load := columnsNamed(fields, loadNames()...)
	c.header = slices.Clone(fields)
	switch {
	case len(at) == 1 && len(load) == 1:
		c.timeCol, c.valueCol = at[0], load[0]
		if c.beside != "" {
			c.valueCol = slices.Index(fields, c.beside)
		}
	case c.columns > 2:
		return false, c.fault(line, fmt.Sprintf("%d columns, of which the header calls %d a time and %d a load",
			c.columns, len(at), len(load)), "name one column timestamp and one value, or keep only those two", nil)
	}
	return true, nil
}

// isHeader reports whether a first row holds names only: no field starts like a
// number or a date, and not all are empty.
func isHeader(fields []string) bool {
	named := false
	for _, f := range fields {
		if f == "" {
			continue
		}
		if strings.ContainsRune("0123456789+-.", rune(f[0])) {
			return false
		}
		if _, err := strconv.ParseFloat(f, 64); err == nil {
			return false // NaN, Inf
		}
		named = true
	}
	return named
}

func timeNames() []string { return []string{"timestamp", "time", "datetime", "date", "ts", "period"} }

func loadNames() []string { return []string{"value", "load", "rps", "requests", "count"} }

func columnsNamed(fields []string, names ...string) []int {
	var found []int
	for i, f := range fields {
		if slices.Contains(names, strings.ToLower(f)) {
			found = append(found, i)
		}
	}
	return found
}

func (c *csvReader) readRow(at, value string, line int) error {
	if c.separator == ';' {
		at, value = decimalPoint(at), decimalPoint(value)
	}
	t, msg, hint := c.times.parse(at)
	if msg != "" {
		return c.fault(line, msg, hint, nil)
	}
	if n := len(c.rows); n > 0 && t <= c.rows[n-1].at {
		last := c.rows[n-1]
		hint := "sort the rows by time"
		msg := fmt.Sprintf("time %s is before %s on line %d", c.times.format(t), c.times.format(last.at), last.line)
		if t == last.at {
			msg = fmt.Sprintf("time %s repeats line %d", c.times.format(t), last.line)
			hint = "keep one row per time"
		}
		if c.times.kind == zoneless {
			hint += "; local time steps back when the clocks change, write UTC or an offset"
		}
		return c.fault(line, msg, hint, nil)
	}
	v, msg := parseLoad(value)
	if msg != "" {
		return c.fault(line, msg, "for a gap leave the value empty or leave out the row", nil)
	}
	if len(c.rows) >= maxPoints {
		return c.fault(line, fmt.Sprintf("more than %d rows", maxPoints), "split the file or resample it", nil)
	}
	c.rows = append(c.rows, row{at: t, value: v, line: int32(line)})
	return nil
}

// decimalPoint turns "1,5" into "1.5".
func decimalPoint(field string) string {
	if strings.Count(field, ",") == 1 && !strings.Contains(field, ".") {
		return strings.Replace(field, ",", ".", 1)
	}
	return field
}

// parseLoad returns the value of a field, NaN if it is empty, or what is wrong.
func parseLoad(field string) (v float64, msg string) {
	if field == "" {
		return math.NaN(), ""
	}
	v, err := strconv.ParseFloat(field, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fmt.Sprintf("value %s is not a number", quote(field))
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, fmt.Sprintf("value %s is not finite", quote(field))
	case v < 0:
		return 0, fmt.Sprintf("load %s is negative", quote(field))
	case v > HighestLoad:
		return 0, fmt.Sprintf("load %s is above %g", quote(field), HighestLoad)
	}
	return v, ""
}

// enough reports files without the rows that a series needs.
func (c *csvReader) enough() error {
	switch {
	case c.columns == 0:
		return c.fault(0, "the file is empty", "write a time and a value per row", nil)
	case len(c.rows) == 0:
		return c.fault(0, "a header and no rows", "write a time and a value per row", nil)
	case len(c.rows) == 1:
		return c.fault(int(c.rows[0].line), "a single row, so the step is unknown", "add at least a second row", nil)
	}
	if c.beside == "" && !slices.ContainsFunc(c.rows, func(r row) bool { return !math.IsNaN(r.value) }) {
		return c.fault(int(c.rows[0].line), "every value is empty", "record at least one value", nil)
	}
	return nil
}

func (c *csvReader) fault(line int, msg, hint string, cause error) error {
	return &ParseError{File: c.file, Line: line, Msg: msg, Hint: hint, Err: cause}
}

// readFault reports what encoding/csv, gzip or the file itself refused.
func (c *csvReader) readFault(err error) error {
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return c.fault(syntax.Line, syntax.Err.Error(), `quote a whole field, and double a quote inside it`, err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return c.fault(0, "the compressed data is damaged or cut short: "+err.Error(), "copy or compress the file again", err)
	}
	return c.fault(0, "reading: "+err.Error(), "", err)
}
