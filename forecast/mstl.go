package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// MSTL takes a series with several seasons apart by STL, one season after the other in
// two rounds (Bandara, Hyndman and Bergmeir, International Journal of Operational
// Research 2021). What is left without the seasons, trend and remainder, is forecast by
// another model, and each season as it last was.
//
// Between fits the seasons stay; Update moves the other model.
type MSTL struct {
	// Seasons are the periods in steps. Those of which the series does not hold more
	// than two are left out; without any MSTL is the other model.
	Seasons []int
	// Rest is the other model; nil means ETS without a season.
	Rest Model
}

var (
	_ Model  = MSTL{}
	_ Coster = MSTL{}
)

// Name returns "mstl", followed by the name of Rest where it is given.
func (m MSTL) Name() string {
	if m.Rest == nil {
		return "mstl"
	}
	return "mstl-" + m.Rest.Name()
}

func (m MSTL) rest() Model {
	if m.Rest == nil {
		return ETS{}
	}
	return m.Rest
}

// Fit takes the past apart and fits Rest, whose errors it returns.
func (m MSTL) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := len(past.Values)
	p := mstlPredictor{now: n}
	adjusted := past
	adjusted.Values = slices.Clone(past.Values)
	d, err := m.Decompose(ctx, past.Values)
	switch {
	case errors.Is(err, ErrTooShort): // There is no season; Rest says whether it can do.
	case err != nil:
		return nil, err
	default:
		for i, period := range m.Periods(n) {
			season := make([]float64, period)
			for t := n - period; t < n; t++ {
				season[t%period] = d.Seasonal[i][t]
			}
			p.seasons = append(p.seasons, season)
		}
		for t := range adjusted.Values {
			adjusted.Values[t] = d.Trend[t] + d.Remainder[t]
		}
	}
	if p.inner, err = m.rest().Fit(ctx, adjusted); err != nil {
		return nil, err
	}
	if quantiles, ok := p.inner.(QuantilePredictor); ok {
		return &mstlQuantiles{mstlPredictor: p, quantiles: quantiles}, nil
	}
	return &p, nil
}

// FitOperations counts the decomposition and the fit of the other model.
func (m MSTL) FitOperations(steps int) float64 {
	// STL smooths every value twice over some eleven others, and trend and level at some
	// ten points a window; for every season in two rounds.
	operations := 1000 * float64(steps*len(m.Periods(steps)))
	if c, ok := m.rest().(Coster); ok {
		operations += c.FitOperations(steps)
	}
	return operations
}

type mstlPredictor struct {
	inner   Predictor
	seasons [][]float64 // each by its phase
	now     int         // step of the next observation
}

func (p *mstlPredictor) season(t int) float64 {
	total := 0.0
	for _, season := range p.seasons {
		total += season[t%len(season)]
	}
	return total
}

func (p *mstlPredictor) Update(y float64) {
	p.inner.Update(y - p.season(p.now))
	p.now++
}

func (p *mstlPredictor) Predict(dst []float64) {
	p.inner.Predict(dst)
	for i := range dst {
		dst[i] += p.season(p.now + i)
	}
}

// mstlQuantiles are those of the other model, as the seasons are taken to be known. They
// are too near to the forecast where there is much noise, part of which the seasons take
// for their own: of white noise, 80 % intervals cover some 70 %.
type mstlQuantiles struct {
	mstlPredictor

	quantiles QuantilePredictor
}

// PredictQuantile implements QuantilePredictor.
func (p *mstlQuantiles) PredictQuantile(dst []float64, q float64) {
	p.quantiles.PredictQuantile(dst, q)
	for i := range dst {
		dst[i] += p.season(p.now + i)
	}
}

// mstlRounds is how often the seasons are fitted in turn where there are several.
const mstlRounds = 2

// Decompose returns the parts of the values, with the seasonal components of the periods
// that Periods returns. It returns an error that wraps ErrTooShort where there is no such
// season or no value is observed, and ctx.Err() soon after ctx is done.
func (m MSTL) Decompose(ctx context.Context, values []float64) (*Decomposition, error) {
	periods := m.Periods(len(values))
	if len(periods) == 0 {
		return nil, fmt.Errorf("mstl needs more than two periods of one of its seasons %v: %w", m.Seasons, ErrTooShort)
	}
	rest := slices.Clone(values)
	seasonal := make([][]float64, len(periods))
	for i := range seasonal {
		seasonal[i] = make([]float64, len(values))
	}
	rounds := mstlRounds
	if len(periods) == 1 {
		rounds = 1
	}
	var last *Decomposition
	for range rounds {
		for i, period := range periods {
			for t := range rest {
				rest[t] += seasonal[i][t]
			}
			// The longer the period the fewer of them there are, and the more of them
			// are needed to tell its shape from noise: 11, 15, 19, ...
			d, err := STL{Period: period, SeasonalWindow: 11 + 4*i}.Decompose(ctx, rest)
			if err != nil {
				return nil, err
			}
			seasonal[i], last = d.Seasonal[0], d
			for t := range rest {
				rest[t] -= seasonal[i][t]
			}
		}
	}
	d := &Decomposition{Trend: last.Trend, Seasonal: seasonal, Remainder: rest}
	for t := range rest {
		if rest[t] -= d.Trend[t]; math.IsInf(rest[t], 0) {
			rest[t] = math.NaN()
		}
	}
	return d, nil
}

// Periods returns the seasons of which a series of so many steps holds more than two
// periods, shortest first.
func (m MSTL) Periods(steps int) []int {
	var periods []int
	for _, period := range m.Seasons {
		if period >= 2 && 2*period < steps {
			periods = append(periods, period)
		}
	}
	slices.Sort(periods)
	return slices.Compact(periods)
}
