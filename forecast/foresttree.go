package forecast

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// What node.feature says beside the index of a feature.
const (
	leaf    = -1
	ungrown = -2
)

// A tree is grown on a sample of the rows. The rank of a row is its place in the order
// of the targets; a growing tree knows rows by their ranks.
type tree struct {
	drawn  []uint16 // how often the sample holds each row; 65,536 times is out of reach
	key    uint64   // of the root
	nodes  []node
	rows   []int32  // ranks of the sample; a node owns rows[lo:hi], in ascending order
	weight []uint16 // drawn, by rank
}

type node struct {
	key         uint64  // seed of everything random in the node and below
	threshold   float64 // where split: x[feature] <= threshold goes left
	value       float64 // where a leaf: the mean target
	lo, hi      int32
	left, right int32 // indices of the children
	feature     int32
}

// draw takes the sample of n rows.
func (t *tree) draw(src *rand.PCG, n int, bootstrap bool) {
	t.drawn = resize(t.drawn, n)
	t.key = src.Uint64()
	if !bootstrap {
		for i := range t.drawn {
			t.drawn[i] = 1
		}
		return
	}
	clear(t.drawn)
	// Both halves of each random number draw a row, evenly within n/2^32.
	for i := 0; i < n; i += 2 {
		u := src.Uint64()
		t.drawn[(u>>32)*uint64(n)>>32]++
		if i+1 < n {
			t.drawn[(u&math.MaxUint32)*uint64(n)>>32]++
		}
	}
}

// plant makes t a lone root that is still to be grown on its sample; ranking holds
// the row of each rank.
func (t *tree) plant(ranking []int32) {
	t.weight = resize(t.weight, len(ranking))
	t.rows = resize(t.rows, len(ranking))
	k := 0
	for i, r := range ranking {
		w := t.drawn[r]
		t.weight[i], t.rows[k] = w, int32(i)
		// Without a branch, which would be mispredicted for a third of the rows.
		k += int((uint32(w) + math.MaxUint16) >> 16)
	}
	t.rows = t.rows[:k]
	t.nodes = append(t.nodes[:0], node{key: t.key, hi: int32(k), feature: ungrown})
}

// predict returns the value of the leaf that x falls into, and grows the nodes on
// the way to it.
func (t *tree) predict(g *grower, x []float64) float64 {
	i := int32(0)
	for {
		nd := &t.nodes[i]
		if nd.feature == ungrown {
			t.grow(g, i)
			nd = &t.nodes[i]
		}
		switch {
		case nd.feature == leaf:
			return nd.value
		case x[nd.feature] <= nd.threshold:
			i = nd.left
		default:
			i = nd.right
		}
	}
}

// grow makes node i a leaf or gives it two children that are still to be grown.
func (t *tree) grow(g *grower, i int32) {
	nd := &t.nodes[i]
	rows := t.rows[nd.lo:nd.hi]
	var src rand.PCG
	src.Seed(nd.key, 0)
	left := node{key: src.Uint64(), feature: ungrown}
	right := node{key: src.Uint64(), feature: ungrown}

	s, mean := g.split(&src, rows, t.weight)
	if s.feature == leaf {
		nd.feature, nd.value = leaf, mean
		return
	}
	// The rows of the left child come first, or last where high targets go left.
	left.lo, left.hi, right.lo, right.hi = nd.lo, nd.lo+s.cut, nd.lo+s.cut, nd.hi
	if s.highLeft {
		left.lo, left.hi, right.lo, right.hi = right.lo, right.hi, left.lo, left.hi
	}
	nd.feature, nd.threshold = s.feature, s.threshold
	nd.left, nd.right = int32(len(t.nodes)), int32(len(t.nodes)+1)
	t.nodes = append(t.nodes, left, right)
}

// below returns a number in [0, n), each as likely as the other within n/2^64.
func below(src *rand.PCG, n uint64) uint64 {
	hi, _ := bits.Mul64(src.Uint64(), n)
	return hi
}
