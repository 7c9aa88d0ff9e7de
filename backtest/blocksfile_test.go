package backtest_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"hindcast.dev/backtest"
	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
)

// TestBlocksAddUpToTheResult wants the blocks of a run to hold the figures that
// result.json has: the same scores, cut by time.
func TestBlocksAddUpToTheResult(t *testing.T) {
	x := experiment("step", "hpa", "static")
	x.Spec.Seeds = 2
	dir, res := run(t, x, backtest.Options{Parallel: 2})
	data, err := os.ReadFile(filepath.Join(dir, result.BlocksFile))
	if err != nil {
		t.Fatal(err)
	}
	b, err := gate.DecodeRun(data, result.BlocksFile)
	if err != nil {
		t.Fatal(err)
	}
	total := func(v []result.Number) float64 {
		t := 0.0
		for _, x := range v {
			t += float64(x)
		}
		return t
	}
	near := func(what string, got float64, want result.Number) {
		t.Helper()
		if math.Abs(got-float64(want)) > 1e-5*math.Abs(float64(want)) {
			t.Errorf("%s: blocks give %v, the result says %v", what, got, want)
		}
	}
	if len(b.Policies) != len(res.Policies) {
		t.Fatalf("%d policies, want %d", len(b.Policies), len(res.Policies))
	}
	for i, p := range b.Policies {
		want := res.Policies[i]
		if p.Name != want.Name {
			t.Fatalf("policy %q, want %q", p.Name, want.Name)
		}
		near(p.Name+" good", 1-total(p.Bad)/total(p.Requests), want.SLA.RequestsGood)
		near(p.Name+" over", total(p.Over)/total(p.Demand), want.Provisioning.ThetaOver)
		near(p.Name+" price", total(p.Price)/2, want.Cost.Price)
	}
	k := 0
	for _, m := range b.Models {
		for _, h := range m.Horizons {
			near(m.Name+" WAPE", total(h.Absolute)/total(h.Size), res.Forecasts[k].WAPE)
			k++
		}
	}
	if k != len(res.Forecasts) || k == 0 {
		t.Errorf("%d scores, want %d", k, len(res.Forecasts))
	}
}
