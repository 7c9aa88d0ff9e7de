package forecast

import (
	"context"
	"time"
)

// GRU is a Recurrent network of gated recurrent units (Cho et al., EMNLP 2014, with the
// reset gate behind the matrix, as in cuDNN and PyTorch): an LSTM with three quarters of
// the weights, whose state is its memory.
type GRU Recurrent

var (
	_ Model       = GRU{}
	_ RefitCoster = GRU{}
)

// Name returns "gru".
func (GRU) Name() string { return "gru" }

// Fit trains the network. See Recurrent for errors. The Predictor is a Refitter.
func (m GRU) Fit(ctx context.Context, past Series) (Predictor, error) {
	return recurrentModel{Recurrent(m), m.Name(), gruCell[float32]{}}.fit(ctx, past, nil)
}

// FitOperations implements Coster.
func (m GRU) FitOperations(steps int) float64 {
	return Recurrent(m).operations(steps, gruCell[float32]{}.blocks())
}

// RefitOperations implements RefitCoster, for a refit that starts from the weights in force.
func (m GRU) RefitOperations(steps int) float64 {
	return Recurrent(m).withDefaults(time.Hour).refit().operations(steps, gruCell[float32]{}.blocks())
}

// A gruCell computes, from the inputs' sums n, r, z and the state's sums r, z, m in this
// order of blocks,
//
//	n = tanh(n + σ(r) m)
//	h' = (1 - σ(z)) n + σ(z) h
type gruCell[T precision] struct{}

func (gruCell[T]) blocks() int { return 3 }

func (gruCell[T]) forward(h int, gates, state, next, _, _ []T) {
	for b := range len(gates) / (4 * h) {
		row := gates[b*4*h : (b+1)*4*h]
		n, r, z, m := row[:h], row[h:][:h], row[2*h:][:h], row[3*h:][:h]
		sigmoid(row[h : 3*h])
		for j := range n {
			n[j] += r[j] * m[j]
		}
		tanh(n, n)
		old, out := state[b*(h+1):][:h], next[b*(h+1):][:h]
		for j := range out {
			out[j] = n[j] + z[j]*(old[j]-n[j])
		}
	}
}

func (gruCell[T]) backward(h int, gates, state, _, _, nextGradient, stateGradient, _ []T) {
	for b := range len(gates) / (4 * h) {
		row := gates[b*4*h : (b+1)*4*h]
		n, r, z, m := row[:h], row[h:][:h], row[2*h:][:h], row[3*h:][:h]
		old, dh, dOld := state[b*(h+1):][:h], nextGradient[b*(h+1):][:h], stateGradient[b*(h+1):][:h]
		for j := range n {
			dn := dh[j] * (1 - z[j]) * (1 - n[j]*n[j])
			dOld[j] += dh[j] * z[j]
			z[j] = dh[j] * (old[j] - n[j]) * z[j] * (1 - z[j])
			n[j] = dn
			m[j], r[j] = dn*r[j], dn*m[j]*r[j]*(1-r[j])
		}
	}
}
