package forecast

import "math"

// SMAPE returns the mean of 200 |y-f| / (|y|+|f|), from 0 to 200, as the M4
// competition has it (Makridakis, Spiliotis and Assimakopoulos, International Journal
// of Forecasting 36, 2020). Where y and f are both 0 the forecast is right and counts
// as 0.
func SMAPE(y, f []float64) float64 {
	var s sum
	addSMAPE(&s, y, f)
	return s.mean()
}

// A CompetitionScore gathers the scores of one model over many series as the M4
// competition did. The zero value has no series.
type CompetitionScore struct{ percentage, scaled sum }

// Add scores the forecast of one series. Season is the period of the seasonal naive
// forecast of train that scales MASE, in steps; see SeasonalErrors. A series on which
// that makes no error, or which is not longer than a season, has no MASE and counts in
// SMAPE only.
func (s *CompetitionScore) Add(train, y, f []float64, season int) {
	addSMAPE(&s.percentage, y, f)
	scale, _ := SeasonalErrors(train, season)
	if scale > 0 {
		s.scaled.add(MASE(y, f, scale))
	}
}

// SMAPE returns the mean over all points, NaN if there are none.
func (s *CompetitionScore) SMAPE() float64 { return s.percentage.mean() }

// MASE returns the mean over the series that have one, NaN if there are none.
func (s *CompetitionScore) MASE() float64 { return s.scaled.mean() }

// OWA returns half the sum of SMAPE and MASE, each relative to that of a benchmark,
// which in the M4 competition is Naive2.
func (s *CompetitionScore) OWA(benchmark *CompetitionScore) float64 {
	return (fraction(s.SMAPE(), benchmark.SMAPE()) + fraction(s.MASE(), benchmark.MASE())) / 2
}

func addSMAPE(s *sum, y, f []float64) {
	for i := range y {
		switch {
		case math.IsNaN(y[i]):
		case y[i] == 0 && f[i] == 0:
			s.add(0)
		default:
			s.add(200 * math.Abs(y[i]-f[i]) / (math.Abs(y[i]) + math.Abs(f[i])))
		}
	}
}
