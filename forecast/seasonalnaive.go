package forecast

import (
	"context"
	"fmt"
	"math"
)

// SeasonalNaive forecasts the value of one season before. Where that is missing, it
// takes the same phase of the newest season in which it was observed, and where it
// never was, the last observed value.
type SeasonalNaive struct {
	// Season is the period in steps; below 2 there is no season and the forecast
	// is that of Naive.
	Season int
}

var _ Model = SeasonalNaive{}

// Name returns "seasonal-naive".
func (SeasonalNaive) Name() string { return "seasonal-naive" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value. A past shorter than one season is enough.
func (m SeasonalNaive) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, ok := lastObserved(past.Values); !ok {
		return nil, fmt.Errorf("seasonal naive needs one observed value: %w", ErrTooShort)
	}
	p := &seasonalNaivePredictor{phases: make([]float64, max(m.Season, 1))}
	for i := range p.phases {
		p.phases[i] = math.NaN()
	}
	for _, y := range past.Values {
		p.Update(y)
	}
	return p, nil
}

// A seasonalNaivePredictor keeps the newest observed value of each phase, which is
// all that the rule of SeasonalNaive ever looks at.
type seasonalNaivePredictor struct {
	phases []float64
	next   int // phase of the next observation
	last   float64
}

func (p *seasonalNaivePredictor) Update(y float64) {
	if !math.IsNaN(y) {
		p.phases[p.next] = y
		p.last = y
	}
	p.next = (p.next + 1) % len(p.phases)
}

func (p *seasonalNaivePredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = p.phases[(p.next+i)%len(p.phases)]
		if math.IsNaN(dst[i]) {
			dst[i] = p.last
		}
	}
}
