package forecast

import "slices"

// denseLags is the longest lag of filters that are written out: that of the orders which
// are searched, without a season.
const denseLags = arimaMaxOrder

// differenceErrors writes the errors from step first on, of a filter that knows the
// innovations before it.
func differenceErrors(dst, y []float64, ar, ma []lagTerm, first int) {
	a, denseAR := dense(ar)
	m, denseMA := dense(ma)
	end := len(y)
	if denseAR && denseMA && end > max(first, denseLags) {
		end = max(first, denseLags)
	}
	for t := first; t < end; t++ {
		v := y[t]
		for _, a := range ar {
			v -= a.weight * y[t-a.lag]
		}
		// The newest error last: it is the one that the processor has to wait for.
		for _, m := range slices.Backward(ma) {
			v -= m.weight * dst[t-m.lag]
		}
		dst[t] = v
	}
	if end < len(y) {
		denseErrors(dst, y, a, m, end)
	}
}

// dense returns the weights of the lags 1 to denseLags, or false where there are others.
func dense(terms []lagTerm) (weights [denseLags]float64, ok bool) {
	for _, t := range terms {
		if t.lag > denseLags {
			return weights, false
		}
		weights[t.lag-1] = t.weight
	}
	return weights, true
}

// denseErrors is differenceErrors with nothing to look up. Of one value and the next only
// one product depends on each other.
func denseErrors(dst, y []float64, a, m [denseLags]float64, first int) {
	y1, y2, y3, y4, y5 := y[first-1], y[first-2], y[first-3], y[first-4], y[first-5]
	e1, e2, e3, e4, e5 := dst[first-1], dst[first-2], dst[first-3], dst[first-4], dst[first-5]
	y = y[first:]
	dst = dst[first:]
	dst = dst[:len(y)]
	if m == ([denseLags]float64{}) {
		for t, v := range y {
			dst[t] = v - a[0]*y1 - (a[1]*y2 + a[2]*y3) - (a[3]*y4 + a[4]*y5)
			y1, y2, y3, y4, y5 = v, y1, y2, y3, y4
		}
		return
	}
	for t, v := range y {
		known := (v - a[0]*y1) - (a[1]*y2 + a[2]*y3) - (a[3]*y4 + a[4]*y5) - (m[3]*e4 + m[4]*e5) - m[2]*e3
		e := (known - m[1]*e2) - m[0]*e1
		dst[t] = e
		y1, y2, y3, y4, y5 = v, y1, y2, y3, y4
		e1, e2, e3, e4, e5 = e, e1, e2, e3, e4
	}
}
