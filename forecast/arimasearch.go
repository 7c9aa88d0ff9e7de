package forecast

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// Limits of the search, those of R's auto.arima.
const (
	arimaMaxOrder         = 5
	arimaMaxSeasonalOrder = 2
	arimaMaxModels        = 94
	arimaExactSteps       = 150  // longer series are searched by the conditional sum of squares
	arimaExactSeason      = 12   // and those of a longer season
	arimaSettled          = 4    // models of the conditional search that are fitted exactly
	arimaRootRadius       = 1.01 // roots nearer to the unit circle are refused
)

// An arimaSearch looks for the orders of the least AICc (Hyndman and Khandakar, Journal of
// Statistical Software 27, 2008): from four small models by steps of one, as long as one
// of them is better.
type arimaSearch struct {
	data         *arimaData
	d, seasonalD int
	approximate  bool
	radius       float64 // of the roots that are refused

	maxP, maxQ, maxSeasonalP, maxSeasonalQ int

	tried []arimaTrial
	best  int
}

// An arimaTrial is one model of the search.
type arimaTrial struct {
	order    ARIMAOrder
	constant bool
	ic       float64 // +Inf for one that is refused
	estimate *arimaEstimate
}

func newARIMASearch(data *arimaData, d, seasonalD int) *arimaSearch {
	n, m := len(data.values), data.season
	s := &arimaSearch{data: data, d: d, seasonalD: seasonalD, best: -1, radius: arimaRootRadius}
	s.maxP = min(arimaMaxOrder, n/3)
	if m > 1 {
		s.maxP = min(s.maxP, m-1)
		s.maxSeasonalP = min(arimaMaxSeasonalOrder, n/3/m)
	}
	s.maxQ, s.maxSeasonalQ = s.maxP, s.maxSeasonalP
	s.approximate = n > arimaExactSteps || m > arimaExactSeason
	return s
}

// run returns the estimate of the best model by exact likelihood, nil where every model is
// refused.
func (s *arimaSearch) run(ctx context.Context) (*arimaEstimate, error) {
	base := ARIMAOrder{D: s.d, SeasonalD: s.seasonalD}
	with := func(p, q, seasonalP, seasonalQ int) ARIMAOrder {
		o := base
		o.P, o.Q = min(p, s.maxP), min(q, s.maxQ)
		o.SeasonalP, o.SeasonalQ = min(seasonalP, s.maxSeasonalP), min(seasonalQ, s.maxSeasonalQ)
		return o
	}
	constant := constantAllowed(base)
	starts := []arimaTrial{
		{order: with(2, 2, 1, 1), constant: constant},
		{order: base, constant: constant},
		{order: with(1, 0, 1, 0), constant: constant},
		{order: with(0, 1, 0, 1), constant: constant},
	}
	if constant {
		starts = append(starts, arimaTrial{order: base})
	}
	for _, t := range starts {
		if _, err := s.try(ctx, t.order, t.constant); err != nil {
			return nil, err
		}
	}
	for moved := true; moved && s.best >= 0; {
		moved = false
		from := s.tried[s.best]
		for _, next := range s.neighbours(from) {
			better, err := s.try(ctx, next.order, next.constant)
			if err != nil {
				return nil, err
			}
			if better {
				moved = true
				break
			}
		}
	}
	e, err := s.settle(ctx)
	if e == nil || err != nil {
		return nil, err
	}
	var c armaCoefficients
	c.set(e.order, s.data.season, e.coefficients)
	if s.data.gapWork(&c, e.order) > arimaGapWork/10 {
		return e, nil
	}
	polished, err := s.data.exact(ctx, e.order, e.constant, e.coefficients)
	if err == nil && polished != nil && s.admissible(polished) {
		e = polished
	}
	return e, err
}

// neighbours returns the models one step away, in the order of the search.
func (s *arimaSearch) neighbours(from arimaTrial) []arimaTrial {
	var out []arimaTrial
	add := func(p, q, seasonalP, seasonalQ int) {
		o := from.order
		o.P, o.Q = o.P+p, o.Q+q
		o.SeasonalP, o.SeasonalQ = o.SeasonalP+seasonalP, o.SeasonalQ+seasonalQ
		within := o.P >= 0 && o.P <= s.maxP && o.Q >= 0 && o.Q <= s.maxQ &&
			o.SeasonalP >= 0 && o.SeasonalP <= s.maxSeasonalP && o.SeasonalQ >= 0 && o.SeasonalQ <= s.maxSeasonalQ
		if within {
			out = append(out, arimaTrial{order: o, constant: from.constant})
		}
	}
	steps := [][2]int{{-1, 0}, {0, -1}, {1, 0}, {0, 1}, {-1, -1}, {-1, 1}, {1, -1}, {1, 1}}
	for _, step := range steps {
		add(0, 0, step[0], step[1])
	}
	for _, step := range steps {
		add(step[0], step[1], 0, 0)
	}
	if constantAllowed(from.order) {
		out = append(out, arimaTrial{order: from.order, constant: !from.constant})
	}
	return out
}

// try fits a model that was not tried before and reports whether it is the best now.
func (s *arimaSearch) try(ctx context.Context, o ARIMAOrder, constant bool) (bool, error) {
	for _, t := range s.tried {
		if t.order == o && t.constant == constant {
			return false, nil
		}
	}
	if len(s.tried) >= arimaMaxModels {
		return false, nil
	}
	e, err := s.data.conditional(ctx, o, constant)
	if err != nil {
		return false, err
	}
	ic := math.Inf(1)
	if e != nil && !s.approximate {
		if e, err = s.data.nearlyExact(ctx, o, constant, e.coefficients); err != nil {
			return false, err
		}
	}
	if e != nil && s.admissible(e) {
		ic = e.aicc
		if s.approximate {
			// The sums of squares of all models count as if of the same values, as they
			// differ by the few that each takes for its start.
			n := float64(s.data.effective(o))
			k := float64(len(e.coefficients) + len(e.regression))
			ic = criterion(-n*math.Log(e.sigma2*(float64(e.n)-k)/float64(e.n))/2, k+1, n)
		}
		if math.IsNaN(ic) {
			ic = math.Inf(1)
		}
	}
	s.tried = append(s.tried, arimaTrial{order: o, constant: constant, ic: ic, estimate: e})
	if ic < math.Inf(1) && (s.best < 0 || ic < s.tried[s.best].ic) {
		s.best = len(s.tried) - 1
		return true, nil
	}
	return false, nil
}

// admissible reports whether the roots of each polynomial, in its own lag, are well
// outside the unit circle. R asks it of the roots of the product, which refuses seasonal
// moving averages that suit long seasons: of 24 steps all above 0.79.
func (s *arimaSearch) admissible(e *arimaEstimate) bool {
	var c armaCoefficients
	c.set(e.order, s.data.season, e.coefficients)
	return rootsBeyond(c.ar, s.radius) && rootsBeyond(c.seasonalAR, s.radius) &&
		rootsBeyond(negated(c.ma), s.radius) && rootsBeyond(negated(c.seasonalMA), s.radius)
}

// settle fits the best models of an approximate search by exact likelihood and returns the
// best of them then. Where the first one is refused, models have a second try from 0 until one is not.
func (s *arimaSearch) settle(ctx context.Context) (*arimaEstimate, error) {
	if s.best < 0 {
		return nil, nil
	}
	if !s.approximate {
		return s.tried[s.best].estimate, nil
	}
	slices.SortStableFunc(s.tried, func(a, b arimaTrial) int { return cmp.Compare(a.ic, b.ic) })
	var best *arimaEstimate
	settled, fits := 0, 0
	for _, t := range s.tried {
		if settled == arimaSettled || fits >= 2*arimaSettled && best != nil || math.IsInf(t.ic, 1) {
			break
		}
		starts := [][]float64{t.estimate.coefficients}
		if best == nil {
			starts = append(starts, make([]float64, len(t.estimate.coefficients)))
		}
		for _, from := range starts {
			fits++
			e, err := s.data.nearlyExact(ctx, t.order, t.constant, from)
			if err != nil {
				return nil, err
			}
			if e != nil && s.admissible(e) {
				settled++
				if best == nil || e.aicc < best.aicc {
					best = e
				}
				break
			}
		}
	}
	return best, nil
}

// effective returns the number of differences of the values that are known.
func (d *arimaData) effective(o ARIMAOrder) int {
	n := -o.D - d.season*o.SeasonalD
	for t := range d.values {
		if d.observed == nil || d.observed[t] {
			n++
		}
	}
	return n
}
