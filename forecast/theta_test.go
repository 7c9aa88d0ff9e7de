package forecast_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// The numbers are those of testdata/theta_golden.R, from R's forecast package, whose
// search of alpha stops earlier.
func TestThetaGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/theta_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Name   string
		Season int
		Values []float64
		SES    float64
		Theta  []float64
		// Of the 80 % interval, empty with a season.
		Upper80 []float64
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden {
		t.Run(c.Name, func(t *testing.T) {
			past := minutes(c.Values...)
			checkNear(t, "ses", predict(mustFit(t, forecast.SES{}, past), 1), []float64{c.SES}, 1e-5)
			p := mustFit(t, forecast.Theta{Season: c.Season}, past)
			checkNear(t, "theta", predict(p, len(c.Theta)), c.Theta, 1e-5)
			upper := make([]float64, len(c.Upper80))
			p.(forecast.QuantilePredictor).PredictQuantile(upper, .9)
			checkNear(t, "quantile", upper, c.Upper80, 1e-5)
		})
	}
}

// Theta is the mean of two lines extrapolated (Assimakopoulos and Nikolopoulos, 2000):
// the line of least squares, and by SES the series bent away from it to twice the
// distance. SES is linear, so that the second is twice that of the series less that of
// the line.
func TestThetaIsTheMeanOfTwoLines(t *testing.T) {
	const alpha, ahead = .15, 10
	for _, n := range []int{2, 5, 60} {
		values := generate(n, func(i int) float64 { return 30 + 2*float64(i) + 9*math.Sin(float64(i*i)) })
		meanT, meanY := float64(n-1)/2, 0.0
		for _, y := range values {
			meanY += y / float64(n)
		}
		ty, tt := 0.0, 0.0
		for i, y := range values {
			ty += (float64(i) - meanT) * (y - meanY)
			tt += (float64(i) - meanT) * (float64(i) - meanT)
		}
		line := func(i int) float64 { return meanY + ty/tt*(float64(i)-meanT) }
		lineLevel := line(0)
		for i := range n {
			lineLevel = alpha*line(i) + (1-alpha)*lineLevel
		}
		past := minutes(values...)
		level := predict(mustFit(t, forecast.SES{Alpha: alpha}, past), 1)[0]
		want := generate(ahead, func(h int) float64 { return (line(n+h) + 2*level - lineLevel) / 2 })
		checkNear(t, "theta", predict(mustFit(t, forecast.Theta{Alpha: alpha}, past), ahead), want, 1e-12)
	}
}

// With alpha given and no season, to update is to fit all again but for the level at
// the start, which is forgotten. Missing values pass time only.
func TestThetaUpdateIsFit(t *testing.T) {
	values := daily(200, 50, 31)
	values[40], values[150] = nan, nan
	m := forecast.Theta{Alpha: .5}
	p := mustFit(t, m, minutes(values[:100]...))
	for _, y := range values[100:] {
		p.Update(y)
	}
	checkNear(t, "updated", predict(p, 20), predict(mustFit(t, m, minutes(values...)), 20), 1e-12)
}
