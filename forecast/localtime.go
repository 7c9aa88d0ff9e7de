package forecast

import (
	"context"
	"math"
	"time"
)

// LocalTime has a model see a series by the clock of a place that is put forward and back,
// so that a day of its lags, profiles and waves is a day there, of 23, 24 or 25 hours: what
// comes at nine in the morning comes at nine after the change too.
//
// The hour that the clock leaves out is missing to the model. Where the clock shows an hour
// twice, the model sees every second step of both: an hour that takes two, and not one
// followed by the same again.
type LocalTime struct {
	Model
	// Location is the time zone of the clock; nil means UTC.
	Location *time.Location
}

var (
	_ Model       = LocalTime{}
	_ RefitCoster = LocalTime{}
	_ Refitter    = (*localRefitter)(nil)
	_ unwrapper   = (*localPredictor)(nil)
)

// Fit returns the errors of the model.
func (m LocalTime) Fit(ctx context.Context, past Series) (Predictor, error) {
	if m.Location == nil || past.Step <= 0 {
		return m.Model.Fit(ctx, past)
	}
	return m.fit(ctx, past, m.Model.Fit)
}

// fit fits by a Model or by a Refitter of its.
func (m LocalTime) fit(ctx context.Context, past Series, fit func(context.Context, Series) (Predictor, error)) (Predictor, error) {
	clock := newWallClock(past, m.Location)
	local := clock.series(past.Values)
	inner, err := fit(ctx, local)
	if err != nil {
		return nil, err
	}
	p := localPredictor{inner: inner, clock: clock, steps: len(past.Values), seen: len(local.Values)}
	if r, ok := inner.(Refitter); ok {
		return &localRefitter{localPredictor: p, model: m, refitter: r}, nil
	}
	return &p, nil
}

// FitOperations implements Coster: those of the model, 0 where it declares none.
func (m LocalTime) FitOperations(steps int) float64 {
	if c, ok := m.Model.(Coster); ok {
		return c.FitOperations(steps)
	}
	return 0
}

// RefitOperations implements RefitCoster.
func (m LocalTime) RefitOperations(steps int) float64 {
	if c, ok := m.Model.(RefitCoster); ok {
		return c.RefitOperations(steps)
	}
	return m.FitOperations(steps)
}

// A localPredictor moves a Predictor by the clock.
type localPredictor struct {
	inner Predictor
	clock wallClock
	steps int // of the series seen
	seen  int // of the clock seen, by inner
	path  []float64
}

// Update implements Predictor.
func (p *localPredictor) Update(y float64) {
	p.steps++
	end := p.clock.count(p.steps)
	for ; p.seen < end-1; p.seen++ {
		p.inner.Update(math.NaN())
	}
	if p.seen < end {
		p.inner.Update(y)
		p.seen++
	}
}

// Predict implements Predictor.
func (p *localPredictor) Predict(dst []float64) {
	if len(dst) == 0 {
		return
	}
	p.path = append(p.path[:0], make([]float64, max(p.clock.count(p.steps+len(dst))-p.seen, 1))...)
	p.inner.Predict(p.path)
	for i := range dst {
		dst[i] = p.path[max(p.clock.count(p.steps+i+1)-p.seen, 1)-1]
	}
}

// Unwrap returns the model's own Predictor.
func (p *localPredictor) Unwrap() Predictor { return p.inner }

// A localRefitter is a localPredictor of a Refitter.
type localRefitter struct {
	localPredictor

	model    LocalTime
	refitter Refitter
}

// Refit implements Refitter. Where the newest step is not the next one by the clock, which
// is when that is changed, the model is fitted as if for the first time.
func (p *localRefitter) Refit(ctx context.Context, past Series) (Predictor, error) {
	if p.clock.count(p.steps+1) != p.seen+1 {
		return p.model.Fit(ctx, past)
	}
	return p.model.fit(ctx, past, p.refitter.Refit)
}

// A wallClock counts the steps of a series by the clock of a place.
type wallClock struct {
	start    time.Time
	step     time.Duration
	location *time.Location
	east     int // seconds by which the clock is ahead of UTC at the start
	first    int // where step 0 is; not 0 where the clock is just being put back
}

func newWallClock(s Series, location *time.Location) wallClock {
	c := wallClock{start: s.Start, step: s.Step, location: location}
	_, c.east = s.Start.In(location).Zone()
	c.first = c.at(0)
	return c
}

// count returns how many steps of the clock the first n of the series are.
func (c *wallClock) count(n int) int {
	if n == 0 {
		return 0
	}
	return c.at(n-1) - c.first + 1
}

// series returns values from step 0 on by the clock. Its times are what the clock shows, as
// if that were UTC.
func (c *wallClock) series(values []float64) Series {
	s := Series{
		Start:  c.start.UTC().Add(time.Duration(c.east)*time.Second + time.Duration(c.first)*c.step),
		Step:   c.step,
		Values: make([]float64, 0, c.count(len(values))),
	}
	for i, y := range values {
		end := c.count(i + 1)
		for len(s.Values) < end-1 {
			s.Values = append(s.Values, math.NaN())
		}
		if len(s.Values) < end {
			s.Values = append(s.Values, y)
		}
	}
	return s
}

// at returns the step of the clock at step i of the series, both counted from its start:
// more by what the clock was put forward since. Where it is put back by b steps, the b before
// and the b after that together are b of the clock.
func (c *wallClock) at(i int) int {
	now := c.start.Add(time.Duration(i) * c.step).In(c.location)
	from, to := now.ZoneBounds()
	ahead := c.ahead(now)
	if !from.IsZero() {
		back := c.ahead(from.Add(-1)) - ahead
		if since := int(now.Sub(from) / c.step); since < back {
			return i + ahead + back - (back+since+1)/2
		}
	}
	if !to.IsZero() {
		back := ahead - c.ahead(to)
		if slow := now.Sub(to.Add(-time.Duration(back) * c.step)); back > 0 && slow >= 0 {
			return i + ahead - (int(slow/c.step)+1)/2
		}
	}
	return i + ahead
}

// ahead returns by how many whole steps the clock at an instant is ahead of that at the start.
func (c *wallClock) ahead(at time.Time) int {
	_, east := at.In(c.location).Zone()
	return int(time.Duration(east-c.east) * time.Second / c.step)
}
