package gate

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	// alpha is the chance of error at each end of an interval.
	alpha     = 0.025
	resamples = 4999
	// fewestParts is how many stretches, each long enough to stand for itself, an
	// interval needs of forecasts, fewestDays of days.
	fewestParts = 8
	fewestDays  = 7
)

// paired are the sums of one figure over the same blocks, then and now: the loss is
// sum(now-then) / sum(scale). What is common to both cancels in each block.
type paired struct{ change, scale []float64 }

func (p *paired) loss() float64 { return total(p.change) / total(p.scale) }

// unchanged reports whether no block differs.
func (p *paired) unchanged() bool {
	return !slices.ContainsFunc(p.change, func(v float64) bool { return v != 0 })
}

// parts is how many stretches of a length the blocks have.
func (p *paired) parts(length int) float64 { return float64(len(p.change)) / float64(length) }

// length is the length in blocks of the stretches that are resampled as a whole, so
// that what hangs together stays together: the choice of Politis and White
// (Econometric Reviews 23, 2004, as corrected by Patton, Politis and White 2009) for
// the circular bootstrap of the linearised loss, at least the order n^(1/3) that it
// has in general.
//
// Short is the share of the variance that stretches of that length miss, to first
// order, because each is cut off from its neighbours: (G/g(0))/length (Künsch, Annals
// of Statistics 17, 1989).
func (p *paired) length() (length int, short float64) {
	n, loss := len(p.change), p.loss()
	z := make([]float64, n)
	for i := range z {
		z[i] = p.change[i] - loss*p.scale[i] // of mean 0
	}
	least := leastLength(n)
	// covariance holds R(0), R(1), ...
	run := max(5, int(math.Ceil(math.Log10(float64(n)))))
	longest := min(int(math.Ceil(math.Sqrt(float64(n))))+run, n-1)
	covariance := make([]float64, longest+1)
	for k := range covariance {
		for i := k; i < n; i++ {
			covariance[k] += z[i] * z[i-k] / float64(n)
		}
	}
	if covariance[0] == 0 {
		return least, 0
	}
	// m is the last lag before a run of lags that chance explains.
	bound := 2 * math.Sqrt(math.Log10(float64(n))/float64(n)) * covariance[0]
	m, quiet := 0, 0
	for k := 1; k <= longest && quiet < run; k++ {
		if math.Abs(covariance[k]) < bound {
			quiet++
		} else {
			m, quiet = k, 0
		}
	}
	m = min(2*m, longest)
	slope, level := 0.0, covariance[0]
	for k := 1; k <= m; k++ {
		weight := min(1, 2*(1-float64(k)/float64(m))) // trapezoid
		slope += 2 * weight * float64(k) * covariance[k]
		level += 2 * weight * covariance[k]
	}
	if level <= 0 {
		return least, 0 // The errors make up for each other: shorter would do.
	}
	// (2 G^2 / D)^(1/3) n^(1/3) with D = 4/3 g(0)^2.
	best := math.Cbrt(1.5 * slope * slope / (level * level) * float64(n))
	length = max(least, min(int(math.Ceil(best)), int(3*math.Sqrt(float64(n)))))
	return length, min(max(slope/level/float64(length), 0), 0.5)
}

// leastLength is of order n^(1/3) (Hall, Horowitz and Jing, Biometrika 82, 1995).
func leastLength(n int) int { return max(1, int(math.Round(math.Cbrt(float64(n))))) }

// interval is a percentile interval of the loss by circular block bootstrap (Politis
// and Romano 1992) that leaves out a chance of lower below and of upper above. The
// percentiles are widened as far as Student's t with a degree of freedom less than
// there are stretches is wider than the normal distribution (Hesterberg, The American
// Statistician 69, 2015), and by the share of the variance that stretches miss.
func (p *paired) interval(length int, short, lower, upper float64) (low, high float64) {
	n, parts := len(p.change), p.parts(length)
	// ahead holds the sums of all stretches of the length, by their first block.
	change, scale := stretches(p.change, length), stretches(p.scale, length)
	// The same draws for every figure and every run: equal input, equal output.
	r := rand.New(rand.NewPCG(1, uint64(n)))
	draws := make([]float64, 0, resamples)
	count := (n + length - 1) / length
	for range resamples {
		c, s := 0.0, 0.0
		for range count {
			k := r.IntN(n)
			c += change[k]
			s += scale[k]
		}
		if s > 0 {
			draws = append(draws, c/s)
		}
	}
	if len(draws) == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	slices.Sort(draws)
	return quantile(draws, tail(lower, parts, short)), quantile(draws, 1-tail(upper, parts, short))
}

// stretches returns the sum of length blocks from each block on, around the end.
func stretches(v []float64, length int) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		for k := range length {
			out[i] += v[(i+k)%len(v)]
		}
	}
	return out
}

// tail is the chance to leave out at one end of the draws so that alpha is left out
// of the distribution of which so many stretches are a sample.
func tail(alpha, parts, short float64) float64 {
	factor := math.Sqrt(parts / (parts - 1) / (1 - short))
	return math.Erfc(factor*studentT(alpha, parts-1)/math.Sqrt2) / 2
}

// studentT is the quantile 1-alpha of Student's t (Abramowitz and Stegun 1964,
// 26.7.5), good for 2 degrees of freedom and more.
func studentT(alpha, freedom float64) float64 {
	z := math.Sqrt2 * math.Erfcinv(2*alpha)
	z2 := z * z
	g1 := z * (z2 + 1) / 4
	g2 := z * ((5*z2+16)*z2 + 3) / 96
	g3 := z * (((3*z2+19)*z2+17)*z2 - 15) / 384
	return z + g1/freedom + g2/(freedom*freedom) + g3/(freedom*freedom*freedom)
}

// quantile interpolates between the sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	if i < 0 {
		return sorted[0]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func total(v []float64) float64 {
	t := 0.0
	for _, x := range v {
		t += x
	}
	return t
}
