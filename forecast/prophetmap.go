package forecast

import (
	"context"
	"math"

	"gonum.org/v1/gonum/mat"
)

// prophetMAP is the posterior of Prophet's additive model, up to a constant
//
//	n ln s + SSE/(2 s^2) + 2 s^2 + (k^2 + m^2)/50 + sum|delta|/0.05 + sum(beta^2)/200
//
// with the series divided by its largest absolute value and time in [0, 1]. It sees the
// data through their Gram matrix only.
type prophetMAP struct {
	columns, deltas int
	gram            []float64 // columns x columns, upper triangle
	moments         []float64
	power           float64
	n               int
	coefficients    []float64
	sigma           float64
}

// prophetTau is the scale of the Laplace prior of the changes of slope.
const prophetTau = .05

func newProphetMAP(p *FittedProphet) *prophetMAP {
	columns := 2 + len(p.changepoints)
	for _, e := range p.events {
		columns += e.effects()
	}
	for _, s := range p.periods {
		columns += 2 * s.pairs
	}
	return &prophetMAP{
		columns: columns, deltas: len(p.changepoints),
		gram: make([]float64, columns*columns), moments: make([]float64, columns),
		coefficients: make([]float64, columns), sigma: 1,
	}
}

func (g *prophetMAP) add(row []float64, y float64) {
	for i, v := range row {
		if v == 0 {
			continue // Hinges before their changepoint, and events.
		}
		line := g.gram[i*g.columns : (i+1)*g.columns]
		for j := i; j < g.columns; j++ {
			line[j] += v * row[j]
		}
		g.moments[i] += v * y
	}
	g.power += y * y
	g.n++
}

// sse returns the sum of squared errors.
func (g *prophetMAP) sse(b []float64) float64 {
	v := g.power
	for i := range b {
		v -= 2 * b[i] * g.moments[i]
		v += b[i] * b[i] * g.gram[i*g.columns+i]
		for j := i + 1; j < g.columns; j++ {
			v += 2 * b[i] * b[j] * g.gram[i*g.columns+j]
		}
	}
	return max(v, 0)
}

// prophetObjective is the negative logarithm of the posterior, of n values with that sum of
// squared errors; the first two coefficients and the deltas after them are those of the
// trend. The absolute values of the deltas are smoothed so much.
func prophetObjective(coefficients []float64, deltas, n int, sse, sigma, smooth float64) float64 {
	v := float64(n)*math.Log(sigma) + sse/(2*sigma*sigma) + 2*sigma*sigma
	for i, c := range coefficients {
		switch {
		case i < 2:
			v += c * c / 50
		case i < 2+deltas:
			v += math.Hypot(c, smooth) / prophetTau
		default:
			v += c * c / 200
		}
	}
	return v
}

// prophetSigma is the best noise for n values with that sum of squared errors: the root of
// n/s - SSE/s^3 + 4 s = 0, free of cancellation.
func prophetSigma(sse float64, n int) float64 {
	const quietest = 1e-4
	return max(math.Sqrt(2*sse/(float64(n)+math.Sqrt(float64(n)*float64(n)+16*sse))), quietest)
}

// maximise alternates the best noise given the coefficients, in closed form, with a
// ridge regression whose quadratic lies above the Laplace prior and touches it at the
// last solution (D. R. Hunter and R. Li, Annals of Statistics 33, 2005), so that no
// step makes the objective larger. The unknowns are divided by their prior's deviation:
// then a change that shrinks to nothing leaves the system well conditioned.
func (g *prophetMAP) maximise(ctx context.Context) error {
	const smallest = 1e-9
	deviations := make([]float64, g.columns)
	for i := range deviations {
		deviations[i] = 10
		if i < 2 {
			deviations[i] = 5
		}
	}
	weights := make([]float64, g.deltas)
	for i := range weights {
		weights[i] = 1
	}
	system := mat.NewSymDense(g.columns, nil)
	right, solution := mat.NewVecDense(g.columns, nil), mat.NewVecDense(g.columns, nil)
	var factor mat.Cholesky
	for range prophetIterations {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, w := range weights {
			deviations[2+i] = math.Sqrt(prophetTau * w)
		}
		precision := 1 / (g.sigma * g.sigma)
		for i := range g.columns {
			for j := i; j < g.columns; j++ {
				system.SetSym(i, j, precision*deviations[i]*deviations[j]*g.gram[i*g.columns+j])
			}
			system.SetSym(i, i, system.At(i, i)+1)
			right.SetVec(i, precision*deviations[i]*g.moments[i])
		}
		if !factor.Factorize(system) {
			break // Noise at rounding: the last solution is as good.
		}
		// An error here is only a warning of a large condition number.
		_ = factor.SolveVecTo(solution, right)
		for i := range g.coefficients {
			g.coefficients[i] = deviations[i] * solution.AtVec(i)
		}
		for i := range weights {
			weights[i] = max(math.Abs(g.coefficients[2+i]), smallest)
		}
		g.sigma = prophetSigma(g.sse(g.coefficients), g.n)
	}
	return nil
}
