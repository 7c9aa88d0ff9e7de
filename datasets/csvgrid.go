package datasets

import (
	"fmt"
	"math"
	"time"
)

// step finds the grid on which the rows lie: that of the commonest distance, or
// else of the smallest if a quarter of the distances are that small. A single
// stray row must not turn minutes into seconds full of gaps.
func (c *csvReader) step() (time.Duration, error) {
	distances := make([]int64, 0, len(c.rows)-1)
	for i := 1; i < len(c.rows); i++ {
		distances = append(distances, c.rows[i].at-c.rows[i-1].at)
	}
	commonest, smallest, share := commonestOf(distances)
	step, off := commonest, offGrid(c.rows, commonest)
	if off >= 0 && share >= 0.25 && offGrid(c.rows, smallest) < 0 {
		step, off = smallest, -1
	}
	if off >= 0 {
		return 0, c.irregular(off, commonest)
	}
	if points := (c.rows[len(c.rows)-1].at-c.rows[0].at)/step + 1; points > maxPoints {
		after, gap := longestGap(c.rows)
		return 0, c.fault(int(c.rows[after].line),
			fmt.Sprintf("with the gap of %s before this row the file spans %d steps of %s, and %d is the most",
				Duration(gap), points, Duration(step), maxPoints),
			"correct the time, or split the file", nil)
	}
	return time.Duration(step), nil
}

func (c *csvReader) irregular(off int, step int64) error {
	at := c.rows[off].at - c.rows[0].at
	nearest := (at + step/2) / step * step
	return c.fault(int(c.rows[off].line),
		fmt.Sprintf("time %s is %s off the grid of %s that starts at %s",
			c.times.format(c.rows[off].at), Duration(max(at-nearest, nearest-at)), Duration(step),
			c.times.format(c.rows[0].at)),
		"record with a constant step, or round the times to one", nil)
}

// commonestOf returns the commonest distance, the smaller of two that are as
// common, and the smallest with its share of all.
func commonestOf(distances []int64) (commonest, smallest int64, share float64) {
	counts := make(map[int64]int)
	smallest = math.MaxInt64
	for _, d := range distances {
		counts[d]++
		smallest = min(smallest, d)
	}
	most := 0
	for d, n := range counts {
		if n > most || n == most && d < commonest {
			commonest, most = d, n
		}
	}
	return commonest, smallest, float64(counts[smallest]) / float64(len(distances))
}

// offGrid returns the first row that is more than a tenth of a step away from
// the grid, or that falls on the same point as the row before; -1 if none is.
func offGrid(rows []row, step int64) int {
	slot := int64(-1)
	for i, r := range rows {
		at := r.at - rows[0].at
		nearest := (at + step/2) / step
		if off := at - nearest*step; max(off, -off) > step/10 || nearest == slot {
			return i
		}
		slot = nearest
	}
	return -1
}

func longestGap(rows []row) (after int, gap int64) {
	for i := 1; i < len(rows); i++ {
		if d := rows[i].at - rows[i-1].at; d > gap {
			after, gap = i, d
		}
	}
	return after, gap
}

// series puts the rows on the grid; what no row fills is NaN.
func (c *csvReader) series(name string, step time.Duration) Series {
	first := c.rows[0].at
	index := func(r row) int { return int((r.at - first + int64(step)/2) / int64(step)) }
	s := Series{
		Name:     name,
		Unit:     RPS,
		Start:    time.Unix(0, first).UTC(),
		Step:     step,
		Values:   make([]float64, index(c.rows[len(c.rows)-1])+1),
		Relative: c.times.kind == unixSeconds && first < firstAbsolute*1e9,
	}
	next := 0
	for _, r := range c.rows {
		i := index(r)
		for ; next < i; next++ {
			s.Values[next] = math.NaN()
		}
		s.Values[i] = r.value
		next = i + 1
	}
	return s
}
