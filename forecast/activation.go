package forecast

import "math"

// A precision is what networks compute in: float32 to forecast, float64 to check
// gradients by.
type precision interface{ float32 | float64 }

// sigmoid replaces each value v by 1/(1+e^-v).
func sigmoid[T precision](values []T) {
	switch values := any(values).(type) {
	case []float32:
		exponentials(values, values, -1)
		for i, e := range values {
			values[i] = 1 / (1 + e)
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
		exponentials(dst, src, 2)
		for i, e := range dst {
			dst[i] = 1 - 2/(1+e)
		}
	case []float64:
		dst := any(dst).([]float64)[:len(src)]
		for i, v := range src {
			dst[i] = math.Tanh(v)
		}
	}
}

// exponentials writes e^(factor x) for each x of src into dst, by Taylor's series around
// the nearest power of 2, to a relative error of 3e-7; beyond exponents of 87 it stays
// where it is. It is a loop of its own, without calls, because half of the time of
// training went here.
func exponentials(dst, src []float32, factor float32) {
	const (
		log2e = 1.44269504088896341
		// ln 2 in two parts, the first with so few digits that its multiples are exact.
		ln2High = 0.693359375
		ln2Low  = -2.12194440054690583e-4
		// Adding 1.5 * 2^23 to a small float32 rounds it to a whole number, which the
		// lowest bits then hold.
		shift, shiftBits = 3 << 22, 0x4b400000
		bias, mantissa   = 127, 23
	)
	dst = dst[:len(src)]
	for i, x := range src {
		x *= factor
		// The built-in min and max see to NaN and signed zeros, which takes longer.
		if x > 87 {
			x = 87
		}
		if x < -87 {
			x = -87
		}
		shifted := float32(x*log2e) + shift
		n := shifted - shift
		r := x - float32(n*ln2High) - float32(n*ln2Low)
		p := 1 + r*(1+r*(1./2+r*(1./6+r*(1./24+r*(1./120+r*(1./720))))))
		dst[i] = p * math.Float32frombits((math.Float32bits(shifted)-shiftBits+bias)<<mantissa)
	}
}
