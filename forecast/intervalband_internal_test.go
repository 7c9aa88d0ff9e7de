package forecast

import (
	"math"
	"testing"
)

// On made-up short loads of all kinds the mixture of sources loses less than each of them, by
// the pinball loss of the bounds of 80 and 95 % intervals around last value and SES.
func TestMixtureOfSources(t *testing.T) {
	const h = 5
	bounds := []int{2, 4, 8, 10} // of trackedLevels: .025, .1, .9, .975
	logs, loads := [sources]float64{}, 0.
	for _, load := range shortLoads(100, 4) {
		for _, m := range []Model{Naive{}, SES{}} {
			warmUp := len(load.Values) / 4
			past := load.Series
			past.Values = past.Values[:warmUp]
			p, err := m.Fit(t.Context(), past)
			if err != nil {
				t.Fatal(err)
			}
			c := Conformal{Horizons: []int{h}}
			iv, err := NewIntervals(c)
			if err != nil {
				t.Fatal(err)
			}
			b := &iv.bands[0]
			point := make([]float64, h)
			mixed, single := 0., [sources]float64{}
			for _, y := range load.Values[warmUp:] {
				p.Update(y)
				p.Predict(point)
				if was := &b.issued[b.time%h]; !math.IsNaN(was.point) {
					for _, i := range bounds {
						mixed += pinballLoss(y, was.bounds[i], trackedLevels[i])
						for k, bound := range was.bySource[i] {
							single[k] += pinballLoss(y, bound, trackedLevels[i])
						}
					}
				}
				iv.Step(y, point)
			}
			if mixed > 0 && min(single[0], single[1], single[2]) > 0 {
				loads++
				for k := range logs {
					logs[k] += math.Log(mixed / single[k])
				}
			}
		}
	}
	for k, name := range []string{"slow margins", "quick margins", "newest values"} {
		mean := math.Expm1(logs[k] / loads)
		t.Logf("the mixture loses %+.1f %% of what %s do, in the mean over %v loads", 100*mean, name, loads)
		if mean > -.01 {
			t.Errorf("the mixture loses %+.1f %% of what %s do", 100*mean, name)
		}
	}
}
