package sim

import "math"

// course follows one request through the CPU stage: the moments of its sojourn by the number of
// others at its arrival, as its work grows. Its slices are scratch space for all loads.
type course struct {
	app  App
	slow float64 // the environment's clock is slower by this factor
	work work
	sj   *sojourns

	p, pace     []float64 // by number of others: its probability, and time per unit of work
	up, down    []float64 // rates
	m, v, gamma []float64 // moments and the source of the variance

	mFirst, mLast, vFirst []float64 // moments after the stages of a step

	below, pivot, above []float64 // factors of the tridiagonal matrix of a step

	mean, spread []float64 // by CPU time, then by number: mean and variance
	log          []float64 // ln V at each CPU time, for one number and quadrature node
}

func newCourse(app App, w work, sj *sojourns) *course {
	byNumber := func() []float64 { return make([]float64, app.Queue) }
	return &course{
		app:    app,
		slow:   (1 + app.CPUVariation*app.CPUVariation) / 2,
		work:   w,
		sj:     sj,
		p:      byNumber(),
		pace:   byNumber(),
		up:     byNumber(),
		down:   byNumber(),
		m:      byNumber(),
		v:      byNumber(),
		gamma:  byNumber(),
		mFirst: byNumber(),
		mLast:  byNumber(),
		vFirst: byNumber(),
		below:  byNumber(),
		pivot:  byNumber(),
		above:  byNumber(),
		mean:   make([]float64, len(w.size)*app.Queue),
		spread: make([]float64, len(w.size)*app.Queue),
		log:    make([]float64, len(w.size)),
	}
}

// fill computes the distribution of the sojourn at an offered load of x cores, by column.
func (c *course) fill(x float64, row []float64) {
	clear(row)
	p := c.p
	if x == 0 {
		clear(p)
		p[0] = 1
	} else {
		stationary(x, c.app.Cores, p)
	}
	lo, hi := 0, len(p)-1
	for p[lo] < negligible && lo < hi {
		lo++
	}
	for p[hi] < negligible && hi > lo {
		hi--
	}
	c.moments(x, lo, hi)
	total := 0.0
	for n := lo; n <= hi; n++ {
		total += p[n]
	}
	// Long queues differ little from one number to the next: take them in groups.
	for n := lo; n <= hi; {
		next := min(n+1+n/32, hi+1)
		share := 0.0
		for i := n; i < next; i++ {
			share += p[i]
		}
		c.deposit((n+next-1)/2-lo, hi-lo+1, share/total, row)
		n = next
	}
	row[len(row)-1] = 1
	for j := 1; j < len(row); j++ {
		row[j] = min(max(row[j], row[j-1]), 1)
	}
}

// moments solves for the mean and variance of the sojourn at every CPU time, for lo to hi others.
func (c *course) moments(x float64, lo, hi int) {
	size := hi - lo + 1
	for i := range size {
		n := float64(lo + i)
		c.pace[i] = math.Max(1, (n+1)/c.app.Cores)
		c.up[i] = x * c.pace[i] / c.slow
		c.down[i] = n / c.slow
	}
	c.up[size-1], c.down[0] = 0, 0
	at := c.work.size[0] * 1e-3
	for i := range size {
		c.m[i], c.v[i] = at*c.pace[i], 0
	}
	for j, target := range c.work.size {
		for at < target {
			h := math.Min(target-at, 0.3*at)
			if target-at-h < 1e-3*at {
				h = target - at
			}
			c.step(h, size)
			at += h
		}
		at = target
		copy(c.mean[j*size:], c.m[:size])
		copy(c.spread[j*size:], c.v[:size])
	}
}

// step advances the moments by h with the L-stable SDIRK2 of Alexander (1977), because the rates
// reach from far below to far above 1/h.
func (c *course) step(h float64, size int) {
	const g = 1 - math.Sqrt2/2
	c.factor(g*h, size)
	m, v := c.m[:size], c.v[:size]
	mFirst, mLast, vFirst := c.mFirst[:size], c.mLast[:size], c.vFirst[:size]
	for i := range m {
		mFirst[i] = m[i] + g*h*c.pace[i]
	}
	c.solve(mFirst)
	for i := range m {
		mLast[i] = m[i] + (1-g)/g*(mFirst[i]-m[i]) + g*h*c.pace[i]
	}
	c.solve(mLast)

	c.squares(mFirst)
	for i := range v {
		vFirst[i] = v[i] + g*h*c.gamma[i]
	}
	c.solve(vFirst)
	c.squares(mLast)
	for i := range v {
		v[i] += (1-g)/g*(vFirst[i]-v[i]) + g*h*c.gamma[i]
	}
	c.solve(v)
	copy(m, mLast)
}

// squares computes the source of the variance from the means m.
func (c *course) squares(m []float64) {
	for i := range m {
		source := 0.0
		if i > 0 {
			d := m[i-1] - m[i]
			source += c.down[i] * d * d
		}
		if i < len(m)-1 {
			d := m[i+1] - m[i]
			source += c.up[i] * d * d
		}
		c.gamma[i] = source
	}
}

// factor prepares solve for the matrix I - h·G.
func (c *course) factor(h float64, size int) {
	c.above[0] = h * c.up[0]
	c.pivot[0] = 1 / (1 + h*(c.up[0]+c.down[0]))
	for i := 1; i < size; i++ {
		c.above[i] = h * c.up[i]
		c.below[i] = h * c.down[i] * c.pivot[i-1]
		c.pivot[i] = 1 / (1 + h*(c.up[i]+c.down[i]) - c.below[i]*c.above[i-1])
	}
}

// solve replaces y by the solution of (I - h·G) x = y.
func (c *course) solve(y []float64) {
	for i := 1; i < len(y); i++ {
		y[i] += c.below[i] * y[i-1]
	}
	last := len(y) - 1
	y[last] *= c.pivot[last]
	for i := last - 1; i >= 0; i-- {
		y[i] = (y[i] + c.above[i]*y[i+1]) * c.pivot[i]
	}
}

// hermite are the nodes and weights of a normal distribution, exact to degree 9.
var hermite = [5]struct{ z, weight float64 }{
	{-2.8569700138728056, 0.011257411327720691},
	{-1.3556261799742659, 0.22207592200561266},
	{0, 0.53333333333333333},
	{1.3556261799742659, 0.22207592200561266},
	{2.8569700138728056, 0.011257411327720691},
}

// deposit adds the distribution of the sojourn of requests that find the i-th number of others, of
// total probability share.
func (c *course) deposit(i, size int, share float64, row []float64) {
	least := math.Max(1, 1/c.app.Cores)
	dz := c.work.z[1] - c.work.z[0]
	for _, node := range hermite {
		for j, x := range c.work.size {
			floor := x * least
			rest, spread := c.mean[j*size+i]-floor, c.spread[j*size+i]
			sojourn := floor
			if rest > 0 {
				// The quantile of a gamma distribution by Wilson and Hilferty (1931).
				t := spread / (9 * rest * rest)
				root := math.Max(1-t+node.z*math.Sqrt(t), 0)
				sojourn += rest * root * root * root
			}
			c.log[j] = (math.Log(sojourn) - c.sj.first) * columnsPerE
		}
		weight := node.weight * share
		// Each column lies between two CPU times; interpolate their quantile.
		k := 0
		for j := max(int(math.Ceil(c.log[0])), 0); j < len(row); j++ {
			for k < len(c.log)-1 && c.log[k+1] < float64(j) {
				k++
			}
			if k == len(c.log)-1 {
				for ; j < len(row); j++ {
					row[j] += weight
				}
				break
			}
			z := c.work.z[k] + dz*(float64(j)-c.log[k])/(c.log[k+1]-c.log[k])
			row[j] += weight * c.work.normal(z)
		}
	}
}
