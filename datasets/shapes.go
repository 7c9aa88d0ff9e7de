package datasets

import (
	"math"
	"math/rand/v2"
	"time"
)

func (s Scenario) daily(c Component) func(time.Duration) float64 {
	return func(t time.Duration) float64 {
		return c.Size * math.Cos(2*math.Pi*days(timeOfDay(s.Start.Add(t))-time.Duration(c.Peak)))
	}
}

// weekly is constant within a day, and passes over in a straight line around
// midnight.
func (s Scenario) weekly(c Component) func(time.Duration) float64 {
	names := weekdays()
	return func(t time.Duration) float64 {
		now := s.Start.Add(t).UTC()
		today := int(now.Weekday())
		d := c.Days[names[today]]
		clock, half := timeOfDay(now), time.Duration(c.Blend)/2
		switch {
		case clock < half:
			yesterday := c.Days[names[(today+6)%7]]
			return yesterday + (d-yesterday)*(0.5+ratio(clock, c.Blend))
		case clock > day-half:
			tomorrow := c.Days[names[(today+1)%7]]
			return d + (tomorrow-d)*(0.5-ratio(day-clock, c.Blend))
		}
		return d
	}
}

func timeOfDay(t time.Time) time.Duration {
	t = t.UTC()
	return t.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC))
}

// hump sums the nearest repetitions; those further away are below 2^-9 of the
// height unless the bells are wider than they are apart.
func (c Component) hump(t time.Duration) float64 {
	bell := func(u time.Duration) float64 {
		x := 2 * ratio(u, c.Width)
		return math.Exp2(-x * x)
	}
	u := t - time.Duration(c.At)
	if c.Every == 0 {
		return c.Size * bell(u)
	}
	every := time.Duration(c.Every)
	u -= every * time.Duration(math.Round(float64(u)/float64(every)))
	return c.Size * (bell(u-every) + bell(u) + bell(u+every))
}

func (c Component) spike(u time.Duration) float64 {
	top := time.Duration(c.Rise)
	end := top + time.Duration(c.Hold)
	switch {
	case u < top:
		return ratio(u, c.Rise)
	case u < end:
		return 1
	case c.Fall == 0:
		return 0
	}
	return halfLife(u-end, c.Fall)
}

// repeat starts pulse at c.At and then every c.Every, each time up to c.Jitter
// late. Of a pulse and the one before it the higher counts, so that a slow fall
// goes on into the next rise.
func (s Scenario) repeat(c Component, rng *rand.Rand, pulse func(u time.Duration) float64) func(time.Duration) float64 {
	late := func() time.Duration {
		if c.Jitter == 0 {
			return 0
		}
		return time.Duration(rng.Int64N(int64(c.Jitter)))
	}
	nominal := time.Duration(c.At)
	next := nominal + late()
	const never = time.Duration(-1)
	last, before := never, never
	return func(t time.Duration) float64 {
		for next >= 0 && t >= next {
			last, before = next, last
			if c.Every == 0 {
				next = never
				break
			}
			nominal += time.Duration(c.Every)
			next = nominal + late()
		}
		height := 0.0
		for _, begin := range [...]time.Duration{last, before} {
			if begin >= 0 {
				height = max(height, pulse(t-begin))
			}
		}
		return c.Size * height
	}
}

// walk adds an independent normal change each step; with Revert it is the
// discrete Ornstein-Uhlenbeck process without the small correction of the
// variance within a step.
func (s Scenario) walk(c Component, rng *rand.Rand) func(time.Duration) float64 {
	keep := 1.0
	if c.Revert > 0 {
		keep = halfLife(time.Duration(s.Step), c.Revert)
	}
	sd := c.SD * math.Sqrt(time.Duration(s.Step).Hours())
	x := 0.0
	return func(time.Duration) float64 {
		d := c.factor(x)
		x = keep*x + sd*rng.NormFloat64()
		return d
	}
}

// noise is a stationary normal autoregression of order 1 with standard deviation
// c.SD.
func (s Scenario) noise(c Component, rng *rand.Rand) func(time.Duration) float64 {
	keep := 0.0
	if c.Correlation > 0 {
		keep = halfLife(time.Duration(s.Step), c.Correlation)
	}
	fresh := c.SD * math.Sqrt(1-keep*keep)
	x := c.SD * rng.NormFloat64()
	return func(time.Duration) float64 {
		d := c.factor(x)
		x = keep*x + fresh*rng.NormFloat64()
		return d
	}
}

// factor makes a multiplied walk or noise log-normal with median 1, since a
// normal factor could be negative.
func (c Component) factor(x float64) float64 {
	if c.Op != Multiply {
		return min(max(x, -maxLevel), maxLevel)
	}
	return min(math.Expm1(x), maxLevel)
}

func (s Scenario) onOff(c Component, rng *rand.Rand) func(time.Duration) float64 {
	spell := func(mean Duration) float64 { return float64(mean) * rng.ExpFloat64() }
	busy := false
	next := spell(c.Idle)
	return func(t time.Duration) float64 {
		for float64(t) >= next {
			busy = !busy
			if busy {
				next += spell(c.Busy)
			} else {
				next += spell(c.Idle)
			}
		}
		if busy {
			return c.Size
		}
		return 0
	}
}

// poisson returns a Poisson count of the given mean: by products of uniforms
// (Knuth, 1969) if the mean is small, by transformed rejection (Hörmann, 1993,
// algorithm PTRS) if it is not, and by the normal limit where a float64 no
// longer resolves the log-likelihood.
func poisson(rng *rand.Rand, mean float64) float64 {
	switch {
	case mean <= 0:
		return 0
	case mean < 10:
		limit, product, n := math.Exp(-mean), rng.Float64(), 0.0
		for product > limit {
			product *= rng.Float64()
			n++
		}
		return n
	case mean > 1e8:
		return math.Round(mean + math.Sqrt(mean)*rng.NormFloat64())
	}
	b := 0.931 + 2.53*math.Sqrt(mean)
	a := -0.059 + 0.02483*b
	inverseAlpha := 1.1239 + 1.1328/(b-3.4)
	sure := 0.9277 - 3.6224/(b-2)
	logMean := math.Log(mean)
	for {
		u := rng.Float64() - 0.5
		v := rng.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mean + 0.43)
		if us >= 0.07 && v <= sure {
			return k
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		lgamma, _ := math.Lgamma(k + 1)
		if math.Log(v)+math.Log(inverseAlpha)-math.Log(a/(us*us)+b) <= k*logMean-mean-lgamma {
			return k
		}
	}
}
