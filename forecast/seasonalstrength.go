package forecast

import "context"

// seasonalStrengthCritical is the strength from which on a season is differenced, that of
// the least errors in the M3 competition (R's nsdiffs).
const seasonalStrengthCritical = .64

// seasonalStrength returns how much of what moves around the trend is the season; see
// Decomposition.SeasonalStrength.
func seasonalStrength(ctx context.Context, values []float64, season int) (float64, error) {
	d, err := MSTL{Seasons: []int{season}}.Decompose(ctx, values)
	if err != nil {
		return 0, err
	}
	return d.SeasonalStrength(0), nil
}
