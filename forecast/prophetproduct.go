package forecast

import (
	"context"
	"math"

	"gonum.org/v1/gonum/mat"
)

// prophetProduct is the posterior of Prophet's multiplicative model, in which seasons and
// events are parts of the trend, with the priors of prophetMAP. It is no longer a function
// of a Gram matrix. The absolute values of the Laplace prior are smoothed.
type prophetProduct struct {
	columns, trend int // the first trend columns are that of the trend
	rows, y        []float64
	smooth         float64

	// Coordinates: origin and the columns of basis, in which the posterior is round.
	origin []float64
	basis  *mat.TriDense // lower; coefficients are origin + basis'^-1 x

	coefficients, errors, slope []float64
	sigma                       float64
}

func (g *prophetProduct) add(row []float64, y float64) {
	g.rows = append(g.rows, row...)
	g.y = append(g.y, y)
}

// parts returns trend and what it is multiplied by at a row.
func (g *prophetProduct) parts(row []float64) (trend, factor float64) {
	factor = 1
	for i, c := range g.coefficients[:g.trend] {
		trend += c * row[i]
	}
	for i, c := range g.coefficients[g.trend:] {
		factor += c * row[g.trend+i]
	}
	return trend, factor
}

// evaluate sets errors and sigma, the best one, by the coefficients, and returns the
// negative logarithm of the posterior.
func (g *prophetProduct) evaluate() float64 {
	sse := 0.0
	for r, y := range g.y {
		trend, factor := g.parts(g.rows[r*g.columns : (r+1)*g.columns])
		g.errors[r] = y - trend*factor
		sse += g.errors[r] * g.errors[r]
	}
	g.sigma = prophetSigma(sse, len(g.y))
	return prophetObjective(g.coefficients, g.trend-2, len(g.y), sse, g.sigma, g.smooth)
}

// value implements differentiable.
func (g *prophetProduct) value(x []float64) float64 {
	move := mat.NewVecDense(g.columns, nil)
	// A large condition number, which is all that an error can tell, shows in the value.
	_ = move.SolveVec(g.basis.T(), mat.NewVecDense(g.columns, x))
	for i, o := range g.origin {
		g.coefficients[i] = o + move.AtVec(i)
	}
	return g.evaluate()
}

// gradient implements differentiable.
func (g *prophetProduct) gradient(dst []float64) {
	clear(g.slope)
	precision := 1 / (g.sigma * g.sigma)
	for r, e := range g.errors {
		row := g.rows[r*g.columns : (r+1)*g.columns]
		trend, factor := g.parts(row)
		for i := range row {
			if i < g.trend {
				g.slope[i] -= precision * e * factor * row[i]
			} else {
				g.slope[i] -= precision * e * trend * row[i]
			}
		}
	}
	for i, c := range g.coefficients {
		g.slope[i] += c * g.priorCurvature(i)
	}
	out := mat.NewVecDense(g.columns, dst)
	_ = out.SolveVec(g.basis, mat.NewVecDense(g.columns, g.slope))
}

// priorCurvature is the slope of the prior divided by the coefficient.
func (g *prophetProduct) priorCurvature(i int) float64 {
	switch {
	case i < 2:
		return 1. / 25
	case i < g.trend:
		return 1 / (prophetTau * math.Hypot(g.coefficients[i], g.smooth))
	default:
		return 1. / 100
	}
}

// round chooses coordinates in which the posterior is near to round where it stands (Gauss
// and Newton's approximation of its curvature).
func (g *prophetProduct) round() bool {
	curvature := mat.NewSymDense(g.columns, nil)
	precision := 1 / (g.sigma * g.sigma)
	jacobian := make([]float64, g.columns)
	for r := range g.y {
		row := g.rows[r*g.columns : (r+1)*g.columns]
		trend, factor := g.parts(row)
		for i, v := range row {
			jacobian[i] = v * trend
			if i < g.trend {
				jacobian[i] = v * factor
			}
		}
		curvature.SymRankOne(curvature, precision, mat.NewVecDense(g.columns, jacobian))
	}
	for i := range g.columns {
		curvature.SetSym(i, i, curvature.At(i, i)+g.priorCurvature(i))
	}
	var factor mat.Cholesky
	if !factor.Factorize(curvature) {
		return false
	}
	g.basis = mat.NewTriDense(g.columns, mat.Lower, nil)
	factor.LTo(g.basis)
	copy(g.origin, g.coefficients)
	return true
}

// maximise goes on from the coefficients, by a quasi-Newton method with less and less
// smoothing.
func (g *prophetProduct) maximise(ctx context.Context) error {
	g.errors, g.slope = make([]float64, len(g.y)), make([]float64, g.columns)
	g.origin = make([]float64, g.columns)
	search := bfgs{tolerance: 1e-7, steps: 80, reach: 10}
	x := make([]float64, g.columns)
	for _, g.smooth = range []float64{1e-2, 1e-3, 1e-4, 1e-5} {
		g.evaluate()
		if !g.round() {
			return nil // Noise at rounding: what is reached is as good.
		}
		clear(x)
		if _, err := search.minimise(ctx, g, x); err != nil {
			return err
		}
		g.value(x)
	}
	return nil
}
