package importer

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
)

// accessLog is the common log format of web servers, and the combined one, which
// adds referer and user agent; both often with fields of one's own behind.
//
//	host ident user [02/Jan/2006:15:04:05 -0700] "METHOD path HTTP/1.1" status bytes "referer" "agent" ...
func accessLog() Format {
	return Format{
		Name:   "access-log",
		Title:  "access log of a web server, common or combined, with response times where there are any",
		Fields: []string{"host", "method", "path", "status"},
		sorted: true,
		detect: func(h sample) bool {
			return h.most(func(line []byte) bool {
				_, w := cutRequest(line)
				return w == ""
			})
		},
		open: openAccessLog,
	}
}

const (
	noBrackets why = "there is no time in brackets, such as [02/Jan/2006:15:04:05 -0700]"
	noRequest  why = "there is no request in quotes after the time"
	noStatus   why = "there is no status code after the request"
	badStatus  why = "the status code is not between 100 and 599"
	timeBytes      = len("02/Jan/2006:15:04:05 -0700")
)

// A request is one line of an access log, cut up.
type request struct {
	host, time, line, status, rest []byte
}

// cutRequest finds the parts of a line without looking into them.
func cutRequest(b []byte) (r request, w why) {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '[')
		if i < 0 {
			return r, noBrackets
		}
		i += from
		if end := i + 1 + timeBytes; end < len(b) && b[end] == ']' && b[i+3] == '/' && b[i+21] == ' ' {
			r.host, r.time = b[:i], b[i+1:end]
			b = b[end+1:]
			break
		}
		from = i + 1
	}
	if len(b) < 2 || b[0] != ' ' || b[1] != '"' {
		return r, noRequest
	}
	b = b[2:]
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			if from == 0 {
				return r, noRequest
			}
			return r, noStatus
		}
		i += from
		// Old servers did not escape quotes in a request, so that only the status tells its end.
		if after := b[i+1:]; !escaped(b, i) && len(after) >= 4 && after[0] == ' ' && digit(after[1]) && digit(after[2]) && digit(after[3]) &&
			(len(after) == 4 || after[4] == ' ') {
			r.line, r.status, r.rest = b[:i], after[1:4], after[4:]
			return r, ""
		}
		from = i + 1
	}
}

func digit(b byte) bool { return b-'0' <= 9 }

// escaped reports whether an odd number of backslashes is before the byte at i.
func escaped(b []byte, i int) bool {
	n := 0
	for i--; i >= 0 && b[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// An accessTable is where the columns of access logs are in the table.
type accessTable struct {
	bytes     int
	codes     [600]int // column of a status code, 0: none yet
	times     responseTimes
	durations int       // column of their sum; 0: none yet
	edges     []float64 // of the columns after it
}

type accessDecoder struct {
	*sink
	*accessTable
	matchers []matcher
	stamp    stamp
}

func openAccessLog(s *sink) (decoder, error) {
	t, ok := s.state.(*accessTable)
	if !ok {
		times, err := newResponseTimes(s.cfg.Duration, s.cfg.DurationUnit)
		if err != nil {
			return nil, err
		}
		t = &accessTable{times: times}
		s.value = s.table.addColumn(column{name: "requests", kind: rate})
		t.bytes = s.table.addColumn(column{name: "bytes", kind: rate})
		s.state = t
	}
	m, err := parseMatchers(s.cfg.Select)
	if err != nil {
		return nil, err
	}
	return &accessDecoder{sink: s, accessTable: t, matchers: m}, nil
}

func (d *accessDecoder) decode(r *bufio.Reader) error { return d.eachLine(r, d.request) }

func (d *accessDecoder) request(line []byte) why {
	r, w := cutRequest(line)
	if w != "" {
		return w
	}
	at, w := d.stamp.parse(r.time)
	if w != "" {
		return w
	}
	status := int(r.status[0]-'0')*100 + int(r.status[1]-'0')*10 + int(r.status[2]-'0')
	if status < 100 || status > 599 {
		return badStatus
	}
	for _, m := range d.matchers {
		if !m.matches(r.field(m.field)) {
			return skipped
		}
	}
	bin, w := d.event(at)
	if w != "" {
		return w
	}
	code := d.codes[status]
	if code == 0 {
		code = d.table.addColumn(column{name: "code_" + strconv.Itoa(status), kind: rate})
		d.codes[status] = code
	}
	d.table.add(bin, d.value, 1)
	d.table.add(bin, code, 1)
	size, rest := nextField(r.rest)
	if n, ok := digits(size); ok {
		d.table.add(bin, d.bytes, float64(n))
	}
	if seconds, ok := d.times.find(rest); ok {
		d.observe(bin, seconds)
	}
	return ""
}

func (r request) field(name string) []byte {
	switch name {
	case "host":
		host, _ := nextField(r.host)
		return host
	case "status":
		return r.status
	case "method":
		method, _ := nextField(r.line)
		return method
	default:
		_, rest := nextField(r.line)
		path, _ := nextField(rest)
		return path
	}
}

// nextField cuts off a field: up to the next blank, or in quotes or brackets.
func nextField(b []byte) (field, rest []byte) {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil, nil
	}
	if closing := map1(b[0]); closing != 0 {
		for from := 1; ; {
			i := bytes.IndexByte(b[from:], closing)
			if i < 0 {
				return b[1:], nil
			}
			i += from
			if !escaped(b, i) {
				return b[1:i], b[i+1:]
			}
			from = i + 1
		}
	}
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return b, nil
	}
	return b[:i], b[i:]
}

func map1(opening byte) byte {
	switch opening {
	case '"':
		return '"'
	case '[':
		return ']'
	default:
		return 0
	}
}

// A stamp reads the times of one log and remembers the last one: neighbours mostly
// share the second, or at least the day and the zone.
type stamp struct {
	text [timeBytes]byte
	at   int64 // of text
	day  int64 // midnight of its day, less its offset
}

const dateBytes = len("02/Jan/2006")

func (s *stamp) parse(b []byte) (int64, why) {
	if bytes.Equal(b, s.text[:]) {
		return s.at, ""
	}
	clock, ok := clockOf(b[dateBytes:])
	if !ok {
		return 0, noTime
	}
	const zone = timeBytes - 5
	if !bytes.Equal(b[:dateBytes], s.text[:dateBytes]) || !bytes.Equal(b[zone:], s.text[zone:]) {
		day, w := dayOf(b[:dateBytes], b[zone:])
		if w != "" {
			return 0, w
		}
		s.day = day
	}
	copy(s.text[:], b)
	s.at = s.day + clock
	return s.at, ""
}

// clockOf reads ":15:04:05 " at the beginning of b.
func clockOf(b []byte) (int64, bool) {
	hour, ok1 := digits(b[1:3])
	minute, ok2 := digits(b[4:6])
	sec, ok3 := digits(b[7:9])
	return (hour*3600 + minute*60 + sec) * second,
		ok1 && ok2 && ok3 && b[0] == ':' && b[3] == ':' && b[6] == ':' && hour < 24 && minute < 60 && sec <= 60
}

// dayOf returns the midnight of a date such as 02/Jan/2006 in a zone such as -0700.
func dayOf(b, zone []byte) (int64, why) {
	day, ok1 := digits(b[:2])
	month := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", string(bytes.ToLower(b[3:6])))
	year, ok2 := digits(b[7:])
	n, ok3 := days(year, int64(month)/3+1, day)
	offset, ok4 := zoneOffset(zone)
	if !ok1 || !ok2 || !ok3 || !ok4 || month < 0 || month%3 != 0 || b[2] != '/' || b[6] != '/' {
		return 0, noTime
	}
	if year < 1971 || year >= 2200 {
		return 0, timeOutside
	}
	return (n*86400 - offset) * second, ""
}
