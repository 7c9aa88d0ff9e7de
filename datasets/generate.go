package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"
)

// Generate returns the load that s describes. A value is the level in the middle
// of its step, which for straight lines is the mean over the step; below 0 it
// is 0. The same s and seed give the same series, and each component draws from
// a stream of its own, named by [Component.Name], so that adding a component
// leaves the luck of the others as it was. If [Scenario.Validate] has faults to
// report, the series has no values.
func (s Scenario) Generate(seed uint64) Series {
	s = s.filled()
	out := Series{Name: s.Name, Unit: s.Unit, Start: s.Start.UTC(), Step: time.Duration(s.Step)}
	if s.Validate() != nil {
		return out
	}
	out.Values = make([]float64, s.Length/s.Step)
	for i := range out.Values {
		out.Values[i] = s.Base
	}
	for i, c := range s.Components {
		rng := newStream(seed, stream(s.Components, i))
		if c.Type == Poisson {
			s.count(out.Values, rng)
			continue
		}
		s.apply(c, rng, out.Values)
	}
	for i, v := range out.Values {
		out.Values[i] = max(v, 0)
	}
	return out
}

// Random reports whether another seed gives another series.
func (s Scenario) Random() bool {
	for _, c := range s.Components {
		if c.random() {
			return true
		}
	}
	return false
}

// newStream returns the random numbers called name under seed.
func newStream(seed uint64, name string) *rand.Rand {
	return rand.New(rand.NewChaCha8(sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), name...))))
}

// maxLevel keeps a level finite whatever the components multiply.
const maxLevel = 1e15

func (s Scenario) apply(c Component, rng *rand.Rand, level []float64) {
	until := c.Until
	if until == 0 {
		until = s.Length
	}
	deviation := s.deviation(c, rng)
	for i := range level {
		t := Duration(i)*s.Step + s.Step/2
		// Random shapes move on outside the window too, so that a window does not
		// change their luck inside.
		d := deviation(time.Duration(t))
		if t < c.From || t >= until {
			continue
		}
		if c.Op == Multiply {
			level[i] *= 1 + d
		} else {
			level[i] += d
		}
		level[i] = min(max(level[i], -maxLevel), maxLevel)
	}
}

// deviation returns d(t) of c. It is called once for each step, in order, with t
// since the start.
func (s Scenario) deviation(c Component, rng *rand.Rand) func(t time.Duration) float64 {
	switch c.Type {
	case Daily:
		return s.daily(c)
	case Weekly:
		return s.weekly(c)
	case Trend:
		return func(t time.Duration) float64 { return c.PerDay * days(t-time.Duration(c.From)) }
	case Ramp:
		return func(t time.Duration) float64 { return c.Size * min(max(ratio(t-time.Duration(c.At), c.Over), 0), 1) }
	case Hump:
		return c.hump
	case Sawtooth:
		return func(t time.Duration) float64 {
			u := t - time.Duration(c.At)
			if u < 0 {
				return 0
			}
			return c.Size * ratio(u%time.Duration(c.Every), c.Every)
		}
	case Step:
		length := c.For
		if length == 0 {
			length = s.Length
		}
		return s.repeat(c, rng, func(u time.Duration) float64 { return box(u, length) })
	case Batch:
		return s.repeat(c, rng, func(u time.Duration) float64 { return box(u, c.For) })
	case Spike:
		return s.repeat(c, rng, c.spike)
	case Walk:
		return s.walk(c, rng)
	case Noise:
		return s.noise(c, rng)
	case OnOff:
		return s.onOff(c, rng)
	default:
		return func(time.Duration) float64 { return 0 }
	}
}

// count replaces each level by events that happen at that rate.
func (s Scenario) count(level []float64, rng *rand.Rand) {
	perStep := 1.0
	if s.Unit == RPS {
		perStep = time.Duration(s.Step).Seconds()
	}
	for i, v := range level {
		level[i] = poisson(rng, max(v, 0)*perStep) / perStep
	}
}

func days(t time.Duration) float64 { return float64(t) / float64(day) }

func ratio(t time.Duration, whole Duration) float64 { return float64(t) / float64(whole) }

func halfLife(t time.Duration, half Duration) float64 { return math.Exp2(-ratio(t, half)) }

func box(u time.Duration, length Duration) float64 {
	if u < time.Duration(length) {
		return 1
	}
	return 0
}
