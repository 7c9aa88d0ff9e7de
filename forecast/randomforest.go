package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// RandomForest forecasts with the random forest of V2 (the scaler that V3 replaces; see
// policy.V2), of 50 trees, and with its features as far as one series gives them: hour, day
// of week (Monday 0) and minute in UTC, the value, its difference from the value before,
// and the mean of the last 5. V2 itself forecasts nothing: its target is a formula of the
// present. Here the target is the value some steps ahead, with a forest for each of some
// horizons; what lies between them is interpolated, and a forecast beyond repeats the last.
//
// It is a yardstick. As features and targets are no ratios to the level, it cannot say
// what it has never seen: a load that grows leaves it behind (see Trees).
type RandomForest struct {
	// Horizons is the longest horizon in steps; 0 means 15.
	Horizons int
	// Rows is the number of newest origins that are learnt from; 0 means 10,080. V2 keeps
	// 1,000 samples.
	Rows int
	// Trees are those of a forest; 0 means 50.
	Trees int
	// Seed chooses the rows that each tree sees; 0 means 42.
	Seed uint64
}

var (
	_ Model             = RandomForest{}
	_ Coster            = RandomForest{}
	_ QuantilePredictor = (*forestPredictor)(nil)
)

const (
	forestFewest   = 20 // observed values, as in V2
	forestMeanOf   = 5  // values
	forestFeatures = 6
	// forestScale is the mean size of the values that the trees see: that of millicores,
	// as they do not tell values apart that are closer than 1e-7.
	forestScale = 1000
)

// Name returns "forest".
func (RandomForest) Name() string { return "forest" }

// FitOperations implements Coster: that of growing all trees, though they grow where they
// are asked.
func (m RandomForest) FitOperations(steps int) float64 {
	m = m.withDefaults()
	const nanoseconds = 2
	rows := float64(min(steps, m.Rows))
	return nanoseconds * float64(len(treesGrid(m.Horizons))*m.Trees*forestFeatures) * rows * math.Log2(rows+2)
}

func (m RandomForest) withDefaults() RandomForest {
	if m.Horizons <= 0 {
		m.Horizons = 15
	}
	if m.Rows <= 0 {
		m.Rows = 7 * 24 * 60
	}
	if m.Trees <= 0 {
		m.Trees = 50
	}
	if m.Seed == 0 {
		m.Seed = 42
	}
	return m
}

// Fit returns a Predictor, or an error that wraps ErrTooShort where fewer than 20 observed
// values of the past have another one Horizons steps later.
func (m RandomForest) Fit(ctx context.Context, past Series) (Predictor, error) {
	m = m.withDefaults()
	p := &forestPredictor{
		grid: treesGrid(m.Horizons), start: past.Start, step: past.Step,
		unit: forestUnit(past.Values), recent: newRing(forestMeanOf),
	}
	first := max(0, len(past.Values)-m.Rows-m.Horizons)
	var origins []int
	var x []float64
	for i, y := range past.Values {
		p.Update(y)
		if i >= first && p.gap == 0 {
			origins = append(origins, i)
			x = append(x, p.x[:]...)
		}
	}
	for _, h := range p.grid {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var rows, targets []float64
		for i, at := range origins {
			if at+h < len(past.Values) && isObserved(past.Values[at+h]) {
				rows = append(rows, x[i*forestFeatures:(i+1)*forestFeatures]...)
				targets = append(targets, past.Values[at+h]/p.unit)
			}
		}
		if len(targets) < forestFewest {
			return nil, fmt.Errorf("forest needs %d observed values with another %d steps later, not %d: %w",
				forestFewest, h, len(targets), ErrTooShort)
		}
		forest := new(FittedForest)
		if err := (Forest{Trees: m.Trees, Bootstrap: true, Seed: m.Seed}).refit(forest, rows, targets, ctx.Err); err != nil {
			return nil, err
		}
		p.forests = append(p.forests, forest)
		p.answers = append(p.answers, make([]float64, m.Trees))
	}
	p.points = make([]float64, len(p.grid))
	p.quantiles = make([]float64, len(p.grid))
	return p, nil
}

// forestUnit is that by which values are divided.
func forestUnit(values []float64) float64 {
	var size sum
	for _, y := range values {
		if isObserved(y) {
			size.add(math.Abs(y))
		}
	}
	if unit := size.mean() / forestScale; unit > 0 {
		return unit
	}
	return 1
}

// A forestPredictor describes the newest origin by features and asks a forest for each
// horizon of grid.
type forestPredictor struct {
	grid    []int
	forests []*FittedForest
	start   time.Time
	step    time.Duration
	unit    float64
	time    int // values seen
	gap     int // steps since the newest observed one
	recent  *ring
	x       [forestFeatures]float64

	asked             bool        // answers and points are those of x
	answers           [][]float64 // of the trees of each forest, sorted
	points, quantiles []float64
}

// Update implements Predictor. A missing value is no sample: difference and mean are of
// the observed ones.
func (p *forestPredictor) Update(y float64) {
	p.time++
	p.gap++
	if !isObserved(y) {
		return
	}
	y /= p.unit
	p.gap, p.asked = 0, false
	before := p.recent.at(0)
	p.recent.push(y)
	now := p.start.Add(time.Duration(p.time-1) * p.step).UTC()
	p.x = [forestFeatures]float64{
		float64(now.Hour()), float64((now.Weekday() + 6) % 7), float64(now.Minute()),
		y, y - before, p.recent.mean(0, forestMeanOf),
	}
	if math.IsNaN(before) {
		p.x[4] = 0
	}
}

// ask asks the trees about the newest origin.
func (p *forestPredictor) ask() {
	if p.asked {
		return
	}
	for i, f := range p.forests {
		f.Answers(p.answers[i], p.x[:])
		var total sum
		for _, v := range p.answers[i] {
			total.add(v)
		}
		p.points[i] = total.mean()
		slices.Sort(p.answers[i])
	}
	p.asked = true
}

// Predict implements Predictor. During a gap of g steps the forecast h steps ahead is that
// of the last origin at h+g.
func (p *forestPredictor) Predict(dst []float64) {
	p.ask()
	for i := range dst {
		dst[i] = p.unit * betweenHorizons(p.grid, p.points, i+1+p.gap)
	}
}

// PredictQuantile implements QuantilePredictor: a fully grown tree answers by one value of
// the past that followed what is like now, and those of all trees are a distribution
// (Meinshausen, JMLR 7, 2006). It knows nothing of values that the past did not have.
func (p *forestPredictor) PredictQuantile(dst []float64, q float64) {
	p.ask()
	for i, answers := range p.answers {
		p.quantiles[i] = quantileOfSorted(answers, q)
	}
	for i := range dst {
		dst[i] = p.unit * betweenHorizons(p.grid, p.quantiles, i+1+p.gap)
	}
}

// betweenHorizons returns what values, given for each horizon of grid, are at a horizon:
// interpolated, and beyond the last what they are there.
func betweenHorizons(grid []int, values []float64, horizon int) float64 {
	i, exact := slices.BinarySearch(grid, horizon)
	switch {
	case i == len(grid):
		return values[i-1]
	case exact || i == 0:
		return values[i]
	}
	share := float64(horizon-grid[i-1]) / float64(grid[i]-grid[i-1])
	return values[i-1] + share*(values[i]-values[i-1])
}
