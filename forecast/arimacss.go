package forecast

// A conditionalARMA gives the errors under the condition that all innovations before the
// start are 0 and the first values themselves are known: those of the conditional sum of
// squares (Box and Jenkins 1970, section 7.1). It is cheap, and close to the exact
// likelihood where the series is long.
//
// In series with gaps a missing value is what was forecast of it. What comes after it has
// another variance and does not count.
type conditionalARMA struct {
	series  [][]float64
	delta   []float64 // of series that are not differenced, for their gaps
	missing []bool    // nil where there are none; the first `start` values are known
	counted []bool    // nil where all count
	start   int

	weights armaWeights
	ar      []float64
	terms   []lagTerm
	filled  []float64
}

func (e *conditionalARMA) size() (series, steps int) { return len(e.series), len(e.series[0]) }

func (e *conditionalARMA) innovations(c *armaCoefficients, errors [][]float64, variances []float64) bool {
	e.weights.set(c)
	terms := e.weights.arTerms
	if len(e.delta) > 0 {
		e.ar = multiplyLags(e.ar, e.weights.ar, e.delta)
		e.terms = lagTerms(e.terms, e.ar)
		terms = e.terms
	}
	for s, y := range e.series {
		clear(errors[s][:e.start])
		if e.missing == nil {
			e.filter(errors[s], y, terms, e.weights.maTerms, e.start)
			continue
		}
		e.gapped(errors[s], y, terms)
	}
	for t := range variances {
		variances[t] = 1
	}
	return true
}

// filter writes the errors of y from step first on, where all lagged values exist; those
// before it are 0.
func (e *conditionalARMA) filter(dst, y []float64, ar, ma []lagTerm, first int) {
	full := first
	if len(ma) > 0 {
		full = max(full, ma[len(ma)-1].lag)
	}
	full = min(full, len(y))
	for t := first; t < full; t++ {
		v := y[t]
		for _, a := range ar {
			v -= a.weight * y[t-a.lag]
		}
		for _, b := range ma {
			if b.lag <= t {
				v -= b.weight * dst[t-b.lag]
			}
		}
		dst[t] = v
	}
	differenceErrors(dst, y, ar, ma, full)
}

func (e *conditionalARMA) gapped(dst, y []float64, terms []lagTerm) {
	e.filled = append(e.filled[:0], y...)
	y = e.filled
	for t := e.start; t < len(y); t++ {
		v := 0.0
		for _, a := range terms {
			v += a.weight * y[t-a.lag]
		}
		for _, b := range e.weights.maTerms {
			if b.lag <= t {
				v += b.weight * dst[t-b.lag]
			}
		}
		if e.missing[t] {
			y[t], dst[t] = v, 0
			continue
		}
		dst[t] = y[t] - v
	}
	// Errors that do not count still belong to the recursion above.
	for t := e.start; t < len(y); t++ {
		if !e.counted[t] {
			dst[t] = 0
		}
	}
}

// multiplyLags writes into dst the weights of the product of 1 - sum of a[i] B^(i+1) and
// 1 - sum of b[j] B^(j+1).
func multiplyLags(dst, a, b []float64) []float64 {
	dst = grow(dst, len(a)+len(b))
	clear(dst)
	copy(dst, a)
	for j, v := range b {
		if v == 0 {
			continue
		}
		dst[j] += v
		for i, u := range a {
			dst[j+i+1] -= u * v
		}
	}
	return dst
}
