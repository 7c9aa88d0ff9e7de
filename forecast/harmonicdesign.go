package forecast

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A harmonicDesign holds the normal equations of the regression, whose columns are 1,
// the trend and the cosine and sine of each wave. They are the same on every scale.
type harmonicDesign struct {
	values   []float64
	waves    []Waves
	tables   [][]float64 // of each season: cos(2 pi i/period), then sin
	size     int         // columns
	gram     *mat.SymDense
	observed int
	mean     float64
	negative bool
}

func (m Harmonic) design(values []float64) (*harmonicDesign, error) {
	d := &harmonicDesign{values: values, size: 2}
	for _, w := range m.Seasons {
		if w.Pairs <= 0 {
			w.Pairs = min(10, w.Period/2)
		}
		if w.Period < 2 || 2*w.Pairs > w.Period {
			return nil, fmt.Errorf("fit harmonic: %d waves in a season of %d steps", w.Pairs, w.Period)
		}
		if len(values) < 2*w.Period {
			continue
		}
		table := make([]float64, 2*w.Period)
		for i := range w.Period {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(w.Period))
			table[i], table[w.Period+i] = cos, sin
		}
		d.waves = append(d.waves, w)
		d.tables = append(d.tables, table)
		d.size += 2 * w.Pairs
	}
	for _, y := range values {
		if !math.IsNaN(y) {
			d.observed++
			d.mean += y
			d.negative = d.negative || y < 0
		}
	}
	if d.observed < d.size {
		return nil, fmt.Errorf("harmonic has %d coefficients for %d observed values: %w", d.size, d.observed, ErrTooShort)
	}
	d.mean /= float64(d.observed)
	return d, nil
}

func (d *harmonicDesign) logScale() bool { return !d.negative && d.mean > 0 }

// row writes the regressors of step i of the past. The trend runs from -1 to 0.
func (d *harmonicDesign) row(dst []float64, i int) {
	dst[0] = 1
	dst[1] = float64(i+1-len(d.values)) / float64(len(d.values))
	dst = dst[2:]
	for s, w := range d.waves {
		table := d.tables[s]
		phase := i % w.Period
		at := 0
		for k := range w.Pairs {
			if at += phase; at >= w.Period {
				at -= w.Period
			}
			dst[2*k], dst[2*k+1] = table[at], table[w.Period+at]
		}
		dst = dst[2*w.Pairs:]
	}
}

func (d *harmonicDesign) accumulate(ctx context.Context) error {
	k := d.size
	gram := make([]float64, k*k)
	row := make([]float64, k)
	for i, y := range d.values {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if math.IsNaN(y) {
			continue
		}
		d.row(row, i)
		for a, v := range row {
			target := gram[a*k : (a+1)*k]
			for b := a; b < k; b++ {
				target[b] += v * row[b]
			}
		}
	}
	d.gram = mat.NewSymDense(k, gram)
	// Waves of different seasons may coincide; a trace of ridge splits them evenly.
	for i := range k {
		d.gram.SetSym(i, i, d.gram.At(i, i)+1e-10*float64(d.observed))
	}
	return nil
}

// solve returns the model on a scale, standing at the end of the past, and the sum
// of its absolute one-step errors there.
func (d *harmonicDesign) solve(scale Scale, order int) (*FittedHarmonic, float64, error) {
	n := len(d.values)
	p := &FittedHarmonic{
		scale: scale, unit: .01 * d.mean, origin: n, floor: math.Inf(-1),
		residuals: make([]float64, order),
	}
	if !d.negative {
		p.floor = 0
	}
	row := make([]float64, d.size)
	moments := make([]float64, d.size)
	for i, y := range d.values {
		if math.IsNaN(y) {
			continue
		}
		d.row(row, i)
		floats.AddScaled(moments, p.transform(y), row)
	}
	var factor mat.Cholesky
	var solution mat.VecDense
	if !factor.Factorize(d.gram) {
		return nil, 0, fmt.Errorf("fit harmonic: the past does not determine the regression: %w", ErrTooShort)
	}
	if err := factor.SolveVecTo(&solution, mat.NewVecDense(d.size, moments)); err != nil {
		return nil, 0, fmt.Errorf("fit harmonic: %w", err)
	}
	p.intercept = solution.AtVec(0)
	p.slope = solution.AtVec(1) / float64(n)
	column := 2
	for s, w := range d.waves {
		p.profiles = append(p.profiles, d.profile(w, d.tables[s], solution.RawVector().Data[column:]))
		column += 2 * w.Pairs
	}
	residuals := make([]float64, n)
	for i, y := range d.values {
		residuals[i] = p.transform(y) - p.regression(i+1-n)
	}
	p.ar = burg(residuals, order)
	loss := 0.0
	for i, y := range d.values {
		expected := p.push(residuals[i])
		if !math.IsNaN(y) {
			loss += math.Abs(y - p.inverse(p.regression(i+1-n)+expected))
		}
	}
	return p, loss, nil
}

func (d *harmonicDesign) profile(w Waves, table, coefficients []float64) []float64 {
	profile := make([]float64, w.Period)
	for i := range profile {
		for k := range w.Pairs {
			at := (i * (k + 1)) % w.Period
			profile[i] += coefficients[2*k]*table[at] + coefficients[2*k+1]*table[w.Period+at]
		}
	}
	return profile
}
