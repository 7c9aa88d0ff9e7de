package forecast

// arimaSlopeSteps is the length of a series from which derivatives are worked out. Of
// shorter ones differences cost next to nothing.
const arimaSlopeSteps = 500

// slopes writes the derivatives of the residuals r, of the newest evaluation, by each
// coefficient. The errors are e = A(B)/M(B) z, of a series z less its regression, whose
// polynomials A and M are products of one in B and one in the lag of a season. So
//
//	de/d ar[i] = -B^(i+1) (1 - sum of seasonalAR) z / M,  de/d ma[i] = -B^(i+1) e / (1 + sum of ma)
//
// from the first error on, and alike for those of a season (Box and Jenkins 1970, section
// 7.2.3). What the regressors can explain of them they will (Kaufman, BIT 15, 1975).
func (p *arimaProblem) slopes(jacobian [][]float64, r []float64) {
	c, columns := &p.coefficients, jacobian
	take := func(n int) [][]float64 {
		part := columns[:n]
		columns = columns[n:]
		return part
	}
	z := p.conditional.unexplained(p.beta)
	p.conditional.slopesOfAR(take(len(c.ar)), 1, z, c.seasonalAR, c.season)
	p.conditional.slopesOfMA(take(len(c.ma)), 1, r, c.ma)
	p.conditional.slopesOfAR(take(len(c.seasonalAR)), c.season, z, c.ar, 1)
	p.conditional.slopesOfMA(take(len(c.seasonalMA)), c.season, r, c.seasonalMA)
	for i := range p.beta {
		regressor := p.errors[i+1]
		for _, before := range p.errors[1 : i+1] {
			subtractProjection(regressor, before)
		}
		for _, column := range jacobian {
			subtractProjection(column, regressor)
		}
	}
}

// unexplained returns the series less its regression.
func (e *conditionalARMA) unexplained(beta []float64) []float64 {
	z := append([]float64(nil), e.series[0]...)
	for i, b := range beta {
		for t, v := range e.series[i+1] {
			z[t] -= b * v
		}
	}
	return z
}

// slopesOfAR writes those by autoregressions at multiples of a lag, beside another
// polynomial of autoregressions.
func (e *conditionalARMA) slopesOfAR(columns [][]float64, lag int, z, other []float64, otherLag int) {
	if len(columns) == 0 {
		return
	}
	// Place room+t holds what is at step t, so that what is at an earlier one needs no copy.
	room := lag * len(columns)
	filtered := make([]float64, room+len(z))
	for t := otherLag * len(other); t < len(z); t++ {
		v := -z[t]
		for i, a := range other {
			v += a * z[t-otherLag*(i+1)]
		}
		filtered[room+t] = v
	}
	for i, column := range columns {
		clear(column[:min(e.start, len(column))])
		e.filter(column, filtered[room-lag*(i+1):][:len(z)], nil, e.weights.maTerms, e.start)
	}
}

// slopesOfMA writes those by moving averages at multiples of a lag: one series, later.
func (e *conditionalARMA) slopesOfMA(columns [][]float64, lag int, errors, ma []float64) {
	if len(columns) == 0 {
		return
	}
	var terms []lagTerm
	for i, m := range ma {
		if m != 0 {
			terms = append(terms, lagTerm{lag * (i + 1), m})
		}
	}
	filtered := make([]float64, len(errors))
	e.filter(filtered, errors, nil, terms, e.start)
	for i, column := range columns {
		shift := min(lag*(i+1), len(column))
		clear(column[:shift])
		for t := shift; t < len(column); t++ {
			column[t] = -filtered[t-shift]
		}
	}
}

// subtractProjection makes v orthogonal to u.
func subtractProjection(v, u []float64) {
	size := squares(u)
	if size == 0 {
		return
	}
	share := dot(u, v) / size
	for t, w := range u {
		v[t] -= share * w
	}
}
