package forecast_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// The numbers are those of testdata/transform_golden.R. R's search of Guerrero's lambda
// ends within 1e-4, and its likelihood is known on a grid of 0.05 only.
func TestBoxCoxGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/transform_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Points   []float64
		Variance float64
		Cases    []struct {
			Name             string
			Season           int
			Values           []float64
			Guerrero, Loglik float64
			Scaled           []float64
			Inverse, Mean    []*float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if got := forecast.GuerreroLambda(c.Values, c.Season); math.Abs(got-c.Guerrero) > 2e-4 {
				t.Errorf("lambda by Guerrero %v, want %v", got, c.Guerrero)
			}
			if got := forecast.LikelihoodLambda(c.Values, c.Season); math.Abs(got-c.Loglik) > .026 {
				t.Errorf("lambda by likelihood %v, want %v", got, c.Loglik)
			}
			scale := forecast.Transform{Kind: forecast.BoxCox, Lambda: c.Guerrero}
			got := generate(len(c.Scaled), func(i int) float64 { return scale.Apply(c.Values[i]) })
			checkNear(t, "scaled", got, c.Scaled, 1e-10)
			for i, z := range golden.Points {
				if c.Inverse[i] == nil {
					continue // R has no value beyond the scale.
				}
				checkNear(t, "inverse", []float64{scale.Invert(z)}, []float64{*c.Inverse[i]}, 1e-10)
				checkNear(t, "mean", []float64{scale.InvertMean(z, golden.Variance)}, []float64{*c.Mean[i]}, 1e-10)
			}
		})
	}
}

func transforms() []forecast.Transform {
	all := []forecast.Transform{{}, {Kind: forecast.Log1p}, {Kind: forecast.Log1p, Unit: 7}}
	for _, lambda := range []float64{-.5, 0, 1e-9, .3, 1, 1.7} {
		all = append(all, forecast.Transform{Kind: forecast.BoxCox, Lambda: lambda, Unit: 3})
	}
	return all
}

func TestTransformInverts(t *testing.T) {
	for _, scale := range transforms() {
		last := math.Inf(-1)
		for _, y := range []float64{0, 1e-3, .5, 1, 20, 3e3} {
			z := scale.Apply(y)
			if !(z > last) && !(math.IsInf(z, -1) && y == 0) {
				t.Errorf("%v of %v is %v, not above %v", scale, y, z, last)
			}
			last = z
			if !near(scale.Invert(z), y, 1e-3, 1e-6) {
				t.Errorf("%v of %v is %v, and back %v", scale, y, z, scale.Invert(z))
			}
			if mean := scale.InvertMean(z, 0); !math.IsInf(z, 0) && !near(mean, y, 1e-3, 1e-6) {
				t.Errorf("%v: the mean without variance is %v, want %v", scale, mean, y)
			}
		}
		for _, z := range []float64{-1e6, -5, 5, 1e6} {
			if y := scale.Invert(z); math.IsInf(y, 0) || math.IsNaN(y) || scale.Kind != forecast.Identity && y < 0 {
				t.Errorf("%v: back from %v: %v", scale, z, y)
			}
		}
		if !math.IsNaN(scale.Apply(nan)) {
			t.Errorf("%v makes a value of a missing one", scale)
		}
	}
}

// The second order is exact for the square root, whose inverse is a parabola, and near
// for a small variance: the mean of the values of normal draws.
func TestTransformMean(t *testing.T) {
	const z, deviation, n = .8, .2, 200000
	for _, scale := range transforms() {
		r := rand.New(rand.NewPCG(4, 4))
		total := 0.0
		for range n {
			total += scale.Invert(z + deviation*r.NormFloat64())
		}
		if got := scale.InvertMean(z, deviation*deviation); scale.Kind != forecast.BoxCox || scale.Lambda >= 0 {
			if !near(got, total/n, 1, 5e-3) {
				t.Errorf("%v: mean %v, want %v", scale, got, total/n)
			}
		}
	}
}

// Where the spread is a power of the level, lambda is one less that power.
func TestGuerreroLambdaOfAPower(t *testing.T) {
	const block = 20
	for _, power := range []float64{0, .5, 1, 1.5} {
		values := generate(50*block, func(i int) float64 {
			level := 10 + 5*float64(i/block)
			return level + .05*math.Pow(level, power)*math.Sin(2*math.Pi*float64(i)/block)
		})
		if got := forecast.GuerreroLambda(values, block); math.Abs(got-(1-power)) > 1e-4 {
			t.Errorf("spread of power %v: lambda %v, want %v", power, got, 1-power)
		}
	}
	for name, values := range map[string][]float64{
		"nothing": nil, "missing": {nan, nan}, "zeros": make([]float64, 100), "constant": generate(100, func(int) float64 { return 4 }),
		"below zero": generate(100, func(i int) float64 { return float64(i%9) - 4 }),
	} {
		if g, l := forecast.GuerreroLambda(values, 10), forecast.LikelihoodLambda(values, 10); g != 1 || name != "constant" && l != 1 {
			t.Errorf("%s: lambdas %v and %v, want 1", name, g, l)
		}
	}
}

func TestChooseTransform(t *testing.T) {
	const day = 24
	r := rand.New(rand.NewPCG(6, 6))
	wave := func(i int) float64 { return math.Sin(2 * math.Pi * float64(i) / day) }
	growth := func(i int) float64 { return math.Exp(3 * float64(i) / (20 * day)) }
	tests := []struct {
		name   string
		season int
		load   func(i int) float64
		want   forecast.TransformKind
	}{
		{"a wave that grows with the level", day, func(i int) float64 { return growth(i) * (100 + 60*wave(i) + 2*r.NormFloat64()) }, forecast.Log1p},
		{"as its root", day, func(i int) float64 { v := math.Sqrt(50*growth(i)) + 5 + 4*wave(i) + .1*r.NormFloat64(); return v * v }, forecast.BoxCox},
		{"a wave on a growing level", day, func(i int) float64 { return 100*growth(i) + 60*wave(i) + 2*r.NormFloat64() }, forecast.Identity},
		{"exponential growth", 0, func(i int) float64 { return growth(i) * (100 + r.NormFloat64()) }, forecast.Log1p},
		{"noise", 0, func(int) float64 { return 100 + 5*r.NormFloat64() }, forecast.Identity},
		{"below zero", day, func(i int) float64 { return growth(i) * wave(i) }, forecast.Identity},
		{"zeros", day, func(int) float64 { return 0 }, forecast.Identity},
		{"missing", day, func(int) float64 { return nan }, forecast.Identity},
		{"constant", day, func(int) float64 { return 3 }, forecast.Identity},
	}
	for _, tt := range tests {
		values := generate(20*day, tt.load)
		for i := 5; i < len(values); i += 19 {
			values[i] = nan
		}
		if got := forecast.ChooseTransform(values, tt.season); got.Kind != tt.want {
			t.Errorf("%s: %v, want %v (lambda %v)", tt.name, got, tt.want, forecast.GuerreroLambda(values, max(tt.season, 12)))
		}
	}
}

// Naive is the same on every scale.
func TestTransformedNaiveIsNaive(t *testing.T) {
	values := daily(200, 24, 40)
	values[60], values[199] = nan, nan
	for _, scale := range transforms() {
		p := mustFit(t, forecast.Transformed{Model: forecast.Naive{}, Transform: &scale}, minutes(values[:150]...))
		plain := mustFit(t, forecast.Naive{}, minutes(values[:150]...))
		for _, y := range values[150:] {
			p.Update(y)
			plain.Update(y)
		}
		checkNear(t, scale.String(), predict(p, 3), predict(plain, 3), 1e-6)
	}
}

// Exponential growth is a line on the scale of logarithms, which Theta follows at half
// the slope and on the plain scale does not.
func TestTransformedFollowsGrowth(t *testing.T) {
	values := generate(300, func(i int) float64 { return 5 * math.Exp(.02*float64(i)) })
	ahead := func(m forecast.Model) float64 { return predict(mustFit(t, m, minutes(values...)), 50)[49] }
	want := 5 * math.Exp(.02*349)
	plain, scaled := ahead(forecast.HoltWinters{}), ahead(forecast.Transformed{Model: forecast.HoltWinters{}})
	if !(math.Abs(scaled-want) < .5*math.Abs(plain-want)) {
		t.Errorf("50 steps ahead %v, plain %v, want %v", scaled, plain, want)
	}
}

// normal forecasts a normal distribution of mean 1 and standard deviation 0.2.
type normal struct{ forecast.Naive }

type normalPredictor struct{ forecast.Predictor }

func (normal) Fit(ctx context.Context, past forecast.Series) (forecast.Predictor, error) {
	p, err := forecast.Naive{}.Fit(ctx, past)
	return normalPredictor{p}, err
}

func (normalPredictor) Predict(dst []float64) {
	for i := range dst {
		dst[i] = 1
	}
}

func (normalPredictor) PredictQuantile(dst []float64, q float64) {
	for i := range dst {
		dst[i] = 1 + .2*math.Sqrt2*math.Erfinv(2*q-1)
	}
}

func TestTransformedQuantiles(t *testing.T) {
	scale := forecast.Transform{Kind: forecast.Log1p, Unit: 10}
	m := forecast.Transformed{Model: normal{}, Transform: &scale}
	p, ok := mustFit(t, m, minutes(1, 2, 3)).(forecast.QuantilePredictor)
	if !ok {
		t.Fatal("the quantiles of the model are lost")
	}
	median := make([]float64, 2)
	p.PredictQuantile(median, .5)
	checkNear(t, "median", median, predict(p, 2), 1e-12)
	upper := make([]float64, 1)
	p.PredictQuantile(upper, .9)
	checkNear(t, "upper", upper, []float64{10 * math.Expm1(1+.2*1.2815515655446004)}, 1e-9)
	m.Mean = true
	// Of a log-normal distribution, to the second order in 0.2.
	checkNear(t, "mean", predict(mustFit(t, m, minutes(1, 2, 3)), 1), []float64{10 * (math.E*math.Exp(.02) - 1)}, 1e-3)
	m.Model = forecast.Naive{}
	if _, err := m.Fit(t.Context(), minutes(1, 2, 3)); err == nil {
		t.Error("means without quantiles")
	}
	if _, err := (forecast.Transformed{Model: forecast.Naive{}}).Fit(t.Context(), minutes(nan)); !errors.Is(err, forecast.ErrTooShort) {
		t.Errorf("nothing observed: %v", err)
	}
}
