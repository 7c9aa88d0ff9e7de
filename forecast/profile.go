package forecast

import (
	"context"
	"fmt"
	"math"
)

// Profile forecasts that the load goes on from its level of now as it did at this phase
// of the last seasons: the level, times what followed then relative to the level then.
// Unlike SeasonalNaive it follows a busier day; unlike a smoothed season it keeps a job
// that starts on the minute.
type Profile struct {
	// Season is the period in steps; below 2 Profile is the level.
	Season int
	// Seasons is the number of past seasons that count, the newest most; 0 means 4.
	Seasons int
	// Level is the number of newest values whose mean is the level; 0 means a hundredth
	// of the season, but from 1 to 15.
	Level int
}

var _ Model = Profile{}

// profileDecay is the weight of a season relative to the next newer one.
const profileDecay = .7

// Name returns "profile".
func (Profile) Name() string { return "profile" }

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has no
// observed value.
func (m Profile) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, ok := lastObserved(past.Values); !ok {
		return nil, fmt.Errorf("profile needs one observed value: %w", ErrTooShort)
	}
	if m.Seasons <= 0 {
		m.Seasons = 4
	}
	m.Season = max(m.Season, 1)
	if m.Level <= 0 {
		m.Level = int(clamp(float64(m.Season/100), 1, 15))
	}
	p := &profilePredictor{model: m, history: newRing(m.Season*m.Seasons + m.Level)}
	values := past.Values
	if n := p.history.size; len(values) > n {
		values = values[len(values)-n:]
	}
	for _, y := range values {
		p.Update(y)
	}
	p.last, _ = lastObserved(past.Values)
	return p, nil
}

type profilePredictor struct {
	model   Profile
	history *ring
	last    float64
}

func (p *profilePredictor) Update(y float64) {
	if !isObserved(y) {
		y = math.NaN()
	} else {
		p.last = y
	}
	p.history.push(y)
}

func (p *profilePredictor) Predict(dst []float64) {
	m := p.model
	level := p.history.mean(0, m.Level)
	if math.IsNaN(level) {
		level = p.last
	}
	for i := range dst {
		dst[i] = level
		if m.Season < 2 {
			continue
		}
		value, base, weight := 0.0, 0.0, 1.0
		for s := 1; s <= m.Seasons; s++ {
			lag := s*m.Season - 1 - i%m.Season
			// At phase t+h of that season, and its level at the phase of now.
			then, levelThen := p.history.at(lag), p.history.mean(s*m.Season, m.Level)
			if !math.IsNaN(then) && !math.IsNaN(levelThen) {
				value += weight * then
				base += weight * levelThen
			}
			weight *= profileDecay
		}
		if base > 0 && value >= 0 {
			dst[i] = level * value / base
		}
	}
}
