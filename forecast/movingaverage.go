package forecast

import (
	"context"
	"fmt"
)

// MovingAverage forecasts the mean of the newest observed values, however many gaps lie
// between them.
type MovingAverage struct {
	// Window is the number of values; 0 means 10.
	Window int
}

var _ Model = MovingAverage{}

// Name returns "moving-average".
func (MovingAverage) Name() string { return "moving-average" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value.
func (m MovingAverage) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &movingAverage{newRing(max(orDefault(m.Window, 10), 1))}
	for _, y := range past.Values {
		p.Update(y)
	}
	if p.newest.held() == 0 {
		return nil, fmt.Errorf("moving average needs one observed value: %w", ErrTooShort)
	}
	return p, nil
}

type movingAverage struct{ newest *ring }

func (p *movingAverage) Update(y float64) {
	if isFinite(y) {
		p.newest.push(y)
	}
}

func (p *movingAverage) Predict(dst []float64) {
	// From scratch each time, so that no rounding adds up over the updates.
	mean := p.newest.mean(0, p.newest.held())
	for i := range dst {
		dst[i] = mean
	}
}
