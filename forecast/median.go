package forecast

import (
	"context"
	"fmt"
	"math"
)

// Median forecasts the median of the newest observed values. On a load of short bursts,
// where the mean is seldom near what comes, no level has a smaller absolute error.
type Median struct {
	// Window is the number of values; 0 means 60.
	Window int
}

var _ Model = Median{}

// Name returns "median".
func (Median) Name() string { return "median" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value.
func (m Median) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, ok := lastObserved(past.Values); !ok {
		return nil, fmt.Errorf("median needs one observed value: %w", ErrTooShort)
	}
	if m.Window <= 0 {
		m.Window = 60
	}
	p := &medianPredictor{values: newRollingQuantile(m.Window)}
	// Gaps do not count, so that the window may reach far back.
	first, observed := len(past.Values), 0
	for first > 0 && observed < m.Window {
		if first--; isObserved(past.Values[first]) {
			observed++
		}
	}
	for _, y := range past.Values[first:] {
		p.Update(y)
	}
	return p, nil
}

type medianPredictor struct{ values rollingQuantile }

func (p *medianPredictor) Update(y float64) {
	if isObserved(y) {
		p.values.push(y)
	}
}

func (p *medianPredictor) Predict(dst []float64) {
	sorted := p.values.sorted
	n := len(sorted)
	middle := (sorted[(n-1)/2] + sorted[n/2]) / 2
	for i := range dst {
		dst[i] = middle
	}
}

// isObserved reports whether y is a number.
func isObserved(y float64) bool { return !math.IsNaN(y) && !math.IsInf(y, 0) }
