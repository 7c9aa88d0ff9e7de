package forecast

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Trees are gradient-boosted trees (see booster) of what Ridge looks at, and of the time
// of day, of the hour and of the week, where the steps divide them: a job that starts at
// two in the morning is one split, and what a linear map has to add up from many lags.
// Trees cannot extrapolate, so that targets and features are relative to the local level.
//
// There is one sum of trees for each of some horizons; what lies between them is
// interpolated, and a forecast beyond repeats the last. Trees learn in Fit only.
type Trees struct {
	// Horizons is the longest horizon in steps; 0 means 15.
	Horizons int
	// Seasons are as in Ridge: nil means one day and one week.
	Seasons []int
	// Rows is the number of newest origins that are learnt from; 0 means 10,080.
	Rows int
	// Seed chooses the rows that each tree sees.
	Seed uint64
}

var _ Model = Trees{}

// treesFewest is how many observed values there must be.
const treesFewest = 150

// Name returns "trees".
func (Trees) Name() string { return "trees" }

func (m Trees) booster() booster {
	return booster{trees: 100, depth: 5, leaf: 20, rate: .1, penalty: 5, subsample: .6, bound: .9, seed: m.Seed}
}

// FitOperations implements Coster.
func (m Trees) FitOperations(steps int) float64 {
	m = m.withDefaults()
	b := m.booster()
	const features, nanoseconds = 35, 2
	rows := float64(min(steps, m.Rows))
	return nanoseconds * float64(len(treesGrid(m.Horizons))*b.trees*b.depth*features) * rows * b.subsample
}

func (m Trees) withDefaults() Trees {
	if m.Horizons <= 0 {
		m.Horizons = 15
	}
	if m.Rows <= 0 {
		m.Rows = 7 * 24 * 60
	}
	return m
}

// treesGrid returns the horizons with trees of their own.
func treesGrid(longest int) []int {
	grid := []int{}
	for _, h := range []int{1, 5, 10, 20, 50, 100, 200, 500} {
		if h < longest {
			grid = append(grid, h)
		}
	}
	return append(grid, longest)
}

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has fewer than
// 150 observed values.
func (m Trees) Fit(ctx context.Context, past Series) (Predictor, error) {
	if past.Step <= 0 {
		return nil, fmt.Errorf("fit trees: step %v of the series is not positive", past.Step)
	}
	m = m.withDefaults()
	p := newTreesPredictor(m, past)
	values := past.Values
	if keep := m.Rows + m.Horizons + p.features.history.size; len(values) > keep {
		p.time += len(values) - keep
		values = values[len(values)-keep:]
	}
	rows, observed := treesRows{width: p.width()}, 0
	first := max(0, len(values)-m.Rows-m.Horizons)
	for i, y := range values {
		if i%512 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p.Update(y)
		if p.gap == 0 {
			observed++
		}
		// A row for each observed origin, once the shortest lags are known.
		if i >= first && i >= 30 && i+1 < len(values) && p.origin.ok && p.gap == 0 {
			rows.origins = append(rows.origins, treesOrigin{at: i, last: p.origin.last, level: p.origin.level})
			rows.x = append(rows.x, p.x...)
		}
	}
	if observed < treesFewest {
		return nil, fmt.Errorf("trees need %d observed values, not %d: %w", treesFewest, observed, ErrTooShort)
	}
	for i, h := range p.grid {
		sum, err := rows.fit(ctx, m.booster(), values, h)
		if err != nil {
			return nil, err
		}
		p.sums[i] = sum
	}
	p.sumUp()
	return p, nil
}

// treesRows are the origins to learn from.
type treesRows struct {
	width   int
	x       []float64
	origins []treesOrigin
}

type treesOrigin struct {
	at          int
	last, level float64
}

// fit fits the trees for one horizon.
func (t *treesRows) fit(ctx context.Context, b booster, values []float64, horizon int) (*boosted, error) {
	var x, y, w []float64
	var level sum
	for _, o := range t.origins {
		level.add(o.level)
	}
	for i, o := range t.origins {
		if o.at+horizon >= len(values) || !isObserved(values[o.at+horizon]) {
			continue
		}
		x = append(x, t.x[i*t.width:(i+1)*t.width]...)
		y = append(y, clamp((values[o.at+horizon]-o.last)/o.level, -treesClip, treesClip))
		// Errors are judged in the unit of the load.
		w = append(w, clamp(o.level/level.mean(), .05, 20))
	}
	if len(y) == 0 {
		return &boosted{}, nil
	}
	return b.fit(ctx, newBinned(x, t.width), y, w)
}

// treesClip bounds targets, in units of the level.
const treesClip = 30

// A treesPredictor describes the newest origin by features and adds up trees.
type treesPredictor struct {
	features ridgeFeatures
	grid     []int
	sums     []*boosted
	start    time.Time
	step     time.Duration
	time     int // values seen
	origin   ridgeOrigin
	gap      int // steps since origin
	last     float64
	x        []float64
	changes  []float64 // of each horizon of grid, now
}

func newTreesPredictor(m Trees, past Series) *treesPredictor {
	ridge := Ridge{Horizons: m.Horizons, Seasons: m.Seasons}.withDefaults(past.Step)
	p := &treesPredictor{
		features: newRidgeFeatures(ridge, past.Step),
		grid:     treesGrid(m.Horizons), start: past.Start, step: past.Step, last: math.NaN(),
	}
	p.sums = make([]*boosted, len(p.grid))
	p.changes = make([]float64, len(p.grid))
	p.origin.x = make([]float64, p.features.len())
	p.x = make([]float64, p.width())
	return p
}

// width is the number of features: those of Ridge but its intercept, which is replaced by
// the level relative to the day, and the last move, the size of moves, the time of the
// hour, of the day and of the week.
func (p *treesPredictor) width() int { return p.features.len() + 5 }

// Update implements Predictor.
func (p *treesPredictor) Update(y float64) {
	if !isObserved(y) {
		y = math.NaN()
	}
	p.features.push(y)
	p.time++
	p.gap++
	if math.IsNaN(y) {
		return
	}
	p.last, p.gap = y, 0
	p.features.fill(&p.origin)
	if !p.origin.ok {
		return
	}
	p.describe()
	p.sumUp()
}

// sumUp sets the changes that the trees expect of the newest origin: none before there
// are trees, or where all of the past was 0 and there is nothing to learn.
func (p *treesPredictor) sumUp() {
	for i, s := range p.sums {
		if s != nil {
			p.changes[i] = s.predict(p.x)
		}
	}
}

// describe writes the features of the newest origin.
func (p *treesPredictor) describe() {
	o, h := &p.origin, p.features.history
	copy(p.x, o.x)
	p.x[0] = ratio(o.level-p.features.dayMean, p.features.dayMean)
	rest := p.x[p.features.len():]
	rest[0] = ratio(h.at(0)-h.at(1), o.level)
	moves, n := 0.0, 0.0
	for lag := range 10 {
		if d := h.at(lag) - h.at(lag+1); !math.IsNaN(d) {
			moves += math.Abs(d)
			n++
		}
	}
	rest[1] = ratio(moves/max(n, 1), o.level)
	now := p.start.Add(time.Duration(p.time-1) * p.step)
	for i, period := range []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		if p.step < period {
			rest[2+i] = float64(now.Sub(treesEpoch)%period) / float64(period)
		}
	}
}

// treesEpoch is a midnight on a Monday, from which the phases of time are counted.
var treesEpoch = time.Date(1969, 12, 29, 0, 0, 0, 0, time.UTC)

// Predict implements Predictor. During a gap of g steps the forecast h steps ahead is
// that of the last origin at h+g.
func (p *treesPredictor) Predict(dst []float64) {
	if !p.origin.ok {
		for i := range dst {
			dst[i] = p.last
		}
		return
	}
	low, high := 0.0, max(treesClip*p.origin.level, 1.5*p.origin.last)
	for i := range dst {
		change := betweenHorizons(p.grid, p.changes, i+1+p.gap)
		dst[i] = clamp(p.origin.last+p.origin.level*change, low, high)
	}
}
