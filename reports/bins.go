package reports

import "math"

// bins thins a long step function to the columns of a picture. Each column keeps the
// lowest and the highest value in it, in their order, and the time-weighted mean;
// so no peak is lost and areas under the means are those of the data.
type bins struct {
	from, width float64 // seconds: start of the first column, width of each
	cols        []bin
}

type bin struct {
	low, high     float64
	sum, seconds  float64
	lowAt, highAt float64 // seconds: where low and high were first seen
}

// newBins covers [from, to) with n columns.
func newBins(from, to float64, n int) *bins {
	return &bins{from: from, width: (to - from) / float64(n), cols: make([]bin, n)}
}

// add puts in the value v, held over [t0, t1). NaN is a gap.
func (b *bins) add(t0, t1, v float64) {
	end := b.from + b.width*float64(len(b.cols))
	t0, t1 = max(t0, b.from), min(t1, end)
	if math.IsNaN(v) || math.IsInf(v, 0) || !(t0 < t1) {
		return
	}
	for i := min(int((t0-b.from)/b.width), len(b.cols)-1); i < len(b.cols); i++ {
		lo, hi := max(t0, b.at(i)), min(t1, b.at(i+1))
		if i == len(b.cols)-1 {
			hi = t1
		}
		if hi <= lo {
			if lo >= t1 {
				return
			}
			continue
		}
		c := &b.cols[i]
		if c.seconds == 0 || v < c.low {
			c.low, c.lowAt = v, lo
		}
		if c.seconds == 0 || v > c.high {
			c.high, c.highAt = v, lo
		}
		c.sum += v * (hi - lo)
		c.seconds += hi - lo
	}
}

func (b *bins) at(i int) float64 { return b.from + b.width*float64(i) }

// mean is the time-weighted mean of a column, NaN in a gap.
func (b *bins) mean(i int) float64 {
	c := &b.cols[i]
	return c.value(c.sum / c.seconds)
}

// means returns the mean of every column as steps.
func (b *bins) means() []xy { return b.steps(b.mean) }

// lows returns the lowest value of every column as steps.
func (b *bins) lows() []xy {
	return b.steps(func(i int) float64 { return b.cols[i].value(b.cols[i].low) })
}

// highs returns the highest value of every column as steps.
func (b *bins) highs() []xy {
	return b.steps(func(i int) float64 { return b.cols[i].value(b.cols[i].high) })
}

func (c *bin) value(v float64) float64 {
	if c.seconds == 0 {
		return math.NaN()
	}
	return v
}

func (b *bins) steps(value func(i int) float64) []xy {
	out := make([]xy, 0, 2*len(b.cols))
	for i := range b.cols {
		v := value(i)
		out = append(out, xy{b.at(i), v}, xy{b.at(i + 1), v})
	}
	return out
}

// envelope returns each column's lowest and highest value at the times they were
// seen; a gap is a NaN. It is the line of the data at the picture's resolution.
func (b *bins) envelope() []xy {
	out := make([]xy, 0, 2*len(b.cols))
	for i, c := range b.cols {
		switch {
		case c.seconds == 0:
			out = append(out, xy{b.at(i), math.NaN()})
		case c.low == c.high:
			out = append(out, xy{b.at(i), c.low}, xy{b.at(i + 1), c.low})
		case c.lowAt <= c.highAt:
			out = append(out, xy{c.lowAt, c.low}, xy{c.highAt, c.high})
		default:
			out = append(out, xy{c.highAt, c.high}, xy{c.lowAt, c.low})
		}
	}
	return out
}

// extent is the lowest and the highest value of all columns; ok is false without
// data.
func (b *bins) extent() (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, c := range b.cols {
		if c.seconds > 0 {
			low, high = min(low, c.low), max(high, c.high)
		}
	}
	return low, high, low <= high
}
