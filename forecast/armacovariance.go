package forecast

// An armaWeights is a stationary process w = sum of ar[i] w(i+1 steps ago) + e +
// sum of ma[j] e(j+1 steps ago), of unit innovations e, with the polynomials of the season
// multiplied out: most weights are 0.
type armaWeights struct {
	ar, ma           []float64
	arTerms, maTerms []lagTerm
	table            []float64 // scratch: the autoregressions of all lower orders
	input, lead      []float64 // scratch of firstColumn
	psi              []float64
}

// set multiplies the polynomials of c out.
func (w *armaWeights) set(c *armaCoefficients) {
	w.ar = expandLags(w.ar, c.ar, c.seasonalAR, c.season, -1)
	w.ma = expandLags(w.ma, c.ma, c.seasonalMA, c.season, 1)
	w.arTerms = lagTerms(w.arTerms, w.ar)
	w.maTerms = lagTerms(w.maTerms, w.ma)
}

// states returns the number of states of the process in Harvey's form.
func (w *armaWeights) states() int { return max(len(w.ar), len(w.ma)+1) }

// firstColumn writes the covariances of the states with the process itself, before
// anything is observed; false where the process is not stationary. State i is
//
//	sum over j >= i of ar[j] w(j-i+1 steps ago) + ma[j-1] e(j-i steps ago), ma[-1] = 1
func (w *armaWeights) firstColumn(dst []float64) bool {
	r := len(dst)
	if !w.autocovariances(r + 1) {
		return false
	}
	w.psi = grow(w.psi, len(w.ma)+1)
	w.psiWeights(w.psi)
	gamma := w.lead
	dst[0] = gamma[0]
	for i := 1; i < r; i++ {
		v := 0.0
		for _, t := range w.arTerms {
			if t.lag > i {
				v += t.weight * gamma[t.lag-i]
			}
		}
		for _, t := range w.maTerms {
			if t.lag >= i {
				v += t.weight * w.psi[t.lag-i]
			}
		}
		dst[i] = v
	}
	return true
}

// psiWeights writes the weights of the innovations 0, 1, ... steps ago in the process.
func (w *armaWeights) psiWeights(dst []float64) {
	for k := range dst {
		v := 0.0
		if k == 0 {
			v = 1
		} else if k <= len(w.ma) {
			v = w.ma[k-1]
		}
		for _, t := range w.arTerms {
			if t.lag > k {
				break
			}
			v += t.weight * dst[k-t.lag]
		}
		dst[k] = v
	}
}

// autocovariances writes those of lags 0..n-1 into w.lead: those of the autoregression
// alone by the recursion of Levinson and Durbin, run down to find the partial
// autocorrelations and up again, then those of its moving average.
func (w *armaWeights) autocovariances(n int) bool {
	q := len(w.ma)
	w.input = grow(w.input, n+q)
	if !w.autoregressive(w.input) {
		return false
	}
	w.lead = grow(w.lead, n)
	gamma := w.lead
	copy(gamma, w.input[:n])
	if len(w.maTerms) == 0 {
		return true
	}
	clear(gamma)
	weight := func(i int) (int, float64) {
		if i == 0 {
			return 0, 1
		}
		t := w.maTerms[i-1]
		return t.lag, t.weight
	}
	for i := range len(w.maTerms) + 1 {
		a, u := weight(i)
		for j := range len(w.maTerms) + 1 {
			b, v := weight(j)
			uv, shift := u*v, a-b
			for k := range gamma {
				lag := k + shift
				if lag < 0 {
					lag = -lag
				}
				gamma[k] += uv * w.input[lag]
			}
		}
	}
	return true
}

// autoregressive writes the autocovariances of the process without its moving average.
func (w *armaWeights) autoregressive(gamma []float64) bool {
	p := len(w.ar)
	clear(gamma)
	gamma[0] = 1
	if p == 0 {
		return true
	}
	// Row k-1 of the table holds the k coefficients of order k.
	w.table = grow(w.table, p*p)
	table := w.table
	copy(table[(p-1)*p:], w.ar)
	for k := p; k > 0; k-- {
		a := table[(k-1)*p : (k-1)*p+k]
		r := a[k-1]
		if !(r > -1 && r < 1) {
			return false
		}
		scale := 1 / (1 - r*r)
		gamma[0] *= scale
		if k > 1 {
			lower := table[(k-2)*p : (k-2)*p+k-1]
			for i := range lower {
				lower[i] = (a[i] + r*a[k-2-i]) * scale
			}
		}
	}
	left := gamma[0]
	for k := 1; k < len(gamma); k++ {
		v := 0.0
		if k > p {
			for _, t := range w.arTerms {
				v += t.weight * gamma[k-t.lag]
			}
		} else {
			r := table[(k-1)*p+k-1]
			v = r * left
			left *= 1 - r*r
			if k > 1 {
				for i, a := range table[(k-2)*p : (k-2)*p+k-1] {
					v += a * gamma[k-1-i]
				}
			}
		}
		gamma[k] = v
	}
	return true
}

// grow returns a slice of n values, the one given where it has room.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
