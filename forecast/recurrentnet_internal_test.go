package forecast

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// cellOf returns the cell of a name, in the given precision.
func cellOf[T precision](name string) recurrentCell[T] {
	if name == "lstm" {
		return lstmCell[T]{}
	}
	return gruCell[T]{}
}

// The gradient of every parameter is that of finite differences.
func TestRecurrentGradient(t *testing.T) {
	const batch, steps, inputs, hidden, horizons, delta = 3, 7, 4, 5, 2, 1e-6
	levels := []float64{.1, .5, .9}
	for _, name := range []string{"lstm", "gru"} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			net := newRecurrentNet(cellOf[float64](name), inputs, hidden, horizons*len(levels))
			tape := net.newTape(batch, steps)
			for i := range net.parameters {
				net.parameters[i] = r.NormFloat64()
			}
			for i := range tape.x {
				tape.x[i] = r.NormFloat64()
			}
			targets, weights := make([]float64, batch*horizons), []float64{.5, 1, 2}
			for i := range targets {
				targets[i] = 3 * r.NormFloat64()
			}
			targets[3] = math.NaN() // A target that was not observed.
			loss := func() float64 {
				net.forward(tape)
				return quantileLoss(tape.outGradient, tape.out, targets, weights, levels)
			}
			loss()
			net.backward(tape)
			gradient := slices.Clone(tape.gradient)
			input, state, head := net.split(gradient)
			parts := map[string][]float64{"input": input, "state": state, "head": head}
			for part, g := range parts {
				if slices.Max(g) == 0 {
					t.Errorf("the gradient of the weights of the %s is 0", part)
				}
			}
			for i := range net.parameters {
				at := net.parameters[i]
				net.parameters[i] = at + delta
				above := loss()
				net.parameters[i] = at - delta
				below := loss()
				net.parameters[i] = at
				want := (above - below) / (2 * delta)
				if math.Abs(gradient[i]-want) > 1e-8 {
					t.Errorf("parameter %d of %d: gradient %v, by differences %v", i, len(gradient), gradient[i], want)
				}
			}
		})
	}
}

type recurrentGolden struct {
	Batch, Steps, Inputs, Hidden int
	Levels                       []float64
	Cases                        []struct {
		Cell               string
		X, Y, States, Out  []float64
		Loss               float64
		Weights, Gradients map[string][]float64
	}
	Adam struct {
		Rate              float64
		Start             []float64
		Gradients, Values [][]float64
	}
}

func readRecurrentGolden(t *testing.T) recurrentGolden {
	data, err := os.ReadFile("testdata/recurrent_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden recurrentGolden
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

// PyTorch's weights, blocks of rows in its order, become ours, blocks of columns in ours.
func fromTorch(golden recurrentGolden, cell string, w map[string][]float64) []float64 {
	inputs, states := []int{0, 1, 3, 2}, []int{0, 1, 3, 2} // i f g o become i f o g
	if cell == "gru" {
		inputs, states = []int{2, 0, 1}, []int{0, 1, 2} // r z n become n r z
	}
	h := golden.Hidden
	transposed := func(weights, bias []float64, in int, blocks []int) []float64 {
		var out []float64
		for i := range in {
			for _, b := range blocks {
				for j := range h {
					out = append(out, weights[(b*h+j)*in+i])
				}
			}
		}
		for _, b := range blocks {
			out = append(out, bias[b*h:(b+1)*h]...)
		}
		return out
	}
	out := transposed(w["weight_ih_l0"], w["bias_ih_l0"], golden.Inputs, inputs)
	out = append(out, transposed(w["weight_hh_l0"], w["bias_hh_l0"], h, states)...)
	outputs := len(w["head_bias"])
	for i := range h {
		for o := range outputs {
			out = append(out, w["head_weight"][o*h+i])
		}
	}
	return append(out, w["head_bias"]...)
}

// The numbers are those of testdata/recurrent_golden.py, from PyTorch.
func TestRecurrentGolden(t *testing.T) {
	golden := readRecurrentGolden(t)
	for _, c := range golden.Cases {
		t.Run(c.Cell+"/float64", func(t *testing.T) {
			checkRecurrentGolden(t, golden, c.Cell, cellOf[float64](c.Cell), 1e-10)
		})
		t.Run(c.Cell+"/float32", func(t *testing.T) {
			checkRecurrentGolden(t, golden, c.Cell, cellOf[float32](c.Cell), 2e-6)
		})
	}
}

func checkRecurrentGolden[T precision](t *testing.T, golden recurrentGolden, cell string, kernel recurrentCell[T], tolerance float64) {
	for _, c := range golden.Cases {
		if c.Cell != cell {
			continue
		}
		net := newRecurrentNet(kernel, golden.Inputs+1, golden.Hidden, len(c.Out)/golden.Batch)
		for i, w := range fromTorch(golden, cell, c.Weights) {
			net.parameters[i] = T(w)
		}
		tape := net.newTape(golden.Batch, golden.Steps)
		for b := range golden.Batch {
			for s := range golden.Steps {
				row := tape.x[(s*golden.Batch+b)*net.inputs:][:net.inputs]
				for i := range golden.Inputs {
					row[i] = T(c.X[(b*golden.Steps+s)*golden.Inputs+i])
				}
				row[golden.Inputs] = 1
			}
		}
		net.forward(tape)
		check := func(what string, got T, want float64) {
			if math.Abs(float64(got)-want) > tolerance {
				t.Errorf("%s: %v, PyTorch has %v", what, got, want)
			}
		}
		for s := range golden.Steps {
			for b := range golden.Batch {
				for j := range net.hidden {
					got := tape.at(s+1, net.hidden).state[b*(net.hidden+1)+j]
					check("state", got, c.States[(b*golden.Steps+s)*net.hidden+j])
				}
			}
		}
		for i, want := range c.Out {
			check("output", tape.out[i], want)
		}
		targets, weights := make([]T, len(c.Y)), make([]T, golden.Batch)
		for i, y := range c.Y {
			targets[i] = T(y)
		}
		for i := range weights {
			weights[i] = 1
		}
		check("loss", T(quantileLoss(tape.outGradient, tape.out, targets, weights, golden.Levels)), c.Loss)
		net.backward(tape)
		for i, want := range fromTorch(golden, cell, c.Gradients) {
			check("gradient", tape.gradient[i], want)
		}
	}
}

func TestAdam(t *testing.T) {
	// By hand: the first step of any gradient is the rate, but for epsilon; with gradients 1
	// and then 0 the second is .1 * .9*.1/(1-.81) / sqrt(.999*.001/(1-.999^2)).
	p, a := []float64{0}, newAdam[float64](1)
	a.step(p, []float64{1}, .1)
	if math.Abs(p[0]+.1) > 1e-8 {
		t.Errorf("the first step leads to %v, want -0.1", p[0])
	}
	a.step(p, []float64{0}, .1)
	second := .1 * (.09 / .19) / math.Sqrt(.000999/.001999)
	if math.Abs(p[0]+.1+second) > 1e-8 {
		t.Errorf("the second step leads to %v, want %v", p[0], -.1-second)
	}
	golden := readRecurrentGolden(t).Adam
	p, a = golden.Start, newAdam[float64](len(golden.Start))
	for i, g := range golden.Gradients {
		a.step(p, g, golden.Rate)
		for j, want := range golden.Values[i] {
			if math.Abs(p[j]-want) > 1e-10 {
				t.Errorf("step %d: parameter %d is %v, PyTorch has %v", i+1, j, p[j], want)
			}
		}
	}
}

func TestClipNorm(t *testing.T) {
	g := []float64{3, -4}
	if norm := clipNorm(g, 10); norm != 5 || g[0] != 3 || g[1] != -4 {
		t.Errorf("norm %v, gradient %v: changed below the bound", norm, g)
	}
	clipNorm(g, 1)
	if math.Abs(g[0]-.6) > 1e-15 || math.Abs(g[1]+.8) > 1e-15 {
		t.Errorf("clipped to %v, want [0.6 -0.8]", g)
	}
}
