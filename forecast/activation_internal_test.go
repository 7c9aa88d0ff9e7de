package forecast

import (
	"math"
	"testing"
)

// The fast functions agree with the standard library wherever networks can get.
func TestActivations(t *testing.T) {
	var x []float32
	for v := float32(-100); v <= 100; v += .0137 {
		x = append(x, v)
	}
	x = append(x, 0, 1e-30, -1e-30, 1e30, -1e30, float32(math.Inf(1)), float32(math.Inf(-1)))
	e, s, h := make([]float32, len(x)), append([]float32(nil), x...), make([]float32, len(x))
	exponentials(e, x, .5)
	sigmoid(s)
	tanh(h, x)
	for i, v := range x {
		v := float64(v)
		if want := math.Exp(.5 * v); math.Abs(v) < 170 && math.Abs(float64(e[i])-want) > 4e-7*want {
			t.Errorf("e^(%v/2) = %v, want %v", v, e[i], want)
		}
		if want := 1 / (1 + math.Exp(-v)); math.Abs(float64(s[i])-want) > 2e-7 {
			t.Errorf("sigmoid of %v = %v, want %v", v, s[i], want)
		}
		if want := math.Tanh(v); math.Abs(float64(h[i])-want) > 3e-7 {
			t.Errorf("tanh of %v = %v, want %v", v, h[i], want)
		}
	}
	n := []float32{float32(math.NaN())}
	if sigmoid(n); n[0] == n[0] {
		t.Errorf("sigmoid of NaN = %v: a training that diverged would not show", n[0])
	}
	if tanh(n, n); n[0] == n[0] {
		t.Errorf("tanh of NaN = %v", n[0])
	}
}
