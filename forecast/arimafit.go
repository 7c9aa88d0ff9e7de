package forecast

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// ARIMAOrder is the order (P,D,Q)(SeasonalP,SeasonalD,SeasonalQ) of an ARIMA process, in
// the words of Box and Jenkins (1970).
type ARIMAOrder struct {
	P, D, Q                         int
	SeasonalP, SeasonalD, SeasonalQ int
}

func (o ARIMAOrder) parameters() int { return o.P + o.Q + o.SeasonalP + o.SeasonalQ }

// armaCoefficients are those of a process
//
//	(1 - sum ar[i] B^(i+1)) (1 - sum seasonalAR[j] B^(m(j+1))) w
//		= (1 + sum ma[i] B^(i+1)) (1 + sum seasonalMA[j] B^(m(j+1))) e
type armaCoefficients struct {
	ar, ma, seasonalAR, seasonalMA []float64
	season                         int
}

// set makes the coefficients views of the parameters of a search.
func (c *armaCoefficients) set(o ARIMAOrder, season int, x []float64) {
	c.season = season
	take := func(n int) []float64 {
		part := x[:n:n]
		x = x[n:]
		return part
	}
	c.ar, c.ma, c.seasonalAR, c.seasonalMA = take(o.P), take(o.Q), take(o.SeasonalP), take(o.SeasonalQ)
}

// An arimaData is a series with its regressors, in the forms that likelihoods need.
type arimaData struct {
	season     int
	values     []float64   // the ends of gaps joined by lines
	observed   []bool      // nil where all are
	regressors [][]float64 // beside the constant

}

// An arimaEstimate is a fitted process.
type arimaEstimate struct {
	order        ARIMAOrder
	constant     bool
	coefficients []float64 // as of armaCoefficients.set
	regression   []float64 // of the constant first, where there is one
	n            int       // values that count
	sigma2       float64   // variance of the innovations, without bias of the coefficients
	logLik, aicc float64
}

// constantAllowed says whether a constant means something: the mean of a process that is
// not differenced, the drift of one that is once.
func constantAllowed(o ARIMAOrder) bool { return o.D+o.SeasonalD <= 1 }

// columns returns the series and its regressors.
func (d *arimaData) columns(o ARIMAOrder, constant bool) [][]float64 {
	columns := [][]float64{d.values}
	if constant {
		column := make([]float64, len(d.values))
		for t := range column {
			column[t] = 1
			if o.D+o.SeasonalD > 0 {
				column[t] = float64(t + 1)
			}
		}
		columns = append(columns, column)
	}
	return append(columns, d.regressors...)
}

// differences returns the columns differenced.
func (d *arimaData) differences(o ARIMAOrder, constant bool) [][]float64 {
	columns := d.columns(o, constant)
	for i, c := range columns {
		for range o.SeasonalD {
			c = lagDifferences(c, d.season)
		}
		for range o.D {
			c = lagDifferences(c, 1)
		}
		columns[i] = c
	}
	return columns
}

func lagDifferences(y []float64, lag int) []float64 {
	out := make([]float64, max(len(y)-lag, 0))
	for t := range out {
		out[t] = y[t+lag] - y[t]
	}
	return out
}

// conditional returns the fit by the conditional sum of squares.
func (d *arimaData) conditional(ctx context.Context, o ARIMAOrder, constant bool) (*arimaEstimate, error) {
	start := o.P + d.season*o.SeasonalP
	engine := &conditionalARMA{start: start}
	p := &arimaProblem{order: o, season: d.season, engine: engine, tolerance: 1e-4, steps: 25}
	if d.observed == nil {
		engine.series = d.differences(o, constant)
		p.n = len(engine.series[0]) - start
		if p.n >= arimaSlopeSteps {
			p.conditional = engine
		}
	} else {
		engine.series = d.columns(o, constant)
		engine.delta = differencing(o.D, o.SeasonalD, d.season)
		engine.start += len(engine.delta)
		engine.missing, engine.counted, p.n = d.gaps(engine.start)
	}
	return p.fit(ctx, make([]float64, o.parameters()), constant)
}

// gaps says which values from start on are missing and which count: those after an
// observed one, or all where there are few of them.
func (d *arimaData) gaps(start int) (missing, counted []bool, n int) {
	missing, counted = make([]bool, len(d.values)), make([]bool, len(d.values))
	all := 0
	for t := start; t < len(d.values); t++ {
		missing[t] = !d.observed[t]
		if missing[t] {
			continue
		}
		all++
		if t == 0 || d.observed[t-1] {
			counted[t] = true
			n++
		}
	}
	if 2*n < all {
		for t := start; t < len(d.values); t++ {
			counted[t] = d.observed[t]
		}
		n = all
	}
	return missing, counted, n
}

// exact returns the fit by the exact likelihood, from a point of the search. Roots of the
// moving averages end outside the unit circle.
func (d *arimaData) exact(ctx context.Context, o ARIMAOrder, constant bool, from []float64) (*arimaEstimate, error) {
	return d.maximise(ctx, d.exactProblem(o, constant), constant, from)
}

// nearlyExact is exact to what tells models apart.
func (d *arimaData) nearlyExact(ctx context.Context, o ARIMAOrder, constant bool, from []float64) (*arimaEstimate, error) {
	p := d.exactProblem(o, constant)
	p.tolerance, p.steps, p.work = 1e-4, 25, arimaGapWork/10
	return d.maximise(ctx, p, constant, from)
}

func (d *arimaData) maximise(ctx context.Context, p *arimaProblem, constant bool, from []float64) (*arimaEstimate, error) {
	o := p.order
	x := append([]float64(nil), from...)
	var c armaCoefficients
	c.set(o, d.season, x)
	shrinkToStationary(c.ar)
	shrinkToStationary(c.seasonalAR)
	if d.gapWork(&c, o) > p.work {
		invert(c.ma)
		invert(c.seasonalMA)
		return p.at(x, constant), ctx.Err()
	}
	e, err := p.fit(ctx, x, constant)
	if err != nil || e == nil {
		return nil, err
	}
	c.set(o, d.season, e.coefficients)
	before := slices.Clone(e.coefficients)
	invert(c.ma)
	invert(c.seasonalMA)
	if !slices.Equal(before, e.coefficients) {
		return p.at(e.coefficients, constant), nil
	}
	return e, nil
}

// gapWork returns what one exact likelihood costs: 0 without gaps, else steps by squared
// number of states.
func (d *arimaData) gapWork(c *armaCoefficients, o ARIMAOrder) float64 {
	if d.observed == nil {
		return 0
	}
	var w armaWeights
	w.set(c)
	states := float64(w.states() + o.D + d.season*o.SeasonalD)
	return float64(len(d.values)) * states * states
}

func (d *arimaData) exactProblem(o ARIMAOrder, constant bool) *arimaProblem {
	p := &arimaProblem{order: o, season: d.season, tolerance: 1e-9, steps: 100, work: arimaGapWork}
	if d.observed == nil {
		w := d.differences(o, constant)
		p.engine, p.n = newExactARMA(w), len(w[0])
		return p
	}
	engine := newGappedARIMA(d.columns(o, constant), d.observed, differencing(o.D, o.SeasonalD, d.season))
	for _, counts := range engine.counted {
		if counts {
			p.n++
		}
	}
	p.engine = engine
	return p
}

// shrinkToStationary draws the roots away from the origin until all are outside the unit
// circle.
func shrinkToStationary(ar []float64) {
	for !rootsBeyond(ar, 1.001) {
		factor := 1.0
		for i := range ar {
			factor *= .95
			ar[i] *= factor
		}
	}
}

// An arimaProblem is a likelihood as a sum of squares: of the errors divided by their
// standard deviations, times the n-th root of the product of all these, after the
// regressors have explained what they can (Ansley, Biometrika 66, 1979).
type arimaProblem struct {
	order  ARIMAOrder
	season int
	engine innovator
	n      int // errors that count
	// tolerance is the change of twice the log-likelihood that ends the search.
	tolerance float64
	steps     int     // at most
	work      float64 // of one exact likelihood with gaps, at most

	coefficients armaCoefficients
	errors       [][]float64
	variances    []float64
	beta         []float64
	logs         float64          // sum of the logarithms of the variances
	squares      float64          // sum of the squares of errors by standard deviation
	conditional  *conditionalARMA // the engine, where it is that of a long series without gaps
}

func (p *arimaProblem) prepare() {
	if p.errors != nil {
		return
	}
	series, steps := p.engine.size()
	p.errors = make([][]float64, series)
	for s := range p.errors {
		p.errors[s] = make([]float64, steps)
	}
	p.variances = make([]float64, steps)
	p.beta = make([]float64, series-1)
}

// fit returns the estimate near x, which it moves; nil where there are too few values or
// the likelihood is not defined.
func (p *arimaProblem) fit(ctx context.Context, x []float64, constant bool) (*arimaEstimate, error) {
	p.prepare()
	if p.n <= len(x)+len(p.beta)+1 {
		return nil, ctx.Err()
	}
	search := leastSquares{residuals: p.residuals, size: len(p.variances), tolerance: p.tolerance / float64(p.n), steps: p.steps}
	if p.conditional != nil {
		search.slopes = p.slopes
	}
	total, err := search.minimise(ctx, x)
	if err != nil || math.IsInf(total, 0) {
		return nil, err
	}
	return p.at(x, constant), nil
}

// at returns the estimate at x.
func (p *arimaProblem) at(x []float64, constant bool) *arimaEstimate {
	p.prepare()
	if !p.residuals(make([]float64, len(p.variances)), x) {
		return nil
	}
	k, n := float64(len(x)+len(p.beta)), float64(p.n)
	e := &arimaEstimate{
		order: p.order, constant: constant, n: p.n,
		coefficients: slices.Clone(x), regression: slices.Clone(p.beta),
		sigma2: p.squares / (n - k),
		logLik: -(n*(math.Log(2*math.Pi*p.squares/n)+1) + p.logs) / 2,
	}
	e.aicc = criterion(e.logLik, k+1, n)
	return e
}

// criterion returns Akaike's information criterion with the correction for small samples
// (Hurvich and Tsai, Biometrika 76, 1989).
func criterion(logLik, k, n float64) float64 {
	if n-k-1 <= 0 {
		return math.Inf(1)
	}
	return -2*logLik + 2*k + 2*k*(k+1)/(n-k-1)
}

func (p *arimaProblem) residuals(dst, x []float64) bool {
	p.coefficients.set(p.order, p.season, x)
	if !p.engine.innovations(&p.coefficients, p.errors, p.variances) {
		return false
	}
	p.logs = 0
	product := 1.0
	weighted := false
	for t, v := range p.variances {
		if v == 1 {
			continue
		}
		if !(v > 0) {
			return false
		}
		weighted = true
		if product *= v; product > 1e200 || product < 1e-200 {
			p.logs += math.Log(product)
			product = 1
		}
		scale := 1 / math.Sqrt(v)
		for _, e := range p.errors {
			e[t] *= scale
		}
	}
	p.logs += math.Log(product)
	if !p.regress() {
		return false
	}
	copy(dst, p.errors[0])
	for i, b := range p.beta {
		for t, v := range p.errors[i+1] {
			dst[t] -= b * v
		}
	}
	p.squares = squares(dst)
	if math.IsNaN(p.squares) || math.IsInf(p.squares, 0) {
		return false
	}
	if weighted {
		scale := math.Exp(p.logs / (2 * float64(p.n)))
		for t := range dst {
			dst[t] *= scale
		}
	}
	return true
}

// regress sets beta to the coefficients of generalised least squares.
func (p *arimaProblem) regress() bool {
	k := len(p.beta)
	if k == 0 {
		return true
	}
	if k == 1 {
		p.beta[0] = dot(p.errors[0], p.errors[1]) / squares(p.errors[1])
		return !math.IsNaN(p.beta[0])
	}
	gram, moments := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	for i := range k {
		moments.SetVec(i, dot(p.errors[0], p.errors[i+1]))
		for j := i; j < k; j++ {
			gram.SetSym(i, j, dot(p.errors[i+1], p.errors[j+1]))
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(gram) {
		return false
	}
	return factor.SolveVecTo(mat.NewVecDense(k, p.beta), moments) == nil
}
