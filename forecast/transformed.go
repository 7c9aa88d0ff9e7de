package forecast

import (
	"context"
	"errors"
	"math"
)

// Transformed fits a model on another scale of the series. Its forecasts are medians,
// best under absolute errors, and its quantiles those of the model, which keep their
// level on any increasing scale; with Mean its point forecasts are means.
type Transformed struct {
	Model Model
	// Transform is the scale; nil means the one of ChooseTransform for the past of each
	// fit.
	Transform *Transform
	// Season is the period in steps that the choice goes by; below 2 there is none.
	Season int
	// Mean corrects point forecasts to means by Transform.InvertMean, with the variance
	// of a normal distribution that has the model's quartiles. The model's Predictor
	// must be a QuantilePredictor.
	Mean bool
}

var (
	_ Model  = Transformed{}
	_ Coster = Transformed{}
)

// Name returns the name of the model behind the TransformedPrefix.
func (m Transformed) Name() string { return TransformedPrefix + m.Model.Name() }

// Fit returns the errors of the model, and one where means are asked of a model without
// quantiles. The scale stays until the next fit. Infinite values are missing.
func (m Transformed) Fit(ctx context.Context, past Series) (Predictor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var t Transform
	if m.Transform != nil {
		t = *m.Transform
	} else {
		t = ChooseTransform(past.Values, m.Season)
	}
	scaled := past
	scaled.Values = make([]float64, len(past.Values))
	for i, y := range past.Values {
		scaled.Values[i] = t.observe(y)
	}
	inner, err := m.Model.Fit(ctx, scaled)
	if err != nil {
		return nil, err
	}
	p := transformedPredictor{inner: inner, transform: t}
	quantiles, ok := inner.(QuantilePredictor)
	if !ok {
		if m.Mean {
			return nil, errors.New("fit on another scale: means need a model with quantiles")
		}
		return &p, nil
	}
	return &transformedQuantiles{transformedPredictor: p, quantiles: quantiles, mean: m.Mean}, nil
}

// FitOperations counts the choice of the scale and the fit of the model.
func (m Transformed) FitOperations(steps int) float64 {
	operations := 100 * float64(steps)
	if c, ok := m.Model.(Coster); ok {
		operations += c.FitOperations(steps)
	}
	return operations
}

// observe is Apply with NaN for what is not on the scale.
func (t Transform) observe(y float64) float64 {
	z := t.Apply(y)
	if !isFinite(y) || !isFinite(z) {
		return math.NaN()
	}
	return z
}

type transformedPredictor struct {
	inner     Predictor
	transform Transform
}

func (p *transformedPredictor) Update(y float64) { p.inner.Update(p.transform.observe(y)) }

func (p *transformedPredictor) Predict(dst []float64) {
	p.inner.Predict(dst)
	for i, z := range dst {
		dst[i] = p.transform.Invert(z)
	}
}

type transformedQuantiles struct {
	transformedPredictor

	quantiles   QuantilePredictor
	mean        bool
	lower, high []float64 // scratch of Predict
}

// PredictQuantile implements QuantilePredictor.
func (p *transformedQuantiles) PredictQuantile(dst []float64, q float64) {
	p.quantiles.PredictQuantile(dst, q)
	for i, z := range dst {
		dst[i] = p.transform.Invert(z)
	}
}

// Predict implements Predictor.
func (p *transformedQuantiles) Predict(dst []float64) {
	if !p.mean {
		p.transformedPredictor.Predict(dst)
		return
	}
	if len(p.lower) < len(dst) {
		p.lower, p.high = make([]float64, len(dst)), make([]float64, len(dst))
	}
	lower, high := p.lower[:len(dst)], p.high[:len(dst)]
	p.quantiles.PredictQuantile(lower, .25)
	p.quantiles.PredictQuantile(high, .75)
	p.inner.Predict(dst)
	const quartiles = 2 * .6744897501960817 // between those of the standard normal distribution
	for i, z := range dst {
		deviation := (high[i] - lower[i]) / quartiles
		dst[i] = p.transform.InvertMean(z, deviation*deviation)
	}
}

// ChooseTransform returns the scale that suits a past, by two witnesses. Guerrero's
// lambda for blocks of one season, or of twelve steps without one, says what makes the
// spread even: up to 0.25 it means Log1p in units of 1 % of the mean, up to 0.75 BoxCox
// with it in units of the mean, above that the identity. The newest quarter of the past
// must agree, by the absolute errors of a cheap forecast, at least 1 % smaller on that
// scale than on the identity: the value of one season ago and by how much the mean of a
// season has risen since, one step ahead; without a season the same with a sixteenth of
// the series, so far ahead, as one step ahead all scales are alike.
// Values below 0, or too few of them, leave the identity.
func ChooseTransform(values []float64, season int) Transform {
	block := season
	if season < 2 {
		block = 12
	}
	unit, ok := logUnit(values)
	if !ok || len(values) < 4*block {
		return Transform{}
	}
	lambda := GuerreroLambda(values, block)
	if lambda > .75 {
		return Transform{}
	}
	t := Transform{Kind: Log1p, Unit: unit}
	if lambda > .25 {
		t = Transform{Kind: BoxCox, Lambda: lambda, Unit: 100 * unit}
	}
	ahead, period := 1, season
	if season < 2 {
		ahead = max(1, len(values)/16)
		period = ahead
	}
	if t.cheapLoss(values, ahead, period) < .99*(Transform{}).cheapLoss(values, ahead, period) {
		return t
	}
	return Transform{}
}

// cheapLoss returns the mean absolute error, on the newest quarter of the values, of a
// forecast so many steps ahead that on the scale is the value of one period ago and the
// rise of the mean of a period since.
func (t Transform) cheapLoss(values []float64, ahead, period int) float64 {
	z := make([]float64, len(values))
	sums, counts := make([]float64, len(values)+1), make([]float64, len(values)+1)
	for i, y := range values {
		z[i] = t.observe(y)
		sums[i+1], counts[i+1] = sums[i], counts[i]
		if !math.IsNaN(z[i]) {
			sums[i+1] += z[i]
			counts[i+1]++
		}
	}
	mean := func(end int) float64 { return (sums[end] - sums[end-period]) / (counts[end] - counts[end-period]) }
	var loss sum
	for i := max(len(values)*3/4, ahead+2*period); i < len(values); i++ {
		now := i - ahead + 1
		forecast := z[i-period] + mean(now) - mean(now-period)
		if e := math.Abs(values[i] - t.Invert(forecast)); isFinite(e) {
			loss.add(e)
		}
	}
	return loss.mean()
}
