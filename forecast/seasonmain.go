package forecast

import "math"

// MainSeason returns the season of models that know one, and of seasonal naive: of the
// periods given, the one whose seasonal naive forecast the given number of steps ahead,
// at least 1, has the smallest mean absolute error on the series; the first one where
// two tie, and 0 where there is none. With a job every quarter of an hour in a daily
// load it is the day, which repeats the job too.
func MainSeason(s Series, periods []int, horizon int) int {
	best, smallest := 0, math.Inf(1)
	back := func(period int) int { return (max(horizon, 1) + period - 1) / period * period }
	first := 0 // All are judged on the same values.
	for _, period := range periods {
		if period > 0 && back(period) < len(s.Values) {
			first = max(first, back(period))
		}
	}
	for _, period := range periods {
		if period < 1 {
			continue
		}
		lag := back(period)
		var loss sum
		for i := first; i < len(s.Values) && lag <= i; i++ {
			if v := math.Abs(s.Values[i] - s.Values[i-lag]); v < math.Inf(1) {
				loss.add(v)
			}
		}
		if mean := loss.mean(); best == 0 || mean < smallest {
			best, smallest = period, mean
		}
	}
	return best
}
