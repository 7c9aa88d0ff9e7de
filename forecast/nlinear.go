package forecast

import (
	"context"
)

// NLinear is one linear map from the newest values to all horizons (Zeng, Chen, Zhang and
// Xu, AAAI 2023): the window less its last value, which makes it blind to the level, is
// mapped to the change from a simple forecast. Here that is last value or seasonal naive,
// whichever is better on the past; the window is also divided by its mean, so that growth
// does not weigh; and the map is the exact solution of a ridge regression, with the
// penalty that does best on the newest part of the past, instead of gradient descent.
type NLinear struct {
	// Horizons is the number of steps ahead that the map gives; 0 means 15. A forecast
	// beyond goes on from its own forecasts.
	Horizons int
	// Window is the number of newest values that it reads; 0 means those of the longest
	// season that fits four times into the past, and at most 192, at least 24.
	Window int
	// Seasons are the periods in steps.
	Seasons []int
}

var (
	_ Model  = NLinear{}
	_ Coster = NLinear{}
)

// Name returns "nlinear".
func (NLinear) Name() string { return "nlinear" }

// FitOperations implements Coster.
func (m NLinear) FitOperations(steps int) float64 {
	return linearOperations(steps, linearWindow(m.Window, m.Seasons, steps), linearHorizons(m.Horizons))
}

// Fit returns a Predictor, or an error that wraps ErrTooShort where past has fewer than
// 20 origins with a whole window before and all horizons after them.
func (m NLinear) Fit(ctx context.Context, past Series) (Predictor, error) {
	n := len(past.Values)
	settings := linearSettings{
		name: "nlinear", horizons: linearHorizons(m.Horizons), window: linearWindow(m.Window, m.Seasons, n),
		shapes: []linearShape{changeFrom(1)},
	}
	for _, s := range m.Seasons {
		if s > 1 && settings.held(n) >= 3*s {
			settings.shapes = append(settings.shapes, changeFrom(s))
		}
	}
	return settings.fit(ctx, past)
}

// changeFrom is the shape of NLinear: the window less its last value is mapped to the
// change from the value so many steps earlier.
type changeFrom int

func (c changeFrom) past() int { return int(c) }

func (changeFrom) centre(window []float64) float64 { return window[len(window)-1] }

func (c changeFrom) base(dst, history []float64, _ int) {
	for j := range dst {
		dst[j] = history[len(history)-int(c)+j%int(c)]
	}
}

// penalty is that of an ordinary ridge regression.
func (changeFrom) penalty(int) *linearPenalty { return nil }

// linearOperations estimates what a fit costs: three times the Gram matrix and the
// moments, and ten factors.
func linearOperations(steps, window, horizons int) float64 {
	rows, k := float64(min(steps, linearRows)), float64(window+1)
	return 3*rows*k*(k+float64(horizons)) + 10*k*k*k
}

func linearHorizons(horizons int) int {
	if horizons <= 0 {
		return 15
	}
	return horizons
}

// linearWindow returns the length of the window for a past of n values.
func linearWindow(window int, seasons []int, n int) int {
	const longest, shortest, plain, share = 192, 24, 60, 4
	if window > 0 {
		return window
	}
	window = plain
	for _, s := range seasons {
		if s <= longest && share*s <= n {
			window = max(window, s)
		}
	}
	return max(min(window, n/share), shortest)
}
