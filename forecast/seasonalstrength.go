package forecast

import "context"

const seasonalStrengthCritical = .64

func seasonalStrength(ctx context.Context, values []float64, season int) (float64, error) {
	s := decompose(values, season, func(y, t float64) float64 { return y - t })
	var rem, both []float64
	for i, y := range values {
		v := y - centredMean(values, i, season)
		if v == v {
			both = append(both, v)
			rem = append(rem, v-s[i%season])
		}
	}
	return 1 - power(rem)/power(both), ctx.Err()
}
