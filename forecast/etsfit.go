package forecast

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// An etsFit is the search for parameters and first states of one form.
type etsFit struct {
	form     etsForm
	values   []float64
	observed int
	floor    float64    // sum of squared errors that counts as none
	start    *FittedETS // states at the start, before the search
	work     *FittedETS
	unit     float64 // of the level, in the search
}

func newETSFit(form etsForm, values []float64) *etsFit {
	f := &etsFit{form: form, values: values}
	for _, y := range values {
		if math.IsNaN(y) {
			continue
		}
		f.observed++
		if form.multiplicativeError {
			f.floor += 1e-20
		} else {
			f.floor += 1e-20 * y * y
		}
	}
	if f.floor == 0 {
		f.floor = 1
	}
	return f
}

// fitETS returns the form fitted to the values, by the greatest likelihood; nil where
// there are too few values or the form cannot describe them.
func fitETS(ctx context.Context, form etsForm, values []float64, season int) (*FittedETS, error) {
	f := newETSFit(form, values)
	if !form.seasonal {
		season = 1
	}
	smoothings, states := 1, season // The last state of the season follows from the others.
	if form.trend {
		smoothings++
		states++
	}
	if form.damped {
		smoothings++
	}
	if form.seasonal {
		smoothings++
	}
	k := float64(smoothings + states + 1) // With the variance of the errors.
	spare := float64(f.observed) - k - 1
	if spare <= 0 || !f.begin(season) {
		return nil, nil
	}

	x := make([]float64, smoothings+states)
	best := math.Inf(1)
	for _, alpha := range []float64{.05, .3, .7, .95} {
		for _, share := range []float64{.02, .2} {
			first := Smoothing{Alpha: alpha, Beta: alpha * share, Gamma: (1 - alpha) * share, Phi: .95}
			try := make([]float64, len(x))
			f.encode(try, first)
			if l := f.at(try); l < best {
				best, x = l, try
			}
		}
	}
	if math.IsInf(best, 1) {
		return nil, nil
	}
	// The states matter little once the parameters are good.
	for _, n := range []int{smoothings, len(x)} {
		l, err := f.minimise(ctx, x, n, best)
		if err != nil {
			return nil, err
		}
		best = l
	}
	p := &FittedETS{seasonal: make([]float64, season)}
	f.decode(p, x)
	for _, y := range values {
		p.Update(y)
	}
	p.aicc = best + 2*k + 2*k*(k+1)/spare
	return p, nil
}

// minimise improves the first n coordinates of x by the simplex method of Nelder and
// Mead (1965) and returns the likelihood reached.
func (f *etsFit) minimise(ctx context.Context, x []float64, n int, best float64) (float64, error) {
	try := append([]float64(nil), x...)
	problem := optimize.Problem{
		Func: func(part []float64) float64 {
			if ctx.Err() != nil {
				return math.Inf(1)
			}
			copy(try, part)
			return f.at(try)
		},
		Status: func() (optimize.Status, error) { return optimize.NotTerminated, ctx.Err() },
	}
	settings := &optimize.Settings{
		FuncEvaluations: min(150*n, 2000),
		Converger:       &optimize.FunctionConverge{Absolute: 1e-5, Iterations: 20 * n},
	}
	result, err := optimize.Minimize(problem, x[:n], settings, &optimize.NelderMead{SimplexSize: .5})
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if result == nil {
		return 0, fmt.Errorf("fit ets %s: %w", f.form, err)
	}
	if result.F < best {
		copy(x, result.X)
		return result.F, nil
	}
	return best, nil
}

// at returns the likelihood of a point of the search.
func (f *etsFit) at(x []float64) float64 {
	f.decode(f.work, x)
	return f.likelihood(f.work)
}

// likelihood returns -2 ln of it, without the constant of the series, for states at
// the start, which it moves to the end: n ln(sum of e^2), and for relative errors
// 2 sum of ln|expected| more.
func (f *etsFit) likelihood(p *FittedETS) float64 {
	squares, logs := 0.0, 0.0
	if f.form.multiplicativeSeason {
		for _, v := range p.seasonal {
			if !(v > 0) {
				return math.Inf(1)
			}
		}
	}
	for _, y := range f.values {
		expected := p.step(y)
		if math.IsNaN(y) {
			continue
		}
		e := y - expected
		if f.form.multiplicativeError {
			if !(expected > 0) {
				return math.Inf(1)
			}
			e /= expected
			logs += math.Log(expected)
		}
		squares += e * e
	}
	l := float64(f.observed)*math.Log(max(squares, f.floor)) + 2*logs
	if math.IsNaN(l) {
		return math.Inf(1)
	}
	return l
}

// begin sets the states at the start: the season by classical decomposition, level
// and trend by the line through the first values without it.
func (f *etsFit) begin(season int) bool {
	p := &FittedETS{form: f.form, seasonal: make([]float64, season)}
	if f.form.seasonal {
		p.seasonal = decompose(f.values, season, func(y, trend float64) float64 {
			if f.form.multiplicativeSeason {
				return y / trend
			}
			return y - trend
		})
		var total sum
		for _, v := range p.seasonal {
			total.add(v)
		}
		for i := range p.seasonal {
			if f.form.multiplicativeSeason {
				p.seasonal[i] /= total.mean()
			} else {
				p.seasonal[i] -= total.mean()
			}
			if v := p.seasonal[i]; math.IsNaN(v) || f.form.multiplicativeSeason && v < .01 {
				return false
			}
		}
	}
	var line slope
	var distances sum
	for i, y := range f.values {
		if line.observed >= max(10, 2*season) {
			break
		}
		if f.form.multiplicativeSeason {
			y /= p.seasonal[i%season]
		} else {
			y -= p.seasonal[i%season]
		}
		line.add(y)
		if line.observed > 0 && !math.IsNaN(y) {
			distances.add(math.Abs(y - line.meanY))
		}
	}
	p.level = line.meanY
	if f.form.trend {
		p.trend = line.value()
		p.level -= p.trend * (line.meanT + 1)
	}
	f.unit = distances.mean()
	if !(f.unit > 0) {
		f.unit = 1e-3 * math.Abs(p.level)
	}
	f.start = p
	f.work = &FittedETS{seasonal: make([]float64, season)}
	return true
}

// The parameters lie in alpha in (1e-4, 0.9999), beta in (0, alpha),
// gamma in (0, 1-alpha) and phi in (0.8, 0.98). The states are differences from those
// at the start.
func (f *etsFit) decode(p *FittedETS, x []float64) {
	p.form, p.phase, p.trend = f.form, 0, 0
	p.smoothing = Smoothing{Alpha: 1e-4 + .9998*logistic(x[0]), Phi: 1}
	x = x[1:]
	if f.form.trend {
		p.smoothing.Beta = p.smoothing.Alpha * logistic(x[0])
		x = x[1:]
	}
	if f.form.damped {
		p.smoothing.Phi = .8 + .18*logistic(x[0])
		x = x[1:]
	}
	if f.form.seasonal {
		p.smoothing.Gamma = (1 - p.smoothing.Alpha) * logistic(x[0])
		x = x[1:]
	}
	p.level = f.start.level + f.unit*x[0]
	x = x[1:]
	if f.form.trend {
		p.trend = f.start.trend + .1*f.unit*x[0]
		x = x[1:]
	}
	unit := f.unit
	if f.form.multiplicativeSeason {
		unit /= math.Abs(f.start.level)
	}
	last := len(p.seasonal) - 1
	p.seasonal[last] = f.start.seasonal[last]
	for i := range last {
		p.seasonal[i] = f.start.seasonal[i] + unit*x[i]
		p.seasonal[last] -= unit * x[i]
	}
}

// encode writes the parameters into x and leaves the states at the start.
func (f *etsFit) encode(x []float64, s Smoothing) {
	x[0] = logit((s.Alpha - 1e-4) / .9998)
	x = x[1:]
	if f.form.trend {
		x[0] = logit(s.Beta / s.Alpha)
		x = x[1:]
	}
	if f.form.damped {
		x[0] = logit((s.Phi - .8) / .18)
		x = x[1:]
	}
	if f.form.seasonal {
		x[0] = logit(s.Gamma / (1 - s.Alpha))
	}
}
