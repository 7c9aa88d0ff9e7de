package forecast

import (
	"context"
	"math"
	"slices"
)

// fitAdjusted takes a multiplicative season out of the values, fits the rest and
// returns a Predictor that puts the season back. The indices of the season stay as
// they are until the next fit.
func fitAdjusted(ctx context.Context, values []float64, season int, fit func(values []float64) (Predictor, error)) (Predictor, error) {
	values = finite(values)
	indices, err := seasonalIndices(ctx, values, season)
	if err != nil {
		return nil, err
	}
	rest := make([]float64, len(values))
	for i, y := range values {
		rest[i] = y / indices[i%len(indices)]
	}
	p, err := fit(rest)
	if err != nil {
		return nil, err
	}
	adjusted := adjustedPredictor{rest: p, indices: indices, phase: len(values) % len(indices)}
	if quantiles, ok := p.(QuantilePredictor); ok {
		return &adjustedQuantiles{adjustedPredictor: adjusted, quantiles: quantiles}, nil
	}
	return &adjusted, nil
}

// adjustOperations estimates the operations of fitAdjusted without those of fit: the
// autocorrelation up to the season, and a moving average of its length.
func adjustOperations(steps, season int) float64 {
	if season < 2 || steps < 3*season {
		return float64(steps)
	}
	return 4 * float64(steps) * float64(season)
}

// finite returns the values with NaN for what is infinite; the same slice where nothing
// is.
func finite(values []float64) []float64 {
	copied := false
	for i, y := range values {
		if math.IsInf(y, 0) {
			if !copied {
				values, copied = slices.Clone(values), true
			}
			values[i] = math.NaN()
		}
	}
	return values
}

type adjustedPredictor struct {
	rest    Predictor
	indices []float64
	phase   int // of the next observation
}

func (p *adjustedPredictor) Update(y float64) {
	if !isFinite(y) {
		y = math.NaN()
	}
	p.rest.Update(y / p.indices[p.phase])
	p.phase = (p.phase + 1) % len(p.indices)
}

func (p *adjustedPredictor) Predict(dst []float64) {
	p.rest.Predict(dst)
	for i := range dst {
		dst[i] *= p.indices[(p.phase+i)%len(p.indices)]
	}
}

// adjustedQuantiles are those of the rest, as the season is taken to be known.
type adjustedQuantiles struct {
	adjustedPredictor

	quantiles QuantilePredictor
}

// PredictQuantile implements QuantilePredictor.
func (p *adjustedQuantiles) PredictQuantile(dst []float64, q float64) {
	p.quantiles.PredictQuantile(dst, q)
	for i := range dst {
		dst[i] *= p.indices[(p.phase+i)%len(p.indices)]
	}
}

// seasonalIndices returns the factors, of mean 1, by which the phases of a season
// stand above the trend; values[i] is of phase i modulo their number. They are those
// of the classical multiplicative decomposition: the mean over the seasons of the
// value divided by the moving average of one season around it.
//
// It returns the single factor 1 where there is no season: the series is shorter than
// three of them, fails the test of seasonalAtLag, has a value below 0, or has a phase
// that is always 0 or never observed.
func seasonalIndices(ctx context.Context, values []float64, season int) ([]float64, error) {
	none := []float64{1}
	if season < 2 || len(values) < 3*season {
		return none, nil
	}
	for _, y := range values {
		if y < 0 {
			return none, nil
		}
	}
	if is, err := seasonalAtLag(ctx, values, season); err != nil || !is {
		return none, err
	}
	indices := decompose(values, season, func(y, trend float64) float64 { return y / trend })
	var total sum
	for _, index := range indices {
		total.add(index)
	}
	for phase := range indices {
		indices[phase] /= total.mean()
		if !(indices[phase] > 1e-10) {
			return none, nil
		}
	}
	return indices, nil
}

// decompose returns the mean over the seasons of how the values of each phase relate
// to the moving average of one season around them, NaN where that is never known.
func decompose(values []float64, season int, relate func(y, trend float64) float64) []float64 {
	relations := make([]sum, season)
	for i, y := range values {
		if r := relate(y, centredMean(values, i, season)); !math.IsNaN(r) {
			relations[i%season].add(r)
		}
	}
	indices := make([]float64, season)
	for phase := range indices {
		indices[phase] = relations[phase].mean()
	}
	return indices
}

// seasonalAtLag reports whether the autocorrelation one season apart differs from 0
// at the level of 10 %, by Bartlett's standard error, as in the M4 competition:
//
//	|r(m)| > 1.645 sqrt((1 + 2 sum of r(k)^2, k = 1..m-1) / n)
func seasonalAtLag(ctx context.Context, values []float64, season int) (bool, error) {
	var total sum
	for _, y := range values {
		if !math.IsNaN(y) {
			total.add(y)
		}
	}
	centred := make([]float64, len(values)) // A missing value counts as the mean.
	squares := 0.0
	for i, y := range values {
		if !math.IsNaN(y) {
			centred[i] = y - total.mean()
			squares += centred[i] * centred[i]
		}
	}
	variance := 1.0
	for lag := 1; ; lag++ {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		product := 0.0
		for i, late := range centred[lag:] {
			product += centred[i] * late
		}
		r := product / squares
		if lag == season {
			return math.Abs(r) > 1.645*math.Sqrt(variance/float64(total.n)), nil
		}
		variance += 2 * r * r
	}
}

// centredMean returns the mean of the season around values[i], whose ends count half
// where the season is even; NaN where it leaves the series, or less than half of it
// was observed.
func centredMean(values []float64, i, season int) float64 {
	half := season / 2
	if i < half || i+half >= len(values) {
		return math.NaN()
	}
	total, weights := 0.0, 0.0
	add := func(y, weight float64) {
		if !math.IsNaN(y) {
			total += weight * y
			weights += weight
		}
	}
	end := 1.0
	if season%2 == 0 {
		end = .5
	}
	add(values[i-half], end)
	add(values[i+half], end)
	for _, y := range values[i-half+1 : i+half] {
		add(y, 1)
	}
	if weights < float64(season)/2 {
		return math.NaN()
	}
	return total / weights
}
