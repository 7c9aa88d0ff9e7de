package forecast

import "slices"

var (
	_ cloner = (*naivePredictor)(nil)
	_ cloner = (*seasonalNaivePredictor)(nil)
	_ cloner = (*medianPredictor)(nil)
	_ cloner = (*profilePredictor)(nil)
	_ cloner = (*ridgePredictor)(nil)
)

func (p *naivePredictor) clone() Predictor {
	next := *p
	return &next
}

func (p *seasonalNaivePredictor) clone() Predictor {
	next := *p
	next.phases = slices.Clone(p.phases)
	return &next
}

func (p *medianPredictor) clone() Predictor {
	next := *p
	next.values.recent, next.values.sorted = slices.Clone(p.values.recent), slices.Clone(p.values.sorted)
	return &next
}

func (p *profilePredictor) clone() Predictor {
	next := *p
	next.history = p.history.clone()
	return &next
}

func (r *ring) clone() *ring {
	next := *r
	next.values = slices.Clone(r.values)
	return &next
}

func (p *ridgePredictor) clone() Predictor {
	next := *p
	next.features.history = p.features.history.clone()
	next.gram, next.moments = slices.Clone(p.gram), slices.Clone(p.moments)
	next.weights, next.factor = slices.Clone(p.weights), slices.Clone(p.factor)
	next.errors.mean = slices.Clone(p.errors.mean)
	next.origins = slices.Clone(p.origins)
	for i := range next.origins {
		next.origins[i].x = slices.Clone(p.origins[i].x)
	}
	next.newest.x = slices.Clone(p.newest.x)
	next.point, next.target = slices.Clone(p.point), slices.Clone(p.target)
	return &next
}
