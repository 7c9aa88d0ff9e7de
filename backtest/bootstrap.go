package backtest

import (
	"math"
	"math/rand/v2"
	"slices"

	"hindcast.dev/backtest/result"
)

const (
	resamples       = 1000
	confidenceLevel = 0.95
	// fewestDays is the least number of scored days that intervals are given for.
	fewestDays = 7
)

// differences are the figures of a comparison.
type differences struct{ over, rise, cost, sla float64 }

func reductions(c, b figures) differences {
	return differences{
		over: reduction(c.thetaOver, b.thetaOver),
		rise: reduction(c.riseMean, b.riseMean),
		cost: reduction(c.price, b.price),
		sla:  c.good - b.good,
	}
}

// reduction is 1 - c/b, undefined where b is 0.
func reduction(c, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return 1 - c/b
}

// resample says how often each (seed, day) counts.
type resample [][]float64

// drawDays draws days in blocks that may wrap around the end (circular block
// bootstrap: Politis and Romano 1992), seeds at random, both with replacement. Every
// policy is given the same draw, which pairs them.
func drawDays(r *rand.Rand, seeds, days int) resample {
	// The length that keeps the dependence of neighbouring days, of order n^(1/3)
	// (Hall, Horowitz and Jing 1995).
	block := max(1, int(math.Round(math.Cbrt(float64(days)))))
	weights := make(resample, seeds)
	for s := range weights {
		weights[s] = make([]float64, days)
	}
	for range seeds {
		w := weights[r.IntN(seeds)]
		for left := days; left > 0; {
			start := r.IntN(days)
			for k := 0; k < block && left > 0; k++ {
				w[(start+k)%days]++
				left--
			}
		}
	}
	return weights
}

// weigh adds up days by seed as a resample says.
func (w resample) weigh(days [][]tally) tally {
	var t tally
	for s, row := range w {
		for d, n := range row {
			if n == 0 || d >= len(days[s]) {
				continue
			}
			t.addTimes(&days[s][d], n)
		}
	}
	return t
}

// addTimes adds n times what comparisons need of u.
func (t *tally) addTimes(u *tally, n float64) {
	t.requests += n * u.requests
	t.good += n * u.good
	t.demandTime += n * u.demandTime
	t.over += n * u.over
	t.podSeconds += n * u.podSeconds
	t.nodeSeconds += n * u.nodeSeconds
	t.rises += int(n) * u.rises
	t.riseSeconds += n * u.riseSeconds
}

// intervals turns resampled differences into percentile intervals.
func intervals(draws []differences) result.Confidence {
	c := result.Confidence{Level: confidenceLevel}
	pick := func(of func(differences) float64) *result.Interval {
		values := make([]float64, 0, len(draws))
		for _, d := range draws {
			if v := of(d); !math.IsNaN(v) && !math.IsInf(v, 0) {
				values = append(values, v)
			}
		}
		// A figure that most resamples leave undefined has no interval.
		if len(values) < len(draws)*9/10 || len(values) == 0 {
			return nil
		}
		slices.Sort(values)
		tail := (1 - confidenceLevel) / 2
		return &result.Interval{result.Number(quantile(values, tail)), result.Number(quantile(values, 1-tail))}
	}
	c.OverProvisioning = pick(func(d differences) float64 { return d.over })
	c.ScaleUpTime = pick(func(d differences) float64 { return d.rise })
	c.Cost = pick(func(d differences) float64 { return d.cost })
	c.SLA = pick(func(d differences) float64 { return d.sla })
	return c
}
