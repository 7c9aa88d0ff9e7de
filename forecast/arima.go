package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ARIMA is the autoregressive integrated moving average process of Box and Jenkins
// (1970) with a season, (p,d,q)(P,D,Q)[m], estimated by its exact Gaussian likelihood,
// gaps included. Where no order is given it is that of Hyndman and Khandakar (Journal of
// Statistical Software 27, 2008): seasonal differences where the season is strong,
// differences until the test of Kwiatkowski et al. (1992) is content, and the other
// orders by the steps of a search for the least AICc. Series of more than 150 steps, or
// of a season above 12, are searched by the conditional sum of squares.
//
// A season above ARIMAMaxSeason steps has more states than a series has to say about
// them. There the season is a sum of waves, and an ARIMA process without a season moves
// around it (a dynamic harmonic regression, as in HarmonicARMA). Without two whole
// seasons of past there is none.
//
// Fit sees the newest ARIMAMaxSteps steps, with a season ARIMAMaxSeasonalSteps, with waves
// HarmonicMaxSteps.
type ARIMA struct {
	// Season is the period in steps; below 2 there is no season.
	Season int
	// Order fixes the order; nil means the search. Its seasonal part must be 0 where
	// there is no season or it is above ARIMAMaxSeason.
	Order *ARIMAOrder
	// Constant adds a mean to a fixed order without differences, a drift to one with a
	// single difference, and nothing to others.
	Constant bool
}

const (
	// ARIMAMaxSeason is the longest season, in steps, with states of its own.
	ARIMAMaxSeason = 60
	// ARIMAMaxSteps is the longest history that an ARIMA is fitted to: a week of minutes.
	ARIMAMaxSteps = 10080
	// ARIMAMaxSeasonalSteps is that of a model with a season: a month of half-hours.
	ARIMAMaxSeasonalSteps = 1500
	// arimaGapWork bounds what an exact likelihood with gaps may cost: steps by squared
	// number of states. Beyond it, and beyond a tenth of it in a search, the estimates of
	// the conditional sum of squares stay.
	arimaGapWork = 1e7
	// arimaStateWork bounds likewise the past that the states at its end are made of.
	arimaStateWork = 5e7
)

var _ Coster = ARIMA{}

// Name returns "arima".
func (ARIMA) Name() string { return "arima" }

// FitOperations implements Coster.
func (m ARIMA) FitOperations(steps int) float64 {
	if m.Season > ARIMAMaxSeason {
		return harmonicOperations(steps, 10)
	}
	// Thirty models by fifty sums of squares of a dozen terms, and five exact likelihoods.
	longest := ARIMAMaxSteps
	if m.Season > 1 {
		longest = ARIMAMaxSeasonalSteps
	}
	return float64(min(steps, longest)) * (30*50*12 + 200*10*float64(5+2*max(m.Season, 1)))
}

// Fit returns a *FittedARIMA. It returns an error that wraps ErrTooShort where past has
// fewer observed values than the model has coefficients, or fewer than three.
func (m ARIMA) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.Order != nil {
		if err := m.Order.validate(m.Season); err != nil {
			return nil, fmt.Errorf("fit arima: %w", err)
		}
	}
	if m.Season > ARIMAMaxSeason {
		h := harmonicFit{seasons: []Waves{{Period: m.Season}}, order: m.Order, constant: m.Constant, integrated: true}
		return h.run(ctx, past.Values)
	}
	longest := ARIMAMaxSteps
	if m.Season > 1 {
		longest = ARIMAMaxSeasonalSteps
	}
	data, err := newARIMAData(past.Values, longest, m.Season)
	if err != nil {
		return nil, fmt.Errorf("fit arima: %w", err)
	}
	var e *arimaEstimate
	if m.Order != nil {
		data.season = max(m.Season, 1)
		e, err = data.fixed(ctx, *m.Order, m.Constant && constantAllowed(*m.Order))
	} else {
		e, err = data.automatic(ctx)
	}
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fmt.Errorf("arima has more coefficients than the past can tell: %w", ErrTooShort)
	}
	return newFittedARIMA(data, e, nil), nil
}

func (o ARIMAOrder) validate(season int) error {
	if min(o.P, o.D, o.Q, o.SeasonalP, o.SeasonalD, o.SeasonalQ) < 0 {
		return errors.New("an order below 0")
	}
	if o.D > 2 || o.SeasonalD > 1 {
		return errors.New("more than two differences, or than one over a season")
	}
	if o.SeasonalP+o.SeasonalD+o.SeasonalQ > 0 && (season < 2 || season > ARIMAMaxSeason) {
		return fmt.Errorf("a seasonal order for a season of %d steps", season)
	}
	return nil
}

// newARIMAData returns the newest steps of a series from its first observed value on. The
// season is 1 where there is none, or a phase of it was not observed twice.
func newARIMAData(values []float64, longest, season int) (*arimaData, error) {
	missing := func(y float64) bool { return math.IsNaN(y) || math.IsInf(y, 0) }
	if len(values) > longest {
		values = values[len(values)-longest:]
	}
	for len(values) > 0 && missing(values[0]) {
		values = values[1:]
	}
	d := &arimaData{values: slices.Clone(values), season: max(season, 1)}
	seen := make([]int, d.season)
	n := 0
	for t, y := range values {
		if missing(y) {
			d.values[t] = math.NaN()
			continue
		}
		n++
		seen[t%d.season]++
	}
	if n < 3 {
		return nil, fmt.Errorf("%d observed values: %w", n, ErrTooShort)
	}
	if d.season > 1 && slices.Min(seen) < 2 {
		d.season = 1
	}
	if n < len(values) {
		d.observed = make([]bool, len(values))
		for t, y := range d.values {
			d.observed[t] = !math.IsNaN(y)
		}
		joinGaps(d.values)
	}
	return d, nil
}

// newest returns the last steps of the data.
func (d *arimaData) newest(steps int) *arimaData {
	first := max(len(d.values)-steps, 0)
	out := &arimaData{season: d.season, values: d.values[first:]}
	if d.observed != nil && slices.Contains(d.observed[first:], false) {
		out.observed = d.observed[first:]
	}
	return out
}

// joinGaps draws lines between the ends of the gaps; the last one is level.
func joinGaps(values []float64) {
	last := -1
	for t, y := range values {
		if math.IsNaN(y) {
			continue
		}
		if last >= 0 {
			for i := last + 1; i < t; i++ {
				share := float64(i-last) / float64(t-last)
				values[i] = values[last] + share*(y-values[last])
			}
		}
		last = t
	}
	for i := last + 1; i < len(values); i++ {
		values[i] = values[last]
	}
}

// automatic returns the estimate of the best orders.
func (d *arimaData) automatic(ctx context.Context) (*arimaEstimate, error) {
	seen := d.seen(d.values)
	if constant(seen) {
		return d.fixed(ctx, ARIMAOrder{}, true)
	}
	var o ARIMAOrder
	if d.season > 1 && len(d.values) > 2*d.season {
		strength, err := seasonalStrength(ctx, d.values, d.season)
		if err != nil {
			return nil, err
		}
		if strength > seasonalStrengthCritical {
			o.SeasonalD = 1
		}
	}
	known := seen
	if o.SeasonalD > 0 {
		known = d.seasonalDifferences()
		if constantWithin(known, slices.Max(seen)-slices.Min(seen)) {
			return d.fixed(ctx, o, true)
		}
	}
	o.D = differencesNeeded(known)
	if w := known; o.D > 0 {
		for range o.D {
			w = lagDifferences(w, 1)
		}
		if constantWithin(w, slices.Max(seen)-slices.Min(seen)) {
			return d.fixed(ctx, o, constantAllowed(o))
		}
	}
	e, err := newARIMASearch(d, o.D, o.SeasonalD).run(ctx)
	if e != nil || err != nil {
		return e, err
	}
	return d.fixed(ctx, o, constantAllowed(o))
}

func (d *arimaData) seen(values []float64) []float64 {
	if d.observed == nil {
		return values
	}
	var out []float64
	for t, y := range values {
		if d.observed[t] {
			out = append(out, y)
		}
	}
	return out
}

// seasonalDifferences returns the changes from season to season of which both ends were
// observed.
func (d *arimaData) seasonalDifferences() []float64 {
	var out []float64
	for t := d.season; t < len(d.values); t++ {
		if d.observed == nil || d.observed[t] && d.observed[t-d.season] {
			out = append(out, d.values[t]-d.values[t-d.season])
		}
	}
	return out
}

// fixed returns the estimate of an order, nil where there are too few values.
func (d *arimaData) fixed(ctx context.Context, o ARIMAOrder, constant bool) (*arimaEstimate, error) {
	if d.effective(o) <= o.parameters()+1 {
		return nil, ctx.Err()
	}
	e, err := d.conditional(ctx, o, constant)
	if err != nil {
		return nil, err
	}
	start := make([]float64, o.parameters())
	if e != nil {
		start = e.coefficients
	}
	return d.exact(ctx, o, constant, start)
}
