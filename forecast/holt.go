package forecast

import "context"

// Holt is exponential smoothing of level and trend (Holt 1957), or with a damped trend
// (Gardner and McKenzie, Management Science 31, 1985), of the seasonally adjusted series,
// with the season of Naive2: the M4 competition's yardsticks Holt and Damped. It is
// HoltWinters without a season on that series, so that the parameters are those of the
// least squared one-step errors on the past.
type Holt struct {
	// Season is the period in steps; below 2 there is no season.
	Season int
	// Damped lets the trend level off.
	Damped bool
	// Smoothing fixes the parameters; nil means that Fit finds them.
	Smoothing *Smoothing
}

var (
	_ Model  = Holt{}
	_ Coster = Holt{}
)

// Name returns "holt", or "damped" where the trend is.
func (m Holt) Name() string { return m.smoother().Name() }

// Fit returns a Predictor, or an error that wraps ErrTooShort where no two observed
// values follow each other near the start of past.
func (m Holt) Fit(ctx context.Context, past Series) (Predictor, error) {
	return fitAdjusted(ctx, past.Values, m.Season, func(values []float64) (Predictor, error) {
		return m.smoother().Fit(ctx, Series{Start: past.Start, Step: past.Step, Values: values})
	})
}

// FitOperations implements Coster.
func (m Holt) FitOperations(steps int) float64 {
	return adjustOperations(steps, m.Season) + m.smoother().FitOperations(steps)
}

func (m Holt) smoother() HoltWinters {
	return HoltWinters{Damped: m.Damped, Smoothing: m.Smoothing}
}
