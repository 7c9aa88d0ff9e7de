package forecast

import "math"

// An intervalBand is the calibration of the quantiles of one horizon. It mixes sources
// for each tracked level on its own, by exponential weights with fixed share on their
// pinball loss (Zaffran, Féron, Goude, Josse and Dieuleveut, Adaptive Conformal
// Predictions for Time Series, ICML 2022, weigh levels of correction so), and corrects the
// levels by the misses of the mixture.
type intervalBand struct {
	horizon     int
	slow, quick margins // by a mean error that follows slowly, and quickly
	levels      conformalLevels
	weights     [len(trackedLevels)][sources]float64
	recent      float64 // running mean absolute error, and
	long        float64 // the same over a longer time
	settled     float64
	issued      []issuedBand // the last horizon forecasts, by time modulo horizon
	time        int
}

// sources is how many there are: slow margins, quick margins, and the newest values.
const sources = 3

const (
	// quickly is how much higher the rate of quick margins is.
	quickly = 3
	// sourceRate is the rate of learning at a horizon of one step; of h steps, where what is
	// learned overlaps, it is 1/sqrt(h) of that. sourceShare is the share of weight that is
	// spread evenly at each step.
	sourceRate, sourceShare = .1, .005
	// maxSourceLoss bounds the loss of one step, in usual losses.
	maxSourceLoss = 100
	// negligible is the share of the usual error below which a bound is 0: of a load that has
	// ended forecasts fade for hours, and nothing is not below a millionth of something.
	negligible = 1e-6
	// bandRecent and bandLong are the rates of the running mean errors, the higher of which
	// is the unit of losses (see mixture).
	bandRecent, bandLong = .04, .0005
)

// An issuedBand is what was forecast at one instant.
type issuedBand struct {
	point       float64
	slow, quick float64                              // the scales
	bySource    [len(trackedLevels)][sources]float64 // the quantiles at trackedLevels
	bounds      [len(trackedLevels)]float64          // of the mixture
}

func newIntervalBand(horizon int, c Conformal) intervalBand {
	b := intervalBand{
		horizon: horizon, levels: newConformalLevels(horizon), issued: make([]issuedBand, horizon),
		slow:  newMargins(c.Rate, c.Window, laplaceQuantile),
		quick: newMargins(min(quickly*c.Rate, 1), c.Window, laplaceQuantile),
	}
	for i := range b.issued {
		b.issued[i].point = math.NaN()
	}
	for i := range b.weights {
		b.weights[i] = [sources]float64{.4, .2, .4}
	}
	return b
}

// settle scores the forecast made horizon steps ago by what came. NaN says that it
// is not known.
func (b *intervalBand) settle(actual float64) {
	was := &b.issued[b.time%b.horizon]
	e := actual - was.point
	if math.IsNaN(e) || math.IsInf(e, 0) {
		return
	}
	first := b.settled == 0
	b.settled++
	b.recent += max(bandRecent, 1/b.settled) * (math.Abs(e) - b.recent)
	b.long += max(bandLong, 1/b.settled) * (math.Abs(e) - b.long)
	if !first {
		b.levels.settle(actual, &was.bounds)
		b.weigh(actual, was)
	}
	b.slow.settle(e, was.slow)
	b.quick.settle(e, was.quick)
}

// weigh moves weight to the sources whose quantiles lost least.
func (b *intervalBand) weigh(actual float64, was *issuedBand) {
	// Of forecasts without any error a loss is of unusual size, however small.
	usual := clamp(4*max(b.recent, b.long), math.SmallestNonzeroFloat64, math.MaxFloat64)
	rate := sourceRate / math.Sqrt(float64(b.horizon))
	for i, q := range trackedLevels {
		var losses [sources]float64
		least := math.Inf(1)
		for k, bound := range was.bySource[i] {
			// A quantile far out seldom loses much: the unit goes by its level.
			losses[k] = min(pinballLoss(actual, bound, q)/min(q, 1-q)/usual, math.MaxFloat64)
			least = min(least, losses[k])
		}
		weights, total := &b.weights[i], 0.0
		for k, l := range losses {
			if l > least {
				weights[k] *= math.Exp(-rate * min(l-least, maxSourceLoss))
			}
			total += weights[k]
		}
		for k := range weights {
			weights[k] = (1-sourceShare)*weights[k]/total + sourceShare/sources
		}
	}
}

// issue notes the forecast made now and its quantiles.
func (b *intervalBand) issue(point float64, recent *rollingQuantile) {
	now := &b.issued[b.time%b.horizon]
	b.time++
	now.point, now.slow, now.quick = point, b.slow.scale, b.quick.scale
	highest := math.Inf(-1)
	for i, level := range b.levels.effective {
		now.bySource[i] = b.ask(point, level, recent)
		bound := mix(&b.weights[i], &now.bySource[i])
		if bound < negligible*max(b.recent, b.long) {
			bound = 0
		}
		highest = max(highest, bound)
		now.bounds[i] = highest
	}
}

// ask returns the quantile of each source at a level, which it may have to be called
// otherwise.
func (b *intervalBand) ask(point, level float64, recent *rollingQuantile) [sources]float64 {
	return [sources]float64{b.slow.around(point, level), b.quick.around(point, level), bounded(recent.around(recent.median(), level))}
}

// quantile returns the newest quantile at level q, linear between tracked levels.
func (b *intervalBand) quantile(q float64, recent *rollingQuantile) float64 {
	if b.time == 0 {
		return math.NaN()
	}
	now := &b.issued[(b.time-1)%b.horizon]
	last := len(trackedLevels) - 1
	switch {
	case q < trackedLevels[0]:
		bySource := b.ask(now.point, b.levels.level(q), recent)
		return min(mix(&b.weights[0], &bySource), now.bounds[0])
	case q > trackedLevels[last]:
		bySource := b.ask(now.point, b.levels.level(q), recent)
		return max(mix(&b.weights[last], &bySource), now.bounds[last])
	}
	for i, tracked := range trackedLevels {
		if q == tracked {
			return now.bounds[i]
		}
		if q < tracked {
			below := trackedLevels[i-1]
			return now.bounds[i-1] + (now.bounds[i]-now.bounds[i-1])*(q-below)/(tracked-below)
		}
	}
	return math.NaN() // q is none
}

// mix returns the mean of the sources by their weights. One that has little more than its
// share of what is spread evenly has no say: where forecasts are all but exact, the newest
// values would spoil them by their distance alone.
func mix(weights, bySource *[sources]float64) float64 {
	total, weight := 0.0, 0.0
	for k, w := range weights {
		if w > 2*sourceShare/sources {
			total += w * (bySource[k] - bySource[0]) // from one of them, so that equals stay as they are
			weight += w
		}
	}
	return bySource[0] + total/weight
}
