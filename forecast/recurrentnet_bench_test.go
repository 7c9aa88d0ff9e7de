package forecast

import (
	"math/rand/v2"
	"testing"
)

// benchNets are nets of default size on one day of minutes and its week: as many inputs
// as there can be.
func benchNets() map[string]*recurrentNet[float32] {
	r := rand.New(rand.NewPCG(1, 1))
	nets := map[string]*recurrentNet[float32]{
		"lstm": newRecurrentNet(lstmCell[float32]{}, 11, 32, 7*len(recurrentLevels)),
		"gru":  newRecurrentNet(gruCell[float32]{}, 11, 32, 7*len(recurrentLevels)),
	}
	for _, name := range []string{"lstm", "gru"} {
		for i := range nets[name].parameters {
			nets[name].parameters[i] = .3 * (2*r.Float32() - 1)
		}
	}
	return nets
}

// One batch of windows of 60 steps: forward, backward, Adam.
func BenchmarkRecurrentBatch(b *testing.B) {
	for name, net := range benchNets() {
		b.Run(name, func(b *testing.B) {
			tape := net.newTape(recurrentBatch, 60)
			for i := range tape.x {
				tape.x[i] = float32(i%7) / 7
			}
			for i := range tape.outGradient {
				tape.outGradient[i] = float32(i%5) / 1e4
			}
			descent := newAdam[float32](len(net.parameters))
			b.ReportAllocs()
			for b.Loop() {
				net.forward(tape)
				net.backward(tape)
				clipNorm(tape.gradient, 1)
				descent.step(net.parameters, tape.gradient, 1e-6)
			}
		})
	}
}

// One window of 60 steps.
func BenchmarkRecurrentLook(b *testing.B) {
	for name, net := range benchNets() {
		b.Run(name, func(b *testing.B) {
			tape := net.newTape(1, 60)
			for b.Loop() {
				net.forward(tape)
			}
		})
	}
}
