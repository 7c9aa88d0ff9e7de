package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestBinsKeepTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(73, 1))
	values := make([]float64, 5000)
	for i := range values {
		values[i] = math.Floor(1000*r.NormFloat64()) / 10
	}
	edges := binEdges(append([]float64(nil), values...))
	if len(edges) >= boostBins {
		t.Fatalf("%d edges for %d bins", len(edges), boostBins)
	}
	for i := 1; i < len(values); i++ {
		a, b := values[i-1], values[i]
		if a <= b && binOf(edges, a) > binOf(edges, b) {
			t.Fatalf("%v is in bin %d, %v in %d", a, binOf(edges, a), b, binOf(edges, b))
		}
	}
}
