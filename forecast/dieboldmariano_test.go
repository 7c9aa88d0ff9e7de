package forecast_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"hindcast.dev/forecast"
)

// forecastErrors are those of the last value and of the mean of the last four, h steps
// ahead.
func forecastErrors(y []float64, h int) (last, mean4 []float64) {
	for i := 3; i+h < len(y); i++ {
		last = append(last, y[i+h]-y[i])
		mean4 = append(mean4, y[i+h]-(y[i]+y[i-1]+y[i-2]+y[i-3])/4)
	}
	return last, mean4
}

// The numbers are those of testdata/dieboldmariano_golden.R, from R's forecast package.
func TestDieboldMarianoGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/dieboldmariano_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Name, Estimator string
		Horizon         int
		Values          []float64
		Statistic, P    float64
		Negative        bool // the variance, in place of which R takes another
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) < 20 {
		t.Fatalf("only %d cases", len(golden))
	}
	for _, g := range golden {
		a, b := forecastErrors(g.Values, g.Horizon)
		got, err := forecast.DieboldMariano{Horizon: g.Horizon, Rectangular: g.Estimator == "acf"}.Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if g.Negative {
			if !math.IsNaN(got.Statistic) || !math.IsNaN(got.P) {
				t.Errorf("%s, %d ahead, %s: statistic %v of a negative variance", g.Name, g.Horizon, g.Estimator, got.Statistic)
			}
			continue
		}
		if !near(got.Statistic, g.Statistic, 0, 1e-10) || !near(got.P, g.P, 0, 1e-9) {
			t.Errorf("%s, %d ahead, %s: statistic %v, p %v; R has %v, %v", g.Name, g.Horizon, g.Estimator, got.Statistic, got.P, g.Statistic, g.P)
		}
	}
}

// One step ahead it is the t-test of paired differences.
func TestDieboldMarianoIsThePairedTTest(t *testing.T) {
	a, b := []float64{1, -2, nan, 3, 0, -1, 4, nan, 2}, []float64{2, 2, 1, -2, 1, 1, 2, 1, 3}
	got, err := forecast.DieboldMariano{}.Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	// |a|-|b| is -1, 0, 1, -1, 0, 2, -1: the mean is 0, so shift a by 1 for a difference.
	if got.N != 7 || got.Difference != 0 || got.Statistic != 0 || !near(got.P, 1, 0, 1e-12) {
		t.Errorf("%+v, want no difference over 7 steps", got)
	}
	for i := range a {
		a[i] += math.Copysign(1, a[i])
	}
	// Differences 0, 1, 2, 0, 1, 3, 0: mean 1, sample variance 8/6; |b| adds up to 13.
	if got, err = (forecast.DieboldMariano{}).Compare(a, b); err != nil {
		t.Fatal(err)
	}
	want := 1 / math.Sqrt(8.0/6/7)
	if !near(got.Statistic, want, 0, 1e-12) || !near(got.Difference, 1, 0, 1e-12) || !near(got.Relative, 7.0/13, 0, 1e-12) {
		t.Errorf("%+v, want statistic %v, relative difference %v", got, want, 7.0/13)
	}
	back, err := forecast.DieboldMariano{}.Compare(b, a)
	if err != nil {
		t.Fatal(err)
	}
	if back.Statistic != -got.Statistic || back.P != got.P || back.Difference != -got.Difference {
		t.Errorf("swapped %+v, want the opposite of %+v", back, got)
	}
}

// noiseErrors returns the errors of two forecasts whose losses follow an AR(1).
func noiseErrors(n int, rho, shift float64, seed uint64) (a, b []float64) {
	r := rand.New(rand.NewPCG(seed, 3))
	v := r.NormFloat64() / math.Sqrt(1-rho*rho)
	for range n {
		v = rho*v + r.NormFloat64()
		a, b = append(a, 100+v+shift), append(b, 100)
	}
	return a, b
}

func TestDieboldMarianoBootstrap(t *testing.T) {
	// Of independent differences the interval is that of the normal distribution.
	a, b := noiseErrors(4000, 0, 0, 4)
	got, err := forecast.DieboldMariano{Block: 1, Resamples: 4000}.Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	half := (got.High - got.Low) / 2
	if want := 1.96 / math.Sqrt(4000) / 100; !near(half, want, 0, .05) {
		t.Errorf("half width %v, want %v", half, want)
	}
	if middle := (got.High + got.Low) / 2; math.Abs(middle-got.Relative) > .1*half {
		t.Errorf("the interval is around %v, not %v", middle, got.Relative)
	}
	// One block that goes all the way round is always the whole sample.
	if got, err = (forecast.DieboldMariano{Block: 4000}).Compare(a, b); err != nil {
		t.Fatal(err)
	}
	checkNear(t, "one block", []float64{got.Low, got.High}, []float64{got.Relative, got.Relative}, 1e-9)
	again, err := forecast.DieboldMariano{Block: 4000}.Compare(a, b)
	if err != nil || again != got {
		t.Errorf("twice is not the same: %+v and %+v, %v", got, again, err)
	}
}

// A forecast with next to no error has next to 100 % less of it, in every draw: differences
// and the errors that they are a part of are drawn together.
func TestDieboldMarianoBootstrapOfAlmostNoError(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	small, large := make([]float64, 200), make([]float64, 200)
	for i := range large {
		small[i], large[i] = 1e-3*r.NormFloat64(), math.Exp(2*r.NormFloat64())
		if i%2 == 0 {
			large[i] = 0
		}
	}
	c, err := forecast.DieboldMariano{Horizon: 1}.Compare(small, large)
	if err != nil {
		t.Fatal(err)
	}
	if !(-1 <= c.Low && c.Low <= c.Relative && c.Relative <= c.High && c.High < -.99) {
		t.Errorf("%v of the other's error less, interval %v to %v: nobody has less than none", -c.Relative, c.Low, c.High)
	}
}

// Where equals are compared whose losses depend on each other far beyond the horizon,
// the test is alarmed far too often and the bootstrap is not; a difference of that size
// both see.
func TestDieboldMarianoLongDependence(t *testing.T) {
	const samples = 200
	test, bootstrap, found := 0, 0, 0
	for seed := range uint64(samples) {
		a, b := noiseErrors(2000, .9, 0, seed)
		c, err := forecast.DieboldMariano{Block: 100, Resamples: 300, Seed: seed}.Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if c.P < .05 {
			test++
		}
		if c.BootstrapP < .05 {
			bootstrap++
		}
		if (c.BootstrapP < .05) != (c.Low > 0 || c.High < 0) && c.BootstrapP < .03 {
			t.Errorf("seed %d: p %v, but the interval is %v to %v", seed, c.BootstrapP, c.Low, c.High)
		}
		a, b = noiseErrors(2000, .9, 1, seed)
		if c, err = (forecast.DieboldMariano{Block: 100, Resamples: 300, Seed: seed}).Compare(a, b); err != nil {
			t.Fatal(err)
		}
		if c.BootstrapP < .05 && c.Low > 0 {
			found++
		}
	}
	if test < samples/3 || bootstrap > samples/8 || found < samples*9/10 {
		t.Errorf("of %d samples: %d alarms by the test, %d by the bootstrap, %d differences found", samples, test, bootstrap, found)
	}
}

func TestDieboldMarianoErrors(t *testing.T) {
	if _, err := (forecast.DieboldMariano{}).Compare([]float64{1, 2}, []float64{1}); err == nil {
		t.Error("different lengths give no error")
	}
	if _, err := (forecast.DieboldMariano{Horizon: 2}).Compare(upTo(4), upTo(4)); !errors.Is(err, forecast.ErrTooShort) {
		t.Errorf("error %v, want ErrTooShort", err)
	}
	// Equal forecasts have no variance.
	c, err := forecast.DieboldMariano{}.Compare(upTo(9), upTo(9))
	if err != nil || !math.IsNaN(c.Statistic) || !math.IsNaN(c.P) || c.BootstrapP != 1 || c.Difference != 0 {
		t.Errorf("%+v, %v; want no statistic", c, err)
	}
}
