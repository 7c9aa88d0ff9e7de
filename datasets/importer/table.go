package importer

import (
	"math"
	"time"
)

// A kind says how the entries of a column become the value of a step.
type kind int

const (
	rate       kind = iota + 1 // events, each counted: a second
	total                      // levels: of all series together, mean over the step
	mean                       // levels: mean over the step and the series
	cumulative                 // events, with those of all columns since from: a second
	hidden                     // what other columns need
)

type column struct {
	name string
	kind kind
	// cover and best, for levels: the columns with the observed seconds of all series,
	// and of the series observed for longest.
	cover, best int
	from        int // for cumulative
}

// A table holds what is known of every step, in pages, so that a recording may begin
// anywhere, have holes and come in any order.
type table struct {
	step    int64 // nanoseconds
	origin  int64 // a beginning of a step
	columns []column
	pages   map[int64]*page
	hot     *page
	hotID   int64
	low     int64 // first step with an entry
	high    int64 // last
	cells   int64
	limit   int64 // of cells
	full    bool  // the limit is reached, and no more is held
	spill   float64
}

type page struct{ columns [][]float64 }

const (
	pageBits  = 10
	pageSteps = 1 << pageBits
)

func newTable(cells int) *table {
	return &table{limit: max(int64(cells), 64*pageSteps), pages: make(map[int64]*page), low: math.MaxInt64, high: math.MinInt64}
}

// add makes a column and returns its number.
func (t *table) addColumn(c column) int {
	if c.kind == total || c.kind == mean {
		c.cover = t.addColumn(column{name: c.name, kind: hidden})
		c.best = t.addColumn(column{name: c.name, kind: hidden})
	}
	t.columns = append(t.columns, c)
	return len(t.columns) - 1
}

// bin returns the step in which an instant lies.
func (t *table) bin(at int64) int64 {
	at -= t.origin
	n := at / t.step
	if at < 0 && n*t.step != at {
		n--
	}
	return n
}

// begin returns the instant at which a step begins.
func (t *table) begin(bin int64) int64 { return t.origin + bin*t.step }

// cell returns the values of a column on the page of a step, and where in them.
func (t *table) cell(bin int64, c int) *float64 {
	id := bin >> pageBits
	if t.hot == nil || id != t.hotID {
		p := t.pages[id]
		if p == nil {
			p = &page{}
			t.pages[id] = p
		}
		t.hot, t.hotID = p, id
	}
	p := t.hot
	if c >= len(p.columns) || p.columns[c] == nil {
		for c >= len(p.columns) {
			p.columns = append(p.columns, nil)
		}
		if t.cells >= t.limit {
			t.full = true
			return &t.spill
		}
		p.columns[c] = make([]float64, pageSteps)
		t.cells += pageSteps
	}
	if bin < t.low {
		t.low = bin
	}
	if bin > t.high {
		t.high = bin
	}
	return &p.columns[c][bin&(pageSteps-1)]
}

func (t *table) add(bin int64, c int, n float64) { *t.cell(bin, c) += n }

// at returns an entry, 0 where there is none.
func (t *table) at(bin int64, c int) float64 {
	p := t.pages[bin>>pageBits]
	if p == nil || c >= len(p.columns) || p.columns[c] == nil {
		return 0
	}
	return p.columns[c][bin&(pageSteps-1)]
}

// value returns what a column says of a step; NaN is a gap.
func (t *table) value(bin int64, c int) float64 {
	col := t.columns[c]
	seconds := time.Duration(t.step).Seconds()
	if col.kind == rate {
		return t.at(bin, c) / seconds
	}
	if col.kind == cumulative {
		n := 0.0
		for i := col.from; i <= c; i++ {
			n += t.at(bin, i)
		}
		return n / seconds
	}
	best := t.at(bin, col.best)
	if best < seconds/2 {
		return math.NaN()
	}
	if col.kind == mean {
		return t.at(bin, c) / t.at(bin, col.cover)
	}
	return t.at(bin, c) / best
}
