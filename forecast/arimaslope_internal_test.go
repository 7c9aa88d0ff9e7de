package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Derivatives of the conditional errors against differences of them, on a walk around a
// season that starts far from its mean, with a constant and a regressor.
func TestARIMASlopes(t *testing.T) {
	source := rand.New(rand.NewPCG(5, 6))
	values, regressor := make([]float64, 700), make([]float64, 700)
	level := -400.0
	for i := range values {
		level = .97*level + source.NormFloat64()
		regressor[i] = math.Cos(float64(i*i) / 900)
		values[i] = level + 20*math.Sin(2*math.Pi*float64(i)/7) + 3*regressor[i]
	}
	d := &arimaData{season: 7, values: values, regressors: [][]float64{regressor}}
	for _, o := range []ARIMAOrder{
		{P: 2, Q: 2}, {P: 5}, {Q: 3}, {P: 3, Q: 3}, {P: 1, D: 1, Q: 1}, {P: 1, Q: 1, SeasonalP: 2, SeasonalQ: 1},
		{P: 2, SeasonalQ: 2, Q: 1}, {SeasonalP: 1, SeasonalD: 1, SeasonalQ: 1},
	} {
		start := o.P + d.season*o.SeasonalP
		engine := &conditionalARMA{start: start, series: d.differences(o, true)}
		p := &arimaProblem{order: o, season: d.season, engine: engine, conditional: engine, n: len(engine.series[0]) - start}
		p.prepare()
		x := make([]float64, o.parameters())
		for i := range x {
			x[i] = .4 / float64(i+1)
		}
		n := len(p.variances)
		r, up, down := make([]float64, n), make([]float64, n), make([]float64, n)
		jacobian := make([][]float64, len(x))
		for i := range jacobian {
			jacobian[i] = make([]float64, n)
		}
		if !p.residuals(r, x) {
			t.Fatalf("%v: the errors are not defined", o)
		}
		regressors := [][]float64{slices.Clone(p.errors[1]), slices.Clone(p.errors[2])}
		p.slopes(jacobian, r)
		for i := range x {
			const step = 1e-5
			at := x[i]
			x[i] = at + step
			p.residuals(up, x)
			x[i] = at - step
			p.residuals(down, x)
			x[i] = at
			difference := make([]float64, n)
			for k := range up {
				difference[k] = (up[k] - down[k]) / (2 * step)
			}
			// The regression's own change, which the regressors can explain, is left out.
			subtractProjection(regressors[1], regressors[0])
			for _, u := range regressors {
				subtractProjection(difference, u)
			}
			off := make([]float64, n)
			for k := range off {
				off[k] = difference[k] - jacobian[i][k]
			}
			// What is left is what the errors have to say about the regressors' own change.
			if gap, size := math.Sqrt(squares(off)), math.Sqrt(squares(difference)); gap > .02*size {
				t.Errorf("%v, coefficient %d: derivative off by %v of %v", o, i, gap, size)
			}
			if a, b := dot(difference, r), dot(jacobian[i], r); math.Abs(a-b) > 1e-5*math.Sqrt(squares(difference)*squares(r)) {
				t.Errorf("%v, coefficient %d: slope of the sum of squares %v, by differences %v", o, i, b, a)
			}
		}
	}
}
