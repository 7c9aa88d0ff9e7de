package importer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// worldCup is the binary log of the web site of the football World Cup of 1998 (Arlitt
// and Jin, 1998): records of 20 bytes, big endian, without a header.
//
//	bytes 0-3 unix time, 4-7 client, 8-11 object, 12-15 size, 16 method, 17 status,
//	18 type, 19 server: its upper three bits are the region
//
// Its times are UTC. The parts of a day overlap and are summed.
func worldCup() Format {
	return Format{
		Name:   "worldcup98",
		Title:  "binary log of the World Cup 1998, wc_dayX_Y.gz",
		Fields: []string{"region", "server", "status"},
		detect: func(h sample) bool {
			// The first records of a real part are of one time, in the summer of 1998.
			n := min(len(h.bytes)/worldCupRecord, 20)
			for i := range n {
				if t := binary.BigEndian.Uint32(h.bytes[i*worldCupRecord:]); t < worldCupFirst || t >= worldCupEnd {
					return false
				}
			}
			return n > 0 && len(h.bytes)%worldCupRecord == 0 || n == 20
		},
		open: func(s *sink) (decoder, error) {
			t, ok := s.state.(*worldCupTable)
			if !ok {
				t = &worldCupTable{}
				s.value = s.table.addColumn(column{name: "requests", kind: rate})
				t.bytes = s.table.addColumn(column{name: "bytes", kind: rate})
				s.state = t
			}
			m, err := parseMatchers(s.cfg.Select)
			return &worldCupDecoder{sink: s, worldCupTable: t, matchers: m}, err
		},
	}
}

const (
	worldCupRecord = 20
	worldCupFirst  = 893_000_000 // 1998-04-19
	worldCupEnd    = 903_000_000 // 1998-08-13
	unknownSize    = 0xffffffff
)

const outsideCup why = "the time is not between April and August 1998"

type worldCupTable struct {
	bytes int
	codes [64]int // columns by the code of a status, 0: none yet
}

type worldCupDecoder struct {
	*sink
	*worldCupTable
	matchers []matcher
}

func (d *worldCupDecoder) decode(r *bufio.Reader) error {
	for {
		b, err := r.Peek(worldCupRecord)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return readFault(d.file, d.line, err)
			}
			if len(b) > 0 {
				d.line++
				d.report.Lines++
				d.count(why(fmt.Sprintf("the last record has %d bytes of %d", len(b), worldCupRecord)), nil)
			}
			return d.err
		}
		d.line++
		d.report.Lines++
		d.count(d.record(b), nil)
		if d.err != nil {
			return d.err
		}
		if _, err := r.Discard(worldCupRecord); err != nil {
			return readFault(d.file, d.line, err)
		}
	}
}

func (d *worldCupDecoder) record(b []byte) why {
	t := binary.BigEndian.Uint32(b)
	if t < worldCupFirst || t >= worldCupEnd {
		return outsideCup
	}
	for _, m := range d.matchers {
		v := int(b[19] >> 5)
		switch m.field {
		case "server":
			v = int(b[19] & 31)
		case "status":
			v = worldCupStatus(b[17])
		}
		if !m.matches(strconv.AppendInt(nil, int64(v), 10)) {
			return skipped
		}
	}
	bin, w := d.event(int64(t) * second)
	if w != "" {
		return w
	}
	d.table.add(bin, d.value, 1)
	if n := binary.BigEndian.Uint32(b[12:]); n != unknownSize {
		d.table.add(bin, d.bytes, float64(n))
	}
	i := b[17] & 63
	if d.codes[i] == 0 {
		name := "code_unknown"
		if code := worldCupStatus(b[17]); code != 0 {
			name = "code_" + strconv.Itoa(code)
		}
		d.codes[i] = d.table.addColumn(column{name: name, kind: rate})
	}
	d.table.add(bin, d.codes[i], 1)
	return ""
}
