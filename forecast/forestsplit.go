package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
)

// tooClose is the distance within which two values of a feature count as equal.
const tooClose = float32(1e-7)

// A table holds the training rows in ascending order of their targets, feature by
// feature.
type table struct {
	columns [][]float32
	y       []float64
	end     []int32   // the rank behind the last row with the same target
	values  []float32 // backs columns
}

// fill sets the table to the rows of x and y in the order of ranking.
func (t *table) fill(ranking []int32, x, y []float64) {
	n, p := len(y), len(x)/len(y)
	t.y = resize(t.y, n)
	t.values = resize(t.values, n*p)
	t.columns = resize(t.columns, p)
	for f := range t.columns {
		t.columns[f] = t.values[f*n : (f+1)*n : (f+1)*n]
	}
	for i, r := range ranking {
		t.y[i] = y[r]
		for f, v := range x[int(r)*p : (int(r)+1)*p] {
			t.values[f*n+i] = float32(v)
		}
	}
	t.end = resize(t.end, n)
	for i, end := n-1, int32(n); i >= 0; i-- {
		if t.y[i] != t.y[int(end)-1] {
			end = int32(i + 1)
		}
		t.end[i] = end
	}
}

// A split divides the rows of a node.
type split struct {
	feature   int32 // or leaf: no split
	threshold float64
	cut       int32 // the first cut rows go to one side, the others to the other
	highLeft  bool  // the first cut rows go right
}

// A grower finds splits. It holds the table and the memory that the search needs.
type grower struct {
	table    *table
	features []int32  // the order in which they are tried
	runs     []run    // of equal targets, in the rows of a node
	cuts     []int32  // the best partitions of the targets
	sorted   []uint64 // rows of a node, by feature
	moved    []int32
	member   []bool
	orders   [][]uint64 // rows of the table by each feature; empty: not sorted yet
}

// A run begins at rows[start]; before it are n rows with the sum of targets sum.
type run struct {
	start  int32
	n, sum float64
}

func (g *grower) reset(t *table) {
	g.table = t
	g.features = resize(g.features, len(t.columns))
	g.member = resize(g.member, len(t.y))
	g.orders = resize(g.orders, len(t.columns))
	for f := range g.orders {
		g.orders[f] = g.orders[f][:0]
	}
}

// split returns the best split of rows, which are in order of their targets, and
// their mean target. Where the split does not follow the order of the targets, it
// reorders rows: those that go left first, both sides in order of the targets.
//
// Least squared error is the most of
//
//	(sum of targets left)^2/rows left + (sum of targets right)^2/rows right.
//
// The best partition of any set of numbers into two is a cut of the sorted numbers
// (Fisher 1958, "On grouping for maximum homogeneity"), and every partition as good
// is such a cut too. So a feature that separates the two sides of the best cut cannot
// be beaten, and only features that do are as good: whether one does is mostly
// decided within a few rows. Without such a feature all thresholds are tried.
// Sums of whole numbers are exact, hence equally good cuts are found to be equal;
// with other targets rounding chooses among them.
func (g *grower) split(src *rand.PCG, rows []int32, weight []uint16) (split, float64) {
	n, sum := g.gather(rows, weight)
	if len(g.runs) == 1 {
		return split{feature: leaf}, sum / n
	}
	g.bestCuts(n, sum)
	for i := range g.features {
		g.features[i] = int32(i)
	}
	for i := range g.features {
		j := i + int(below(src, uint64(len(g.features)-i)))
		g.features[i], g.features[j] = g.features[j], g.features[i]
		if s, ok := g.attain(rows, g.features[i]); ok {
			return s, sum / n
		}
	}
	return g.search(rows, weight, n, sum), sum / n
}

// gather sets g.runs to the runs of equal targets in rows, and returns the weight of
// all rows and the sum of their targets.
func (g *grower) gather(rows []int32, weight []uint16) (n, sum float64) {
	g.runs = g.runs[:0]
	for i := 0; i < len(rows); {
		g.runs = append(g.runs, run{start: int32(i), n: n, sum: sum})
		first := rows[i]
		var w int
		for end := g.table.end[first]; i < len(rows) && rows[i] < end; i++ {
			w += int(weight[rows[i]])
		}
		n += float64(w)
		sum += float64(w) * g.table.y[first]
	}
	return n, sum
}

// bestCuts sets g.cuts to the starts of runs where a cut leaves the least squared
// error.
func (g *grower) bestCuts(n, sum float64) {
	best := math.Inf(-1)
	for _, r := range g.runs[1:] {
		switch s := gain(r.n, r.sum, n, sum); {
		case s > best:
			best = s
			g.cuts = append(g.cuts[:0], r.start)
		case s == best:
			g.cuts = append(g.cuts, r.start)
		}
	}
}

// gain is what a split makes large: nl rows with the sum sl of targets go left, of n
// rows with sum.
func gain(nl, sl, n, sum float64) float64 {
	return sl*sl/nl + (sum-sl)*(sum-sl)/(n-nl)
}

// attain returns the split of rows by feature f that makes one of g.cuts: of several
// the one with the lowest threshold.
func (g *grower) attain(rows []int32, f int32) (split, bool) {
	col := g.table.columns[f]
	best, found := split{feature: f}, false
	for _, cut := range g.cuts {
		low, high := rows[:cut], rows[cut:]
		highLeft := col[high[0]] < col[low[len(low)-1]]
		sign := float32(1)
		if highLeft {
			sign = -1
		}
		under, over, ok := separates(col, low, high, sign)
		if !ok {
			continue
		}
		if highLeft {
			under, over = -over, -under
		}
		if thr := midpoint(under, over); !found || thr < best.threshold {
			best.threshold, best.cut, best.highLeft, found = thr, cut, highLeft, true
		}
	}
	return best, found
}

// separates reports whether sign*col is lower in all rows of low than in any of high,
// and returns the values on both sides of the gap.
func separates(col []float32, low, high []int32, sign float32) (under, over float32, ok bool) {
	under, over = sign*col[low[len(low)-1]], sign*col[high[0]]
	if over <= under+tooClose {
		return under, over, false
	}
	// On both sides from the cut outwards: near it a feature that goes along with the
	// target fails.
	both := min(len(low), len(high))
	outer := len(low) - both
	for i, r := range high[:both] {
		if v := sign * col[low[len(low)-1-i]]; v > under {
			if under = v; over <= under+tooClose {
				return under, over, false
			}
		}
		if v := sign * col[r]; v < over {
			if over = v; over <= under+tooClose {
				return under, over, false
			}
		}
	}
	for _, r := range low[:outer] {
		if v := sign * col[r]; v > under {
			under = v
		}
	}
	for _, r := range high[both:] {
		if v := sign * col[r]; v < over {
			over = v
		}
	}
	return under, over, over > under+tooClose
}

// search returns the best split of rows over the thresholds of all features, tried in
// the order of g.features, or a leaf where no feature tells two rows apart.
func (g *grower) search(rows []int32, weight []uint16, n, sum float64) split {
	y := g.table.y
	best, most := split{feature: leaf}, math.Inf(-1)
	for _, f := range g.features {
		var nl, sl float64
		var last float32
		for i, key := range g.byFeature(rows, f) {
			row := uint32(key)
			v := keyValue(key)
			if i > 0 && v > last+tooClose {
				if s := gain(nl, sl, n, sum); s > most {
					most = s
					best.feature, best.threshold = f, midpoint(last, v)
				}
			}
			last = v
			w := float64(weight[row])
			nl += w
			sl += w * y[row]
		}
	}
	if best.feature != leaf {
		best.cut = g.partition(rows, best)
	}
	return best
}

// byFeature returns the rows in ascending order of feature f, as sort keys.
func (g *grower) byFeature(rows []int32, f int32) []uint64 {
	col := g.table.columns[f]
	g.sorted = g.sorted[:0]
	if len(rows) < len(col)/8 {
		for _, r := range rows {
			g.sorted = append(g.sorted, sortKey(col[r], r))
		}
		slices.Sort(g.sorted)
		return g.sorted
	}

	// Picking many rows from the sorted table is cheaper than sorting them.
	if len(g.orders[f]) == 0 {
		for r, v := range col {
			g.orders[f] = append(g.orders[f], sortKey(v, int32(r)))
		}
		slices.Sort(g.orders[f])
	}
	for _, r := range rows {
		g.member[r] = true
	}
	for _, key := range g.orders[f] {
		if g.member[uint32(key)] {
			g.sorted = append(g.sorted, key)
		}
	}
	for _, r := range rows {
		g.member[r] = false
	}
	return g.sorted
}

// partition moves the rows that go left to the front, both sides keeping their
// order, and returns their number.
func (g *grower) partition(rows []int32, s split) int32 {
	col := g.table.columns[s.feature]
	g.moved = g.moved[:0]
	k := 0
	for _, r := range rows {
		if float64(col[r]) <= s.threshold {
			rows[k] = r
			k++
		} else {
			g.moved = append(g.moved, r)
		}
	}
	copy(rows[k:], g.moved)
	return int32(k)
}

// midpoint returns the threshold between two neighbouring values of a feature.
func midpoint(under, over float32) float64 {
	// In float64 the mean of two different float32 lies below over.
	return float64(under)/2 + float64(over)/2
}

// sortKey returns a number that orders by value, then by row, and holds both.
func sortKey(v float32, row int32) uint64 {
	b := math.Float32bits(v)
	if b>>31 == 1 {
		b = ^b
	} else {
		b |= 1 << 31
	}
	return uint64(b)<<32 | uint64(uint32(row))
}

// keyValue returns the value in a sortKey.
func keyValue(key uint64) float32 {
	b := uint32(key >> 32)
	if b>>31 == 1 {
		b &^= 1 << 31
	} else {
		b = ^b
	}
	return math.Float32frombits(b)
}
