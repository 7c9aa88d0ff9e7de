package forecast

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// boostSettings are those of scikit-learn that ours have a counterpart to.
type boostSettings struct {
	Trees, Depth        int
	Leaf, Rate, Penalty float64
}

func (s boostSettings) booster(bound float64) booster {
	return booster{trees: s.Trees, depth: s.Depth, leaf: s.Leaf, rate: s.Rate, penalty: s.Penalty, subsample: 1, bound: bound}
}

type boostGolden struct {
	Exact []struct {
		boostSettings
		Name       string
		X, Probes  [][]float64
		Y, W       []float64
		Want, Loss []float64
	}
	Quality struct {
		boostSettings
		X, TestX                                  [][]float64
		Y, TestY                                  []float64
		MseOfSquared, MaeOfSquared, MaeOfAbsolute float64
	}
}

func readBoostGolden(t *testing.T) boostGolden {
	t.Helper()
	data, err := os.ReadFile("testdata/boost_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden boostGolden
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

func fitBoosted(t *testing.T, b booster, x, y, w []float64) *boosted {
	t.Helper()
	if w == nil {
		w = slices.Repeat([]float64{1}, len(y))
	}
	out, err := b.fit(context.Background(), newBinned(x, len(x)/len(y)), y, w)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// staged returns the weighted mean squared error after each tree.
func (b *boosted) staged(x [][]float64, y, w []float64) []float64 {
	var losses []float64
	for n := range b.trees {
		part := boosted{start: b.start, trees: b.trees[:n+1]}
		loss, total := 0.0, 0.0
		for i, row := range x {
			e := y[i] - part.predict(row)
			loss += w[i] * e * e
			total += w[i]
		}
		losses = append(losses, loss/total)
	}
	return losses
}

// Where binning loses nothing, squared loss gives scikit-learn's trees. Its gradients are
// float32, ours float64, hence the tolerance.
func TestBoostAgreesWithScikitLearn(t *testing.T) {
	for _, c := range readBoostGolden(t).Exact {
		b := c.booster(1)
		if c.Name == "weighted" {
			b.leaf = .05 // scikit-learn counts the rows of a leaf, ours weighs them: no bound.
		}
		fitted := fitBoosted(t, b, slices.Concat(c.X...), c.Y, c.W)
		for i, probe := range c.Probes {
			if got := fitted.predict(probe); math.Abs(got-c.Want[i]) > 2e-5 {
				t.Errorf("%s, probe %d: %v, scikit-learn says %v", c.Name, i, got, c.Want[i])
			}
		}
		staged := fitted.staged(c.X, c.Y, c.W)
		if len(staged) != len(c.Loss) {
			t.Fatalf("%s: %d trees, scikit-learn has %d", c.Name, len(staged), len(c.Loss))
		}
		for i, got := range staged {
			if math.Abs(got-c.Loss[i]) > 1e-5*c.Loss[0] {
				t.Errorf("%s: loss after %d trees %v, scikit-learn has %v", c.Name, i+1, got, c.Loss[i])
			}
		}
	}
}

// On smooth features the bins differ a little, on heavy-tailed noise the losses differ:
// what is compared is the error on rows that were not seen.
func TestBoostIsAsGoodAsScikitLearn(t *testing.T) {
	q := readBoostGolden(t).Quality
	score := func(bound float64) (mse, mae float64) {
		fitted := fitBoosted(t, q.booster(bound), slices.Concat(q.X...), q.Y, nil)
		for i, row := range q.TestX {
			e := q.TestY[i] - fitted.predict(row)
			mse += e * e / float64(len(q.TestX))
			mae += math.Abs(e) / float64(len(q.TestX))
		}
		return mse, mae
	}
	if mse, mae := score(1); mse > 1.03*q.MseOfSquared || mae > 1.03*q.MaeOfSquared {
		t.Errorf("squared loss: MSE %v, MAE %v; scikit-learn's %v and %v", mse, mae, q.MseOfSquared, q.MaeOfSquared)
	}
	if _, mae := score(.9); mae > 1.03*q.MaeOfAbsolute {
		t.Errorf("Huber's loss: MAE %v; scikit-learn's with absolute loss %v", mae, q.MaeOfAbsolute)
	}
}

// One split made by hand: the means are 2 and 8, half the way to them is gone per tree.
func TestBoostOneSplit(t *testing.T) {
	x, y := []float64{0, 1, 2, 3, 10, 11}, []float64{1, 2, 3, 2, 7, 9}
	fitted := fitBoosted(t, booster{trees: 2, depth: 1, leaf: 2, rate: .5, subsample: 1, bound: 1}, x, y, nil)
	// The mean is 4; targets less that have the means -2 and 4 on the sides of 6.5.
	for _, c := range []struct{ x, want float64 }{{-5, 4 - 1 - .5}, {6.5, 4 - 1 - .5}, {6.6, 4 + 2 + 1}, {99, 4 + 2 + 1}} {
		if got := fitted.predict([]float64{c.x}); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("at %v: %v, want %v", c.x, got, c.want)
		}
	}
}

// boostTable returns noisy rows of which two features decide.
func boostTable(rows int, seed uint64) (x, y []float64) {
	r := rand.New(rand.NewPCG(seed, 3))
	for range rows {
		a, b, c := r.Float64(), r.Float64(), r.Float64()
		x = append(x, a, b, c)
		y = append(y, math.Sin(6*a)+math.Round(3*b)+.3*r.NormFloat64())
	}
	return x, y
}

// With squared loss and all rows each tree makes the error on them less.
func TestBoostLossFalls(t *testing.T) {
	x, y := boostTable(400, 1)
	rows := slices.Collect(slices.Chunk(x, 3))
	w := slices.Repeat([]float64{1}, len(y))
	for _, penalty := range []float64{0, 3} {
		b := booster{trees: 60, depth: 4, leaf: 5, rate: .3, penalty: penalty, subsample: 1, bound: 1}
		losses := fitBoosted(t, b, x, y, w).staged(rows, y, w)
		for i := 1; i < len(losses); i++ {
			if losses[i] >= losses[i-1] {
				t.Errorf("penalty %v: tree %d raises the loss from %v to %v", penalty, i+1, losses[i-1], losses[i])
			}
		}
	}
}

// A monotone map of a feature moves thresholds, not rows; a factor on all targets is one
// on all answers; a weight of 2 is the row twice; a weight of 0 is no row.
func TestBoostInvariances(t *testing.T) {
	x, y := boostTable(300, 2)
	b := booster{trees: 30, depth: 4, leaf: 5, rate: .2, subsample: 1, bound: .9}
	answers := func(f *boosted, x []float64) []float64 {
		var out []float64
		for row := range slices.Chunk(x, 3) {
			out = append(out, f.predict(row))
		}
		return out
	}
	compare := func(what string, got, want []float64) {
		t.Helper()
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-9*max(1, math.Abs(want[i])) {
				t.Fatalf("%s: answer %d is %v, want %v", what, i, got[i], want[i])
			}
		}
	}
	want := answers(fitBoosted(t, b, x, y, nil), x)

	mapped := slices.Clone(x)
	for i := range mapped {
		switch i % 3 {
		case 0:
			mapped[i] = 1e6 * mapped[i]
		case 1:
			mapped[i] = math.Exp(5 * mapped[i])
		}
	}
	compare("mapped features", answers(fitBoosted(t, b, mapped, y, nil), mapped), want)

	scaled := slices.Clone(y)
	for i := range scaled {
		scaled[i] *= 1024 // A power of 2 rounds alike.
	}
	got := answers(fitBoosted(t, b, x, scaled, nil), x)
	for i := range got {
		got[i] /= 1024
	}
	compare("scaled targets", got, want)

	// Quantiles of errors count rows, not weights; bins are the same for whole numbers.
	b.bound, b.leaf = 1, .1
	for i := range x {
		x[i] = math.Round(20 * x[i])
	}
	w := slices.Repeat([]float64{1}, len(y))
	w[5], w[77] = 2, 2
	twice := fitBoosted(t, b, slices.Concat(x, x[15:18], x[231:234]), append(slices.Clone(y), y[5], y[77]), nil)
	compare("rows of weight 2", answers(fitBoosted(t, b, x, y, w), x), answers(twice, x))

	w[5], w[77] = 0, 0
	spoiled := slices.Clone(y)
	spoiled[5], spoiled[77] = 1e9, math.NaN()
	compare("rows of no weight", answers(fitBoosted(t, b, x, spoiled, w), x), answers(fitBoosted(t, b, x, y, w), x))
}

// Held rows stop trees that only learn noise; chance lets some of them pass.
func TestBoostStopsEarly(t *testing.T) {
	const tables = 8
	b := booster{trees: 100, depth: 4, leaf: 5, rate: .1, subsample: .7, bound: .9, held: .2}
	onNoise := 0
	for seed := range uint64(tables) {
		r := rand.New(rand.NewPCG(seed, 4))
		x, signal := boostTable(500, 10+seed)
		noise := make([]float64, len(signal))
		for i := range noise {
			noise[i] = r.NormFloat64()
		}
		onNoise += len(fitBoosted(t, b, x, noise, nil).trees)
		if n := len(fitBoosted(t, b, x, signal, nil).trees); n < 20 {
			t.Errorf("%d trees on a signal", n)
		}
	}
	if onNoise > 10*tables {
		t.Errorf("%d trees on noise in %d tables", onNoise, tables)
	}
}

func TestBoostOfNothing(t *testing.T) {
	b := booster{trees: 10, depth: 3, leaf: 1, rate: .1, subsample: 1, bound: .9, held: .2}
	for _, c := range []struct{ x, y, w []float64 }{
		{x: []float64{1}, y: []float64{3}, w: []float64{0}},
		{x: []float64{1, 1, 1, 1, 1, 1}, y: []float64{3, 3, 3, 3, 3, 3}},
		{x: []float64{1, 1, 1, 1, 1, 1}, y: []float64{1, 2, 3, 4, 5, 6}},
	} {
		fitted := fitBoosted(t, b, c.x, c.y, c.w)
		if len(fitted.trees) != 0 {
			t.Errorf("%v: %d trees where nothing can be split", c.y, len(fitted.trees))
		}
		if got := fitted.predict([]float64{1}); !(got >= 0 && got <= 6) {
			t.Errorf("%v: %v", c.y, got)
		}
	}
}

func TestBoostCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	x, y := boostTable(100, 6)
	b := booster{trees: 10, depth: 3, leaf: 1, rate: .1, subsample: 1, bound: .9}
	if _, err := b.fit(ctx, newBinned(x, 3), y, slices.Repeat([]float64{1}, len(y))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
