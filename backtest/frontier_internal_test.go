package backtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var compareFigures = cmp.Options{cmp.AllowUnexported(figures{}), cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-4)}

func TestFrontierKeepsWhatNoRunBeats(t *testing.T) {
	f := newFrontier([]figures{
		{good: 0.99, price: 10}, {good: 0.99, price: 12}, {good: 0.98, price: 11}, {good: 0.9999, price: 20},
		{good: 0.9999, price: 20}, {good: 0.999, price: 21}, {good: math.NaN(), price: 1}, {good: 0.5, price: 3},
	})
	want := frontier{{good: 0.5, price: 3}, {good: 0.99, price: 10}, {good: 0.9999, price: 20}}
	if diff := cmp.Diff(want, f, compareFigures); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFrontierIsPareto checks random runs against the definition: no run beats one of
// the frontier in both, and one of the frontier is as good as every run in both.
func TestFrontierIsPareto(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		runs := make([]figures, r.IntN(12))
		for i := range runs {
			runs[i] = figures{good: float64(r.IntN(6)) / 6, price: float64(r.IntN(6))}
		}
		f := newFrontier(runs)
		for i, p := range f {
			if i > 0 && (p.good <= f[i-1].good || p.price <= f[i-1].price) {
				t.Fatalf("not by rising SLA and price: %v", f)
			}
			for _, q := range runs {
				if q.good >= p.good && q.price <= p.price && q != p {
					t.Fatalf("%v of the frontier is beaten by %v", p, q)
				}
			}
		}
		for _, q := range runs {
			covered := false
			for _, p := range f {
				covered = covered || p.good >= q.good && p.price <= q.price
			}
			if !covered {
				t.Fatalf("nothing of %v is as good as %v", f, q)
			}
		}
	}
}

// TestFrontierBetweenRuns: between 1 % and 0.01 % of bad requests, 0.1 % is half-way.
func TestFrontierBetweenRuns(t *testing.T) {
	low := figures{good: 0.99, thetaOver: 0.1, price: 10, riseMean: 60, podHours: 100}
	high := figures{good: 0.9999, thetaOver: 0.3, price: 20, riseMean: 20, podHours: 200}
	f := frontier{low, high}
	for _, tc := range []struct {
		name string
		good float64
		want figures
		ok   bool
	}{
		{"half-way", 0.999, figures{good: 0.999, thetaOver: 0.2, price: 15, riseMean: 40, podHours: 150}, true},
		{"three quarters", 1 - math.Pow(10, -3.5), figures{good: 1 - math.Pow(10, -3.5), thetaOver: 0.25, price: 17.5, riseMean: 30, podHours: 175}, true},
		{"at a run", 0.9999, high, true},
		{"below all", 0.9, low, true},
		{"above all", 0.99999, figures{}, false},
	} {
		got, ok := f.at(tc.good)
		if diff := cmp.Diff(tc.want, got, compareFigures); diff != "" || ok != tc.ok {
			t.Errorf("%s: %v (-want +got):\n%s", tc.name, ok, diff)
		}
	}
	// A run without a bad request is finitely far from one with a few.
	perfect := frontier{low, {good: 1, price: 30}}
	if got, ok := perfect.at(0.999999); !ok || !(got.price > 10 && got.price < 30) {
		t.Errorf("next to a perfect run: %v, %v", got, ok)
	}
}

func TestEqualSLA(t *testing.T) {
	cheap := frontier{{good: 0.99, price: 5}, {good: 0.9999, price: 15}}
	dear := frontier{{good: 0.99, price: 10}, {good: 0.9999, price: 30}}
	weak := frontier{{good: 0.9, price: 1}, {good: 0.99, price: 4}}
	always := frontier{{good: 0.99999, price: 9}}
	for _, tc := range []struct {
		name             string
		c, b             frontier
		cPrice, bPrice   float64
		at               float64
		atObjective, has bool
	}{
		{"both reach it", cheap, dear, 10, 20, 0.999, true, true},
		{"the baseline does not", cheap, weak, 5, 4, 0.99, false, true},
		{"the candidate does not", weak, dear, 4, 10, 0.99, false, true},
		{"the candidate is never below it", always, dear, 9, 20, 0.999, true, true},
		{"one has no run with requests", frontier{}, dear, 0, 0, 0, false, false},
		{"the other has none", cheap, frontier{}, 0, 0, 0, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, b, at, ok := equalSLA(tc.c, tc.b, 0.999)
			if ok != tc.atObjective {
				t.Errorf("at the objective: %v", ok)
			}
			if !tc.has {
				if d := reductions(c, b); !math.IsNaN(d.cost) || !math.IsNaN(d.over) || !math.IsNaN(d.rise) || !math.IsNaN(d.sla) || !math.IsNaN(at) {
					t.Errorf("a comparison out of nothing: %+v at %v", d, at)
				}
				return
			}
			if math.Abs(c.price-tc.cPrice) > 1e-4 || math.Abs(b.price-tc.bPrice) > 1e-4 || at != tc.at {
				t.Errorf("prices %v and %v at %v; want %v and %v at %v", c.price, b.price, at, tc.cPrice, tc.bPrice, tc.at)
			}
		})
	}
}

func TestReductions(t *testing.T) {
	d := reductions(figures{good: 0.999, thetaOver: 0.2, price: 15, riseMean: 0}, figures{good: 0.99, thetaOver: 0.4, price: 10, riseMean: 0})
	if math.Abs(d.over-0.5) > 1e-12 || math.Abs(d.cost+0.5) > 1e-12 || math.Abs(d.sla-0.009) > 1e-12 || !math.IsNaN(d.rise) {
		t.Errorf("got %+v; want half the over-provisioning, half more cost, 0.009 of SLA, no rise time", d)
	}
}
