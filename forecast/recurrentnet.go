package forecast

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
)

// A recurrentCell is the part in which LSTM and GRU differ: what becomes of the sums of
// weighted inputs and weighted state, row by row of a batch, h hidden units in a row.
//
// The sums lie in gates, 4h columns a row. Those of the inputs go to the first blocks of
// h columns, those of the state to the last; where both meet they add up.
type recurrentCell[T precision] interface {
	// blocks is the number of blocks of h columns that inputs and state each weigh in on.
	blocks() int
	// forward turns sums into activations, in place, and writes the next state. Inner is
	// what the cell has besides its state, inner next, 2h a row; it may leave it.
	forward(h int, gates, state, next, inner, innerNext []T)
	// backward turns activations into the gradients of the sums, in place. Given the
	// gradients of the next state, it adds to those of the state what does not pass
	// through sums; innerGradient is the running gradient of the inner state.
	backward(h int, gates, state, inner, innerNext, nextGradient, stateGradient, innerGradient []T)
}

// A recurrentNet is a recurrent layer and a linear map of its last state to outputs.
// Inputs and states carry a last column of 1, so that biases are rows of the weights.
type recurrentNet[T precision] struct {
	cell                    recurrentCell[T]
	inputs, hidden, outputs int // inputs counts the 1
	parameters              []T
}

func newRecurrentNet[T precision](cell recurrentCell[T], inputs, hidden, outputs int) *recurrentNet[T] {
	n := &recurrentNet[T]{cell: cell, inputs: inputs, hidden: hidden, outputs: outputs}
	gates := cell.blocks() * hidden
	n.parameters = make([]T, inputs*gates+(hidden+1)*gates+(hidden+1)*outputs)
	return n
}

// split returns the parts of the parameters or of their gradient, each row after row:
// inputs x gates, (hidden+1) x gates, (hidden+1) x outputs.
func (n *recurrentNet[T]) split(parameters []T) (input, state, head []T) {
	gates := n.cell.blocks() * n.hidden
	input, parameters = parameters[:n.inputs*gates], parameters[n.inputs*gates:]
	return input, parameters[:(n.hidden+1)*gates], parameters[(n.hidden+1)*gates:]
}

// A recurrentTape holds a batch on its way through a net, step after step, and what the
// way back needs.
type recurrentTape[T precision] struct {
	batch, steps  int
	x             []T // steps x batch x inputs
	states        []T // (steps+1) x batch x (hidden+1), the first 0
	inner         []T // (steps+1) x batch x 2 hidden
	gates         []T // steps x batch x 4 hidden
	out           []T // batch x outputs
	outGradient   []T // the same, for the caller to fill before backward
	gradient      []T // of the parameters
	stateGradient [2][]T
	innerGradient []T
}

func (n *recurrentNet[T]) newTape(batch, steps int) *recurrentTape[T] {
	t := &recurrentTape[T]{
		batch: batch, steps: steps,
		x:             make([]T, steps*batch*n.inputs),
		states:        make([]T, (steps+1)*batch*(n.hidden+1)),
		inner:         make([]T, (steps+1)*batch*2*n.hidden),
		gates:         make([]T, steps*batch*4*n.hidden),
		out:           make([]T, batch*n.outputs),
		outGradient:   make([]T, batch*n.outputs),
		gradient:      make([]T, len(n.parameters)),
		innerGradient: make([]T, batch*n.hidden),
	}
	for i := range t.stateGradient {
		t.stateGradient[i] = make([]T, batch*(n.hidden+1))
	}
	for i := n.hidden; i < len(t.states); i += n.hidden + 1 {
		t.states[i] = 1
	}
	return t
}

// forward runs the inputs of the tape through the net, to its out.
func (n *recurrentNet[T]) forward(t *recurrentTape[T]) {
	input, state, head := n.split(n.parameters)
	h, b, columns := n.hidden, t.batch, n.cell.blocks()*n.hidden
	for i := range t.steps {
		x := t.x[i*b*n.inputs : (i+1)*b*n.inputs]
		from, to := t.at(i, h), t.at(i+1, h)
		gates := t.gates[i*b*4*h : (i+1)*b*4*h]
		clear(gates)
		gemm(blas.NoTrans, blas.NoTrans, b, columns, n.inputs, x, n.inputs, input, columns, gates, 4*h)
		gemm(blas.NoTrans, blas.NoTrans, b, columns, h+1, from.state, h+1, state, columns, gates[4*h-columns:], 4*h)
		n.cell.forward(h, gates, from.state, to.state, from.inner, to.inner)
	}
	clear(t.out)
	gemm(blas.NoTrans, blas.NoTrans, b, n.outputs, h+1, t.at(t.steps, h).state, h+1, head, n.outputs, t.out, n.outputs)
}

// backward sets the gradient of the tape from its outGradient, after forward, by
// backpropagation through time (Werbos, 1990). It uses up the gates.
func (n *recurrentNet[T]) backward(t *recurrentTape[T]) {
	_, state, head := n.split(n.parameters)
	dInput, dState, dHead := n.split(t.gradient)
	clear(t.gradient)
	clear(t.innerGradient)
	h, b, columns := n.hidden, t.batch, n.cell.blocks()*n.hidden
	next, now := t.stateGradient[0], t.stateGradient[1]
	clear(next)
	gemm(blas.Trans, blas.NoTrans, h+1, n.outputs, b, t.at(t.steps, h).state, h+1, t.outGradient, n.outputs, dHead, n.outputs)
	gemm(blas.NoTrans, blas.Trans, b, h, n.outputs, t.outGradient, n.outputs, head, n.outputs, next, h+1)
	for i := t.steps - 1; i >= 0; i-- {
		x := t.x[i*b*n.inputs : (i+1)*b*n.inputs]
		from, to := t.at(i, h), t.at(i+1, h)
		gates := t.gates[i*b*4*h : (i+1)*b*4*h]
		clear(now)
		n.cell.backward(h, gates, from.state, from.inner, to.inner, next, now, t.innerGradient)
		gemm(blas.Trans, blas.NoTrans, n.inputs, columns, b, x, n.inputs, gates, 4*h, dInput, columns)
		gemm(blas.Trans, blas.NoTrans, h+1, columns, b, from.state, h+1, gates[4*h-columns:], 4*h, dState, columns)
		// Without the row of biases, which no state passes through.
		gemm(blas.NoTrans, blas.Trans, b, h, columns, gates[4*h-columns:], 4*h, state, columns, now, h+1)
		next, now = now, next
	}
}

// recurrentStates are the states of a batch between two steps.
type recurrentStates[T precision] struct{ state, inner []T }

func (t *recurrentTape[T]) at(step, h int) recurrentStates[T] {
	states, inner := t.batch*(h+1), t.batch*2*h
	return recurrentStates[T]{
		state: t.states[step*states : (step+1)*states],
		inner: t.inner[step*inner : (step+1)*inner],
	}
}

// gemm adds the product of a (m x k) and b (k x n), each transposed first where said, to c.
func gemm[T precision](ta, tb blas.Transpose, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int) {
	switch a := any(a).(type) {
	case []float32:
		blas32.Implementation().Sgemm(ta, tb, m, n, k, 1, a, lda, any(b).([]float32), ldb, 1, any(c).([]float32), ldc)
	case []float64:
		blas64.Implementation().Dgemm(ta, tb, m, n, k, 1, a, lda, any(b).([]float64), ldb, 1, any(c).([]float64), ldc)
	}
}
