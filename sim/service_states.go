package sim

import (
	"math"
	"sort"
)

// state is one member of the family of distributions of the number n in the CPU stage.
type state struct {
	x     float64 // offered cores: arrival rate · CPU per request / speed that makes it stationary
	mean  float64 // mean of n
	cores float64 // mean of min(n, Cores)
	full  float64 // probability of n = Queue
}

// place is a point between two neighbouring states: fraction of the way, in the mean, from state
// cell to state cell+1.
type place struct {
	cell     int
	fraction float64
}

// The tabulated range of ln(offered load): a load of e^-9 of the capacity, and e^9 times it. An
// empty and a full pod close the table on both sides.
const (
	stateCount   = 512
	logLoadRange = 9
)

// newStates tabulates the family from an empty to a full pod, densest around a load of one, where n
// depends most on the load.
func newStates(cores float64, queue int) []state {
	states := make([]state, 0, stateCount)
	states = append(states, state{})
	scale := min(1, 4/float64(queue))
	limit := math.Asinh(logLoadRange / scale)
	p := make([]float64, queue+1)
	for i := range stateCount - 2 {
		s := limit * (2*float64(i)/float64(stateCount-3) - 1)
		states = append(states, newState(cores*math.Exp(scale*math.Sinh(s)), cores, p))
	}
	k := float64(queue)
	return append(states, state{x: math.Inf(1), mean: k, cores: math.Min(k, cores), full: 1})
}

// newState computes the distribution with the parameter x into p, indexed by n.
func newState(x, cores float64, p []float64) state {
	stationary(x, cores, p)
	st := state{x: x, full: p[len(p)-1]}
	for n, share := range p {
		st.mean += float64(n) * share
		st.cores += math.Min(float64(n), cores) * share
	}
	return st
}

// stationary fills p with p(n) ∝ xⁿ / Π min(i, cores), growing from the mode so that nothing
// overflows.
func stationary(x, cores float64, p []float64) {
	last := len(p) - 1
	mode := sort.Search(last, func(n int) bool { return x < math.Min(float64(n+1), cores) })
	p[mode] = 1
	sum := 1.0
	for n := mode + 1; n <= last; n++ {
		p[n] = p[n-1] * x / math.Min(float64(n), cores)
		sum += p[n]
	}
	for n := mode - 1; n >= 0; n-- {
		p[n] = p[n+1] * math.Min(float64(n+1), cores) / x
		sum += p[n]
	}
	for n := range p {
		p[n] /= sum
	}
}

// steadyAt returns the place where the tabulated dynamics stand still.
func (s *Service) steadyAt(lambda, speed float64) place {
	x := lambda * s.seconds / speed
	if !(x > 0) {
		return place{}
	}
	cell := sort.Search(len(s.states)-1, func(i int) bool { return s.states[i+1].x > x })
	cell = min(cell, len(s.states)-2)
	left, right := &s.states[cell], &s.states[cell+1]
	f := (x*(1-left.full) - left.cores) / (right.cores - left.cores + x*(right.full-left.full))
	return place{cell, min(max(f, 0), 1)}
}

// lerp interpolates a quantity of the states.
func (s *Service) lerp(at place, of func(*state) float64) float64 {
	left, right := of(&s.states[at.cell]), of(&s.states[at.cell+1])
	return left + at.fraction*(right-left)
}

// deadlines are the budgets of a good answer and of an answer before the client gives up.
type deadlines struct{ good, timeout column }

func (s *Service) deadlines(speed float64) deadlines {
	unit := speed / s.seconds
	return deadlines{
		good:    s.sojourns.column(s.goodWithin * unit),
		timeout: s.sojourns.column(s.timeoutWithin * unit),
	}
}

// outcomes returns the shares of the arrivals in state i that are accepted, by outcome.
func (s *Service) outcomes(i int, d deadlines) Outcomes {
	accepted := 1 - s.states[i].full
	inTime := min(accepted*s.sojourns.share(i, d.timeout), accepted)
	good := min(accepted*s.sojourns.share(i, d.good), inTime)
	answered := 1 - s.app.ErrorRate
	return Outcomes{
		Good:     answered * good,
		Late:     answered * (inTime - good),
		TimedOut: accepted - inTime,
		Failed:   s.app.ErrorRate * inTime,
	}
}

// shares interpolates outcomes.
func (s *Service) shares(at place, d deadlines) Outcomes {
	a, b := s.outcomes(at.cell, d), s.outcomes(at.cell+1, d)
	for o := range a {
		a[o] += at.fraction * (b[o] - a[o])
	}
	return a
}

// within returns the share of the accepted requests that leave the CPU stage within a budget.
func (s *Service) within(at place, budget column) float64 {
	left, right := 1-s.states[at.cell].full, 1-s.states[at.cell+1].full
	a, b := left*s.sojourns.share(at.cell, budget), right*s.sojourns.share(at.cell+1, budget)
	return (a + at.fraction*(b-a)) / (left + at.fraction*(right-left))
}
