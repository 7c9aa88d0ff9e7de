package forecast

import (
	"fmt"
	"math"
)

// A TransformKind is the family of a Transform.
type TransformKind uint8

const (
	// Identity is the series itself.
	Identity TransformKind = iota
	// Log1p is ln(1 + y/unit), which makes products sums without a pole at 0.
	Log1p
	// BoxCox is ((y/unit)^lambda - 1)/lambda, and ln(y/unit) for a lambda of 0 (Box and
	// Cox, Journal of the Royal Statistical Society B 26, 1964).
	BoxCox
)

// String returns the name of the kind.
func (k TransformKind) String() string {
	switch k {
	case Identity:
		return "identity"
	case Log1p:
		return "log1p"
	case BoxCox:
		return "box-cox"
	default:
		return fmt.Sprintf("TransformKind(%d)", uint8(k))
	}
}

// A Transform is an increasing scale on which a model sees a series whose spread grows
// with its level. The zero value is the identity.
type Transform struct {
	Kind TransformKind
	// Lambda is the power of BoxCox: 1 leaves the shape as it is, 0 is the logarithm.
	Lambda float64
	// Unit is what y is divided by, in the unit of y; 0 means 1. A share of the mean of
	// the past makes forecasts independent of the unit of the series.
	Unit float64
}

// String describes the transform.
func (t Transform) String() string {
	if t.Kind == BoxCox {
		return fmt.Sprintf("box-cox(%.3g)", t.Lambda)
	}
	return t.Kind.String()
}

func (t Transform) unit() float64 {
	if t.Unit > 0 {
		return t.Unit
	}
	return 1
}

// Apply returns y on the scale. Values below 0, which the scales other than the
// identity do not have, count as 0. It is -Inf for 0 and a Lambda of 0 or less; NaN
// stays NaN.
func (t Transform) Apply(y float64) float64 {
	switch t.Kind {
	case Log1p:
		return math.Log1p(max(y, 0) / t.unit())
	case BoxCox:
		y = max(y, 0) / t.unit()
		if t.Lambda == 0 {
			return math.Log(y)
		}
		return math.Expm1(t.Lambda*math.Log(y)) / t.Lambda
	default:
		return y
	}
}

// Invert returns the value whose Apply is z, where there is one, else the nearest: 0
// below the scale, the largest number above it. As the scale is increasing, a quantile
// on it is the same quantile of the value, the median among them, which is the best
// forecast under absolute errors: no correction is due.
func (t Transform) Invert(z float64) float64 {
	switch t.Kind {
	case Log1p:
		return bounded(t.unit() * math.Expm1(z))
	case BoxCox:
		if t.Lambda == 0 {
			return bounded(t.unit() * math.Exp(z))
		}
		base := 1 + t.Lambda*z
		if base <= 0 {
			if t.Lambda < 0 {
				return math.MaxFloat64
			}
			return 0
		}
		return bounded(t.unit() * math.Pow(base, 1/t.Lambda))
	default:
		return z
	}
}

// InvertMean returns the mean of the value where on the scale it has the mean z and a
// variance, by Taylor's expansion of the inverse to the second order (Guerrero, Journal
// of Forecasting 12, 1993; Hyndman and Athanasopoulos, Forecasting: Principles and
// Practice, 3rd ed., section 5.6):
//
//	f(z) + variance/2 f''(z)
func (t Transform) InvertMean(z, variance float64) float64 {
	switch t.Kind {
	case Log1p:
		return bounded(t.unit() * (math.Exp(z)*(1+variance/2) - 1))
	case BoxCox:
		if t.Lambda == 0 {
			return bounded(t.unit() * math.Exp(z) * (1 + variance/2))
		}
		base := 1 + t.Lambda*z
		if base <= 0 {
			return t.Invert(z)
		}
		return bounded(t.Invert(z) * (1 + variance/2*(1-t.Lambda)/(base*base)))
	default:
		return z
	}
}

// bounded keeps a value finite and not negative.
func bounded(y float64) float64 {
	if math.IsNaN(y) {
		return y
	}
	return clamp(y, 0, math.MaxFloat64)
}
