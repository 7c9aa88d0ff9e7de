package forecast

import (
	"context"
	"math"
)

// A differentiable is a smooth function to be minimised.
type differentiable interface {
	// value returns the function at x; NaN or an infinity where it is not defined.
	value(x []float64) float64
	// gradient writes the gradient at the x of the newest call of value, which was finite.
	gradient(g []float64)
}

// A bfgs is the quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno (1970) with
// a backtracking line search (Nocedal and Wright, Numerical Optimization, 2006, chapters
// 3 and 6.1). It asks for few values and no gradient that it does not use.
type bfgs struct {
	tolerance float64 // ends where two steps in a row gain less
	steps     int     // at most
	reach     float64 // longest step along a coordinate
	// hopeless may be nil; else it is asked at every fifth step whether a point reached, with
	// its value, of which the last five steps have gained so much, is to be given up.
	hopeless func(x []float64, value, gain float64) bool

	// Room for n coordinates.
	inverse              []float64 // n by n, approximates the inverse of the Hessian
	g, next, move, trial []float64
	change, product      []float64
}

func (b *bfgs) resize(n int) {
	if len(b.g) == n {
		return
	}
	b.inverse = make([]float64, n*n)
	room := make([]float64, 6*n)
	for i, v := range []*[]float64{&b.g, &b.next, &b.move, &b.trial, &b.change, &b.product} {
		*v = room[i*n : (i+1)*n]
	}
}

// minimise improves x, where f is finite, and returns the value there.
func (b *bfgs) minimise(ctx context.Context, f differentiable, x []float64) (float64, error) {
	const enough, shortest = 1e-4, 1e-10 // of the slope, and of a step
	b.resize(len(x))
	value := f.value(x)
	f.gradient(b.g)
	fresh, small, before := true, 0, value
	b.reset(1)
	for step := range b.steps {
		if err := ctx.Err(); err != nil {
			return value, err
		}
		if step%5 == 4 {
			if b.hopeless != nil && b.hopeless(x, value, before-value) {
				break
			}
			before = value
		}
		slope, longest := b.direction()
		if !(slope < 0) {
			if fresh {
				break
			}
			b.reset(1)
			fresh = true
			slope, longest = b.direction()
		}
		length := 1.0
		switch {
		case fresh:
			length = min(1, .5/longest)
		case longest > b.reach:
			length = b.reach / longest
		}
		var reached float64
		for {
			for i, v := range x {
				b.trial[i] = v + length*b.move[i]
			}
			reached = f.value(b.trial)
			if reached <= value+enough*length*slope || length < shortest {
				break
			}
			// The minimum of the parabola through the value and slope here and the value
			// there, unless that is too near to either.
			shrink := .1
			if !math.IsNaN(reached) && !math.IsInf(reached, 0) {
				shrink = min(max(-slope*length/(2*(reached-value-slope*length)), .1), .5)
			}
			length *= shrink
		}
		if !(reached < value) {
			if fresh {
				break
			}
			b.reset(1)
			fresh = true
			continue
		}
		f.gradient(b.next)
		copy(x, b.trial)
		gain := value - reached
		value = reached
		b.update(length, fresh)
		fresh = false
		b.g, b.next = b.next, b.g
		if gain >= b.tolerance {
			small = 0
		} else if small++; small == 2 {
			break
		}
	}
	return value, nil
}

// reset makes the inverse a multiple of the identity.
func (b *bfgs) reset(scale float64) {
	n := len(b.g)
	clear(b.inverse)
	for i := range n {
		b.inverse[i*n+i] = scale
	}
}

// direction writes the step to the minimum of the quadratic model to move, and returns
// its slope and its longest coordinate.
func (b *bfgs) direction() (slope, longest float64) {
	n := len(b.g)
	for i := range n {
		total := 0.0
		for j, h := range b.inverse[i*n : (i+1)*n] {
			total -= h * b.g[j]
		}
		b.move[i] = total
		slope += total * b.g[i]
		longest = max(longest, math.Abs(total))
	}
	return slope, longest
}

// update corrects the inverse by the change of the gradient over the step.
func (b *bfgs) update(length float64, fresh bool) {
	n := len(b.g)
	var curvature, squares, distance float64
	for i := range n {
		b.change[i] = b.next[i] - b.g[i]
		b.move[i] *= length
		curvature += b.move[i] * b.change[i]
		squares += b.change[i] * b.change[i]
		distance += b.move[i] * b.move[i]
	}
	if !(curvature > 1e-10*math.Sqrt(squares*distance)) {
		return // No minimum along this step.
	}
	if fresh {
		b.reset(curvature / squares)
	}
	quadratic := 0.0
	for i := range n {
		total := 0.0
		for j, h := range b.inverse[i*n : (i+1)*n] {
			total += h * b.change[j]
		}
		b.product[i] = total
		quadratic += total * b.change[i]
	}
	rank := (1 + quadratic/curvature) / curvature
	for i := range n {
		row := b.inverse[i*n : (i+1)*n]
		s, p := b.move[i], b.product[i]
		for j := range row {
			row[j] += rank*s*b.move[j] - (s*b.product[j]+p*b.move[j])/curvature
		}
	}
}
