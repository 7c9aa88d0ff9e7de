package forecast

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// DLinear is the decomposition of Zeng, Chen, Zhang and Xu (AAAI 2023): the window is split
// into its moving average over 25 steps, held at both ends, and the rest, and two linear
// maps, one of each, are added up. As in NLinear the window is divided by its mean, here
// after that mean was taken off, and the maps are the exact solution of a ridge regression
// with the penalty that does best on the newest part of the past.
//
// Two maps that are added are one map of the window; what the decomposition changes is
// which of all maps are cheap: the penalty is on the weights of both parts.
type DLinear struct {
	// Horizons, Window and Seasons are as in NLinear.
	Horizons, Window int
	Seasons          []int
	// Kernel is the width of the moving average, an odd number; 0 means 25.
	Kernel int
}

var (
	_ Model  = DLinear{}
	_ Coster = DLinear{}
)

// Name returns "dlinear".
func (DLinear) Name() string { return "dlinear" }

// FitOperations implements Coster.
func (m DLinear) FitOperations(steps int) float64 {
	return linearOperations(steps, linearWindow(m.Window, m.Seasons, steps), linearHorizons(m.Horizons))
}

// Fit returns a Predictor, or an error that wraps ErrTooShort as that of NLinear does.
func (m DLinear) Fit(ctx context.Context, past Series) (Predictor, error) {
	kernel := m.Kernel
	if kernel <= 0 {
		kernel = 25
	}
	return linearSettings{
		name: "dlinear", horizons: linearHorizons(m.Horizons), window: linearWindow(m.Window, m.Seasons, len(past.Values)),
		shapes: []linearShape{decomposed(kernel)},
	}.fit(ctx, past)
}

// decomposed is the shape of DLinear, with a moving average of that width: the window
// less its mean is mapped to what comes less that mean.
type decomposed int

func (decomposed) past() int { return 0 }

func (decomposed) centre(window []float64) float64 {
	var s sum
	for _, v := range window {
		s.add(v)
	}
	return s.mean()
}

func (d decomposed) base(dst, history []float64, window int) {
	centre := d.centre(history[len(history)-window:])
	for j := range dst {
		dst[j] = centre
	}
}

// penalty is the ridge on the weights a of the moving average M x and b of the rest
// (I-M) x. The cheapest a and b that add up to the map w = M'a + (I-M)'b cost
// w' (M'M + (I-M)'(I-M))^-1 w.
func (d decomposed) penalty(window int) *linearPenalty {
	average := mat.NewDense(window, window, nil)
	half := int(d) / 2
	for i := range window {
		for j := i - half; j <= i+half; j++ {
			at := min(max(j, 0), window-1)
			average.Set(i, at, average.At(i, at)+1/float64(2*half+1))
		}
	}
	rest := mat.NewDense(window, window, nil)
	for i := range window {
		rest.Set(i, i, 1)
	}
	rest.Sub(rest, average)
	var product, twice mat.Dense
	product.Mul(average.T(), average)
	twice.Mul(rest.T(), rest)
	product.Add(&product, &twice)
	gram := mat.NewSymDense(window, nil)
	for i := range window {
		for j := i; j < window; j++ {
			gram.SetSym(i, j, product.At(i, j))
		}
	}
	return newLinearPenalty(gram)
}
