package forecast

import (
	"context"
	"math"
)

// seasonalStrengthCritical is the strength from which on a season is differenced, that of
// the least errors in the M3 competition (R's nsdiffs).
const seasonalStrengthCritical = .64

// seasonalStrength returns how much of what moves around the trend is the season, from 0
// to 1: 1 - Var(remainder)/Var(season + remainder) (Wang, Smith and Hyndman, Data Mining
// and Knowledge Discovery 13, 2006), after a decomposition of values, none missing, into
// trend, season and remainder by loess (Cleveland, Cleveland, McRae and Terpenning,
// Journal of Official Statistics 6, 1990), with windows of 11 seasons for each phase, not
// made robust.
func seasonalStrength(ctx context.Context, values []float64, season int) (float64, error) {
	const (
		phaseWindow = 11
		rounds      = 2
	)
	n := len(values)
	trend, rest := make([]float64, n), make([]float64, n)
	seasonal := make([]float64, n)
	cycle, low := make([]float64, n+2*season), make([]float64, n)
	trendWindow := nextOdd(1.5 * float64(season) / (1 - 1.5/phaseWindow))
	lowWindow := nextOdd(float64(season))
	for range rounds {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for t, y := range values {
			rest[t] = y - trend[t]
		}
		smoothPhases(cycle, rest, season, phaseWindow)
		passed := movingAverage(movingAverage(movingAverage(cycle, season), season), 3)
		for t := range low {
			low[t] = loess(passed, float64(t), lowWindow, true)
			seasonal[t] = cycle[season+t] - low[t]
			rest[t] = values[t] - seasonal[t]
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for t := range trend {
			trend[t] = loess(rest, float64(t), trendWindow, true)
		}
	}
	var remainder, moves spread
	for t, y := range values {
		remainder.add(y - trend[t] - seasonal[t])
		moves.add(y - trend[t])
	}
	if !(moves.squares > 0) {
		return 0, nil
	}
	return min(max(1-remainder.squares/moves.squares, 0), 1), nil
}

// A spread is the sum of squared deviations from the mean of the values added (Welford,
// Technometrics 4, 1962).
type spread struct {
	n             int
	mean, squares float64
}

func (s *spread) add(y float64) {
	s.n++
	before := y - s.mean
	s.mean += before / float64(s.n)
	s.squares += before * (y - s.mean)
}

// smoothPhases smooths the values of each phase by a local constant, and goes one season
// beyond either end.
func smoothPhases(dst, values []float64, season, window int) {
	part := make([]float64, 0, len(values)/season+1)
	for phase := range season {
		part = part[:0]
		for t := phase; t < len(values); t += season {
			part = append(part, values[t])
		}
		for i := -1; i <= len(part); i++ {
			if at := phase + (i+1)*season; at < len(dst) {
				dst[at] = loess(part, float64(i), window, false)
			}
		}
	}
}

func movingAverage(values []float64, width int) []float64 {
	out := make([]float64, len(values)-width+1)
	total := 0.0
	for i, v := range values {
		total += v
		if i >= width {
			total -= values[i-width]
		}
		if i >= width-1 {
			out[i-width+1] = total / float64(width)
		}
	}
	return out
}

// loess returns the local mean at x, or the value of the local line, of the window values
// nearest to x with tricube weights (Cleveland, Journal of the American Statistical
// Association 74, 1979).
func loess(values []float64, x float64, window int, line bool) float64 {
	n := len(values)
	width := min(window, n)
	first := min(max(int(math.Floor(x))-(width-1)/2, 0), n-width)
	reach := max(x-float64(first), float64(first+width-1)-x)
	if window > n {
		reach += float64((window - n) / 2)
	}
	total, centre, sum := 0.0, 0.0, 0.0
	weight := func(i int) float64 {
		distance := math.Abs(float64(i)-x) / reach
		switch {
		case distance > .999:
			return 0
		case distance < .001:
			return 1
		}
		c := 1 - distance*distance*distance
		return c * c * c
	}
	for i := first; i < first+width; i++ {
		w := weight(i)
		total += w
		centre += w * float64(i)
		sum += w * values[i]
	}
	if !(total > 0) {
		return values[first]
	}
	centre /= total
	mean := sum / total
	if !line {
		return mean
	}
	moment, square := 0.0, 0.0
	for i := first; i < first+width; i++ {
		w, d := weight(i), float64(i)-centre
		moment += w * d * values[i]
		square += w * d * d
	}
	// A line through points that are nearly one is not determined.
	if math.Sqrt(square/total) <= .001*float64(n-1) {
		return mean
	}
	return mean + (x-centre)*moment/square
}

func nextOdd(x float64) int {
	n := int(math.Ceil(x))
	return n + 1 - n%2
}
