package backtest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A point is one value of a policy's knob, run under every seed.
type point struct {
	value   float64
	outputs []output // by seed
}

func (p *point) scored() (t tally) {
	for i := range p.outputs {
		u := p.outputs[i].scored.total()
		t.add(&u)
	}
	return t
}

func (p *point) past() (t tally) {
	for i := range p.outputs {
		u := p.outputs[i].past.total()
		t.add(&u)
	}
	return t
}

func (p *point) days() [][]tally {
	days := make([][]tally, len(p.outputs))
	for i := range p.outputs {
		days[i] = p.outputs[i].scored.days
	}
	return days
}

// A sweep holds the points of one policy, by value; it may be used by several
// goroutines.
type sweep struct {
	entrant *entrant
	mu      sync.Mutex
	points  []*point
}

// find returns the point of a value, nil if it was not run.
func (s *sweep) find(value float64) *point {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.points {
		if p.value == value {
			return p
		}
	}
	return nil
}

func (s *sweep) add(p *point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.points = append(s.points, p)
	slices.SortFunc(s.points, func(a, b *point) int { return cmp.Compare(a.value, b.value) })
}

func (s *sweep) all() []*point {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.points)
}

// frontier returns the frontier of the points in one part of the run.
func (s *sweep) frontier(p prices, of func(*point) tally) frontier {
	var runs []figures
	for _, pt := range s.all() {
		t := of(pt)
		runs = append(runs, t.figures(p))
	}
	return newFrontier(runs)
}

// A runner carries out tasks on a fixed number of cores; the order in which they end
// does not matter to any result.
type runner struct {
	env      *env
	seeds    []uint64
	slots    chan struct{}
	progress advanced
}

// point runs one value under every seed.
func (r *runner) point(ctx context.Context, e *entrant, value float64) (*point, error) {
	p := &point{value: value, outputs: make([]output, len(r.seeds))}
	g, ctx := errgroup.WithContext(ctx)
	for i, seed := range r.seeds {
		g.Go(func() error {
			out, err := r.one(ctx, task{entrant: e, value: value, seed: seed})
			p.outputs[i] = out
			return err
		})
	}
	return p, g.Wait()
}

// one runs a task once a core is free.
func (r *runner) one(ctx context.Context, t task) (output, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return output{}, ctx.Err()
	}
	defer func() { <-r.slots }()
	return r.env.run(ctx, t, r.progress)
}

// The values that a sweep runs: a grid over the whole range, then bisections of the
// stretch where the objective is crossed, in the scored part and in the warm-up.
const (
	gridPoints      = 6
	bisections      = 4
	pastBisections  = 2
	equalCostTries  = 5
	equalCostWithin = 0.01
)

// fill runs the grid and the bisections.
func (r *runner) fill(ctx context.Context, s *sweep) error {
	if s.entrant.knob == nil {
		return nil
	}
	grid := make([]float64, gridPoints)
	for i := range grid {
		grid[i] = s.entrant.knob.at(float64(i) / (gridPoints - 1))
	}
	if err := r.runAll(ctx, s, grid); err != nil {
		return err
	}
	for _, search := range []struct {
		tries int
		of    func(*point) tally
	}{{bisections, (*point).scored}, {pastBisections, (*point).past}} {
		for range search.tries {
			value, ok := s.between(r.env.objective, search.of)
			if !ok {
				break
			}
			if err := r.runAll(ctx, s, []float64{value}); err != nil {
				return err
			}
		}
	}
	return nil
}

// runAll runs the values that were not run yet, each once: a knob of whole numbers
// has the same value at neighbouring positions.
func (r *runner) runAll(ctx context.Context, s *sweep, values []float64) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, v := range values {
		if s.find(v) != nil || slices.Contains(values[:i], v) {
			continue
		}
		g.Go(func() error {
			p, err := r.point(ctx, s.entrant, v)
			if err == nil {
				s.add(p)
			}
			return err
		})
	}
	return g.Wait()
}

// between returns the value half-way between the two neighbouring points around the
// objective, of which the cheaper one misses it; false where there are none or the
// half-way value was run.
func (s *sweep) between(objective float64, of func(*point) tally) (float64, bool) {
	points := s.all()
	bestGap, value := math.Inf(1), math.NaN()
	for i := 0; i+1 < len(points); i++ {
		a, b := of(points[i]), of(points[i+1])
		ga, gb := float64(ratio(a.good, a.requests)), float64(ratio(b.good, b.requests))
		if (ga >= objective) == (gb >= objective) {
			continue
		}
		k := s.entrant.knob
		xa, xb := k.pos(points[i].value), k.pos(points[i+1].value)
		mid := k.at((xa + xb) / 2)
		// Where the objective is crossed more than once, the cheapest crossing counts.
		if price := min(a.podSeconds, b.podSeconds); price < bestGap && s.find(mid) == nil {
			bestGap, value = price, mid
		}
	}
	return value, !math.IsNaN(value)
}

// atCost runs the policy until its pod-hours match within equalCostWithin, and
// returns the point that comes closest.
func (r *runner) atCost(ctx context.Context, s *sweep, podHours float64) (*point, error) {
	hours := func(p *point) float64 {
		t := p.scored()
		return t.podSeconds / 3600
	}
	closest := func() *point {
		var best *point
		for _, p := range s.all() {
			if best == nil || math.Abs(hours(p)-podHours) < math.Abs(hours(best)-podHours) {
				best = p
			}
		}
		return best
	}
	for range equalCostTries {
		p := closest()
		if s.entrant.knob == nil || math.Abs(hours(p)-podHours) <= equalCostWithin*podHours {
			break
		}
		value, ok := s.around(podHours, hours)
		if !ok {
			break
		}
		if err := r.runAll(ctx, s, []float64{value}); err != nil {
			return nil, err
		}
	}
	return closest(), nil
}

// around returns the value between two neighbouring points at which their linearly
// interpolated measure is want.
func (s *sweep) around(want float64, measure func(*point) float64) (float64, bool) {
	points := s.all()
	for i := 0; i+1 < len(points); i++ {
		a, b := measure(points[i]), measure(points[i+1])
		if (a-want)*(b-want) > 0 || a == b {
			continue
		}
		k := s.entrant.knob
		xa, xb := k.pos(points[i].value), k.pos(points[i+1].value)
		v := k.at(xa + (xb-xa)*min(max((want-a)/(b-a), 0.05), 0.95))
		if s.find(v) == nil {
			return v, true
		}
	}
	return 0, false
}
