package forecast_test

import (
	"fmt"
	"math"
	"testing"

	"hindcast.dev/forecast"
)

func TestSMAPE(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		y, f []float64
		want float64
	}{
		{[]float64{3, 5}, []float64{3, 5}, 0},
		{[]float64{3}, []float64{1}, 100},
		{[]float64{1}, []float64{3}, 100}, // symmetric
		{[]float64{0}, []float64{7}, 200},
		{[]float64{-1}, []float64{1}, 200},
		{[]float64{0, 1}, []float64{0, 3}, 50},
		{[]float64{nan, 1}, []float64{9, 3}, 100},
		{nil, nil, nan},
		{[]float64{1}, []float64{nan}, nan},
	} {
		got := forecast.SMAPE(tt.y, tt.f)
		if math.Abs(got-tt.want) > 1e-12 || math.IsNaN(got) != math.IsNaN(tt.want) {
			t.Errorf("SMAPE(%v, %v) = %v, want %v", tt.y, tt.f, got, tt.want)
		}
	}
}

// The score of the organisers' own forecasts equals that of a plain rewrite of the
// measures.
func TestCompetitionScoreOnM4(t *testing.T) {
	const day = 24
	train, test := m4(t, "Hourly-train-60.csv"), m4(t, "Hourly-test-60.csv")
	files := []string{"sNaive-60.csv", "Naive2-60.csv", "SES-60.csv"}
	scores := make([]forecast.CompetitionScore, len(files))
	percentages, scaled := make([]float64, len(files)), make([]float64, len(files))
	for i, file := range files {
		points := 0.
		for id, f := range m4(t, file) {
			x, y := train[id], test[id]
			scores[i].Add(x, y, f, day)
			scale, miss := 0., 0.
			for i := day; i < len(x); i++ {
				scale += math.Abs(x[i]-x[i-day]) / float64(len(x)-day)
			}
			for h := range y {
				percentages[i] += 200 * math.Abs(y[h]-f[h]) / (math.Abs(y[h]) + math.Abs(f[h]))
				miss += math.Abs(y[h]-f[h]) / float64(len(y))
				points++
			}
			scaled[i] += miss / scale / float64(len(test))
		}
		percentages[i] /= points
	}
	for i, file := range files {
		want := (percentages[i]/percentages[1] + scaled[i]/scaled[1]) / 2
		for _, m := range []struct {
			name      string
			got, want float64
		}{
			{"sMAPE", scores[i].SMAPE(), percentages[i]},
			{"MASE", scores[i].MASE(), scaled[i]},
			{"OWA", scores[i].OWA(&scores[1]), want},
		} {
			if !(math.Abs(m.got-m.want) <= 1e-9*m.want) {
				t.Errorf("%s: %s %v, want %v", file, m.name, m.got, m.want)
			}
		}
	}
}

// A series without a scale has no MASE and does not spoil that of the others.
func TestCompetitionScoreWithoutScale(t *testing.T) {
	var s forecast.CompetitionScore
	if !math.IsNaN(s.SMAPE()) || !math.IsNaN(s.MASE()) || !math.IsNaN(s.OWA(&s)) {
		t.Errorf("no series: %v, %v, %v", s.SMAPE(), s.MASE(), s.OWA(&s))
	}
	s.Add([]float64{1, 2, 1, 2}, []float64{3}, []float64{1}, 2) // repeats itself
	s.Add([]float64{1}, []float64{3}, []float64{1}, 2)          // too short
	if !math.IsNaN(s.MASE()) || math.Abs(s.SMAPE()-100) > 1e-12 {
		t.Errorf("without scale: MASE %v, sMAPE %v; want NaN, 100", s.MASE(), s.SMAPE())
	}
	s.Add([]float64{1, 2, 5, 6}, []float64{3}, []float64{1}, 2)
	if s.MASE() != .5 {
		t.Errorf("MASE %v, want 0.5", s.MASE())
	}
}

func ExampleCompetitionScore() {
	var naive2, mine forecast.CompetitionScore
	train, came := []float64{10, 20, 14, 24}, []float64{16, 26}
	naive2.Add(train, came, []float64{14, 24}, 2)
	mine.Add(train, came, []float64{15, 25}, 2)
	fmt.Printf("sMAPE %.2f, MASE %.2f, OWA %.2f\n", mine.SMAPE(), mine.MASE(), mine.OWA(&naive2))
	// Output: sMAPE 5.19, MASE 0.25, OWA 0.49
}
