package forecast

import (
	"context"
	"math"
)

// A loess smooths an evenly spaced series by local regression on the neighbours of each
// point, weighted by the tricube of their distance (Cleveland, Journal of the American
// Statistical Association 74, 1979).
type loess struct {
	window int // points in a neighbourhood, odd; may exceed those of the series
	degree int // of the local polynomial, 0 or 1
	jump   int // the curve is computed at every jump-th point and straight between them
}

// smooth writes the curve at every point of y to dst. The weights count beside those of
// the distance; nil stands for 1 each. Where a neighbourhood has no weight the curve is y.
func (l loess) smooth(ctx context.Context, dst, y, weights []float64) error {
	n := len(y)
	if n < 2 {
		copy(dst, y)
		return nil
	}
	jump := min(max(l.jump, 1), n-1)
	at := func(i int) float64 {
		left := min(max(i-l.window/2, 0), max(n-l.window, 0))
		v := l.at(float64(i), y, weights, left, min(left+l.window, n))
		if math.IsNaN(v) {
			return y[i]
		}
		return v
	}
	dst[0] = at(0)
	for from, evaluated := 0, 1; from < n-1; evaluated++ {
		if evaluated%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		to := min(from+jump, n-1)
		dst[to] = at(to)
		rise := (dst[to] - dst[from]) / float64(to-from)
		for i := from + 1; i < to; i++ {
			dst[i] = dst[from] + rise*float64(i-from)
		}
		from = to
	}
	return ctx.Err()
}

// at returns the curve at x, which may lie outside of the neighbours y[left:right]; NaN
// where they have no weight.
func (l loess) at(x float64, y, weights []float64, left, right int) float64 {
	reach := max(x-float64(left), float64(right-1)-x)
	if l.window > len(y) {
		reach += float64((l.window - len(y)) / 2)
	}
	// Moments of the distance d from x under the weights w.
	var w0, w1, w2, y0, y1 float64
	for i := left; i < right; i++ {
		d := float64(i) - x
		w := 0.0
		switch r := math.Abs(d); {
		case r <= .001*reach:
			w = 1
		case r <= .999*reach:
			q := r / reach
			q = 1 - q*q*q
			w = q * q * q
		}
		if weights != nil {
			w *= weights[i]
		}
		wd := w * d
		w0 += w
		w1 += wd
		w2 += wd * d
		y0 += w * y[i]
		y1 += wd * y[i]
	}
	if !(w0 > 0) {
		return math.NaN()
	}
	mean := y0 / w0
	if l.degree == 0 {
		return mean
	}
	centre := w1 / w0
	spread := w2/w0 - centre*centre
	if !(math.Sqrt(max(spread, 0)) > .001*float64(len(y)-1)) {
		return mean // No line through points so near to each other.
	}
	return mean - centre*(y1/w0-centre*mean)/spread
}
