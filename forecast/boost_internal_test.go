package forecast

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// The first tree splits where a search over all thresholds of all features does: the
// sums of squares left and right of it are least. Bins lose nothing here.
func TestBoostSplitsWhereTheBestSplitIs(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 71))
		const rows, features = 40, 3
		x, y, w := make([]float64, rows*features), make([]float64, rows), make([]float64, rows)
		for i := range x {
			x[i] = float64(r.IntN(20))
		}
		for i := range y {
			y[i], w[i] = math.Floor(x[i*features+1]/7)+.3*r.NormFloat64(), 1
		}
		b := newBinned(x, features)
		g := &boosting{
			booster: booster{depth: 1, leaf: 1, rate: 1, subsample: 1}, binned: b, weights: w,
			residuals: append([]float64(nil), y...), gradients: make([]float64, rows), bound: math.Inf(1), lightest: 1,
			rows: make([]int32, rows), spare: make([]int32, rows), sums: make([]binSum, rows), sizes: make([]float64, rows),
		}
		tree := g.grow(r)
		squares := func(feature int, at float64) float64 {
			var left, right sum
			for i := range y {
				if x[i*features+feature] <= at {
					left.add(y[i])
				} else {
					right.add(y[i])
				}
			}
			total := 0.0
			for i := range y {
				mean := right.mean()
				if x[i*features+feature] <= at {
					mean = left.mean()
				}
				total += (y[i] - mean) * (y[i] - mean)
			}
			return total
		}
		best := math.Inf(1)
		for f := range features {
			for at := -.5; at < 19; at++ {
				if s := squares(f, at); s < best {
					best = s
				}
			}
		}
		if got := squares(tree[0].feature, tree[0].at); got > best*(1+1e-9) {
			t.Fatalf("seed %d: split at %v of feature %d leaves %v, the best %v", seed, tree[0].at, tree[0].feature, got, best)
		}
	}
}

// Every tree makes the fit better, and a step is found to where it is.
func TestBoostLearnsAStep(t *testing.T) {
	r := rand.New(rand.NewPCG(72, 1))
	const rows = 2000
	x, y, w := make([]float64, 2*rows), make([]float64, rows), make([]float64, rows)
	f := func(a, b float64) float64 {
		if a > .3 && b < .6 {
			return 5
		}
		return 1
	}
	for i := range rows {
		x[2*i], x[2*i+1] = r.Float64(), r.Float64()
		y[i], w[i] = f(x[2*i], x[2*i+1])+.1*r.NormFloat64(), 1
	}
	last := math.Inf(1)
	for _, trees := range []int{0, 5, 20, 60} {
		sum, err := booster{trees: trees, depth: 3, leaf: 10, rate: .2, penalty: 1, subsample: .7}.fit(context.Background(), newBinned(x, 2), y, w)
		if err != nil {
			t.Fatal(err)
		}
		loss := 0.0
		for i := range rows {
			loss += math.Abs(y[i]-sum.predict(x[2*i:2*i+2])) / rows
		}
		if loss >= last {
			t.Errorf("%d trees: loss %v, with fewer %v", trees, loss, last)
		}
		last = loss
	}
	if last > .13 { // The noise alone has a mean size of 0.08.
		t.Errorf("loss %v after 60 trees", last)
	}
}

func TestBinsKeepTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(73, 1))
	values := make([]float64, 5000)
	for i := range values {
		values[i] = math.Floor(1000*r.NormFloat64()) / 10
	}
	edges := binEdges(append([]float64(nil), values...))
	if len(edges) >= boostBins {
		t.Fatalf("%d edges for %d bins", len(edges), boostBins)
	}
	for i := 1; i < len(values); i++ {
		a, b := values[i-1], values[i]
		if a <= b && binOf(edges, a) > binOf(edges, b) {
			t.Fatalf("%v is in bin %d, %v in %d", a, binOf(edges, a), b, binOf(edges, b))
		}
	}
}
