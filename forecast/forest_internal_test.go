package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestForestIsPlainAlgorithm compares fully grown trees, split by split, with a plain
// rewrite. The tables hold few different values, so that splits tie, and whole
// targets, so that ties are exact.
func TestForestIsPlainAlgorithm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		n, p := 1+r.IntN(40), 1+r.IntN(5)
		levels, targets := 1+r.IntN(12), 1+r.IntN(8)
		x, y := make([]float64, n*p), make([]float64, n)
		for i := range x {
			x[i] = float64(r.IntN(levels)) - 3
		}
		for i := range y {
			y[i] = float64(r.IntN(targets)) - 2
			if r.IntN(2) == 0 {
				// Some targets follow a feature, upwards or downwards.
				y[i] = (x[i*p] - x[i*p+p-1]) * float64(1+p%2)
			}
		}
		comparePlain(t, Forest{Trees: 3, Bootstrap: r.IntN(2) == 0, Seed: r.Uint64()}, x, y)
	}
}

// TestForestIsPlainAlgorithmOnLargeTables reaches the rows that are picked from the
// sorted table, and those sorted for themselves.
func TestForestIsPlainAlgorithmOnLargeTables(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 4 {
		const n, p = 300, 6
		x, y := make([]float64, n*p), make([]float64, n)
		for i := range x {
			x[i] = math.Round(100 * r.NormFloat64())
		}
		for i := range y {
			y[i] = math.Round(x[i*p]/10 + x[i*p+1]*x[i*p+2]/1000 + 5*r.NormFloat64())
		}
		comparePlain(t, Forest{Trees: 2, Bootstrap: true, Seed: r.Uint64()}, x, y)
	}
}

func FuzzForest(f *testing.F) {
	f.Add(uint64(1), true, uint8(2), []byte{0, 1, 0, 1, 1, 1, 2, 0, 3, 2, 2, 5})
	f.Add(uint64(2), false, uint8(1), []byte{1, 1, 2, 1, 3, 2, 4, 2})
	f.Fuzz(func(t *testing.T, seed uint64, bootstrap bool, features uint8, table []byte) {
		p := 1 + int(features%6)
		n := min(len(table)/(p+1), 60)
		if n == 0 {
			return
		}
		var x, y []float64
		for i := range n {
			for j, b := range table[i*(p+1) : (i+1)*(p+1)] {
				if j < p {
					x = append(x, float64(int8(b)))
				} else {
					y = append(y, float64(b%7))
				}
			}
		}
		comparePlain(t, Forest{Trees: 2, Bootstrap: bootstrap, Seed: seed}, x, y)
	})
}

// TestForestSplitsAreOptimal checks targets with fractions, where rounding breaks ties
// and only the squared error of a split can be told.
func TestForestSplitsAreOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		n, p := 2+r.IntN(60), 1+r.IntN(4)
		x, y := make([]float64, n*p), make([]float64, n)
		for i := range x {
			x[i] = math.Round(10*r.Float64()) / 10
		}
		for i := range y {
			y[i] = r.NormFloat64() + 3*x[i*p]
		}
		m := grown(t, Forest{Trees: 2, Bootstrap: true, Seed: r.Uint64()}, x, y)
		for i := range m.trees {
			all := sampled(&m.trees[i])
			checkOptimal(t, &m.trees[i], 0, all, x, y)
		}
	}
}

// comparePlain fails where a tree of the forest differs from plainTree.
func comparePlain(t *testing.T, f Forest, x, y []float64) {
	t.Helper()
	m := grown(t, f, x, y)
	if m.constant {
		return
	}
	for i := range m.trees {
		tr := &m.trees[i]
		total := 0
		for _, w := range tr.drawn {
			total += int(w)
		}
		if total != len(y) {
			t.Fatalf("tree %d: a sample of %d of %d rows", i, total, len(y))
		}
		compareNode(t, tr, 0, sampled(tr), x, y)
	}
}

// compareNode compares node i of tr, into which the given rows fall, and all below.
func compareNode(t *testing.T, tr *tree, i int32, rows []int, x, y []float64) {
	t.Helper()
	nd := tr.nodes[i]
	feature, threshold := plainSplit(tr, nd.key, rows, x, y)
	if nd.feature != int32(feature) || nd.feature != leaf && nd.threshold != threshold {
		t.Fatalf("node %d of rows %v: feature %d at %v, want %d at %v\nx = %v\ny = %v\ndrawn = %v",
			i, rows, nd.feature, nd.threshold, feature, threshold, x, y, tr.drawn)
	}
	if nd.feature == leaf {
		if want := plainMean(tr, rows, y); math.Abs(nd.value-want) > 1e-12 {
			t.Fatalf("leaf %d of rows %v: %v, want %v", i, rows, nd.value, want)
		}
		return
	}
	left, right := descend(nd, rows, x, y)
	compareNode(t, tr, nd.left, left, x, y)
	compareNode(t, tr, nd.right, right, x, y)
}

// plainSplit tries all features in the node's random order and all thresholds in
// ascending order, and keeps the first of the best.
func plainSplit(tr *tree, key uint64, rows []int, x, y []float64) (feature int, threshold float64) {
	pure := true
	for _, r := range rows {
		pure = pure && y[r] == y[rows[0]]
	}
	if pure {
		return leaf, 0
	}

	p := len(x) / len(y)
	var src rand.PCG
	src.Seed(key, 0)
	src.Uint64()
	src.Uint64()
	order := make([]int, p)
	for i := range order {
		order[i] = i
	}
	for i := range order {
		j := i + int(below(&src, uint64(p-i)))
		order[i], order[j] = order[j], order[i]
	}

	feature = leaf
	most := math.Inf(-1)
	for _, f := range order {
		var values []float32
		for _, r := range rows {
			values = append(values, float32(x[r*p+f]))
		}
		slices.Sort(values)
		for k := 1; k < len(values); k++ {
			if values[k] <= values[k-1]+1e-7 {
				continue
			}
			thr := (float64(values[k-1]) + float64(values[k])) / 2
			var n, s [2]float64
			for _, r := range rows {
				side := 0
				if float64(float32(x[r*p+f])) > thr {
					side = 1
				}
				n[side] += float64(tr.drawn[r])
				s[side] += float64(tr.drawn[r]) * y[r]
			}
			if g := s[0]*s[0]/n[0] + s[1]*s[1]/n[1]; g > most {
				most, feature, threshold = g, f, thr
			}
		}
	}
	return feature, threshold
}

// checkOptimal fails where a threshold leaves less squared error, computed from the
// distances to the means, than the one that node i of tr has.
func checkOptimal(t *testing.T, tr *tree, i int32, rows []int, x, y []float64) {
	t.Helper()
	nd := tr.nodes[i]
	p := len(x) / len(y)
	least := math.Inf(1)
	for f := range p {
		for _, r := range rows {
			left, right := descend(node{feature: int32(f), threshold: x[r*p+f]}, rows, x, y)
			if len(left) > 0 && len(right) > 0 {
				least = min(least, plainError(tr, left, y)+plainError(tr, right, y))
			}
		}
	}
	if nd.feature == leaf {
		if here := plainError(tr, rows, y); here > 1e-12 && !math.IsInf(least, 1) {
			t.Fatalf("leaf %d of rows %v: squared error %v, could be %v", i, rows, here, least)
		}
		return
	}
	left, right := descend(nd, rows, x, y)
	if got := plainError(tr, left, y) + plainError(tr, right, y); got > least+1e-9 {
		t.Fatalf("node %d of rows %v: squared error %v, could be %v", i, rows, got, least)
	}
	checkOptimal(t, tr, nd.left, left, x, y)
	checkOptimal(t, tr, nd.right, right, x, y)
}

func plainMean(tr *tree, rows []int, y []float64) float64 {
	var n, s float64
	for _, r := range rows {
		n += float64(tr.drawn[r])
		s += float64(tr.drawn[r]) * y[r]
	}
	return s / n
}

func plainError(tr *tree, rows []int, y []float64) float64 {
	mean := plainMean(tr, rows, y)
	var e float64
	for _, r := range rows {
		e += float64(tr.drawn[r]) * (y[r] - mean) * (y[r] - mean)
	}
	return e
}

func descend(nd node, rows []int, x, y []float64) (left, right []int) {
	p := len(x) / len(y)
	for _, r := range rows {
		if float64(float32(x[r*p+int(nd.feature)])) <= nd.threshold {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	return left, right
}

// sampled returns the rows in the sample of tr.
func sampled(tr *tree) []int {
	var rows []int
	for r, w := range tr.drawn {
		if w > 0 {
			rows = append(rows, r)
		}
	}
	return rows
}

// grown returns a forest whose nodes are all grown.
func grown(t *testing.T, f Forest, x, y []float64) *FittedForest {
	t.Helper()
	m, err := f.Fit(x, y)
	if err != nil {
		t.Fatal(err)
	}
	p := len(x) / len(y)
	for i := range y {
		m.Predict(x[i*p : (i+1)*p])
	}
	for i := range m.trees {
		for j, nd := range m.trees[i].nodes {
			if nd.feature == ungrown {
				t.Fatalf("tree %d: node %d holds no row of the table", i, j)
			}
		}
	}
	return m
}
