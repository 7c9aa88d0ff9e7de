package forecast

import "math"

// A gappedARIMA is the exact Gaussian likelihood of series with gaps, whose differences
// are stationary, from a diffuse start. All series miss the same steps.
type gappedARIMA struct {
	series   [][]float64
	observed []bool
	delta    []float64
	counted  []bool // observed and not used up by the start
	weights  armaWeights
}

// newGappedARIMA finds the steps that are used up by the start: those whose forecasts
// have an unbounded variance. These are known beforehand, as the stationary part has no
// share in it.
func newGappedARIMA(series [][]float64, observed []bool, delta []float64) *gappedARIMA {
	g := &gappedARIMA{series: series, observed: observed, delta: delta, counted: make([]bool, len(observed))}
	d := len(delta)
	p := make([][]float64, d) // Covariance of the levels 1, 2, ... steps ago, in units of the unbounded.
	for i := range p {
		p[i] = make([]float64, d)
		p[i][i] = 1
	}
	terms := lagTerms(nil, delta)
	gain := make([]float64, d)
	unbounded := d
	for t, seen := range observed {
		if unbounded == 0 {
			g.counted[t] = seen
			continue
		}
		for i := range gain {
			gain[i] = 0
			for _, term := range terms {
				gain[i] += term.weight * p[i][term.lag-1]
			}
		}
		variance := 0.0
		for _, term := range terms {
			variance += term.weight * gain[term.lag-1]
		}
		g.counted[t] = seen
		if seen && variance > 1e-9 {
			g.counted[t] = false
			unbounded--
			for i := range p {
				for j := range p {
					p[i][j] -= gain[i] * gain[j] / variance
				}
			}
			clear(gain)
			variance = 0
		} else if seen {
			clear(gain)
			variance = 0
		}
		// The value now is the level one step ago, the oldest leaves.
		last := p[d-1]
		copy(p[1:], p)
		p[0] = last
		for i := d - 1; i > 0; i-- {
			copy(p[i][1:], p[i][:d-1])
			p[i][0] = gain[i-1]
		}
		p[0][0] = variance
		copy(p[0][1:], gain[:d-1])
	}
	return g
}

func (g *gappedARIMA) size() (series, steps int) { return len(g.series), len(g.series[0]) }

func (g *gappedARIMA) innovations(c *armaCoefficients, errors [][]float64, variances []float64) bool {
	g.weights.set(c)
	f, ok := newARIMAFilter(&g.weights, g.delta, len(g.series))
	if !ok {
		return false
	}
	y, e := make([]float64, len(g.series)), make([]float64, len(g.series))
	for t := range variances {
		for s := range y {
			y[s] = g.series[s][t]
		}
		variances[t] = f.step(y, e, g.observed[t])
		if !g.counted[t] {
			variances[t] = 1
			clear(e)
		}
		for s, v := range e {
			errors[s][t] = v
		}
	}
	return !math.IsNaN(variances[len(variances)-1])
}
