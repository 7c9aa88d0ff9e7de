package forecast

// diffuse is the variance, in units of that of the innovations, of a level that nothing
// is known of, as in R's arima.
const diffuse = 1e6

// An arimaFilter is the Kalman filter of a process whose differences are stationary. Its
// states are those of the differences (Harvey 1989, section 3.3: state i is what is known
// of the difference i steps ahead by its own past) and the levels that the differences
// were taken against, of which nothing is known at the start. A level that was observed
// has no variance: only the covariances of the others are kept. Where everything is
// known, the gain is constant, and a step costs as much as there are states.
//
// Several series, of which the same steps are missing, may go through one filter.
type arimaFilter struct {
	phi, psi []float64 // of the r states: autoregression, and effect of an innovation
	delta    []lagTerm // level = difference + sum of the weighted levels before
	states   [][]float64
	levels   [][]float64 // of each series the levels 1, 2, ... steps ago
	expected []float64   // of each series the level now

	// unknown lists the levels with a variance by how long ago they were, oldest first.
	unknown    []int
	covariance []float64 // of the states, then the unknown levels: rows of length stride
	stride     int
	known      bool // nothing of the past is in doubt, and the covariance not kept
	gain       []float64
}

// newARIMAFilter returns a filter at the start of so many series, false where the
// differences are not stationary.
func newARIMAFilter(w *armaWeights, delta []float64, series int) (*arimaFilter, bool) {
	r, d := w.states(), len(delta)
	f := &arimaFilter{phi: make([]float64, r), psi: make([]float64, r), stride: r + d + 1}
	copy(f.phi, w.ar)
	f.psi[0] = 1
	copy(f.psi[1:], w.ma)
	f.delta = lagTerms(nil, delta)
	for range series {
		f.states = append(f.states, make([]float64, r))
		f.levels = append(f.levels, make([]float64, d))
	}
	f.expected = make([]float64, series)
	f.gain = make([]float64, f.stride)
	f.covariance = make([]float64, f.stride*f.stride)
	first := make([]float64, r)
	if !w.firstColumn(first) {
		return nil, false
	}
	f.stationaryCovariance(first)
	for i := range d {
		f.unknown = append(f.unknown, d-1-i)
		f.covariance[(r+i)*(f.stride+1)] = diffuse
	}
	f.expect()
	return f, true
}

// stationaryCovariance fills the covariance of the states from its first column, as it
// is that of the next step too: P = T P T' + psi psi'.
func (f *arimaFilter) stationaryCovariance(first []float64) {
	r := len(first)
	p := f.covariance
	at := func(i, j int) float64 {
		if i >= r || j >= r {
			return 0
		}
		return p[i*f.stride+j]
	}
	for j := range r {
		p[j], p[j*f.stride] = first[j], first[j]
	}
	for i := r - 1; i > 0; i-- {
		for j := r - 1; j >= i; j-- {
			v := f.psi[i]*f.psi[j] + f.phi[i]*f.phi[j]*first[0] + at(i+1, j+1)
			if j+1 < r {
				v += f.phi[i] * first[j+1]
			}
			if i+1 < r {
				v += f.phi[j] * first[i+1]
			}
			p[i*f.stride+j], p[j*f.stride+i] = v, v
		}
	}
}

// expect sets what is expected of the series now.
func (f *arimaFilter) expect() {
	for s, x := range f.states {
		v := x[0]
		for _, t := range f.delta {
			v += t.weight * f.levels[s][t.lag-1]
		}
		f.expected[s] = v
	}
}

// step sees one value of each series, or that they are missing, and moves on. It writes
// the errors and returns their variance in units of that of the innovations.
func (f *arimaFilter) step(y, errors []float64, observed bool) (variance float64) {
	for s, v := range y {
		errors[s] = 0
		if observed {
			errors[s] = v - f.expected[s]
		}
	}
	if f.known && !observed {
		f.doubt()
	}
	if f.known {
		for s, e := range errors {
			x := f.states[s]
			for i, p := range f.psi {
				x[i] += p * e
			}
		}
		f.move(errors)
		return 1
	}
	variance = f.covariances()
	if observed {
		f.learn(errors, variance)
	}
	f.pass(observed, variance)
	f.move(errors)
	return variance
}

// doubt brings the covariance back, which is that of an innovation.
func (f *arimaFilter) doubt() {
	f.known = false
	f.covariance = grow(f.covariance, f.stride*f.stride)
	for i, a := range f.psi {
		row := f.covariance[i*f.stride:]
		for j, b := range f.psi {
			row[j] = a * b
		}
	}
}

// covariances sets gain to the covariances with the value now and returns its variance.
func (f *arimaFilter) covariances() (variance float64) {
	r := len(f.phi)
	live := r + len(f.unknown)
	copy(f.gain[:live], f.covariance[:live])
	for u, ago := range f.unknown {
		if weight := f.weightOf(ago); weight != 0 {
			for i, v := range f.covariance[(r+u)*f.stride : (r+u)*f.stride+live] {
				f.gain[i] += weight * v
			}
		}
	}
	variance = f.gain[0]
	for u, ago := range f.unknown {
		variance += f.weightOf(ago) * f.gain[r+u]
	}
	return variance
}

func (f *arimaFilter) weightOf(ago int) float64 {
	for _, t := range f.delta {
		if t.lag == ago+1 {
			return t.weight
		}
	}
	return 0
}

// learn corrects the states and the unknown levels.
func (f *arimaFilter) learn(errors []float64, variance float64) {
	r := len(f.phi)
	live := r + len(f.unknown)
	gain := f.gain[:live]
	for s, e := range errors {
		e /= variance
		for i, x := range f.states[s] {
			f.states[s][i] = x + gain[i]*e
		}
		for u, ago := range f.unknown {
			f.levels[s][ago] += gain[r+u] * e
		}
	}
	left := 0.0
	for i, g := range gain {
		row := f.covariance[i*f.stride : i*f.stride+live]
		share := g / variance
		if share != 0 {
			for j, h := range gain {
				row[j] -= share * h
			}
		}
		left = max(left, row[i])
	}
	f.known = len(f.unknown) == 0 && left < settled
}

// pass moves the covariances to the next step.
func (f *arimaFilter) pass(observed bool, variance float64) {
	if f.known {
		return
	}
	r, p := len(f.phi), f.covariance
	if depth := len(f.levels[0]); depth > 0 {
		live := r + len(f.unknown)
		if len(f.unknown) > 0 && f.unknown[0] == depth-1 { // The oldest leaves.
			for i := range live {
				row := p[i*f.stride : i*f.stride+live]
				copy(row[r:], row[r+1:])
			}
			for i := r; i+1 < live; i++ {
				copy(p[i*f.stride:i*f.stride+live], p[(i+1)*f.stride:(i+1)*f.stride+live])
			}
			copy(f.gain[r:live], f.gain[r+1:live])
			copy(f.unknown, f.unknown[1:])
			f.unknown = f.unknown[:len(f.unknown)-1]
			live--
		}
		for u := range f.unknown {
			f.unknown[u]++
		}
		if !observed {
			for i, g := range f.gain[:live] {
				p[i*f.stride+live], p[live*f.stride+i] = g, g
			}
			p[live*f.stride+live] = variance
			f.unknown = append(f.unknown, 0)
		}
	}
	live := r + len(f.unknown)
	for i := range live {
		shift(p[i*f.stride:i*f.stride+r], f.phi)
	}
	// The rows likewise: each is the next one and a share of the first.
	first := append(f.gain[:0], p[:live]...)
	for i, a := range f.phi {
		row := p[i*f.stride : i*f.stride+live]
		if i+1 < r {
			copy(row, p[(i+1)*f.stride:(i+1)*f.stride+live])
		} else {
			clear(row)
		}
		if a != 0 {
			for j, v := range first {
				row[j] += a * v
			}
		}
		if b := f.psi[i]; b != 0 {
			for j, c := range f.psi {
				row[j] += b * c
			}
		}
	}
}

// shift applies the transition of the states.
func shift(x, phi []float64) {
	first := x[0]
	for i := range len(x) - 1 {
		x[i] = phi[i]*first + x[i+1]
	}
	x[len(x)-1] = phi[len(x)-1] * first
}

// move moves the states to the next step.
func (f *arimaFilter) move(errors []float64) {
	for s, x := range f.states {
		if levels := f.levels[s]; len(levels) > 0 {
			copy(levels[1:], levels)
			levels[0] = f.expected[s] + errors[s]
		}
		shift(x, f.phi)
	}
	f.expect()
}

// forecast writes the expected values of the first series from now on.
func (f *arimaFilter) forecast(dst []float64) {
	if len(dst) == 0 {
		return
	}
	x := append([]float64(nil), f.states[0]...)
	depth := len(f.levels[0])
	path := make([]float64, depth+len(dst)) // The levels, oldest first, then the forecasts.
	for i, v := range f.levels[0] {
		path[depth-1-i] = v
	}
	for h := range dst {
		v := x[0]
		for _, t := range f.delta {
			v += t.weight * path[depth+h-t.lag]
		}
		path[depth+h] = v
		dst[h] = v
		shift(x, f.phi)
	}
}

// variances writes the variances of the forecasts of forecast, in units of that of the
// innovations: of what is in doubt now, and of the innovations to come.
func (f *arimaFilter) variances(dst []float64) {
	// effect[i] is that of state i, then of the levels, on the value h steps on: the row
	// of the h-th power of the transition. After one step the value now is a level.
	r := len(f.phi)
	effects := make([]float64, len(dst)) // Of an innovation now.
	f.effects(effects, f.psi, -1)
	if f.known {
		total := 0.0
		for h, e := range effects {
			total += e * e
			dst[h] = total
		}
		return
	}
	live := r + len(f.unknown)
	rows := make([][]float64, live) // Of each uncertain state.
	unit := make([]float64, r)
	for i := range live {
		rows[i] = make([]float64, len(dst))
		if i < r {
			unit[i] = 1
			f.effects(rows[i], unit, -1)
			unit[i] = 0
		} else {
			f.effects(rows[i], unit, f.unknown[i-r])
		}
	}
	total := 0.0
	for h := range dst {
		v := 0.0
		for i := range live {
			row := f.covariance[i*f.stride : i*f.stride+live]
			for j, c := range row {
				v += rows[i][h] * rows[j][h] * c
			}
		}
		dst[h] = v + total
		total += effects[h] * effects[h]
	}
}

// effects writes the effect, on the values from now on, of the states x and of a level
// of 1 so many steps ago, where it is not negative.
func (f *arimaFilter) effects(dst, x []float64, ago int) {
	x = append([]float64(nil), x...)
	for h := range dst {
		v := x[0]
		for _, t := range f.delta {
			switch at := h - t.lag; {
			case at >= 0:
				v += t.weight * dst[at]
			case at == -1-ago && ago >= 0:
				v += t.weight
			}
		}
		dst[h] = v
		shift(x, f.phi)
	}
}
