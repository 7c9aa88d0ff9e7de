package backtest

import (
	"context"
	"math"
	"slices"
	"sync"

	"hindcast.dev/forecast"
)

// A sharedModel forecasts once for all runs that see the same series. The load at the
// ingress is the same whatever a policy does, so that every point of a sweep would
// otherwise fit and ask the same model again. A run whose series differs at any step is
// given a predictor of its own; nobody sees a forecast made from later values than its
// own, as forecasts are kept by what had been seen.
type sharedModel struct {
	forecast.Model
	mu     sync.Mutex
	tracks []*sharedTrack // one for each past that was fitted to
}

func newSharedModel(m forecast.Model) *sharedModel { return &sharedModel{Model: m} }

// FitOperations implements forecast.Coster: those of the model, 0 where it declares none.
func (m *sharedModel) FitOperations(steps int) float64 {
	if c, ok := m.Model.(forecast.Coster); ok {
		return c.FitOperations(steps)
	}
	return 0
}

// Fit implements forecast.Model.
func (m *sharedModel) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tracks {
		if t.past.Start.Equal(past.Start) && t.past.Step == past.Step && sameValues(t.past.Values, past.Values) {
			return &sharedPredictor{model: m, track: t}, t.err
		}
	}
	t := &sharedTrack{past: past}
	t.past.Values = slices.Clone(past.Values)
	t.lead, t.err = m.Model.Fit(ctx, past)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	m.tracks = append(m.tracks, t)
	return &sharedPredictor{model: m, track: t}, t.err
}

// A sharedTrack is what one fit led to: the values that came, the forecast after each
// and the refits.
type sharedTrack struct {
	parent *sharedTrack // whose predictor was fitted anew, after so many values
	after  int
	past   forecast.Series
	lead   forecast.Predictor // has seen all values
	err    error              // of the fit
	values []float64
	paths  [][]float64          // after so many values; nil where nobody asked
	refits map[int]*sharedTrack // after so many values, instead of the next one
}

// path returns the forecast after i values, made now where that is the newest.
func (t *sharedTrack) path(i, steps int) ([]float64, bool) {
	for len(t.paths) <= i {
		t.paths = append(t.paths, nil)
	}
	if len(t.paths[i]) < steps {
		if i < len(t.values) {
			return nil, false
		}
		t.paths[i] = make([]float64, steps)
		t.lead.Predict(t.paths[i])
	}
	return t.paths[i], true
}

// A sharedPredictor is one run's place on a track.
type sharedPredictor struct {
	model *sharedModel
	track *sharedTrack
	at    int                // values seen since the fit
	own   forecast.Predictor // of a run that has left the track
}

var _ forecast.Refitter = (*sharedPredictor)(nil)

// Update implements forecast.Predictor.
func (p *sharedPredictor) Update(y float64) {
	p.model.mu.Lock()
	defer p.model.mu.Unlock()
	t := p.track
	switch {
	case p.own != nil:
		p.own.Update(y)
	case p.at == len(t.values):
		t.lead.Update(y)
		t.values = append(t.values, y)
		p.at++
	case sameValue(t.values[p.at], y):
		p.at++
	default:
		p.leave()
		p.own.Update(y)
	}
}

// leave gives the run a predictor of its own that has seen what the run has seen.
func (p *sharedPredictor) leave() { p.own = p.model.again(p.track, p.at) }

// again makes the predictor of a track after so many values once more. Fits that went
// well before do so again.
func (m *sharedModel) again(t *sharedTrack, values int) forecast.Predictor {
	var p forecast.Predictor
	if t.parent == nil {
		p, _ = m.Model.Fit(context.Background(), t.past)
	} else {
		p, _ = m.refit(context.Background(), m.again(t.parent, t.after), t.past)
	}
	for _, y := range t.values[:values] {
		p.Update(y)
	}
	return p
}

// Predict implements forecast.Predictor.
func (p *sharedPredictor) Predict(dst []float64) {
	p.model.mu.Lock()
	defer p.model.mu.Unlock()
	if p.own == nil {
		if path, ok := p.track.path(p.at, len(dst)); ok {
			copy(dst, path)
			return
		}
		p.leave()
	}
	p.own.Predict(dst)
}

// Refit implements forecast.Refitter.
func (p *sharedPredictor) Refit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	p.model.mu.Lock()
	defer p.model.mu.Unlock()
	if p.own == nil && p.at < len(p.track.values) && p.track.refits[p.at] == nil {
		p.leave() // The others went on without.
	}
	if p.own != nil {
		next, err := p.model.refit(ctx, p.own, past)
		return &sharedPredictor{model: p.model, track: p.track, own: next}, err
	}
	t := p.track
	next := t.refits[p.at]
	if next == nil || !sameValues(next.past.Values, past.Values) {
		lead, err := p.model.refit(ctx, t.lead, past)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		next = &sharedTrack{parent: t, after: p.at, past: past, lead: lead, err: err}
		next.past.Values = slices.Clone(past.Values)
		if t.refits == nil {
			t.refits = map[int]*sharedTrack{}
		}
		t.refits[p.at] = next
	}
	return &sharedPredictor{model: p.model, track: next}, next.err
}

// refit fits the model anew, keeping what a Refitter keeps.
func (m *sharedModel) refit(ctx context.Context, old forecast.Predictor, past forecast.Series) (forecast.Predictor, error) {
	if r, ok := old.(forecast.Refitter); ok {
		return r.Refit(ctx, past)
	}
	return m.Model.Fit(ctx, past)
}

func sameValues(a, b []float64) bool { return slices.EqualFunc(a, b, sameValue) }

// sameValue tells missing values alike.
func sameValue(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
