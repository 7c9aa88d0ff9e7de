package forecast

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A waveDesign holds the regressors of a series beside the constant: the trend, if any,
// then cosine and sine of each wave of each season.
type waveDesign struct {
	data    *arimaData
	seasons []Waves // with the numbers of waves in force
	fixed   []bool  // of each season: its number of waves was given
	tables  [][]float64
	all     []waveColumn
	beta    []float64 // of the constant and the columns in force, by least squares
}

// A waveColumn is the constant, the trend, or one wave.
type waveColumn struct {
	season int // -1 for the constant, -2 for the trend
	wave   int
	sine   bool
}

func newWaveDesign(data *arimaData, seasons []Waves, trend bool) *waveDesign {
	w := &waveDesign{data: data, all: []waveColumn{{season: -1}}}
	if trend {
		w.all = append(w.all, waveColumn{season: -2})
	}
	for _, s := range seasons {
		if len(data.values) < 2*s.Period {
			continue
		}
		table := make([]float64, 2*s.Period)
		for i := range s.Period {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(s.Period))
			table[i], table[s.Period+i] = cos, sin
		}
		w.fixed = append(w.fixed, s.Pairs > 0)
		s.Pairs = s.pairs()
		for k := 1; k <= s.Pairs; k++ {
			w.all = append(w.all, waveColumn{season: len(w.seasons), wave: k})
			if 2*k != s.Period { // The sine of the shortest wave is 0 at every step.
				w.all = append(w.all, waveColumn{season: len(w.seasons), wave: k, sine: true})
			}
		}
		w.seasons = append(w.seasons, s)
		w.tables = append(w.tables, table)
	}
	return w
}

// columns returns the columns in force.
func (w *waveDesign) columns() []waveColumn {
	var out []waveColumn
	for _, c := range w.all {
		if c.season < 0 || c.wave <= w.seasons[c.season].Pairs {
			out = append(out, c)
		}
	}
	return out
}

func (w *waveDesign) at(c waveColumn, t int) float64 {
	switch c.season {
	case -1:
		return 1
	case -2:
		return float64(t + 1)
	}
	period := w.seasons[c.season].Period
	i := c.wave * (t % period) % period
	if c.sine {
		i += period
	}
	return w.tables[c.season][i]
}

// choose sets the numbers of waves that were not given to those of the least AICc. For
// that the errors are taken for the autoregression that Burg's method finds in what least
// squares leave. Its filter changes size and phase of a wave only, so that the series
// alone goes through it.
func (w *waveDesign) choose(ctx context.Context) error {
	gram, moments, total, n, err := w.moments(ctx, nil)
	if err != nil {
		return err
	}
	if err := w.solve(gram, moments); err != nil {
		return err
	}
	open := false
	for _, fixed := range w.fixed {
		open = open || !fixed
	}
	if !open {
		return nil
	}
	rest := w.residuals()
	for t := range rest {
		if w.data.observed != nil && !w.data.observed[t] {
			rest[t] = math.NaN()
		}
	}
	ar := burg(rest, min(5, n/10))
	whiteGram, whiteMoments, total, n, err := w.moments(ctx, ar)
	if err != nil {
		return err
	}
	score := func() float64 {
		kept := w.kept()
		explained, ok := explainedSquares(whiteGram, whiteMoments, kept)
		if !ok {
			return math.Inf(1)
		}
		left := max(total-explained, 1e-12*total)
		return criterion(-float64(n)/2*math.Log(left), float64(len(kept)+len(ar)+1), float64(n))
	}
	for changed := true; changed; {
		changed = false
		for i := range w.seasons {
			if w.fixed[i] {
				continue
			}
			before := w.seasons[i].Pairs
			best, least := before, math.Inf(1)
			for pairs := range pairsOfAll(w.all, i) + 1 {
				w.seasons[i].Pairs = pairs
				if v := score(); v < least {
					best, least = pairs, v
				}
			}
			// Numbers of several seasons depend on each other; they only fall, so that
			// this ends.
			w.seasons[i].Pairs = min(best, before)
			changed = changed || best < before
		}
	}
	return w.solve(gram, moments)
}

// drop leaves all waves out.
func (w *waveDesign) drop(ctx context.Context) error {
	for i := range w.seasons {
		w.seasons[i].Pairs = 0
	}
	gram, moments, _, _, err := w.moments(ctx, nil)
	if err != nil {
		return err
	}
	return w.solve(gram, moments)
}

func pairsOfAll(all []waveColumn, season int) int {
	n := 0
	for _, c := range all {
		if c.season == season {
			n = max(n, c.wave)
		}
	}
	return n
}

// kept returns the places of the columns in force among all.
func (w *waveDesign) kept() []int {
	var out []int
	for i, c := range w.all {
		if c.season < 0 || c.wave <= w.seasons[c.season].Pairs {
			out = append(out, i)
		}
	}
	return out
}

// moments returns the products of all columns with each other and with the series after
// the filter of an autoregression, the sum of squares of the latter, and the number of
// steps where it is known.
func (w *waveDesign) moments(ctx context.Context, ar []float64) (gram *mat.SymDense, moments []float64, total float64, n int, err error) {
	k := len(w.all)
	products := make([]float64, k*k)
	moments = make([]float64, k)
	row := make([]float64, k)
	seen := 0 // consecutive observed values
	for t, y := range w.data.values {
		if t%1024 == 0 && ctx.Err() != nil {
			return nil, nil, 0, 0, ctx.Err()
		}
		if w.data.observed != nil && !w.data.observed[t] {
			seen = 0
			continue
		}
		if seen++; seen <= len(ar) {
			continue
		}
		for i, a := range ar {
			y -= a * w.data.values[t-1-i]
		}
		for i, c := range w.all {
			row[i] = w.at(c, t)
		}
		n++
		total += y * y
		for a, v := range row {
			moments[a] += v * y
			target := products[a*k : (a+1)*k]
			for b := a; b < k; b++ {
				target[b] += v * row[b]
			}
		}
	}
	gram = mat.NewSymDense(k, products)
	// Waves of different seasons may coincide; a trace of ridge splits them evenly.
	for i := range k {
		gram.SetSym(i, i, gram.At(i, i)*(1+1e-10)+1e-10)
	}
	return gram, moments, total, n, nil
}

// explainedSquares returns the sum of squares that the columns kept explain.
func explainedSquares(gram *mat.SymDense, moments []float64, kept []int) (float64, bool) {
	beta, ok := solveKept(gram, moments, kept)
	v := 0.0
	for i, b := range beta {
		v += b * moments[kept[i]]
	}
	return v, ok
}

func solveKept(gram *mat.SymDense, moments []float64, kept []int) ([]float64, bool) {
	k := len(kept)
	part, right := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	for i, a := range kept {
		right.SetVec(i, moments[a])
		for j, b := range kept[i:] {
			part.SetSym(i, i+j, gram.At(a, b))
		}
	}
	var factor mat.Cholesky
	beta := make([]float64, k)
	if !factor.Factorize(part) || factor.SolveVecTo(mat.NewVecDense(k, beta), right) != nil {
		return beta, false
	}
	return beta, true
}

// solve sets beta to the least squares of the columns in force.
func (w *waveDesign) solve(gram *mat.SymDense, moments []float64) error {
	beta, ok := solveKept(gram, moments, w.kept())
	if !ok {
		return fmt.Errorf("fit waves: the past does not determine the regression: %w", ErrTooShort)
	}
	w.beta = beta
	return nil
}

// residuals returns what least squares leave of the series, the constant included in it.
func (w *waveDesign) residuals() []float64 { return w.without(w.beta[1:]) }

// without returns the series less its regression on the columns beside the constant.
func (w *waveDesign) without(regression []float64) []float64 {
	fitted := w.fitted(regression)
	out := make([]float64, len(w.data.values))
	for t, y := range w.data.values {
		out[t] = y - fitted.at(t)
	}
	return out
}

// matrix returns the columns beside the constant.
func (w *waveDesign) matrix() [][]float64 {
	var out [][]float64
	for _, c := range w.columns()[1:] {
		column := make([]float64, len(w.data.values))
		for t := range column {
			column[t] = w.at(c, t)
		}
		out = append(out, column)
	}
	return out
}

// fitted returns the regression of coefficients beside that of the constant.
func (w *waveDesign) fitted(regression []float64) *fittedWaves {
	f := &fittedWaves{seasons: append([]Waves(nil), w.seasons...)}
	for _, s := range w.seasons {
		f.profiles = append(f.profiles, make([]float64, s.Period))
	}
	for i, c := range w.columns()[1:] {
		if c.season < 0 {
			f.trend = regression[i]
			continue
		}
		profile := f.profiles[c.season]
		for t := range profile {
			profile[t] += regression[i] * w.at(c, t)
		}
	}
	return f
}
