package forecast_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// The numbers are those of testdata/stl_golden.R, from stlf of R's forecast package. With
// the naive forecast of the rest there is nothing to search for; with ETS the likelihood
// has many maxima, and ours may be at a higher one.
func TestMSTLGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/stl_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Series map[string][]float64
		STLF   []struct {
			Name       string
			Seasons    []int
			Form       string
			AICc       float64
			Naive, ETS []float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.STLF {
		t.Run(c.Name, func(t *testing.T) {
			past := minutes(golden.Series[c.Name]...)
			naive := mustFit(t, forecast.MSTL{Seasons: c.Seasons, Rest: forecast.Naive{}}, past)
			checkNear(t, "naive", predict(naive, len(c.Naive)), c.Naive, 1e-9)

			m := forecast.MSTL{Seasons: c.Seasons}
			d, err := m.Decompose(t.Context(), past.Values)
			if err != nil {
				t.Fatal(err)
			}
			rest := minutes(generate(len(past.Values), func(i int) float64 { return d.Trend[i] + d.Remainder[i] })...)
			if ets := mustFit(t, forecast.ETS{}, rest).(*forecast.FittedETS); ets.AICc() > c.AICc+.1 {
				t.Errorf("%s has AICc %v, R finds %s with %v", ets.Form(), ets.AICc(), c.Form, c.AICc)
			}
			checkNear(t, "ets", predict(mustFit(t, m, past), len(c.ETS)), c.ETS, .02)
		})
	}
}

// The season stays between fits and the other model moves: after an update the forecast
// is that of the other model on the adjusted series.
func TestMSTLUpdate(t *testing.T) {
	const season = 12
	shape := func(i int) float64 { return 3 * math.Sin(2*math.Pi*float64(i%season)/season) }
	values := generate(10*season, func(i int) float64 { return 40 + shape(i) })
	m := forecast.MSTL{Seasons: []int{season}, Rest: forecast.Naive{}}
	p := mustFit(t, m, minutes(values...))
	n := len(values)
	p.Update(50 + shape(n))
	p.Update(nan)
	want := generate(3*season, func(i int) float64 { return 50 + shape(n+2+i) })
	checkNear(t, "updated", predict(p, 3*season), want, 1e-9)
	if m.Name() != "mstl-naive" {
		t.Errorf("name %q", m.Name())
	}
}

// Without two periods of any season what is left is the other model.
func TestMSTLWithoutSeason(t *testing.T) {
	past := minutes(walk(90, 3)...)
	for _, seasons := range [][]int{nil, {1}, {45, 100}} {
		got := predict(mustFit(t, forecast.MSTL{Seasons: seasons, Rest: forecast.SES{}}, past), 5)
		checkNear(t, "ses", got, predict(mustFit(t, forecast.SES{}, past), 5), 0)
	}
}
