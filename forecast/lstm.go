package forecast

import (
	"context"
	"time"
)

// LSTM is a Recurrent network of long short-term memory (Hochreiter and Schmidhuber,
// Neural Computation 9(8), 1997, with the forget gate of Gers, Schmidhuber and Cummins,
// 2000): a memory cell that is added to, and gates that let in, keep and let out.
type LSTM Recurrent

var (
	_ Model       = LSTM{}
	_ RefitCoster = LSTM{}
)

// Name returns "lstm".
func (LSTM) Name() string { return "lstm" }

// Fit trains the network. See Recurrent for errors. The Predictor is a Refitter.
func (m LSTM) Fit(ctx context.Context, past Series) (Predictor, error) {
	return recurrentModel{Recurrent(m), m.Name(), lstmCell[float32]{}}.fit(ctx, past, nil)
}

// FitOperations implements Coster.
func (m LSTM) FitOperations(steps int) float64 {
	return Recurrent(m).operations(steps, lstmCell[float32]{}.blocks())
}

// RefitOperations implements RefitCoster, for a refit that starts from the weights in force.
func (m LSTM) RefitOperations(steps int) float64 {
	return Recurrent(m).withDefaults(time.Hour).refit().operations(steps, lstmCell[float32]{}.blocks())
}

// An lstmCell computes, from sums i, f, o, g in this order of blocks,
//
//	c' = σ(f) c + σ(i) tanh(g)
//	h' = σ(o) tanh(c')
//
// Its inner state is c beside tanh(c).
type lstmCell[T precision] struct{}

func (lstmCell[T]) blocks() int { return 4 }

func (lstmCell[T]) forward(h int, gates, _, next, inner, innerNext []T) {
	for b := range len(gates) / (4 * h) {
		row := gates[b*4*h : (b+1)*4*h]
		sigmoid(row[:3*h])
		i, f, o, g := row[:h], row[h:][:h], row[2*h:][:h], row[3*h:][:h]
		tanh(g, g)
		c, cNext, squashed := inner[b*2*h:][:h], innerNext[b*2*h:][:h], innerNext[b*2*h+h:][:h]
		for j := range cNext {
			cNext[j] = f[j]*c[j] + i[j]*g[j]
		}
		tanh(squashed, cNext)
		out := next[b*(h+1):][:h]
		for j := range out {
			out[j] = o[j] * squashed[j]
		}
	}
}

func (lstmCell[T]) backward(h int, gates, _, inner, innerNext, nextGradient, _, innerGradient []T) {
	for b := range len(gates) / (4 * h) {
		row := gates[b*4*h : (b+1)*4*h]
		i, f, o, g := row[:h], row[h:][:h], row[2*h:][:h], row[3*h:][:h]
		c, squashed := inner[b*2*h:][:h], innerNext[b*2*h+h:][:h]
		dh, dc := nextGradient[b*(h+1):][:h], innerGradient[b*h:][:h]
		for j := range dc {
			d := dc[j] + dh[j]*o[j]*(1-squashed[j]*squashed[j])
			dc[j] = d * f[j]
			o[j] = dh[j] * squashed[j] * o[j] * (1 - o[j])
			f[j] = d * c[j] * f[j] * (1 - f[j])
			i[j], g[j] = d*g[j]*i[j]*(1-i[j]), d*i[j]*(1-g[j]*g[j])
		}
	}
}
