package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Recurrent is what LSTM and GRU have in common: a network that reads a window of the
// past step by step and, from its last state, gives quantiles of the change at several
// horizons at once (direct forecasts, as in MQ-RNN: Wen, Torkkola, Narayanaswamy and
// Madeka, 2017).
//
// A step of the window is the logarithm of the value relative to the local level, its
// change from the step before, whether it was observed, the values one season ago relative
// to the level of then, and the time of day and of week as points on circles, where the
// past spans five of them. The target is the logarithm of the value relative to the level
// too, as a change from the newest. All inputs are observed values,
// never forecasts: what recurrent networks that feed on their own output need teacher
// forcing for in training holds here by construction, in training and in use.
//
// Training minimises the mean pinball loss by Adam on batches in an order that the seed
// gives. It stops early by the loss on the newest part of the past, which it does not
// learn from, and keeps the best weights; without any learning the forecast is Naive's.
// Its work is bounded, however long the past: Fit learns from so many batches at most. A
// Refit starts from the weights in force and learns from a fifth as many, at half the
// rate; it starts anew where the past has doubled since weights were drawn, where a season
// has come within reach, or where relative changes are of another size than they were.
type Recurrent struct {
	// Horizons is the longest horizon in steps; 0 means 15. Some horizons up to it are
	// learnt; between them the forecast is interpolated, beyond the longest it repeats it.
	Horizons int
	// Window is how many steps the network reads; 0 means 60.
	Window int
	// Hidden is the number of units; 0 means 32.
	Hidden int
	// Seasons are the periods in steps, of which the first two that fit five times into
	// the past are used. Nil means one day and one week, empty none.
	Seasons []int
	// Batches is the most batches that Fit learns from, and Epochs how often it sees each
	// origin at most; 0 means 1000 and 50. A batch is 32 windows.
	Batches, Epochs int
	// Rate is the first step size of Adam, which falls to 0 along half a cosine wave; 0
	// means 0.005.
	Rate float64
	// Seed chooses the first weights and the order of the batches.
	Seed uint64
}

// recurrentLevels are the levels of the quantiles that networks learn. The middle one is
// the point forecast.
var recurrentLevels = [...]float64{.025, .1, .25, .5, .75, .9, .975}

const (
	recurrentBatch = 32
	// recurrentFewest is how many origins there must be to learn from, besides those that
	// stop the learning: one part of the origins in recurrentHeldOut, of which at most
	// recurrentLookedAt are looked at.
	recurrentFewest, recurrentHeldOut, recurrentLookedAt = 60, 6, 512
	// recurrentOrigins is the number of newest origins that are used.
	recurrentOrigins = 50000
	// recurrentLooks is how often the held-out loss is looked at, by turns of
	// recurrentTurn batches where that is less often, but recurrentFewestLooks at least, and
	// recurrentPatience is how many looks without a gain end the training.
	recurrentLooks, recurrentTurn, recurrentFewestLooks, recurrentPatience = 20, 40, 5, 12
	recurrentClip                                                          = 1 // bound of the norm of the gradient
	// recurrentRefit is the part of the batches that a refit learns from, recurrentSlower
	// the part of the rate. Units may differ by a factor of recurrentUnits.
	recurrentRefit, recurrentSlower, recurrentUnits = 5, 2, 2
)

func (m Recurrent) withDefaults(step time.Duration) Recurrent {
	if m.Horizons <= 0 {
		m.Horizons = 15
	}
	if m.Window <= 0 {
		m.Window = 60
	}
	if m.Hidden <= 0 {
		m.Hidden = 32
	}
	if m.Batches <= 0 {
		m.Batches = 1000
	}
	if m.Epochs <= 0 {
		m.Epochs = 50
	}
	if m.Rate <= 0 {
		m.Rate = .005
	}
	if day := int(24 * time.Hour / step); m.Seasons == nil && day > 1 {
		m.Seasons = []int{day, 7 * day}
	}
	return m
}

// refit returns the settings of a refit that starts from the weights in force.
func (m Recurrent) refit() Recurrent {
	m.Batches = max(m.Batches/recurrentRefit, 1)
	m.Rate /= recurrentSlower
	return m
}

// batches returns how many batches there will be for so many origins.
func (m Recurrent) batches(origins int) int {
	return min(m.Batches, m.Epochs*(origins+recurrentBatch-1)/recurrentBatch)
}

// operations estimates what a fit costs, for a cell with so many blocks of gates.
func (m Recurrent) operations(steps, blocks int) float64 {
	m = m.withDefaults(time.Hour)
	const inputs, passes, looks = 12, 3, 1.15
	// A multiplication takes about 0.15 ns and an activation 6 ns, both ways.
	gates := float64(blocks * m.Hidden)
	window := gates*float64(inputs+m.Hidden)*passes*.15 + gates*6
	batches := m.batches(min(steps, recurrentOrigins) * (recurrentHeldOut - 1) / recurrentHeldOut)
	return looks * window * float64(m.Window*recurrentBatch*batches)
}

// recurrentGrid returns the horizons that are learnt.
func recurrentGrid(longest int) []int {
	var grid []int
	for _, h := range []int{1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 100, 150, 200, 300, 500} {
		if h < longest {
			grid = append(grid, h)
		}
	}
	return append(grid, longest)
}

// A recurrentModel is a network to be: its settings with the cell that they are for.
type recurrentModel struct {
	Recurrent
	name string
	cell recurrentCell[float32]
}

// fit returns a Predictor; an error that wraps ErrTooShort where there are fewer than 60
// origins to learn from, with an observed value and an observed target; or one that says
// that training diverged. It starts from the weights of a predictor in force where there is
// one that suits.
func (m recurrentModel) fit(ctx context.Context, past Series, before *recurrentPredictor) (Predictor, error) {
	if past.Step <= 0 {
		return nil, fmt.Errorf("fit %s: step %v of the series is not positive", m.name, past.Step)
	}
	settings := m.withDefaults(past.Step)
	grid := recurrentGrid(settings.Horizons)
	inputs := newRecurrentInputs(settings, past)
	net := newRecurrentNet(m.cell, inputs.width(), settings.Hidden, len(grid)*len(recurrentLevels))
	lesson := recurrentLesson{name: m.name, values: past.Values, inputs: inputs, grid: grid}
	if err := lesson.gather(ctx, settings.Horizons); err != nil {
		return nil, err
	}
	drawnFor := 0
	if lesson.setUnits() {
		if before != nil && before.suits(&lesson) {
			copy(net.parameters, before.net.parameters)
			lesson.inputs.valueUnit, lesson.inputs.changeUnit = before.inputs.valueUnit, before.inputs.changeUnit
			lesson.units, drawnFor = before.units, before.drawnFor
			settings = settings.refit()
		} else {
			drawnFor = len(lesson.learnt)
			lesson.initialise(net, settings.Seed)
		}
		if err := lesson.train(ctx, net, settings); err != nil {
			return nil, err
		}
	}
	p := newRecurrentPredictor(net, lesson.inputs, grid, lesson.units)
	p.model, p.drawnFor = m, drawnFor
	p.floor = math.Inf(-1)
	if !slices.ContainsFunc(past.Values, func(v float64) bool { return v < 0 }) {
		p.floor = 0
	}
	// From the newest observed value back as far as the inputs reach.
	from := len(past.Values)
	for from > 0 && !isObserved(past.Values[from-1]) {
		from--
	}
	p.time = max(0, from-inputs.reach())
	for _, y := range past.Values[p.time:] {
		p.Update(y)
	}
	return p, nil
}

// Refit implements Refitter.
func (p *recurrentPredictor) Refit(ctx context.Context, past Series) (Predictor, error) {
	return p.model.fit(ctx, past, p)
}

// suits reports whether the weights are a start for a lesson.
func (p *recurrentPredictor) suits(l *recurrentLesson) bool {
	if p.drawnFor == 0 || len(l.learnt) > 2*p.drawnFor || p.inputs.step != l.inputs.step ||
		!slices.Equal(p.inputs.seasons, l.inputs.seasons) || !slices.Equal(p.inputs.cycles, l.inputs.cycles) {
		return false
	}
	alike := func(a, b float64) bool { return a == b || a < recurrentUnits*b && b < recurrentUnits*a }
	return alike(p.inputs.valueUnit, l.inputs.valueUnit) && alike(p.inputs.changeUnit, l.inputs.changeUnit) &&
		slices.EqualFunc(p.units, l.units, alike)
}
