package forecast_test

import (
	"math"
	"testing"

	"hindcast.dev/forecast"
)

// Without a season it is what HoltWinters is without one, which is checked against
// statsmodels; with a season it is that on the series that Naive2 adjusts.
func TestHoltIsHoltWintersOnTheAdjustedSeries(t *testing.T) {
	const season, n, ahead = 12, 20 * 12, 30
	factor := func(i int) float64 { return 1 + .4*math.Sin(2*math.Pi*float64(i)/season) }
	noise := wander(n, 3)
	level := func(i int) float64 { return noise[i] + .5*float64(i) }
	seasonal := minutes(generate(n, func(i int) float64 { return level(i) * factor(i) })...)
	for _, damped := range []bool{false, true} {
		plain := predict(mustFit(t, forecast.HoltWinters{Damped: damped}, seasonal), ahead)
		checkNear(t, "without a season", predict(mustFit(t, forecast.Holt{Damped: damped}, seasonal), ahead), plain, 0)

		// The factors found are near the true ones, not equal to them.
		adjusted := mustFit(t, forecast.HoltWinters{Damped: damped}, minutes(generate(n, level)...))
		want := predict(adjusted, ahead)
		for h := range want {
			want[h] *= factor(n + h)
		}
		m := forecast.Holt{Season: season, Damped: damped}
		checkNear(t, m.Name(), predict(mustFit(t, m, seasonal), ahead), want, .02)
	}
}

// An infinite value is a missing one, in the past and after it.
func TestInfiniteIsMissing(t *testing.T) {
	const season, split = 12, 120
	gaps := daily(160, season, 9)
	infinite := daily(160, season, 9)
	for i, y := range map[int]float64{0: math.Inf(1), 40: math.Inf(-1), 41: math.Inf(1), 119: math.Inf(1), 125: math.Inf(1), 140: math.Inf(-1)} {
		infinite[i], gaps[i] = y, nan
	}
	for _, m := range []forecast.Model{
		forecast.MovingAverage{}, forecast.SES{Season: season}, forecast.Naive2{Season: season}, forecast.Theta{Season: season},
		forecast.Holt{}, forecast.Holt{Season: season, Damped: true}, forecast.HoltWinters{Season: season},
		forecast.ETS{Season: season}, forecast.MSTL{Seasons: []int{season}}, forecast.MSTL{},
	} {
		want := forecastsAt(t, m, gaps, split)
		for i, got := range forecastsAt(t, m, infinite, split) {
			checkNear(t, m.Name(), got, want[i], 0)
		}
	}
}
