package forecast_test

import (
	"testing"

	"hindcast.dev/forecast"
)

func TestMovingAverage(t *testing.T) {
	p := mustFit(t, forecast.MovingAverage{Window: 3}, minutes(100, 1, nan, 2))
	checkNear(t, "gap", predict(p, 2), []float64{103. / 3, 103. / 3}, 1e-15)
	for _, y := range []float64{nan, 6, 1} {
		p.Update(y)
	}
	checkNear(t, "updated", predict(p, 1), []float64{3}, 1e-15)
	// One value is the naive forecast.
	values := walk(50, 4)
	checkNear(t, "one", predict(mustFit(t, forecast.MovingAverage{Window: 1}, minutes(values...)), 1), values[49:], 0)
}
