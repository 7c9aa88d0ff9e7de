package importer

import (
	"math"
	"slices"
	"time"
)

// reorder is how many samples of one series are held back, so that they may come out
// of order by as many.
const reorder = 16

// leastHold is how long a sample of a metric holds at least while no other comes, that
// of Prometheus.
const leastHold = int64(5 * time.Minute)

const (
	repeated  why = "a sample of the series at this time is there already"
	outOfTurn why = "the time is too far before the last of the series"
)

// A series is one source of levels, such as a machine: what it says at a time holds
// until it says something else, but not for long. A hole of more than one and a half
// of its shortest distances is a gap after one distance.
type series struct {
	table    *table
	columns  []int // of the table
	counter  bool  // samples count up, and the rate between two of them is the level
	nominal  int64 // distance of samples, 0 if unknown
	hold     int64 // least
	times    []int64
	values   []float64 // len(columns) a time
	done     int64     // time of the last sample taken
	started  bool
	last     []float64
	shortest int64
	bin      int64
	sums     []float64 // level x seconds within the step, and the seconds
	covers   []float64
	dirty    bool
	// distances, if set, counts how often samples are how far apart.
	distances map[int64]int
}

func newSeries(t *table, columns []int, nominal int64) *series {
	n := len(columns)
	buf := make([]float64, 3*n+reorder*n+n)
	return &series{
		table: t, columns: columns, nominal: nominal,
		last: buf[:n:n], sums: buf[n : 2*n : 2*n], covers: buf[2*n : 3*n : 3*n],
		values: buf[3*n : 3*n], times: make([]int64, 0, reorder+1),
	}
}

// push takes a sample; NaN is a gap of its column.
func (s *series) push(at int64, values []float64) why {
	if s.started && at <= s.done {
		return outOfTurn
	}
	i := len(s.times)
	for i > 0 && s.times[i-1] > at {
		i--
	}
	if i > 0 && s.times[i-1] == at {
		return repeated
	}
	n := len(s.columns)
	s.times = slices.Insert(s.times, i, at)
	s.values = slices.Insert(s.values, i*n, values...)
	if len(s.times) > reorder {
		s.take()
	}
	return ""
}

// take takes the earliest sample off those held back.
func (s *series) take() {
	n := len(s.columns)
	at, values := s.times[0], s.values[:n]
	if s.started {
		distance := at - s.done
		if s.distances != nil {
			s.distances[distance]++
		}
		if s.shortest == 0 || distance < s.shortest {
			s.shortest = distance
		}
		till := at
		if limit := max(s.hold, s.usual()+s.usual()/2); distance > limit {
			till = s.done + s.usual()
			if s.counter {
				till = s.done // Nobody knows when within the hole it was counted.
			}
		}
		if s.counter {
			s.rates(values, distance)
		}
		s.spread(s.done, till)
	}
	s.done, s.started = at, true
	copy(s.last, values)
	s.times = slices.Delete(s.times, 0, 1)
	s.values = slices.Delete(s.values, 0, n)
}

// usual is the distance of the samples as far as it is known.
func (s *series) usual() int64 {
	if s.nominal > 0 {
		return s.nominal
	}
	return s.shortest
}

// rates turns the counts of the last sample into the rates until this one. A count
// that is smaller than the last has begun again at 0.
func (s *series) rates(values []float64, distance int64) {
	for i, v := range values {
		gain := v - s.last[i]
		if gain < 0 {
			gain = v
		}
		s.last[i] = gain / time.Duration(distance).Seconds()
	}
}

// finish takes all that is held back. The last sample of a level holds for the usual
// distance; after the last count nothing is known.
func (s *series) finish() {
	for len(s.times) > 0 {
		s.take()
	}
	if s.started && !s.counter {
		usual := s.usual()
		if usual == 0 {
			usual = s.table.step
		}
		s.spread(s.done, s.done+usual)
	}
	s.flush()
}

// spread lets the last values hold from one instant to another.
func (s *series) spread(from, till int64) {
	for from < till && !s.table.full {
		bin := s.table.bin(from)
		if bin != s.bin || !s.dirty {
			s.flush()
			s.bin, s.dirty = bin, true
		}
		end := min(till, s.table.begin(bin+1))
		seconds := time.Duration(end - from).Seconds()
		for i, v := range s.last {
			if !math.IsNaN(v) {
				s.sums[i] += v * seconds
				s.covers[i] += seconds
			}
		}
		from = end
	}
}

// flush adds what is known of the step to the table.
func (s *series) flush() {
	if !s.dirty {
		return
	}
	for i, c := range s.columns {
		if s.covers[i] > 0 {
			col := s.table.columns[c]
			s.table.add(s.bin, c, s.sums[i])
			s.table.add(s.bin, col.cover, s.covers[i])
			best := s.table.cell(s.bin, col.best)
			*best = max(*best, s.covers[i])
		}
		s.sums[i], s.covers[i] = 0, 0
	}
	s.dirty = false
}
