package forecast

import "math"

// A coverage counts how often an interval held what came. The zero value has seen nothing.
type coverage struct {
	held []float64 // 1 or 0, in the order in which it came
}

func (c *coverage) add(y, lower, upper float64) { c.held = append(c.held, covered(y, lower, upper)) }

func (c *coverage) share() float64 { return meanOf(c.held) }

// standardError is that of the share: forecasts that overlap miss together, and loads are calm
// and wild for hours, so that they come together. It is NaN where all held, or none did.
func (c *coverage) standardError() float64 {
	if v := longRunVariance(c.held); v > 0 {
		return math.Sqrt(v / float64(len(c.held)))
	}
	return math.NaN()
}

// longRunVariance estimates the variance of the mean of a stationary series times its length,
// from autocovariances under the window of Bartlett, up to a lag chosen from the series (Newey
// and West, Review of Economic Studies 61, 1994, without prewhitening).
func longRunVariance(values []float64) float64 {
	n := len(values)
	if n < 2 {
		return 0
	}
	mean := meanOf(values)
	autocovariance := func(lag int) float64 {
		var products sum
		for i := lag; i < n; i++ {
			products.add((values[i] - mean) * (values[i-lag] - mean))
		}
		return products.value() / float64(n)
	}
	variance := autocovariance(0)
	pilot := min(int(4*math.Pow(float64(n)/100, 2./9)), n-1)
	s0, s1 := variance, 0.0
	for lag := 1; lag <= pilot; lag++ {
		v := autocovariance(lag)
		s0 += 2 * v
		s1 += 2 * float64(lag) * v
	}
	if s0 == 0 {
		return max(variance, 0)
	}
	bandwidth := min(int(1.1447*math.Cbrt(s1/s0*s1/s0*float64(n))), n-1)
	total := variance
	for lag := 1; lag <= bandwidth; lag++ {
		total += 2 * (1 - float64(lag)/float64(bandwidth+1)) * autocovariance(lag)
	}
	return max(total, 0)
}
