package forecast

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// denseLogLik is the density of a multivariate normal, with the variance of the
// innovations that makes it greatest. The covariances are sums over the weights of past
// innovations. transform makes the values from the process.
func denseLogLik(t *testing.T, ar, ma, w []float64, transform *mat.Dense) float64 {
	t.Helper()
	const terms = 6000
	psi := make([]float64, terms)
	for k := range psi {
		if k == 0 {
			psi[k] = 1
		} else if k <= len(ma) {
			psi[k] = ma[k-1]
		}
		for i, a := range ar {
			if k > i {
				psi[k] += a * psi[k-1-i]
			}
		}
	}
	_, size := transform.Dims()
	gamma := mat.NewDense(size, size, nil)
	for i := range size {
		for j := range size {
			lag := max(i-j, j-i)
			v := 0.0
			for k := 0; k+lag < terms; k++ {
				v += psi[k] * psi[k+lag]
			}
			gamma.Set(i, j, v)
		}
	}
	var half, covariance mat.Dense
	half.Mul(transform, gamma)
	covariance.Mul(&half, transform.T())
	n, _ := covariance.Dims()
	symmetric := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			symmetric.SetSym(i, j, covariance.At(i, j))
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(symmetric) {
		t.Fatal("covariance is not positive definite")
	}
	var solved mat.VecDense
	if err := factor.SolveVecTo(&solved, mat.NewVecDense(n, w)); err != nil {
		t.Fatal(err)
	}
	total := mat.Dot(&solved, mat.NewVecDense(n, w))
	return -(float64(n)*(math.Log(2*math.Pi*total/float64(n))+1) + factor.LogDet()) / 2
}

// Both likelihoods equal the density of a multivariate normal, with seasons, with gaps,
// and of a random walk with gaps that of the changes from one observed value to the next.
func TestARIMALikelihoodIsTheNormalDensity(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 1))
	for _, c := range []struct {
		order ARIMAOrder
		x     []float64
	}{
		{ARIMAOrder{}, nil},
		{ARIMAOrder{P: 1}, []float64{.95}},
		{ARIMAOrder{Q: 2}, []float64{1.3, .4}},
		{ARIMAOrder{Q: 1}, []float64{-1.7}}, // Its root is within the unit circle.
		{ARIMAOrder{P: 2, Q: 1}, []float64{1.2, -.5, .7}},
		{ARIMAOrder{P: 1, Q: 3, SeasonalP: 1, SeasonalQ: 1}, []float64{.5, -.3, .2, .6, .7, -.4}},
		{ARIMAOrder{SeasonalP: 2}, []float64{.3, .4}},
	} {
		const season, n = 4, 40
		w := make([]float64, n)
		observed := make([]bool, n)
		for i := range w {
			w[i] = r.NormFloat64()
			observed[i] = i%7 != 3 && (i < 20 || i > 25)
		}
		var e armaCoefficients
		e.set(c.order, season, c.x)
		var expanded armaWeights
		expanded.set(&e)
		identity := mat.NewDense(n, n, nil)
		for i := range n {
			identity.Set(i, i, 1)
		}
		check := func(what string, data *arimaData, order ARIMAOrder, want float64) {
			t.Helper()
			got := data.exactProblem(order, false).at(c.x, false)
			if got == nil || math.Abs(got.logLik-want) > 1e-5 {
				t.Errorf("%+v %v, %s: %+v, want %v", order, c.x, what, got, want)
			}
		}
		check("whole", &arimaData{season: season, values: w}, c.order, denseLogLik(t, expanded.ar, expanded.ma, w, identity))

		var left []float64
		var rows []float64
		for i, seen := range observed {
			if seen {
				left = append(left, w[i])
				rows = append(rows, identity.RawRowView(i)...)
			}
		}
		gapped := &arimaData{season: season, values: w, observed: observed}
		check("gaps", gapped, c.order, denseLogLik(t, expanded.ar, expanded.ma, left, mat.NewDense(len(left), n, rows)))

		var changes, sums []float64
		last := -1
		for i, seen := range observed {
			if !seen {
				continue
			}
			if last >= 0 {
				changes = append(changes, w[i]-w[last])
				row := make([]float64, n)
				for k := last + 1; k <= i; k++ {
					row[k] = 1
				}
				sums = append(sums, row...)
			}
			last = i
		}
		integrated := c.order
		integrated.D = 1
		check("integrated with gaps", gapped, integrated,
			denseLogLik(t, expanded.ar, expanded.ma, changes, mat.NewDense(len(changes), n, sums)))
	}
}

// At the coefficients of R the likelihood is that of R, whether or not they are the best.
func TestARIMALikelihoodAtRs(t *testing.T) {
	data, err := os.ReadFile("testdata/arima_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Series map[string]struct {
			Season int
			Values []float64
		}
		Fixed []struct {
			Series          string
			Order, Seasonal []int
			Constant        bool
			Missing         []int
			Coef            map[string]float64
			LogLik          float64
		}
		Differences []struct {
			Series          string
			Strength, KPSS  float64
			NDiffs, NSDiffs int
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Fixed {
		s := golden.Series[c.Series]
		s.Values = slices.Clone(s.Values)
		for _, i := range c.Missing {
			s.Values[i-1] = math.NaN()
		}
		d, err := newARIMAData(s.Values, ARIMAMaxSteps, s.Season)
		if err != nil {
			t.Fatal(err)
		}
		o := ARIMAOrder{c.Order[0], c.Order[1], c.Order[2], c.Seasonal[0], c.Seasonal[1], c.Seasonal[2]}
		var x []float64
		for _, kind := range []string{"ar", "ma", "sar", "sma"} {
			for i := 1; i <= 5; i++ {
				if v, ok := c.Coef[kind+string(rune('0'+i))]; ok {
					x = append(x, v)
				}
			}
		}
		e := d.exactProblem(o, c.Constant && constantAllowed(o)).at(x, c.Constant && constantAllowed(o))
		if e == nil || math.Abs(e.logLik-c.LogLik) > 2e-5*math.Abs(c.LogLik) {
			t.Errorf("%s %+v: %+v, want %v", c.Series, o, e, c.LogLik)
		}
	}
	for _, c := range golden.Differences {
		s := golden.Series[c.Series]
		if v := kpss(s.Values); math.Abs(v-c.KPSS) > 1e-9*c.KPSS {
			t.Errorf("%s: kpss %v, want %v", c.Series, v, c.KPSS)
		}
		if d := differencesNeeded(s.Values); d != c.NDiffs {
			t.Errorf("%s: %d differences, want %d", c.Series, d, c.NDiffs)
		}
		if s.Season == 1 {
			continue
		}
		// R evaluates loess at every tenth of a window only and draws lines between.
		v, err := seasonalStrength(context.Background(), s.Values, s.Season)
		if err != nil || math.Abs(v-c.Strength) > .01 || (v > seasonalStrengthCritical) != (c.NSDiffs == 1) {
			t.Errorf("%s: seasonal strength %v, want %v", c.Series, v, c.Strength)
		}
	}
}

// To update is to filter all again, with gaps and without, and whether or not the
// covariance was dropped in between.
func TestARIMAUpdateIsFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(52, 1))
	values := make([]float64, 300)
	for i := range values {
		values[i] = 100 + 10*math.Sin(float64(i)*math.Pi/6) + r.NormFloat64()
	}
	values[130], values[131], values[288] = math.NaN(), math.NaN(), math.NaN()
	for _, o := range []ARIMAOrder{{P: 2, Q: 1}, {P: 1, D: 1, Q: 1, SeasonalD: 1, SeasonalQ: 1}, {D: 2, Q: 2}} {
		p, err := ARIMA{Season: 12, Order: &o}.Fit(context.Background(), Series{Values: values[:120]})
		if err != nil {
			t.Fatal(err)
		}
		updated := p.(*FittedARIMA)
		for _, y := range values[120:] {
			updated.Update(y)
		}
		d, err := newARIMAData(values, ARIMAMaxSteps, 12)
		if err != nil {
			t.Fatal(err)
		}
		again := newFittedARIMA(d, updated.estimate, nil)
		a, b := make([]float64, 30), make([]float64, 30)
		for _, q := range []float64{.5, .9} {
			updated.PredictQuantile(a, q)
			again.PredictQuantile(b, q)
			for h := range a {
				if math.Abs(a[h]-b[h]) > 1e-9*math.Abs(b[h]) {
					t.Fatalf("%+v, %d ahead at %v: %v updated, %v filtered", o, h+1, q, a[h], b[h])
				}
			}
		}
	}
}

// Mirrored roots leave the autocovariances as they were, up to a factor.
func TestInvert(t *testing.T) {
	for _, ma := range [][]float64{{2}, {-.5}, {2.5, 1}, {.3, 4}, {1, -3, .5}} {
		before := armaWeights{ma: ma, maTerms: lagTerms(nil, ma)}
		before.autocovariances(len(ma) + 1)
		inverted := append([]float64(nil), ma...)
		invert(inverted)
		if !rootsBeyond(negated(inverted), .999) {
			t.Errorf("%v became %v, with a root within the unit circle", ma, inverted)
		}
		after := armaWeights{ma: inverted, maTerms: lagTerms(nil, inverted)}
		after.autocovariances(len(ma) + 1)
		for lag := range len(ma) + 1 {
			a, b := before.lead[lag]/before.lead[0], after.lead[lag]/after.lead[0]
			if math.Abs(a-b) > 1e-9 {
				t.Errorf("%v became %v: autocorrelation %v at lag %d, want %v", ma, inverted, b, lag, a)
			}
		}
	}
}
