package forecast

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// A booster fits gradient-boosted regression trees (Friedman, Annals of Statistics 29,
// 2001) on features that are cut into bins once, so that the best split of a node is read
// off a histogram (Ke et al., LightGBM, NeurIPS 2017). The loss is Huber's with a bound
// that follows the errors, near the absolute loss that forecasts are judged by.
type booster struct {
	trees, depth  int
	leaf          float64 // least weight of a leaf, in rows of mean weight
	rate, penalty float64 // of the learning, and the rows by which leaves are shrunk
	subsample     float64 // share of the rows that a tree sees
	bound         float64 // quantile of the errors that bounds Huber's loss; 1: squared loss
	held          float64 // share of the rows, the newest, that tell how many trees help
	seed          uint64
}

// boostBins is the largest number of bins of a feature.
const boostBins = 64

// binned are rows of features as bins, a column after the other.
type binned struct {
	rows    int
	columns [][]uint8
	edges   [][]float64 // of each column: bin b holds values up to edges[b]
}

// newBinned cuts the features, given row by row, at their quantiles. A feature with few
// distinct values has a bin for each.
func newBinned(x []float64, features int) *binned {
	b := &binned{rows: len(x) / features}
	column := make([]float64, b.rows)
	for f := range features {
		for r := range b.rows {
			column[r] = x[r*features+f]
		}
		edges := binEdges(column)
		codes := make([]uint8, b.rows)
		for r := range b.rows {
			codes[r] = uint8(binOf(edges, x[r*features+f]))
		}
		b.columns = append(b.columns, codes)
		b.edges = append(b.edges, edges)
	}
	return b
}

// binEdges sorts the values and returns the upper ends of all bins but the last, which
// has none.
func binEdges(values []float64) []float64 {
	slices.Sort(values)
	distinct := slices.Compact(slices.Clone(values))
	var edges []float64
	if len(distinct) <= boostBins {
		for i := 1; i < len(distinct); i++ {
			edges = append(edges, (distinct[i-1]+distinct[i])/2)
		}
		return edges
	}
	for i := 1; i < boostBins; i++ {
		low, high := values[i*len(values)/boostBins-1], values[i*len(values)/boostBins]
		if edge := (low + high) / 2; len(edges) == 0 || edge > edges[len(edges)-1] {
			edges = append(edges, edge)
		}
	}
	return edges
}

// binOf returns the bin of a value.
func binOf(edges []float64, v float64) int {
	i, _ := slices.BinarySearch(edges, v)
	return i
}

// A boosted is a sum of trees.
type boosted struct {
	start float64
	trees []boostTree
}

// A boostTree is a list of nodes, the root first.
type boostTree []boostNode

// A boostNode sends values of its feature up to x to its left child and others to the
// node after that; a leaf has the left child 0 and adds x. It is small, as there are
// thousands of a forecast, and many forecasts in one live controller.
type boostNode struct {
	x             float64
	left, feature int32
}

func (b *boosted) predict(x []float64) float64 {
	total := b.start
	for _, tree := range b.trees {
		node := tree[0]
		for node.left != 0 {
			next := node.left
			if x[node.feature] > node.x {
				next++
			}
			node = tree[next]
		}
		total += node.x
	}
	return total
}

// fit fits the trees to targets y, oldest first, that weigh w. What weighs nothing is
// ignored. Where rows are held, trees are first fitted to the older ones, and then to all
// of them as many as made the least error on those held.
func (c booster) fit(ctx context.Context, b *binned, y, w []float64) (*boosted, error) {
	if seen := int((1 - c.held) * float64(b.rows)); seen < b.rows {
		early := newBoosting(c, b, y, w)
		_, best, err := early.run(ctx, seen)
		if err != nil {
			return nil, err
		}
		c.trees = best
	}
	out, _, err := newBoosting(c, b, y, w).run(ctx, b.rows)
	return out, err
}

func newBoosting(c booster, b *binned, y, w []float64) *boosting {
	return &boosting{
		booster: c, binned: b, weights: w,
		residuals: slices.Clone(y), gradients: make([]float64, b.rows),
		rows: make([]int32, b.rows), spare: make([]int32, b.rows),
		sums: make([]binSum, b.rows), sizes: make([]float64, 0, b.rows),
	}
}

// run fits trees to the first seen rows. Where that is not all of them, it stops once
// more trees do no good to the others, and returns how many were best.
func (g *boosting) run(ctx context.Context, seen int) (out *boosted, best int, err error) {
	g.seen = seen
	total, positive := 0.0, 0
	for _, v := range g.weights[:seen] {
		total += v
		if v > 0 {
			positive++
		}
	}
	out = &boosted{start: g.middle()}
	if positive == 0 {
		return out, 0, nil
	}
	g.lightest = g.leaf * total / float64(positive)
	for r := range g.residuals {
		g.residuals[r] -= out.start
	}
	least := g.heldError()
	source := rand.New(rand.NewPCG(g.seed, 0))
	for i := range g.trees {
		if i%boundEvery == 0 {
			g.setBound()
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		tree := g.grow(source)
		if len(tree) == 1 {
			break // Nothing is left to split.
		}
		out.trees = append(out.trees, tree)
		if seen == len(g.residuals) {
			continue
		}
		if e := g.heldError(); e < least {
			least, best = e, i+1
		} else if i-best >= boostPatience {
			break
		}
	}
	return out, best, nil
}

// boostPatience is the number of trees without any good after which a fit on the older
// rows ends.
const boostPatience = 25

// heldError returns the sum of the absolute errors of the rows not seen.
func (g *boosting) heldError() float64 {
	total := 0.0
	for r := g.seen; r < len(g.residuals); r++ {
		total += g.weights[r] * math.Abs(g.residuals[r])
	}
	return total
}

// boosting is a fit going on.
type boosting struct {
	booster
	*binned
	weights, residuals, gradients []float64
	limit                         float64 // of gradients
	seen                          int     // rows to learn from, the others are held
	lightest                      float64 // least weight of a leaf
	rows, spare                   []int32
	sums                          []binSum  // scratch: those of the rows of one node
	sizes                         []float64 // scratch
	tree                          []growingNode
}

// A growingNode is a boostNode that knows the bin it splits at, and what it would add as a
// leaf.
type growingNode struct {
	left, feature, bin int
	value              float64
}

// boundEvery is the number of trees after which the bound of Huber's loss is set anew.
const boundEvery = 5

func (g *boosting) setBound() {
	g.limit = math.Inf(1)
	if g.bound >= 1 {
		return
	}
	g.sizes = g.sizes[:0]
	for r, e := range g.residuals[:g.seen] {
		if g.weights[r] > 0 {
			g.sizes = append(g.sizes, math.Abs(e))
		}
	}
	slices.Sort(g.sizes)
	g.limit = g.sizes[int(g.bound*float64(len(g.sizes)))]
}

// middle returns the median of the targets, or for squared loss their mean.
func (g *boosting) middle() float64 {
	g.sizes = g.sizes[:0]
	total, weight := 0.0, 0.0
	for r, e := range g.residuals[:g.seen] {
		if w := g.weights[r]; w > 0 {
			g.sizes = append(g.sizes, e)
			total += w * e
			weight += w
		}
	}
	switch {
	case len(g.sizes) == 0:
		return 0
	case g.bound >= 1:
		return total / weight
	}
	slices.Sort(g.sizes)
	return g.sizes[len(g.sizes)/2]
}

// grow adds a tree and takes what it explains out of the residuals.
func (g *boosting) grow(source *rand.Rand) boostTree {
	rows := g.rows[:0]
	for r := range g.residuals[:g.seen] {
		if g.weights[r] <= 0 {
			continue
		}
		g.gradients[r] = clamp(g.residuals[r], -g.limit, g.limit)
		if g.subsample >= 1 || source.Float64() < g.subsample {
			rows = append(rows, int32(r))
		}
	}
	g.tree = append(g.tree[:0], growingNode{})
	if len(rows) > 0 {
		g.split(0, rows, g.histogram(rows), g.depth)
	}
	for r := range g.residuals {
		n := 0
		for g.tree[n].left != 0 {
			node := &g.tree[n]
			n = node.left
			if int(g.columns[node.feature][r]) > node.bin {
				n++
			}
		}
		g.residuals[r] -= g.tree[n].value
	}
	tree := make(boostTree, len(g.tree))
	for i, node := range g.tree {
		tree[i] = boostNode{x: node.value, left: int32(node.left), feature: int32(node.feature)}
		if node.left != 0 {
			tree[i].x = g.edges[node.feature][node.bin]
		}
	}
	return tree
}

// A histogram holds sums by feature and bin: weight, and weight times gradient.
type histogram [][boostBins]binSum

type binSum struct{ weight, gradient float64 }

func (g *boosting) histogram(rows []int32) histogram {
	h := make(histogram, len(g.columns))
	sums := g.sums[:len(rows)]
	for i, r := range rows {
		sums[i] = binSum{g.weights[r], g.weights[r] * g.gradients[r]}
	}
	for f, column := range g.columns {
		bins := &h[f]
		for i, r := range rows {
			bin := &bins[column[r]%boostBins]
			bin.weight += sums[i].weight
			bin.gradient += sums[i].gradient
		}
	}
	return h
}

// less takes the sums of a part out, which leaves those of the other.
func (h histogram) less(part histogram) {
	for f := range h {
		for b := range h[f] {
			h[f][b].weight -= part[f][b].weight
			h[f][b].gradient -= part[f][b].gradient
		}
	}
}

// split grows the node over rows, whose sums are given and used up.
func (g *boosting) split(node int, rows []int32, h histogram, depth int) {
	var all binSum
	for _, bin := range h[0] {
		all.weight += bin.weight
		all.gradient += bin.gradient
	}
	penalty := g.penalty * all.weight / float64(len(rows))
	g.tree[node].value = g.rate * all.gradient / (all.weight + penalty)
	if depth == 0 || all.weight < 2*g.lightest {
		return
	}
	feature, bin := g.best(h, all, penalty)
	if feature < 0 {
		return
	}
	cut := g.part(rows, g.columns[feature], uint8(bin))
	left, right := rows[:cut], rows[cut:]
	next := len(g.tree)
	g.tree = append(g.tree, growingNode{}, growingNode{})
	g.tree[node] = growingNode{left: next, feature: feature, bin: bin}
	// The sums of the smaller part are counted, those of the other are what is left.
	if len(left) <= len(right) {
		small := g.histogram(left)
		h.less(small)
		g.split(next, left, small, depth-1)
		g.split(next+1, right, h, depth-1)
	} else {
		small := g.histogram(right)
		h.less(small)
		g.split(next, left, h, depth-1)
		g.split(next+1, right, small, depth-1)
	}
}

// best returns the split that explains most, feature -1 where none explains anything.
func (g *boosting) best(h histogram, all binSum, penalty float64) (feature, bin int) {
	feature = -1
	most := all.gradient*all.gradient/(all.weight+penalty)*(1+1e-9) + 1e-300
	for f := range h {
		var left binSum
		for b := range g.edges[f] {
			s := h[f][b]
			left.weight += s.weight
			left.gradient += s.gradient
			if left.weight < g.lightest || all.weight-left.weight < g.lightest {
				continue
			}
			rest := all.gradient - left.gradient
			gain := left.gradient*left.gradient/(left.weight+penalty) + rest*rest/(all.weight-left.weight+penalty)
			if gain > most {
				most, feature, bin = gain, f, b
			}
		}
	}
	return feature, bin
}

// part moves the rows of bins up to the given one to the front, keeping their order, and
// returns their number.
func (g *boosting) part(rows []int32, column []uint8, bin uint8) int {
	n, others := 0, g.spare[:0]
	for _, r := range rows {
		if column[r] <= bin {
			rows[n] = r
			n++
		} else {
			others = append(others, r)
		}
	}
	copy(rows[n:], others)
	return n
}
