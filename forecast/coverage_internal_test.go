package forecast

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// The numbers are those of testdata/coverage_golden.R, from R's sandwich package.
func TestLongRunVarianceGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/coverage_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Name     string
		Values   []float64
		Variance float64 // of the mean
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) < 10 {
		t.Fatalf("only %d cases", len(golden))
	}
	for _, g := range golden {
		if got := longRunVariance(g.Values) / float64(len(g.Values)); math.Abs(got-g.Variance) > 1e-9*g.Variance {
			t.Errorf("%s: variance of the mean %v, R has %v", g.Name, got, g.Variance)
		}
	}
}

// Of misses that come together the share of two standard errors holds the true coverage as
// often as two standard errors should; that of independent ones would not.
func TestCoverageErrorCountsDependence(t *testing.T) {
	const rounds, steps, stay = 400, 2000, .9
	random := rand.New(rand.NewPCG(1, 2))
	dependent, independent := 0, 0
	for range rounds {
		var c coverage
		held := random.Float64() < .8
		for range steps {
			if random.Float64() > stay { // a new draw: the share held is 0.8, its correlation 0.9^lag
				held = random.Float64() < .8
			}
			y := 2.
			if held {
				y = 0
			}
			c.add(y, -1, 1)
		}
		off := math.Abs(c.share() - .8)
		if off <= 2*c.standardError() {
			dependent++
		}
		if off <= 2*math.Sqrt(c.share()*(1-c.share())/steps) {
			independent++
		}
	}
	if share := float64(dependent) / rounds; share < .88 {
		t.Errorf("two standard errors held the coverage in %.2f of the rounds", share)
	}
	if share := float64(independent) / rounds; share > .6 {
		t.Errorf("independent ones held it in %.2f: the misses did not come together", share)
	}
}

func TestCoverageErrorOfNothing(t *testing.T) {
	var none, one, all coverage
	one.add(1, 0, 2)
	for range 10 {
		all.add(1, 0, 2)
	}
	for name, c := range map[string]*coverage{"none": &none, "one": &one, "all": &all} {
		if e := c.standardError(); !math.IsNaN(e) {
			t.Errorf("%s: standard error %v", name, e)
		}
	}
	if all.share() != 1 || !math.IsNaN(none.share()) {
		t.Errorf("shares %v and %v", all.share(), none.share())
	}
}
