package forecast

import (
	"math"
	"slices"
	"time"
)

// bounds are the intervals of one forecast.
type bounds struct{ lower50, upper50, lower80, upper80, lower95, upper95 float64 }

// boundLevels are the quantile levels of bounds, in the order of its fields.
var boundLevels = [...]float64{.25, .75, .1, .9, .025, .975}

// levels are the quantile levels of one Evaluate, each asked for once a forecast: first
// those of bounds.
type levels struct {
	distinct []float64
	pinball  []int // which of them the mean pinball loss is over
}

func newLevels(pinball []float64) levels {
	l := levels{distinct: slices.Clone(boundLevels[:])}
	for _, q := range pinball {
		i := slices.Index(l.distinct, q)
		if i < 0 {
			i = len(l.distinct)
			l.distinct = append(l.distinct, q)
		}
		l.pinball = append(l.pinball, i)
	}
	return l
}

// modelSums gathers the score of one model.
type modelSums struct {
	*evaluator
	horizons  []horizonSums
	hours     [24]pointScore
	quantiles []float64 // of one forecast, at levels.distinct
}

func newModelSums(e *evaluator) *modelSums {
	return &modelSums{
		evaluator: e, horizons: make([]horizonSums, len(e.opt.Horizons)),
		quantiles: make([]float64, len(e.levels.distinct)),
	}
}

// add scores the forecasts that were made after the observation of a step.
func (s *modelSums) add(c *Calibrated, step int, result *ModelEvaluation) {
	values := s.series.Values
	if slices.Contains(s.opt.FanOrigins, step) {
		s.fan(c, step, result)
	}
	for i, h := range s.opt.Horizons {
		at := step + h
		if at >= len(values) {
			continue
		}
		y, point := values[at], c.point[h-1]
		if i == 0 {
			s.hours[s.hour(at)].add(y, point)
			if s.opt.KeepErrors {
				result.Errors = append(result.Errors, y-point)
			}
		}
		tracked := result.Track != nil && h == result.Track.Horizon
		if math.IsNaN(y) && !tracked {
			continue
		}
		b := s.bounds(c.intervals, h)
		if tracked {
			result.Track.append(s.series.Time(at), y, point, b)
		}
		if math.IsNaN(y) {
			continue
		}
		sums := &s.horizons[i]
		sums.add(y, point, b)
		result.Blocks[i].add(at-s.opt.WarmUp, y, point)
		for k, level := range s.levels.pinball {
			sums.pinball.add(pinballLoss(y, s.quantiles[level], s.opt.Levels[k]))
		}
	}
}

// fan keeps the forecasts at all horizons.
func (s *modelSums) fan(c *Calibrated, step int, result *ModelEvaluation) {
	f := Fan{Origin: s.series.Time(step), Last: s.series.Values[step], Horizon: slices.Sorted(slices.Values(s.opt.Horizons))}
	for _, h := range f.Horizon {
		b := s.bounds(c.intervals, h)
		f.Point = append(f.Point, c.point[h-1])
		f.Lower50, f.Upper50 = append(f.Lower50, b.lower50), append(f.Upper50, b.upper50)
		f.Lower80, f.Upper80 = append(f.Lower80, b.lower80), append(f.Upper80, b.upper80)
		f.Lower95, f.Upper95 = append(f.Lower95, b.lower95), append(f.Upper95, b.upper95)
	}
	result.Fans = append(result.Fans, f)
}

// bounds asks for all quantiles of a forecast.
func (s *modelSums) bounds(iv *Intervals, h int) bounds {
	q := s.quantiles
	for i, level := range s.levels.distinct {
		q[i] = iv.Quantile(h, level)
	}
	return bounds{lower50: q[0], upper50: q[1], lower80: q[2], upper80: q[3], lower95: q[4], upper95: q[5]}
}

// hour is the hour of the day of a step.
func (s *modelSums) hour(step int) int { return s.series.Time(step).UTC().Hour() }

func (s *modelSums) finish(result *ModelEvaluation) {
	for i, h := range s.opt.Horizons {
		result.Horizons = append(result.Horizons, s.horizons[i].score(h, s.absolute, s.square))
	}
	for i := range s.hours {
		score := &s.hours[i]
		result.Hours[i] = HourScore{N: score.actual.n, WAPE: score.wape(), Bias: score.bias()}
	}
}

// horizonSums gathers the score of one horizon.
type horizonSums struct {
	point                         pointScore
	pinball, within10, coverage50 sum
	coverage80, coverage95        coverage
	width80, width95              sum
}

func (s *horizonSums) add(y, point float64, b bounds) {
	s.point.add(y, point)
	s.coverage50.add(covered(y, b.lower50, b.upper50))
	s.coverage80.add(y, b.lower80, b.upper80)
	s.coverage95.add(y, b.lower95, b.upper95)
	s.width80.add(b.upper80 - b.lower80)
	s.width95.add(b.upper95 - b.lower95)
	s.within10.add(covered(point, y-math.Abs(y)/10, y+math.Abs(y)/10))
}

func (s *horizonSums) score(horizon int, absolute, square float64) HorizonScore {
	size := s.point.size.value()
	return HorizonScore{
		Horizon:    horizon,
		N:          s.point.actual.n,
		Accuracy:   1 - s.point.wape(),
		WAPE:       s.point.wape(),
		MASE:       s.point.mase(absolute),
		RMSSE:      s.point.rmsse(square),
		Pinball:    s.pinball.mean(),
		Coverage50: s.coverage50.mean(),
		Coverage80: s.coverage80.share(),
		Coverage95: s.coverage95.share(),
		Error80:    s.coverage80.standardError(),
		Error95:    s.coverage95.standardError(),
		Width80:    fraction(s.width80.value(), size),
		Width95:    fraction(s.width95.value(), size),
		Within10:   s.within10.mean(),
		Bias:       s.point.bias(),
	}
}

func (t *Track) append(at time.Time, actual, point float64, b bounds) {
	t.Time = append(t.Time, at)
	t.Actual = append(t.Actual, actual)
	t.Point = append(t.Point, point)
	t.Lower50 = append(t.Lower50, b.lower50)
	t.Upper50 = append(t.Upper50, b.upper50)
	t.Lower80 = append(t.Lower80, b.lower80)
	t.Upper80 = append(t.Upper80, b.upper80)
	t.Lower95 = append(t.Lower95, b.lower95)
	t.Upper95 = append(t.Upper95, b.upper95)
}
