package forecast

import "math"

// A precision is what networks compute in: float32 to forecast, float64 to check
// gradients by.
type precision interface{ float32 | float64 }

// sigmoid replaces each value v by 1/(1+e^-v).
func sigmoid[T precision](values []T) {
	switch values := any(values).(type) {
	case []float32:
		for i, v := range values {
			values[i] = 1 / (1 + exp32(-v))
		}
	case []float64:
		for i, v := range values {
			values[i] = 1 / (1 + math.Exp(-v))
		}
	}
}

// tanh writes the hyperbolic tangent of each value of src into dst. In float32 it is
// right to about 1e-7, not relative to itself: near 0 it loses digits.
func tanh[T precision](dst, src []T) {
	switch src := any(src).(type) {
	case []float32:
		dst := any(dst).([]float32)[:len(src)]
		for i, v := range src {
			dst[i] = 1 - 2/(1+exp32(2*v))
		}
	case []float64:
		dst := any(dst).([]float64)[:len(src)]
		for i, v := range src {
			dst[i] = math.Tanh(v)
		}
	}
}

// exp32 returns e^x by its Taylor series around the nearest power of 2, relative error
// 2e-7; beyond 87 it stays where it is. math.Exp in float64 takes three times as long.
func exp32(x float32) float32 {
	const (
		log2e = 1.44269504088896341
		// ln 2 in two parts, the first with so few digits that its multiples are exact.
		ln2High = 0.693359375
		ln2Low  = -2.12194440054690583e-4
		// Adding 1.5 * 2^23 to a small float32 rounds it to a whole number, which the
		// lowest bits then hold.
		shift = 3 << 22
	)
	x = min(max(x, -87), 87)
	shifted := x*log2e + shift
	n := shifted - shift
	r := x - n*ln2High - n*ln2Low
	p := float32(1) + r*(1+r*(1./2+r*(1./6+r*(1./24+r*(1./120+r*(1./720))))))
	power := (math.Float32bits(shifted) - math.Float32bits(shift) + 127) << 23
	return p * math.Float32frombits(power)
}
