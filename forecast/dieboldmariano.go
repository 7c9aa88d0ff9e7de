package forecast

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// DieboldMariano configures the test of whether two forecasts of one series are equally
// accurate (Diebold and Mariano, Journal of Business and Economic Statistics 13, 1995),
// with the correction of Harvey, Leybourne and Newbold (International Journal of
// Forecasting 13, 1997) and, beside it, a circular block bootstrap (Politis and Romano,
// in Exploring the Limits of Bootstrap, 1992), which sees dependence that reaches
// beyond the horizon.
type DieboldMariano struct {
	// Horizon is how many steps ahead was forecast; below 1 counts as 1. Errors of
	// forecasts that overlap are dependent: autocovariances up to Horizon-1 count.
	Horizon int
	// Rectangular gives all of them their full weight, as the authors do, which may
	// make the variance negative. The default is the window of Bartlett, 1 - lag/Horizon
	// (Newey and West, Econometrica 55, 1987), which cannot.
	Rectangular bool
	// Block is the number of steps that the bootstrap draws together; 0 means twice the
	// horizon, and at least n^(1/3).
	Block int
	// Resamples is how often it draws; 0 means 1000.
	Resamples int
	// Level is that of the bootstrap's interval, in (0, 1); 0 means 0.95.
	Level float64
	// Seed is that of the draws.
	Seed uint64
}

// A Comparison is the result of a DieboldMariano test. Differences are of absolute
// errors, of the first forecast less the second: below 0 the first is better.
type Comparison struct {
	N          int     // compared steps: those where both errors are known
	Difference float64 // mean, in the unit of the series
	Relative   float64 // mean, as a fraction of the second's mean absolute error
	Statistic  float64 // corrected; NaN where the variance is not above 0
	P          float64 // two-sided, by Student's t with N-1 degrees of freedom
	// Low and High are the percentile interval of Relative by bootstrap, and BootstrapP
	// the two-sided probability of so great a difference between equals.
	Low, High, BootstrapP float64
	Block                 int // steps drawn together
}

var errUnequal = errors.New("the two forecasts have different lengths")

// Compare compares the errors y-f of two forecasts for the same instants; NaN is a
// missing one. It needs more steps than twice the horizon.
func (d DieboldMariano) Compare(a, b []float64) (Comparison, error) {
	d = d.withDefaults()
	if len(a) != len(b) {
		return Comparison{}, fmt.Errorf("compare forecasts: %w", errUnequal)
	}
	var losses, seconds []float64
	for i := range a {
		if v := math.Abs(a[i]) - math.Abs(b[i]); !math.IsNaN(v) && !math.IsInf(v, 0) {
			losses = append(losses, v)
			seconds = append(seconds, math.Abs(b[i]))
		}
	}
	n := len(losses)
	if n <= 2*d.Horizon {
		return Comparison{}, fmt.Errorf("compare forecasts %d steps ahead on %d steps: %w", d.Horizon, n, ErrTooShort)
	}
	c := Comparison{N: n, Difference: meanOf(losses), Statistic: math.NaN(), P: math.NaN()}
	c.Relative = fraction(c.Difference, meanOf(seconds))
	if v := d.variance(losses, c.Difference); v > 0 {
		nf, h := float64(n), float64(d.Horizon)
		correction := math.Sqrt((nf + 1 - 2*h + h*(h-1)/nf) / nf)
		c.Statistic = correction * c.Difference / math.Sqrt(v)
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nf - 1}
		c.P = 2 * t.CDF(-math.Abs(c.Statistic))
	}
	d.bootstrap(losses, seconds, &c)
	return c, nil
}

func (d DieboldMariano) withDefaults() DieboldMariano {
	d.Horizon = max(d.Horizon, 1)
	if d.Resamples == 0 {
		d.Resamples = 1000
	}
	if d.Level == 0 {
		d.Level = .95
	}
	return d
}

// variance estimates that of the mean of values from their autocovariances.
func (d DieboldMariano) variance(values []float64, mean float64) float64 {
	var total sum
	n := float64(len(values))
	for lag := range d.Horizon {
		var products sum
		for i := lag; i < len(values); i++ {
			products.add((values[i] - mean) * (values[i-lag] - mean))
		}
		weight := 1.0
		if lag > 0 {
			weight = 2
			if !d.Rectangular {
				weight *= 1 - float64(lag)/float64(d.Horizon)
			}
		}
		total.add(weight * products.value() / n)
	}
	return total.value() / n
}

// bootstrap draws blocks that may wrap around the end until there are as many steps as
// there were; the last block is cut. The second's errors are drawn with the differences, so
// that no draw has less than no error of the first.
func (d DieboldMariano) bootstrap(values, seconds []float64, c *Comparison) {
	n := len(values)
	c.Block = d.Block
	if c.Block == 0 {
		c.Block = max(2*d.Horizon, int(math.Ceil(math.Cbrt(float64(n)))))
	}
	c.Block = min(max(c.Block, 1), n)
	differences := roundSums(values, c.Difference)
	sizes := roundSums(seconds, 0)
	random := rand.New(rand.NewPCG(d.Seed, 0x6469656d61))
	var relative []float64
	extreme := 0
	for range d.Resamples {
		total, second := 0.0, 0.0 // total without the mean
		for left := n; left > 0; left -= c.Block {
			start := random.IntN(n)
			end := start + min(c.Block, left)
			total += differences[end] - differences[start]
			second += sizes[end] - sizes[start]
		}
		mean := total / float64(n)
		if second > rounding*sizes[n] { // Of no error there is no part.
			relative = append(relative, (c.Difference+mean)*float64(n)/second)
		}
		if math.Abs(mean) >= math.Abs(c.Difference) {
			extreme++
		}
	}
	slices.Sort(relative)
	if len(relative) == 0 {
		relative = []float64{math.NaN()}
	}
	tail := (1 - d.Level) / 2
	c.Low, c.High = quantileOfSorted(relative, tail), quantileOfSorted(relative, 1-tail)
	// The sample itself counts as one of the draws (Davison and Hinkley, Bootstrap Methods
	// and their Application, 1997, section 4.4).
	c.BootstrapP = float64(extreme+1) / float64(d.Resamples+1)
}

// roundSums returns the sums of the first i values less a mean, of two rounds.
func roundSums(values []float64, mean float64) []float64 {
	sums := make([]float64, 2*len(values)+1)
	var running sum
	for i := range 2 * len(values) {
		running.add(values[i%len(values)] - mean)
		sums[i+1] = running.value()
	}
	return sums
}

// quantileOfSorted interpolates between the order statistics.
func quantileOfSorted(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func meanOf(values []float64) float64 {
	var s sum
	for _, v := range values {
		s.add(v)
	}
	return s.mean()
}
