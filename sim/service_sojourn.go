package sim

import "math"

// sojourns tabulates, for every state of the table, the distribution of the time that a request
// accepted in it spends in the CPU stage. Times are in mean CPU times of the pod's present speed
// (budgets), so one table serves every speed. The state's own load is taken to last for the
// sojourn.
//
// A request that needs x takes V(x) = ∫ f(n(y)) dy over its own work y in [0, x], where n is the
// number of others and f(n) = max(1, (n+1)/C) the time it needs for a unit of work. Were the CPU
// times exponential, n would be a birth-death process: in the clock y its rates are load·f(n) up and
// n down, and it is stationary as the request finds it. The mean and the variance of V(x) given n
// at arrival then solve linear equations (after Coffman, Muntz and Trotter 1970; Sengupta and
// Jagerman 1985),
//
//	dm/dx = G m + f,    dv/dx = G v + Γ(m, m),    Γ(m, m)(n) = Σ G(n, j) (m(j) - m(n))²,
//
// and the mean over n is exact for any CPU time, E[V(x)] = x·E[f]. For other CPU times than
// exponential the clock of the process is slowed down by (1+CV²)/2, which keeps the mean and makes
// the variance right for M/G/1 at both ends: for short requests and for long ones, where Yashkov
// (1983) has Var V(x) ~ x·load·E[S²]/(E[S]·(1-load)³). Given n and x, V(x) is a gamma distribution,
// above its least possible value, with these two moments.
//
// Share of the requests later than 250 ms, default application: this model, a request-level
// simulation of 12 million requests with its standard error, and the snapshot approximation that
// freezes n at arrival, V(x) = x·f(n):
//
//	CV   load  simulation          model     snapshot
//	1    0.60  2.59e-4 ± 0.06e-4   2.65e-4   5.67e-4
//	1    0.69  9.49e-4 ± 0.15e-4   9.86e-4   1.49e-3
//	1    0.80  5.05e-3 ± 0.07e-3   5.16e-3   5.96e-3
//	1    0.90  3.09e-2 ± 0.05e-2   3.09e-2   3.17e-2
//	0.5  0.80  8.51e-4 ± 0.29e-4   8.42e-4   1.25e-3
//	2    0.60  2.66e-3 ± 0.03e-3   2.86e-3   3.13e-3
//	2    0.90  4.05e-2 ± 0.06e-2   4.07e-2   4.05e-2
type sojourns struct {
	columns int
	first   float64   // ln of the budget of column 0
	within  []float64 // P(V <= budget) by state, then by column
}

// column is a budget's place in the table: fraction of the way from column j to j+1, in ln(budget).
type column struct {
	j        int
	fraction float64
}

const (
	columnsPerE  = 24   // columns per factor e of the budget
	normalRange  = 5    // standard deviations of ln(CPU time) that are covered
	workSteps    = 56   // CPU times that the moments are tabulated at
	negligible   = 1e-9 // numbers of others less likely than this, at either end, are left out
	sojournEvery = 4    // one in so many states is computed, the rest interpolated
)

// newSojourns computes the table; one of the columns is exactly the budget objective.
func newSojourns(app App, states []state, objective float64) sojourns {
	w := newWork(app.CPUVariation)
	least := w.size[0] * math.Max(1, 1/app.Cores)
	most := w.size[len(w.size)-1] * math.Max(1, float64(app.Queue)/app.Cores)
	below := math.Ceil(math.Max(math.Log(objective/least), 0) * columnsPerE)
	above := math.Ceil(math.Max(math.Log(most/objective), 0)*columnsPerE) + 1
	sj := sojourns{
		columns: int(below + above + 1),
		first:   math.Log(objective) - below/columnsPerE,
	}
	sj.within = make([]float64, len(states)*sj.columns)
	c := newCourse(app, w, &sj)
	last := len(states) - 1
	for i := 0; ; i = min(i+sojournEvery, last) {
		c.fill(math.Min(states[i].x, 1e6), sj.row(i))
		if i == last {
			break
		}
	}
	// The states at both ends have no finite ln(load): their neighbours' will do.
	logLoad := func(i int) float64 { return math.Log(states[min(max(i, 1), last-1)].x) }
	for i := range states {
		left := i - i%sojournEvery
		right := min(left+sojournEvery, last)
		if i == left || i == right {
			continue
		}
		// Tails are nearly exponential in ln(load).
		f := (logLoad(i) - logLoad(left)) / (logLoad(right) - logLoad(left))
		a, b, row := sj.row(left), sj.row(right), sj.row(i)
		for j := range row {
			row[j] = 1 - math.Pow(1-a[j], 1-f)*math.Pow(1-b[j], f)
		}
	}
	// Shares fall with the load; interpolation and quadrature must not say otherwise.
	for i := 1; i < len(states); i++ {
		before, row := sj.row(i-1), sj.row(i)
		for j := range row {
			row[j] = math.Min(row[j], before[j])
		}
	}
	return sj
}

func (sj *sojourns) row(i int) []float64 { return sj.within[i*sj.columns : (i+1)*sj.columns] }

// column finds a budget in the table. Budgets beyond its ends are clamped to them, where nobody
// respectively everybody is done.
func (sj *sojourns) column(budget float64) column {
	if !(budget > 0) {
		return column{0, 0}
	}
	return sj.clamp((math.Log(budget) - sj.first) * columnsPerE)
}

// shift returns the column of a budget that is longer by a factor.
func (sj *sojourns) shift(budget column, factor float64) column {
	return sj.clamp(float64(budget.j) + budget.fraction + math.Log(factor)*columnsPerE)
}

func (sj *sojourns) clamp(position float64) column {
	position = min(max(position, 0), float64(sj.columns-1))
	j := min(int(position), sj.columns-2)
	return column{j, position - float64(j)}
}

// budget returns the budget at a position between columns.
func (sj *sojourns) budget(position float64) float64 {
	return math.Exp(sj.first + position/columnsPerE)
}

// share returns P(V <= budget) in state i.
func (sj *sojourns) share(i int, at column) float64 {
	row := sj.within[i*sj.columns+at.j:]
	return row[0] + at.fraction*(row[1]-row[0])
}

// work is the log-normal CPU time of a request with mean one, by quantiles z of the normal.
type work struct {
	z, size []float64
	phi     []float64 // distribution function of the normal, at steps of 1/phiSteps
}

const phiSteps = 100

func newWork(variation float64) work {
	// A constant CPU time is taken as an all but constant one.
	sigma := math.Sqrt(math.Log1p(math.Max(variation*variation, 1e-6)))
	w := work{
		z:    make([]float64, workSteps+1),
		size: make([]float64, workSteps+1),
		phi:  make([]float64, 2*normalRange*phiSteps+2),
	}
	for i := range w.z {
		w.z[i] = normalRange * (2*float64(i)/workSteps - 1)
		w.size[i] = math.Exp(sigma*w.z[i] - sigma*sigma/2)
	}
	for i := range w.phi {
		w.phi[i] = math.Erfc((normalRange-float64(i)/phiSteps)/math.Sqrt2) / 2
	}
	return w
}

// normal returns the distribution function of the normal for z within normalRange.
func (w *work) normal(z float64) float64 {
	position := (z + normalRange) * phiSteps
	i := int(position)
	return w.phi[i] + (position-float64(i))*(w.phi[i+1]-w.phi[i])
}
