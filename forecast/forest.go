package forecast

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// ErrBadTable reports a training table that no forest can be grown on: no rows, a
// ragged shape, or a value that is not finite.
var ErrBadTable = errors.New("bad training table")

// maxTarget bounds the targets, so that sums of squares stay finite.
const maxTarget = 1e100

// A Forest is the configuration of a regression forest (Breiman 2001, "Random
// forests"): the mean of trees that are fully grown on bootstrap samples of the
// rows, where a node is split at the threshold, over all features, that leaves the
// least squared error (Breiman, Friedman, Olshen and Stone 1984, chapter 8).
//
// It follows the definitions of scikit-learn's RandomForestRegressor with its
// defaults: features are rounded to float32, thresholds are midpoints of
// neighbouring values, x <= threshold goes left, neighbours closer than 1e-7 are
// not told apart, and of equally good splits the first in a random order of the
// features wins, then the lowest threshold. Its random numbers are others, so two
// forests agree in distribution, not tree by tree. A node is pure where all its
// targets are equal; scikit-learn also stops at a variance below 2.2e-16.
type Forest struct {
	Trees     int    // number of trees; 0: 100
	Bootstrap bool   // draw n of n rows with replacement for each tree, else use all
	Seed      uint64 // of the bootstrap samples and of the order of the features
}

// A FittedForest predicts from the table that it was fitted to. Trees grow where
// predictions descend: Fit only draws the samples, and a node is split when it is
// first reached. The randomness of a node depends on its place alone, so the trees
// do not depend on what was asked before. It is not safe for concurrent use.
type FittedForest struct {
	features int
	constant bool    // all targets are equal
	value    float64 // that target

	table   table
	trees   []tree
	samples sampling // of the trees
	grower  grower
	point   []float64 // the row asked for, rounded to float32
	ranking []int32   // the rows in order of the targets
}

// A sampling is what the samples of the trees depend on.
type sampling struct {
	forest Forest
	rows   int
}

// Fit returns a forest fitted to len(y) rows: x holds the features of row i, one
// after the other, from i*len(x)/len(y) on. It keeps neither slice. Where the table is
// at fault, the error wraps ErrBadTable.
func (f Forest) Fit(x, y []float64) (*FittedForest, error) {
	m := new(FittedForest)
	if err := f.Refit(m, x, y); err != nil {
		return nil, err
	}
	return m, nil
}

// Refit is Fit into a forest that was fitted before, or a zero one, whose memory it
// reuses. After an error m is as it was.
func (f Forest) Refit(m *FittedForest, x, y []float64) error {
	return f.refit(m, x, y, func() error { return nil })
}

// refit is Refit that asks before each tree whether to stop, and returns that error; m is of
// no use after it.
func (f Forest) refit(m *FittedForest, x, y []float64, stop func() error) error {
	if f.Trees < 0 {
		return fmt.Errorf("fit forest: %d trees", f.Trees)
	}
	if err := checkTable(x, y); err != nil {
		return fmt.Errorf("fit forest: %w", err)
	}
	m.features = len(x) / len(y)
	m.constant, m.value = isConstant(y), y[0]
	if m.constant {
		return nil
	}

	m.ranking = rankTargets(m.ranking, y)
	m.table.fill(m.ranking, x, y)
	m.grower.reset(&m.table)
	m.trees = resize(m.trees, cmp.Or(f.Trees, 100))
	// The same seed draws the same samples, so that they are kept between trainings.
	samples := sampling{f, len(y)}
	for i := range m.trees {
		if err := stop(); err != nil {
			return err
		}
		if m.samples != samples {
			var src rand.PCG
			src.Seed(f.Seed, uint64(i))
			m.trees[i].draw(&src, len(y), f.Bootstrap)
		}
		m.trees[i].plant(m.ranking)
	}
	m.samples = samples
	return nil
}

// Predict returns the mean of the trees' answers for one row of features, which
// must be as many as those of the training table, and finite.
func (m *FittedForest) Predict(x []float64) float64 {
	m.round(x)
	if m.constant {
		return m.value
	}
	var sum float64
	for i := range m.trees {
		sum += m.trees[i].predict(&m.grower, m.point)
	}
	return sum / float64(len(m.trees))
}

// Answers writes what each tree says of one row of features into dst, which must be as
// long as there are trees. Predict returns their mean.
func (m *FittedForest) Answers(dst, x []float64) {
	m.round(x)
	for i := range dst {
		if m.constant {
			dst[i] = m.value
		} else {
			dst[i] = m.trees[i].predict(&m.grower, m.point)
		}
	}
}

// round sets the point that is asked for.
func (m *FittedForest) round(x []float64) {
	if len(x) != m.features {
		panic("forecast: forest asked with another number of features than it was fitted to")
	}
	m.point = resize(m.point, len(x))
	for i, v := range x {
		m.point[i] = float64(float32(v))
	}
}

func checkTable(x, y []float64) error {
	if len(y) == 0 || len(x) == 0 || len(x)%len(y) != 0 {
		return fmt.Errorf("%w: %d feature values for %d rows", ErrBadTable, len(x), len(y))
	}
	if len(y) > math.MaxInt32 {
		return fmt.Errorf("%w: %d rows are too many", ErrBadTable, len(y))
	}
	for i, v := range x {
		// Written so that NaN fails too.
		if !(math.Abs(v) <= math.MaxFloat32) {
			return fmt.Errorf("%w: feature value %v in row %d", ErrBadTable, v, i/(len(x)/len(y)))
		}
	}
	for i, v := range y {
		if !(math.Abs(v) <= maxTarget) {
			return fmt.Errorf("%w: target %v in row %d", ErrBadTable, v, i)
		}
	}
	return nil
}

func isConstant(y []float64) bool {
	for _, v := range y {
		if v != y[0] {
			return false
		}
	}
	return true
}

// rankTargets returns the indices of y in ascending order of y, then of index.
func rankTargets(dst []int32, y []float64) []int32 {
	dst = resize(dst, len(y))
	for i := range dst {
		dst[i] = int32(i)
	}
	slices.SortFunc(dst, func(a, b int32) int {
		switch {
		case y[a] < y[b]:
			return -1
		case y[a] > y[b]:
			return 1
		}
		return int(a - b)
	})
	return dst
}

// resize returns a slice of length n in the memory of s where it fits. The elements
// keep what they held.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return append(s[:cap(s)], make([]T, n-cap(s))...)
	}
	return s[:n]
}
