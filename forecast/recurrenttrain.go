package forecast

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// A recurrentLesson is what a network learns from: origins with their targets.
type recurrentLesson struct {
	name    string
	values  []float64
	inputs  recurrentInputs
	grid    []int
	units   []float64 // mean size of the change at each horizon
	learnt  []recurrentOrigin
	heldOut []recurrentOrigin
	mean    float64 // of the level
}

// A recurrentOrigin is where in the past a forecast is made from.
type recurrentOrigin struct {
	at    int
	level float64
}

// gather finds the origins, holding out the newest.
func (l *recurrentLesson) gather(ctx context.Context, longest int) error {
	from := max(l.inputs.window/2, len(l.values)-recurrentOrigins)
	var origins []recurrentOrigin
	var mean sum
	for i := from; i+1 < len(l.values); i++ {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !isObserved(l.values[i]) || !slices.ContainsFunc(l.grid, func(h int) bool { return i+h < len(l.values) && isObserved(l.values[i+h]) }) {
			continue
		}
		origins = append(origins, recurrentOrigin{i, recurrentLevel(l.values[:i+1], l.inputs.window)})
		mean.add(origins[len(origins)-1].level)
	}
	if len(origins) < recurrentHeldOut {
		return fmt.Errorf("%s needs %d origins to learn from: %w", l.name, recurrentFewest, ErrTooShort)
	}
	l.mean = mean.mean()
	first := origins[len(origins)-len(origins)/recurrentHeldOut].at
	// Targets of what is learnt lie before the first origin that is held out.
	before := func(o recurrentOrigin) bool { return o.at+longest < first }
	if n := sort.Search(len(origins), func(i int) bool { return !before(origins[i]) }); n < recurrentFewest {
		return fmt.Errorf("%s needs %d origins to learn from, not %d: %w", l.name, recurrentFewest, n, ErrTooShort)
	}
	for _, o := range origins {
		switch {
		case o.level == 0: // Nothing is learnt where there is no load.
		case o.at >= first:
			l.heldOut = append(l.heldOut, o)
		case before(o):
			l.learnt = append(l.learnt, o)
		}
	}
	if every := (len(l.heldOut) + recurrentLookedAt - 1) / recurrentLookedAt; every > 1 {
		for i := range len(l.heldOut) / every {
			l.heldOut[i] = l.heldOut[i*every]
		}
		l.heldOut = l.heldOut[:len(l.heldOut)/every]
	}
	return nil
}

// change returns the change to a horizon as networks see it, NaN where it is not known.
func (l *recurrentLesson) change(o recurrentOrigin, horizon int) float64 {
	if o.at+horizon >= len(l.values) || !isObserved(l.values[o.at+horizon]) {
		return math.NaN()
	}
	return recurrentLog(l.values[o.at+horizon], o.level) - recurrentLog(l.values[o.at], o.level)
}

// sample yields some thousands of the origins that are learnt from, evenly.
func (l *recurrentLesson) sample() iter.Seq[recurrentOrigin] {
	const enough = 5000
	return func(yield func(recurrentOrigin) bool) {
		for i := 0; i < len(l.learnt); i += 1 + len(l.learnt)/enough {
			if !yield(l.learnt[i]) {
				return
			}
		}
	}
}

// setUnits sets the units of inputs and of changes, and reports whether there is anything
// to learn.
func (l *recurrentLesson) setUnits() bool {
	var size, change sum
	for o := range l.sample() {
		for _, lag := range []int{1, l.inputs.window / 4, l.inputs.window - 1} {
			if i := o.at - lag; i >= 0 && isObserved(l.values[i]) {
				size.add(math.Abs(recurrentLog(l.values[i], o.level)))
			}
		}
		if c := l.change(o, 1); !math.IsNaN(c) {
			change.add(math.Abs(c))
		}
	}
	// What hardly moves is not blown up beyond measure.
	const least = 1e-4
	l.inputs.valueUnit, l.inputs.changeUnit = least, least
	if size.n > 0 {
		l.inputs.valueUnit = max(size.mean(), least)
	}
	if change.n > 0 {
		l.inputs.changeUnit = max(change.mean(), least)
	}
	l.units = make([]float64, len(l.grid))
	for i, h := range l.grid {
		var size sum
		for o := range l.sample() {
			if c := l.change(o, h); !math.IsNaN(c) {
				size.add(math.Abs(c))
			}
		}
		if size.n > 0 {
			l.units[i] = size.mean()
		}
	}
	return slices.Max(l.units) > 0 && len(l.heldOut) > 0
}

// initialise draws weights as PyTorch does, uniform up to one over the root of the number
// of units. The head starts as the quantiles of all changes, with a median of no change.
func (l *recurrentLesson) initialise(net *recurrentNet[float32], seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	input, state, head := net.split(net.parameters)
	bound := 1 / math.Sqrt(float64(net.hidden))
	for _, part := range [][]float32{input, state} {
		for i := range part {
			part[i] = float32(bound * (2*r.Float64() - 1))
		}
	}
	bias := head[net.hidden*net.outputs:]
	for i, h := range l.grid {
		if l.units[i] == 0 {
			continue
		}
		var changes []float64
		for o := range l.sample() {
			if c := l.change(o, h); !math.IsNaN(c) {
				changes = append(changes, c/l.units[i])
			}
		}
		slices.Sort(changes)
		for j, q := range recurrentLevels {
			if q != .5 {
				bias[i*len(recurrentLevels)+j] = float32(changes[int(q*float64(len(changes)))])
			}
		}
	}
}

// A recurrentBench is a tape with the targets of its batch.
type recurrentBench struct {
	*recurrentTape[float32]
	targets []float32 // batch x horizons, NaN where not known
	weights []float32 // of each row
}

func newRecurrentBench(net *recurrentNet[float32], batch int, l *recurrentLesson) *recurrentBench {
	return &recurrentBench{
		recurrentTape: net.newTape(batch, l.inputs.window),
		targets:       make([]float32, batch*len(l.grid)),
		weights:       make([]float32, batch),
	}
}

// load puts an origin into a row of the batch.
func (l *recurrentLesson) load(b *recurrentBench, row int, o recurrentOrigin) {
	const clip = 20
	width := l.inputs.width()
	l.inputs.fill(b.x[row*width:], b.batch*width, l.values[:o.at+1], o.at, o.level)
	for i, h := range l.grid {
		target := math.NaN()
		if c := l.change(o, h); l.units[i] > 0 && !math.IsNaN(c) {
			target = clamp(c/l.units[i], -clip, clip)
		}
		b.targets[row*len(l.grid)+i] = float32(target)
	}
	// Errors are judged in the unit of the load.
	b.weights[row] = float32(clamp(o.level/l.mean, 1./5, 5))
}

// train sets the weights of the net to the best that it meets.
func (l *recurrentLesson) train(ctx context.Context, net *recurrentNet[float32], m Recurrent) error {
	r := rand.New(rand.NewPCG(m.Seed, 2))
	bench := newRecurrentBench(net, min(recurrentBatch, len(l.learnt)), l)
	descent := newAdam[float32](len(net.parameters))
	batches := m.batches(len(l.learnt))
	best := slices.Clone(net.parameters)
	lowest, err := l.loss(ctx, net, bench)
	if err != nil {
		return err
	}
	var order []int
	waited, every := 0, max(batches/min(max(batches/recurrentTurn, recurrentFewestLooks), recurrentLooks), 1)
	for i := range batches {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for row := range bench.batch {
			if len(order) == 0 {
				order = r.Perm(len(l.learnt))
			}
			l.load(bench, row, l.learnt[order[0]])
			order = order[1:]
		}
		net.forward(bench.recurrentTape)
		loss := quantileLoss(bench.outGradient, bench.out, bench.targets, bench.weights, recurrentLevels[:])
		net.backward(bench.recurrentTape)
		norm := clipNorm(bench.gradient, recurrentClip)
		if !isObserved(loss) || !isObserved(norm) {
			return fmt.Errorf("fit %s: training diverged at batch %d of %d: loss %g, norm of the gradient %g", l.name, i+1, batches, loss, norm)
		}
		descent.step(net.parameters, bench.gradient, m.Rate*(1+math.Cos(math.Pi*float64(i)/float64(batches)))/2)
		if (i+1)%every != 0 && i+1 != batches {
			continue
		}
		loss, err := l.loss(ctx, net, bench)
		switch {
		case err != nil:
			return err
		case !isObserved(loss):
			return fmt.Errorf("fit %s: training diverged at batch %d of %d: held-out loss %g", l.name, i+1, batches, loss)
		case loss < lowest:
			lowest, waited = loss, 0
			copy(best, net.parameters)
		default:
			waited++
		}
		if waited == recurrentPatience {
			break
		}
	}
	copy(net.parameters, best)
	return nil
}

// loss returns the mean loss of the origins that are held out.
func (l *recurrentLesson) loss(ctx context.Context, net *recurrentNet[float32], b *recurrentBench) (float64, error) {
	var total sum
	for from := 0; from < len(l.heldOut); from += b.batch {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		for row := range b.batch {
			// The last batch begins anew rather than be short.
			l.load(b, row, l.heldOut[(from+row)%len(l.heldOut)])
		}
		net.forward(b.recurrentTape)
		total.add(quantileLoss(b.outGradient, b.out, b.targets, b.weights, recurrentLevels[:]))
	}
	return total.mean(), nil
}

// quantileLoss returns the mean pinball loss of quantiles at the levels, row after row for
// each target in turn, and writes its gradient. Targets that are NaN count as met.
func quantileLoss[T precision](gradient, quantiles, targets, weights []T, levels []float64) float64 {
	total, n := 0.0, float64(len(quantiles))
	perRow := len(targets) / len(weights)
	for i, y := range targets {
		weight := float64(weights[i/perRow]) / n
		for j, q := range levels {
			k := i*len(levels) + j
			err := float64(y) - float64(quantiles[k])
			switch {
			case err > 0:
				total += weight * q * err
				gradient[k] = T(-weight * q)
			case err < 0:
				total += weight * (q - 1) * err
				gradient[k] = T(weight * (1 - q))
			case err == 0:
				gradient[k] = 0
			default: // NaN: by a missing target, or by a quantile that diverged.
				gradient[k] = 0
				if y == y {
					total = math.NaN()
				}
			}
		}
	}
	return total
}
