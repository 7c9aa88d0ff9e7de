package forecast

import "math"

// adam is a gradient descent whose steps are scaled, parameter by parameter, by running
// means of the gradient and of its square (Kingma and Ba, ICLR 2015, algorithm 1).
type adam[T precision] struct {
	beta1, beta2, epsilon float64
	mean, square          []T
	powers                [2]float64 // beta1^t and beta2^t
}

func newAdam[T precision](n int) *adam[T] {
	return &adam[T]{
		beta1: .9, beta2: .999, epsilon: 1e-8,
		mean: make([]T, n), square: make([]T, n), powers: [2]float64{1, 1},
	}
}

// step moves the parameters against the gradient.
func (a *adam[T]) step(parameters, gradient []T, rate float64) {
	a.powers[0] *= a.beta1
	a.powers[1] *= a.beta2
	// The corrections for means that start at 0 are taken out of the loop.
	rate /= 1 - a.powers[0]
	root := T(1 / math.Sqrt(1-a.powers[1]))
	b1, b2, r, epsilon := T(a.beta1), T(a.beta2), T(rate), T(a.epsilon)
	for i, g := range gradient {
		m := b1*a.mean[i] + (1-b1)*g
		v := b2*a.square[i] + (1-b2)*g*g
		a.mean[i], a.square[i] = m, v
		parameters[i] -= r * m / (T(math.Sqrt(float64(v)))*root + epsilon)
	}
}

// clipNorm scales the gradient down to a Euclidean norm of at most bound (Pascanu,
// Mikolov and Bengio, ICML 2013), and returns the norm that it had.
func clipNorm[T precision](gradient []T, bound float64) (norm float64) {
	for _, g := range gradient {
		norm += float64(g) * float64(g)
	}
	norm = math.Sqrt(norm)
	if norm > bound {
		scale := T(bound / norm)
		for i := range gradient {
			gradient[i] *= scale
		}
	}
	return norm
}
