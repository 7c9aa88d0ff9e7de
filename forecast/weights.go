package forecast

// A Weight is how much one expert counts in a forecast, in [0, 1].
type Weight struct {
	Name   string
	Weight float64
}

// Weighted is a Predictor that combines the forecasts of others and can say how.
type Weighted interface {
	// Weights returns what every expert counts in the forecast of the next step, in an
	// order that does not change; they add up to 1. The caller may keep the slice.
	Weights() []Weight
}

// An unwrapper is a Predictor around another one.
type unwrapper interface{ Unwrap() Predictor }

// WeightsOf returns the weights of a Predictor, or of the one that it wraps, nil where
// it has none.
func WeightsOf(p Predictor) []Weight {
	for p != nil {
		if w, ok := p.(Weighted); ok {
			return w.Weights()
		}
		u, ok := p.(unwrapper)
		if !ok {
			return nil
		}
		p = u.Unwrap()
	}
	return nil
}

// meanWeights adds up weights by name, in the order in which the names are first seen:
// a refit may bring other experts.
type meanWeights struct {
	names []string
	sums  []sum
	steps int
}

func (m *meanWeights) add(weights []Weight) {
	m.steps++
	for i, w := range weights {
		m.sums[m.index(w.Name, i)].add(w.Weight)
	}
}

// index returns the place of a name, which most likely is where it was last.
func (m *meanWeights) index(name string, guess int) int {
	if guess < len(m.names) && m.names[guess] == name {
		return guess
	}
	for i, known := range m.names {
		if known == name {
			return i
		}
	}
	m.names = append(m.names, name)
	m.sums = append(m.sums, sum{})
	return len(m.names) - 1
}

// mean returns the mean over all steps; an expert that was away had no weight.
func (m *meanWeights) mean() []Weight {
	var out []Weight
	for i, name := range m.names {
		out = append(out, Weight{Name: name, Weight: m.sums[i].value() / float64(m.steps)})
	}
	return out
}
