package sim

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// stream returns the random stream of one thing: the same (seed, name, n) gives the
// same numbers whatever else was drawn, so that policies are compared on the same
// luck.
func stream(seed uint64, name string, n uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(seed^h.Sum64(), n))
}

// Chance draws a number in [0,1) for the n-th thing of a name.
func Chance(seed uint64, name string, n uint64) float64 { return stream(seed, name, n).Float64() }

// LogNormal is a distribution of durations given by its median and its 95th
// percentile; equal quantiles make it a constant. Draws are cut at the 99.9th
// percentile, so that Longest is a bound.
type LogNormal struct{ P50, P95 time.Duration }

// Quantile of the standard normal distribution at 0.95 and 0.999.
var (
	z95  = distuv.UnitNormal.Quantile(0.95)
	z999 = distuv.UnitNormal.Quantile(0.999)
)

func (d LogNormal) sigma() float64 {
	if d.P50 <= 0 || d.P95 <= d.P50 {
		return 0
	}
	return math.Log(float64(d.P95)/float64(d.P50)) / z95
}

// Quantile returns the duration that a share q in (0,1) of the draws stays within.
func (d LogNormal) Quantile(q float64) time.Duration {
	z := min(distuv.UnitNormal.Quantile(q), z999)
	return d.at(z)
}

// Longest is the longest duration that can be drawn.
func (d LogNormal) Longest() time.Duration { return d.at(z999) }

func (d LogNormal) draw(r *rand.Rand) time.Duration { return d.at(min(r.NormFloat64(), z999)) }

func (d LogNormal) at(z float64) time.Duration {
	v := float64(d.P50) * math.Exp(d.sigma()*z)
	return time.Duration(v).Round(time.Millisecond)
}
