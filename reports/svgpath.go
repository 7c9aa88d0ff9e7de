package reports

import (
	"bytes"
	"strconv"
)

// pathWriter writes the data of an SVG path in coordinates of tenths, relative to
// the last point wherever that is shorter.
type pathWriter struct {
	buf            *bytes.Buffer
	started        bool
	x, y           int
	startX, startY int
}

func (w *pathWriter) move(x, y int) {
	w.buf.WriteByte('M')
	w.started = true
	w.pair(x, y)
	w.startX, w.startY = x, y
}

func (w *pathWriter) line(x, y int) {
	dx, dy := x-w.x, y-w.y
	switch {
	case dx == 0 && dy == 0:
		return
	case dy == 0:
		w.buf.WriteByte('h')
		w.tenths(dx)
	case dx == 0:
		w.buf.WriteByte('v')
		w.tenths(dy)
	default:
		w.buf.WriteByte('l')
		w.tenths(dx)
		if dy >= 0 {
			w.buf.WriteByte(' ')
		}
		w.tenths(dy)
	}
	w.x, w.y = x, y
}

func (w *pathWriter) close() {
	w.buf.WriteByte('Z')
	w.x, w.y = w.startX, w.startY
}

func (w *pathWriter) absolute(op rune) { w.buf.WriteRune(op) }

// pair writes an absolute point, after absolute.
func (w *pathWriter) pair(x, y int) {
	w.tenths(x)
	w.buf.WriteByte(' ')
	w.tenths(y)
	w.buf.WriteByte(' ')
	w.x, w.y = x, y
}

func (w *pathWriter) tenths(v int) {
	if v < 0 {
		w.buf.WriteByte('-')
		v = -v
	}
	if v >= 10 || v == 0 {
		w.buf.WriteString(strconv.Itoa(v / 10))
	}
	if v%10 != 0 {
		w.buf.WriteByte('.')
		w.buf.WriteByte(byte('0' + v%10))
	}
}
