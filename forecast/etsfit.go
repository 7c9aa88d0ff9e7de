package forecast

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// An etsFit is the search for parameters and first states of one form.
type etsFit struct {
	form  etsForm
	path  etsPath
	start *FittedETS // states at the start, before the search
	work  *FittedETS
	unit  float64 // of the level, in the search
	// The logistic values of the newest point of the search.
	shares struct{ alpha, beta, gamma, phi float64 }
	slopes *FittedETS // scratch of gradient
}

// fitETS returns the form fitted to the values, by the greatest likelihood; nil where
// there are too few values, the form cannot describe them, or its AICc will hardly be
// below limit.
func fitETS(ctx context.Context, form etsForm, values []float64, season int, limit float64) (*FittedETS, error) {
	f := &etsFit{form: form, path: newETSPath(form, values)}
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
	spare := float64(f.path.observed) - k - 1
	if spare <= 0 || !f.begin(season) {
		return nil, nil
	}
	penalty := 2*k + 2*k*(k+1)/spare

	x, best, err := f.search(ctx, smoothings+states, limit-penalty)
	if x == nil || err != nil {
		return nil, err
	}
	p := &FittedETS{seasonal: make([]float64, season)}
	f.decode(p, x)
	for _, y := range values {
		p.Update(y)
	}
	p.aicc = best + penalty
	f.value(x)
	p.variance = max(f.path.squares, 0) / (float64(f.path.observed) - k + 1)
	return p, nil
}

// An etsStart is where a search may start: the better of two alphas, with beta and gamma
// as shares of what they can be.
type etsStart struct {
	alphas      [2]float64
	beta, gamma float64
}

// etsStarts returns starts near each of the maxima that the likelihood is apt to have: a
// level, trend or season that hardly changes, or does.
func etsStarts(form etsForm) []etsStart {
	low, high := [2]float64{.05, .3}, [2]float64{.7, .95}
	starts := []etsStart{{low, .02, .02}, {high, .02, .02}}
	if form.trend || form.seasonal {
		starts = append(starts, etsStart{low, .2, .2}, etsStart{high, .2, .2})
	}
	if form.trend {
		starts = append(starts, etsStart{low, .9, .02})
	}
	return starts
}

// etsSection is the number of values, or etsSectionSeasons seasons if they are more, from
// which all starts of a long series are searched.
const etsSection, etsSectionSeasons = 400, 10

// search returns the point of n coordinates with the least likelihood found, and that; nil
// where there is none, or it will hardly be below limit. On a long series all starts are
// searched on its first section, and the two that suit the whole best go on from there.
func (f *etsFit) search(ctx context.Context, n int, limit float64) (x []float64, best float64, err error) {
	best = math.Inf(1)
	s := bfgs{tolerance: 1e-4, steps: 300, reach: 3}
	// A point that comes near the best one will end there.
	s.hopeless = func(at []float64, value, gain float64) bool {
		return value-20*gain > min(best, limit) || x != nil && value-gain < best+1 && f.near(at, x)
	}
	whole := f.path
	values := whole.values[:min(max(etsSection, etsSectionSeasons*len(f.start.seasonal)), len(whole.values))]
	var section *etsPath
	if 2*len(values) < len(whole.values) {
		if path := newETSPath(f.form, values); path.observed > 3*n {
			section = &path
		}
	}
	var candidates []etsCandidate
	for _, start := range etsStarts(f.form) {
		c := f.coarse(start, n)
		if c.x == nil {
			continue
		}
		if section != nil {
			at := slices.Clone(c.x)
			f.path = *section
			_, err := (&bfgs{tolerance: 1e-2, steps: 50, reach: 3}).minimise(ctx, f, at)
			f.path = whole
			if err != nil {
				return nil, 0, err
			}
			if l := f.value(at); l < c.likelihood {
				c = etsCandidate{at, l}
			}
		}
		candidates = append(candidates, c)
	}
	if section != nil && len(candidates) > 2 {
		slices.SortStableFunc(candidates, func(a, b etsCandidate) int { return cmp.Compare(a.likelihood, b.likelihood) })
		candidates = candidates[:2]
	}
	for _, c := range candidates {
		if x != nil && section != nil && f.near(c.x, x) {
			continue
		}
		reached, err := s.minimise(ctx, f, c.x)
		if err != nil {
			return nil, 0, err
		}
		if reached < best {
			best, x = reached, c.x
		}
	}
	return x, best, ctx.Err()
}

// near reports whether the parameters of two points are about the same.
func (f *etsFit) near(a, b []float64) bool {
	n := len(a) - len(f.start.seasonal)
	if f.form.trend {
		n-- // Its state.
	}
	for i := range n {
		if math.Abs(logistic(a[i])-logistic(b[i])) > .05 {
			return false
		}
	}
	return true
}

// An etsCandidate is a point of the search.
type etsCandidate struct {
	x          []float64
	likelihood float64
}

// coarse returns a start of n coordinates; nil ones where the form has no likelihood there.
func (f *etsFit) coarse(start etsStart, n int) etsCandidate {
	best := etsCandidate{likelihood: math.Inf(1)}
	for _, alpha := range start.alphas {
		x := make([]float64, n)
		f.encode(x, Smoothing{Alpha: alpha, Beta: alpha * start.beta, Gamma: (1 - alpha) * start.gamma, Phi: .95})
		if l := f.value(x); l < best.likelihood {
			best = etsCandidate{x, l}
		}
	}
	return best
}

// value returns the likelihood of a point of the search.
func (f *etsFit) value(x []float64) float64 {
	f.decode(f.work, x)
	return f.path.likelihood(f.work)
}

// gradient implements differentiable.
func (f *etsFit) gradient(g []float64) {
	d := f.slopes
	f.path.gradient(f.work.smoothing, d)
	a, s := f.work.smoothing.Alpha, &f.shares
	// Alpha moves the bounds of beta and gamma with it.
	dAlpha := d.smoothing.Alpha
	i := 1
	if f.form.trend {
		dAlpha += s.beta * d.smoothing.Beta
		g[i] = d.smoothing.Beta * a * s.beta * (1 - s.beta)
		i++
	}
	if f.form.damped {
		g[i] = d.smoothing.Phi * .18 * s.phi * (1 - s.phi)
		i++
	}
	if f.form.seasonal {
		dAlpha -= s.gamma * d.smoothing.Gamma
		g[i] = d.smoothing.Gamma * (1 - a) * s.gamma * (1 - s.gamma)
		i++
	}
	g[0] = dAlpha * .9998 * s.alpha * (1 - s.alpha)
	g[i] = f.unit * d.level
	i++
	if f.form.trend {
		g[i] = .1 * f.unit * d.trend
		i++
	}
	unit, last := f.seasonUnit(), len(d.seasonal)-1
	for phase, v := range d.seasonal[:last] {
		g[i+phase] = unit * (v - d.seasonal[last])
	}
}

// seasonUnit returns the unit of the season in the search.
func (f *etsFit) seasonUnit() float64 {
	if f.form.multiplicativeSeason {
		return f.unit / math.Abs(f.start.level)
	}
	return f.unit
}

// begin sets the states at the start: the season by classical decomposition, level
// and trend by the line through the first values without it.
func (f *etsFit) begin(season int) bool {
	p := &FittedETS{form: f.form, seasonal: make([]float64, season)}
	if f.form.seasonal {
		p.seasonal = decompose(f.path.values, season, func(y, trend float64) float64 {
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
			if v := p.seasonal[i]; math.IsNaN(v) || f.form.multiplicativeSeason && v < etsLeastFactor {
				return false
			}
		}
	}
	var line slope
	var distances sum
	for i, y := range f.path.values {
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
	f.work, f.slopes = &FittedETS{seasonal: make([]float64, season)}, &FittedETS{seasonal: make([]float64, season)}
	return true
}

// The parameters lie in alpha in (1e-4, 0.9999), beta in (0, alpha),
// gamma in (0, 1-alpha) and phi in (0.8, 0.98). The states are differences from those
// at the start.
func (f *etsFit) decode(p *FittedETS, x []float64) {
	s := &f.shares
	s.alpha = logistic(x[0])
	p.form, p.phase, p.trend = f.form, 0, 0
	p.smoothing = Smoothing{Alpha: 1e-4 + .9998*s.alpha, Phi: 1}
	x = x[1:]
	if f.form.trend {
		s.beta = logistic(x[0])
		p.smoothing.Beta = p.smoothing.Alpha * s.beta
		x = x[1:]
	}
	if f.form.damped {
		s.phi = logistic(x[0])
		p.smoothing.Phi = .8 + .18*s.phi
		x = x[1:]
	}
	if f.form.seasonal {
		s.gamma = logistic(x[0])
		p.smoothing.Gamma = (1 - p.smoothing.Alpha) * s.gamma
		x = x[1:]
	}
	p.level = f.start.level + f.unit*x[0]
	x = x[1:]
	if f.form.trend {
		p.trend = f.start.trend + .1*f.unit*x[0]
		x = x[1:]
	}
	unit, last := f.seasonUnit(), len(p.seasonal)-1
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
