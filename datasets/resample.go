package datasets

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Resample returns s with another step, on a grid that starts where s starts.
//
// To a coarser step, rates ([RPS], [Cores], [Percent]) become the mean over the
// observed part of each new step if that is at least half of it, and a gap
// otherwise; counts become sums, and a gap if any part is missing, because a
// sum of a part is not the count. Past its last value s is unobserved.
// To a finer step, a rate is repeated and a count divided evenly: nothing is
// interpolated. One of the two steps must divide the other.
func Resample(s Series, step time.Duration) (Series, error) {
	if err := s.check(); err != nil {
		return Series{}, fmt.Errorf("resample: %w", err)
	}
	out := s
	out.Step = step
	switch {
	case step <= 0:
		return Series{}, fmt.Errorf("resample %s: step %s; it must be positive", quote(s.Name), step)
	case step == s.Step:
		out.Values = slices.Clone(s.Values)
	case step%s.Step == 0:
		out.Values = coarsen(s.Values, int(step/s.Step), s.Unit == CountPerStep)
	case s.Step%step == 0:
		parts := int64(s.Step / step)
		if int64(len(s.Values)) > maxPoints/parts {
			return Series{}, fmt.Errorf("resample %s to %s: more than %d points; choose a coarser step",
				quote(s.Name), step, maxPoints)
		}
		out.Values = refine(s.Values, int(parts), s.Unit == CountPerStep)
	default:
		return Series{}, fmt.Errorf("resample %s from %s to %s: neither step divides the other; resample to %s first",
			quote(s.Name), s.Step, step, gcd(s.Step, step))
	}
	return out, nil
}

// ToRPS returns s in requests per second. Cores are divided by the CPU time of a
// request, in core-seconds; percent are taken of a machine of the given number
// of cores (0 means 1); a count is divided by its step. Gaps stay gaps.
func ToRPS(s Series, cpuSecondsPerRequest, coresPerMachine float64) (Series, error) {
	if err := s.check(); err != nil {
		return Series{}, fmt.Errorf("convert to requests per second: %w", err)
	}
	if coresPerMachine == 0 {
		coresPerMachine = 1
	}
	factor := 1.0
	switch s.Unit {
	case RPS:
	case CountPerStep:
		factor = 1 / s.Step.Seconds()
	case Cores, Percent:
		if !(cpuSecondsPerRequest > 0) || !(coresPerMachine > 0) ||
			math.IsInf(cpuSecondsPerRequest, 1) || math.IsInf(coresPerMachine, 1) {
			return Series{}, fmt.Errorf("convert %s from %s to requests per second: %g core-seconds a request and %g cores; "+
				"both must be positive", quote(s.Name), s.Unit, cpuSecondsPerRequest, coresPerMachine)
		}
		factor = 1 / cpuSecondsPerRequest
		if s.Unit == Percent {
			factor *= coresPerMachine / 100
		}
	default:
		_, err := ParseUnit(string(s.Unit))
		return Series{}, fmt.Errorf("convert %s to requests per second: %w", quote(s.Name), err)
	}
	out := s
	out.Unit = RPS
	out.Values = slices.Clone(s.Values)
	for i := range out.Values {
		out.Values[i] *= factor
	}
	return out, nil
}

// Cut returns the part of s whose steps lie wholly within [from, to); it may be
// without values. The values are copied.
func Cut(s Series, from, to time.Time) Series {
	first := 0
	if d := from.Sub(s.Start); d > 0 && s.Step > 0 {
		first = int(min((d-1)/s.Step+1, time.Duration(len(s.Values))))
	}
	last := 0
	if d := to.Sub(s.Start); d > 0 && s.Step > 0 {
		last = int(min(d/s.Step, time.Duration(len(s.Values))))
	}
	out := s
	out.Start = s.Start.Add(time.Duration(first) * s.Step)
	out.Values = slices.Clone(s.Values[first:max(first, last)])
	return out
}

func coarsen(values []float64, factor int, count bool) []float64 {
	out := make([]float64, 0, len(values)/factor+1)
	for chunk := range slices.Chunk(values, factor) {
		sum, seen := 0.0, 0
		for _, v := range chunk {
			if !math.IsNaN(v) {
				sum += v
				seen++
			}
		}
		switch {
		case count && seen == factor:
			out = append(out, sum)
		case !count && 2*seen >= factor:
			out = append(out, sum/float64(seen))
		default:
			out = append(out, math.NaN())
		}
	}
	return out
}

func refine(values []float64, parts int, count bool) []float64 {
	out := make([]float64, 0, len(values)*parts)
	for _, v := range values {
		if count {
			v /= float64(parts)
		}
		for range parts {
			out = append(out, v)
		}
	}
	return out
}

func gcd(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
