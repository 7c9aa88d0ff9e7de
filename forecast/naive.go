package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Naive forecasts that the last observed value stays. It is the yardstick of every
// other model: a few minutes ahead it is hard to beat.
type Naive struct{}

var _ Model = Naive{}

// Name returns "naive".
func (Naive) Name() string { return "naive" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value.
func (Naive) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	last, ok := lastObserved(past.Values)
	if !ok {
		return nil, fmt.Errorf("naive needs one observed value: %w", ErrTooShort)
	}
	return &naivePredictor{last: last}, nil
}

type naivePredictor struct{ last float64 }

func (p *naivePredictor) Update(y float64) {
	if !math.IsNaN(y) {
		p.last = y
	}
}

func (p *naivePredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = p.last
	}
}

func lastObserved(values []float64) (last float64, ok bool) {
	for _, v := range slices.Backward(values) {
		if !math.IsNaN(v) {
			return v, true
		}
	}
	return math.NaN(), false
}
