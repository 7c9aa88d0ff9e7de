package forecast

import (
	"context"
	"fmt"
	"math"
)

// ETS is exponential smoothing of the form that suits the series: the error additive
// or multiplicative, the trend none, additive or damped, the season none, additive or
// multiplicative (Hyndman, Koehler, Snyder and Grose, International Journal of
// Forecasting 18, 2002). Of the fifteen stable forms Fit takes the one of the least
// AICc. Those with anything multiplicative are left out where a value is not above 0.
//
// A season above 24 steps has more states than can be estimated well. It is taken out
// beforehand as in Naive2, and ETS smooths the rest.
type ETS struct {
	// Season is the period in steps; below 2 there is no season.
	Season int
}

var (
	_ Model             = ETS{}
	_ Coster            = ETS{}
	_ QuantilePredictor = (*FittedETS)(nil)
)

// etsMaxSeason is the longest season with states of its own, as in R's ets.
const etsMaxSeason = 24

// etsLeastFactor is the least factor of a multiplicative season.
const etsLeastFactor = .01

// Name returns "ets".
func (ETS) Name() string { return "ets" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no more
// observed values than the smallest form has parameters. With less than three seasons
// of past there is no season.
func (m ETS) Fit(ctx context.Context, past Series) (Predictor, error) {
	if m.Season <= etsMaxSeason {
		return selectETS(ctx, past.Values, m.Season)
	}
	return fitAdjusted(ctx, past.Values, m.Season, func(values []float64) (Predictor, error) {
		return selectETS(ctx, values, 1)
	})
}

// FitOperations implements Coster.
func (m ETS) FitOperations(steps int) float64 {
	// Some fifty passes forth and back for each of a few starts and six or fifteen forms.
	if m.Season > etsMaxSeason {
		return adjustOperations(steps, m.Season) + 600*30*float64(steps)
	}
	if m.Season >= 2 && steps >= 3*m.Season {
		return 3000 * 40 * float64(steps)
	}
	return 600 * 30 * float64(steps)
}

func selectETS(ctx context.Context, values []float64, season int) (Predictor, error) {
	values = finite(values)
	least := math.Inf(1)
	for _, y := range values {
		if !math.IsNaN(y) {
			least = min(least, y)
		}
	}
	var best *FittedETS
	limit := math.Inf(1)
	for _, form := range etsForms(season >= 2 && len(values) >= 3*season, least > 0) {
		p, err := fitETS(ctx, form, values, season, limit)
		if err != nil {
			return nil, err
		}
		if p != nil && p.aicc < limit {
			best, limit = p, p.aicc
		}
	}
	if best == nil {
		return nil, fmt.Errorf("ets needs more observed values than parameters: %w", ErrTooShort)
	}
	return best, nil
}

// An etsForm is a kind of exponential smoothing.
type etsForm struct {
	multiplicativeError  bool
	trend, damped        bool
	seasonal             bool
	multiplicativeSeason bool
}

// etsForms returns the forms to try, simple ones first. An additive error with a
// multiplicative season is not among them: its variance grows without bound where the
// level nears 0.
func etsForms(seasonal, positive bool) []etsForm {
	var forms []etsForm
	for _, relative := range []bool{false, true} {
		if relative && !positive {
			break
		}
		for _, trend := range []etsForm{{}, {trend: true}, {trend: true, damped: true}} {
			trend.multiplicativeError = relative
			forms = append(forms, trend)
			if !seasonal {
				continue
			}
			trend.seasonal = true
			forms = append(forms, trend)
			if relative {
				trend.multiplicativeSeason = true
				forms = append(forms, trend)
			}
		}
	}
	return forms
}

// String returns the form as the literature writes it, such as MAdM.
func (f etsForm) String() string {
	errors, trend, season := "A", "N", "N"
	if f.multiplicativeError {
		errors = "M"
	}
	switch {
	case f.damped:
		trend = "Ad"
	case f.trend:
		trend = "A"
	}
	switch {
	case f.multiplicativeSeason:
		season = "M"
	case f.seasonal:
		season = "A"
	}
	return errors + trend + season
}

// FittedETS is the Predictor of ETS with a season of at most 24 steps.
type FittedETS struct {
	form         etsForm
	smoothing    Smoothing
	aicc         float64
	variance     float64 // of the errors, relative ones where they are multiplicative
	level, trend float64
	seasonal     []float64
	phase        int // of the next observation
}

// Form returns error, trend and season of the form, such as "MAdM": multiplicative,
// additive and damped, multiplicative.
func (p *FittedETS) Form() string { return p.form.String() }

// AICc returns Akaike's information criterion with the correction for small samples,
// up to a constant of the series.
func (p *FittedETS) AICc() float64 { return p.aicc }

// Update implements Predictor.
func (p *FittedETS) Update(y float64) { p.step(y) }

// Predict implements Predictor.
func (p *FittedETS) Predict(dst []float64) {
	damping, slope := 1.0, 0.0
	for i := range dst {
		damping *= p.smoothing.Phi
		slope += damping * p.trend
		dst[i] = p.join(p.level+slope, p.seasonal[(p.phase+i)%len(p.seasonal)])
	}
}

func (p *FittedETS) join(level, seasonal float64) float64 {
	if p.form.multiplicativeSeason {
		return level * seasonal
	}
	return level + seasonal
}

// step moves the states on by one observation and returns what was expected of it.
// The recursion is the same for both kinds of error, which differ in how errors count.
func (p *FittedETS) step(y float64) (expected float64) {
	s := &p.smoothing
	trend := s.Phi * p.trend
	level := p.level + trend
	seasonal := &p.seasonal[p.phase]
	expected = p.join(level, *seasonal)
	if p.phase++; p.phase == len(p.seasonal) {
		p.phase = 0
	}
	correction := y - expected
	switch {
	case !isFinite(y):
		correction = 0
	case p.form.multiplicativeSeason:
		correction = y / *seasonal - level
		if level > 0 {
			// From a factor near 0 a little load would look like a huge level.
			*seasonal = max(*seasonal+s.Gamma*(y/level-*seasonal), etsLeastFactor)
		}
	default:
		*seasonal += s.Gamma * correction
	}
	p.level = level + s.Alpha*correction
	p.trend = trend + s.Beta*correction
	return expected
}
