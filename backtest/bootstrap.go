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
// bootstrap: Politis and Romano 1992), and seeds, both with replacement. All seeds have
// seen the same load, so a day is drawn for all of them together (Owen 2007): more
// seeds tell more about start-up times, not about more days. Every policy is given the
// same draw, which pairs them.
func drawDays(r *rand.Rand, seeds, days int) resample {
	block, times := blockLength(days), make([]float64, days)
	for left := days; left > 0; {
		start := r.IntN(days)
		for k := 0; k < block && left > 0; k++ {
			times[(start+k)%days]++
			left--
		}
	}
	weights := make(resample, seeds)
	for s := range weights {
		weights[s] = make([]float64, days)
	}
	for range seeds {
		row := weights[r.IntN(seeds)]
		for d, n := range times {
			row[d] += n
		}
	}
	return weights
}

// blockLength keeps the dependence of neighbouring days; it is of order n^(1/3) (Hall,
// Horowitz and Jing 1995).
func blockLength(days int) int { return max(1, int(math.Round(math.Cbrt(float64(days))))) }

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

// tailFor is the share of resamples that an interval leaves out at each end. The plain
// percentiles of few blocks are too narrow: their spread is that of the sample, and is
// itself uncertain. They are widened as far as Student's t is wider than the normal
// distribution (expanded percentile interval: Hesterberg 2015), with the number of
// blocks as the size of the sample.
func tailFor(days int) float64 {
	blocks := float64(days) / float64(blockLength(days))
	factor := math.Sqrt(blocks / (blocks - 1))
	return math.Erfc(factor*studentT(blocks-1)/math.Sqrt2) / 2
}

// studentT is the quantile 0.975 of Student's t with so many degrees of freedom, at
// least 2 (Abramowitz and Stegun 1964, 26.7.5).
func studentT(freedom float64) float64 {
	const z = 1.959963984540054
	const z3, z5, z7 = z * z * z, z * z * z * z * z, z * z * z * z * z * z * z
	return z + (z3+z)/(4*freedom) + (5*z5+16*z3+3*z)/(96*freedom*freedom) +
		(3*z7+19*z5+17*z3-15*z)/(384*freedom*freedom*freedom)
}

// intervals turns resampled differences into percentile intervals that leave out a
// tail at each end.
func intervals(draws []differences, tail float64) result.Confidence {
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
		return &result.Interval{result.Number(quantile(values, tail)), result.Number(quantile(values, 1-tail))}
	}
	c.OverProvisioning = pick(func(d differences) float64 { return d.over })
	c.ScaleUpTime = pick(func(d differences) float64 { return d.rise })
	c.Cost = pick(func(d differences) float64 { return d.cost })
	c.SLA = pick(func(d differences) float64 { return d.sla })
	return c
}
