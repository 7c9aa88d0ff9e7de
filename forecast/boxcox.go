package forecast

import "math"

// The least and greatest lambda that is looked for.
const (
	leastLambda    = -1.
	greatestLambda = 2.
)

// GuerreroLambda returns the lambda of BoxCox that makes the spread of a series most
// nearly independent of its level (Guerrero, Journal of Forecasting 12, 1993): of the
// blocks of so many steps, counted from the end, it minimises the coefficient of
// variation of
//
//	standard deviation / mean^(1-lambda)
//
// over lambda from -1, or 0 where a value is 0, to 2. It is 1 where a value is below 0
// or there are fewer than two blocks with two observed values that differ and a mean
// above 0.
func GuerreroLambda(values []float64, block int) float64 {
	block = max(block, 2)
	least, ok := leastLambdaOf(values)
	if !ok {
		return 1
	}
	var means, deviations []float64
	for start := len(values) % block; start < len(values); start += block {
		var total, squares sum
		part := values[start : start+block]
		for _, y := range part {
			if isFinite(y) {
				total.add(y)
			}
		}
		mean := total.mean()
		for _, y := range part {
			if isFinite(y) {
				squares.add((y - mean) * (y - mean))
			}
		}
		if deviation := math.Sqrt(squares.value() / float64(squares.n-1)); mean > 0 && deviation > 0 {
			means = append(means, mean)
			deviations = append(deviations, deviation)
		}
	}
	if len(means) < 2 {
		return 1
	}
	return minimise(least, greatestLambda, func(lambda float64) float64 {
		ratio := func(i int) float64 { return deviations[i] / means[0] * math.Pow(means[i]/means[0], lambda-1) }
		var total, squares sum
		for i := range means {
			total.add(ratio(i))
		}
		for i := range means {
			d := ratio(i) - total.mean()
			squares.add(d * d)
		}
		return math.Sqrt(squares.value()/float64(len(means)-1)) / total.mean()
	})
}

// LikelihoodLambda returns the lambda of BoxCox of the greatest likelihood under
// independent normal errors around a line and, for a season of at least two steps, a
// mean of each phase (Box and Cox, 1964, equation 8). Its range and its answer without
// data are those of GuerreroLambda. Errors are seldom independent: it is there to check
// the other.
func LikelihoodLambda(values []float64, season int) float64 {
	least, ok := leastLambdaOf(values)
	if !ok {
		return 1
	}
	season = max(season, 1)
	var logarithms sum
	for _, y := range values {
		if isFinite(y) {
			if y == 0 {
				return 1 // Its logarithm is in the likelihood.
			}
			logarithms.add(math.Log(y))
		}
	}
	n := float64(logarithms.n)
	if logarithms.n < season+3 {
		return 1
	}
	t, z := make([]float64, len(values)), make([]float64, len(values))
	for i, y := range values {
		t[i] = math.NaN()
		if isFinite(y) {
			t[i] = float64(i)
		}
	}
	// The means of the phases are taken out of the line and the values, after which the
	// slope is that of the whole regression (Frisch and Waugh, Econometrica 1, 1933).
	removeMeans(t, season)
	geometric := math.Exp(logarithms.mean())
	return minimise(least, greatestLambda, func(lambda float64) float64 {
		scale := Transform{Kind: BoxCox, Lambda: lambda, Unit: geometric}
		for i, y := range values {
			z[i] = math.NaN()
			if isFinite(y) {
				z[i] = scale.Apply(y)
			}
		}
		removeMeans(z, season)
		var tt, tz, zz sum
		for i := range z {
			if !math.IsNaN(z[i]) {
				tt.add(t[i] * t[i])
				tz.add(t[i] * z[i])
				zz.add(z[i] * z[i])
			}
		}
		explained := 0.0
		if tt.value() > 0 {
			explained = tz.value() * tz.value() / tt.value()
		}
		// In units of the geometric mean the Jacobian is 1.
		return n / 2 * math.Log(max(zz.value()-explained, 1e-300)/n)
	})
}

// leastLambdaOf returns the least lambda at which all values are finite, and false
// where there is none.
func leastLambdaOf(values []float64) (float64, bool) {
	least, positive := leastLambda, false
	for _, y := range values {
		switch {
		case !isFinite(y):
		case y < 0:
			return 0, false
		case y == 0:
			least = 0
		default:
			positive = true
		}
	}
	return least, positive
}

// minimise returns where f is least between two ends: the best of a grid, then golden
// sections (Kiefer, Proceedings of the AMS 4, 1953) between its neighbours.
func minimise(from, to float64, f func(float64) float64) float64 {
	const grid = 30
	best, least := from, math.Inf(1)
	for i := range grid + 1 {
		x := from + (to-from)*float64(i)/grid
		if v := f(x); v < least {
			best, least = x, v
		}
	}
	step := (to - from) / grid
	a, b := max(from, best-step), min(to, best+step)
	golden := (math.Sqrt(5) - 1) / 2
	c, d := b-golden*(b-a), a+golden*(b-a)
	fc, fd := f(c), f(d)
	for b-a > 1e-7 {
		if fc <= fd {
			b, d, fd = d, c, fc
			c = b - golden*(b-a)
			fc = f(c)
		} else {
			a, c, fc = c, d, fd
			d = a + golden*(b-a)
			fd = f(d)
		}
	}
	return (a + b) / 2
}

func isFinite(y float64) bool { return !math.IsNaN(y) && !math.IsInf(y, 0) }
