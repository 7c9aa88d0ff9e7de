package forecast

import "context"

// Naive2 forecasts that the last observed value stays but for the season: Naive on
// the seasonally adjusted series. It is the yardstick of the M competitions
// (Makridakis and Hibon, International Journal of Forecasting 16, 2000).
//
// The season is the classical multiplicative one and is taken out only where the
// autocorrelation one season apart is significant; Fit finds it anew.
type Naive2 struct {
	// Season is the period in steps; below 2 there is no season and the forecast
	// is that of Naive.
	Season int
}

var _ Model = Naive2{}

// Name returns "naive2".
func (Naive2) Name() string { return "naive2" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value. With less than three seasons of past there is no season.
func (m Naive2) Fit(ctx context.Context, past Series) (Predictor, error) {
	return fitAdjusted(ctx, past.Values, m.Season, func(values []float64) (Predictor, error) {
		return Naive{}.Fit(ctx, Series{Start: past.Start, Step: past.Step, Values: values})
	})
}
