package forecast

import (
	"math"
	"slices"
)

// A recurrentPredictor keeps the values that the inputs reach, and runs the network over
// the window of the newest origin, at most once after each value.
type recurrentPredictor struct {
	model    recurrentModel
	drawnFor int // origins learnt from when the first weights were drawn, 0: untrained
	net      *recurrentNet[float32]
	tape     *recurrentTape[float32]
	inputs   recurrentInputs
	grid     []int
	units    []float64
	floor    float64

	history []float64 // the newest, at least as many as the inputs reach once so many came
	time    int       // values seen
	last    float64   // the newest observed value,
	level   float64   // the level there
	gap     int       // and the steps since
	seen    bool      // quantiles are those of the newest origin
	// quantiles are, for each horizon of grid, the changes at recurrentLevels, ascending.
	quantiles []float64
}

var (
	_ QuantilePredictor = (*recurrentPredictor)(nil)
	_ Refitter          = (*recurrentPredictor)(nil)
)

func newRecurrentPredictor(net *recurrentNet[float32], inputs recurrentInputs, grid []int, units []float64) *recurrentPredictor {
	return &recurrentPredictor{
		net: net, tape: net.newTape(1, inputs.window), inputs: inputs, grid: grid, units: units,
		history:   make([]float64, 0, 2*inputs.reach()),
		last:      math.NaN(),
		quantiles: make([]float64, len(grid)*len(recurrentLevels)),
	}
}

// Update implements Predictor.
func (p *recurrentPredictor) Update(y float64) {
	if !isObserved(y) {
		y = math.NaN()
		p.look() // while the origin is still the end of the history
	}
	if len(p.history) == cap(p.history) {
		n := copy(p.history, p.history[len(p.history)-p.inputs.reach()+1:])
		p.history = p.history[:n]
	}
	p.history = append(p.history, y)
	p.time++
	p.gap++
	if !math.IsNaN(y) {
		p.last, p.gap, p.seen = y, 0, false
	}
}

// look runs the network for the newest origin.
func (p *recurrentPredictor) look() {
	if p.seen || math.IsNaN(p.last) {
		return
	}
	p.seen = true
	p.level = recurrentLevel(p.history, p.inputs.window)
	if p.level == 0 {
		return
	}
	p.inputs.fill(p.tape.x, p.inputs.width(), p.history, p.time-1, p.level)
	p.net.forward(p.tape)
	levels := len(recurrentLevels)
	for i, unit := range p.units {
		quantiles := p.quantiles[i*levels : (i+1)*levels]
		for j := range quantiles {
			quantiles[j] = unit * float64(p.tape.out[i*levels+j])
		}
		slices.Sort(quantiles) // They are learnt apart and may cross.
	}
}

// Predict writes medians. During a gap of g steps the forecast h steps ahead is that of
// the newest observed origin at h+g.
func (p *recurrentPredictor) Predict(dst []float64) {
	p.forecast(dst, func(quantiles []float64) float64 { return quantiles[len(recurrentLevels)/2] })
}

// PredictQuantile interpolates between the quantiles that were learnt, on the scale on
// which a normal distribution is a line, and goes on beyond them.
func (p *recurrentPredictor) PredictQuantile(dst []float64, q float64) {
	scores := make([]float64, len(recurrentLevels))
	for i, level := range recurrentLevels {
		scores[i] = normalScore(level)
	}
	score := normalScore(q)
	right, _ := slices.BinarySearch(scores, score)
	right = min(max(right, 1), len(scores)-1)
	share := (score - scores[right-1]) / (scores[right] - scores[right-1])
	p.forecast(dst, func(quantiles []float64) float64 {
		return quantiles[right-1] + share*(quantiles[right]-quantiles[right-1])
	})
}

// normalScore is the quantile function of the standard normal distribution.
func normalScore(q float64) float64 { return math.Sqrt2 * math.Erfinv(2*q-1) }

// forecast writes the values that a statistic of the quantiles of the change stands for.
func (p *recurrentPredictor) forecast(dst []float64, statistic func(quantiles []float64) float64) {
	p.look()
	if math.IsNaN(p.last) || p.level == 0 {
		for i := range dst {
			dst[i] = p.last
		}
		return
	}
	origin := recurrentLog(p.last, p.level)
	low, high := recurrentLog(0, p.level), max(recurrentLog(recurrentHighest, 1), origin)
	base := recurrentExp(origin, p.level)
	for i := range dst {
		change := p.change(i+1+p.gap, statistic)
		// The rounding of the logarithm does not show: no change is the last value.
		dst[i] = max(p.last+recurrentExp(clamp(origin+change, low, high), p.level)-base, p.floor)
	}
}

// change is the statistic at a horizon, interpolated between those learnt.
func (p *recurrentPredictor) change(horizon int, statistic func(quantiles []float64) float64) float64 {
	at := func(i int) float64 {
		return statistic(p.quantiles[i*len(recurrentLevels) : (i+1)*len(recurrentLevels)])
	}
	i, exact := slices.BinarySearch(p.grid, horizon)
	switch {
	case i == len(p.grid):
		return at(i - 1)
	case exact || i == 0:
		return at(i)
	}
	share := float64(horizon-p.grid[i-1]) / float64(p.grid[i]-p.grid[i-1])
	return (1-share)*at(i-1) + share*at(i)
}
