package gate_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
)

// errorsOf are block sums around 100 whose noise is large, times a factor, with a
// noise of their own that is small.
func errorsOf(n int, factor, own float64, seed uint64) []result.Number {
	common, private := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(seed, 2))
	out := make([]result.Number, n)
	for i := range out {
		out[i] = result.Number(factor * 100 * math.Exp(0.8*common.NormFloat64()) * (1 + own*private.NormFloat64()))
	}
	return out
}

func check(t *testing.T, run, baseline *result.Blocks, opt gate.Options) result.Check {
	t.Helper()
	c, err := gate.Check(run, baseline, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestThreeOutcomes has one case for each way to each outcome.
func TestThreeOutcomes(t *testing.T) {
	const n = 120
	old := errorsOf(n, 1, 0, 0)
	for _, c := range []struct {
		name   string
		now    []result.Number
		want   result.CheckOutcome
		reason string
	}{
		{"the same", old, result.CheckPass, "nothing changed"},
		{"as good, other errors", errorsOf(n, 1, 0.005, 3), result.CheckPass, "not worse by the margin"},
		{"better", errorsOf(n, 0.9, 0.01, 3), result.CheckPass, "not worse by the margin"},
		{"a proven loss within the margin", errorsOf(n, 1.005, 0, 3), result.CheckPass, "worse, but by less"},
		{"a proven loss", errorsOf(n, 1.03, 0.01, 3), result.CheckRegression, "not by chance"},
		{"a loss that may be chance", errorsOf(n, 1.02, 0.3, 3), result.CheckInconclusive, "holds the margin"},
	} {
		g := check(t, single(c.now), single(old), gate.Options{}).Guards[0]
		if g.Outcome != c.want || !strings.Contains(g.Reason, c.reason) {
			t.Errorf("%s: %s (%s), want %s (%s); loss %v in %v", c.name, g.Outcome, g.Reason, c.want, c.reason, g.Loss, g.Interval)
		}
	}
}

// TestTooShort wants no verdict on changed forecasts of a short trace, however large
// the change, and a pass where nothing changed even on one block.
func TestTooShort(t *testing.T) {
	for _, n := range []int{1, 2, 5, 12} {
		old := errorsOf(n, 1, 0, 0)
		for _, factor := range []float64{0.5, 1.03, 3} {
			g := check(t, single(errorsOf(n, factor, 0, 0)), single(old), gate.Options{}).Guards[0]
			if g.Outcome != result.CheckInconclusive || !strings.Contains(g.Reason, "too short") {
				t.Errorf("%d blocks, times %v: %s (%s)", n, factor, g.Outcome, g.Reason)
			}
		}
		if g := check(t, single(old), single(old), gate.Options{}).Guards[0]; g.Outcome != result.CheckPass || g.Loss != 0 {
			t.Errorf("%d blocks, unchanged: %s, loss %v", n, g.Outcome, g.Loss)
		}
	}
}

// TestWhatIsCommonCancels wants the same noise in both to widen nothing: only what
// differs counts. The unpaired spread of these sums is some 10 %.
func TestWhatIsCommonCancels(t *testing.T) {
	g := check(t, single(errorsOf(150, 1.03, 0.01, 5)), single(errorsOf(150, 1, 0, 0)), gate.Options{}).Guards[0]
	if width := g.Interval[1] - g.Interval[0]; width > 0.01 || width <= 0 {
		t.Errorf("interval %v is %v wide", *g.Interval, width)
	}
	// Blocks in another order are not pairs: the gate must not be as sure of them.
	old := errorsOf(150, 1, 0, 0)
	shifted := append(append([]result.Number{}, old[71:]...), old[:71]...)
	if g := check(t, single(shifted), single(old), gate.Options{}).Guards[0]; g.Outcome == result.CheckPass {
		t.Errorf("errors of other instants pass, in %v", *g.Interval)
	}
}

// TestScaleOfTheLoad wants k times the load and the errors to change nothing.
func TestScaleOfTheLoad(t *testing.T) {
	a := check(t, single(errorsOf(90, 1.01, 0.02, 5)), single(errorsOf(90, 1, 0, 0)), gate.Options{}).Guards[0]
	b := check(t, single(errorsOf(90, 8*1.01, 0.02, 5)), single(errorsOf(90, 8, 0, 0)), gate.Options{}).Guards[0]
	if a.Outcome != b.Outcome || math.Abs(float64(a.Interval[0]-b.Interval[0])) > 1e-12 || math.Abs(float64(a.Interval[1]-b.Interval[1])) > 1e-12 {
		t.Errorf("%v in %v became %v in %v", a.Loss, *a.Interval, b.Loss, *b.Interval)
	}
}

// TestManyGuards wants the lower end of an interval to move down with the number of
// guards, the upper one to stay, and the worst outcome to decide.
func TestManyGuards(t *testing.T) {
	run, base := single(errorsOf(120, 1.03, 0.05, 5)), single(errorsOf(120, 1, 0, 0))
	one := check(t, run, base, gate.Options{})
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h"} {
		for _, b := range []*result.Blocks{run, base} {
			m := base.Models[0]
			m.Name = name
			b.Models = append(b.Models, m)
		}
	}
	all := check(t, run, base, gate.Options{})
	if len(all.Guards) != 8 || all.Count(result.CheckPass) != 7 {
		t.Fatalf("%d guards, %d pass", len(all.Guards), all.Count(result.CheckPass))
	}
	if a, b := *one.Guards[0].Interval, *all.Guards[0].Interval; !(b[0] < a[0]) || b[1] != a[1] {
		t.Errorf("alone %v, with seven others %v", a, b)
	}
	if one.Outcome != result.CheckRegression || all.Outcome != result.CheckRegression {
		t.Errorf("alone %s, with seven others %s", one.Outcome, all.Outcome)
	}
	only := check(t, run, base, gate.Options{Models: []string{"b"}})
	if only.Outcome != result.CheckPass || len(only.Guards) != 1 {
		t.Errorf("of the model that did not change: %s, %d guards", only.Outcome, len(only.Guards))
	}
}

// TestForecastThatFails wants a model that no longer forecasts to be a regression.
func TestForecastThatFails(t *testing.T) {
	now := errorsOf(50, 1, 0, 0)
	now[7] = result.Undefined()
	c := check(t, single(now), single(errorsOf(50, 1, 0, 0)), gate.Options{})
	if c.Outcome != result.CheckRegression || !strings.Contains(c.Guards[0].Reason, "1 of 50 blocks") {
		t.Errorf("%s: %s", c.Outcome, c.Guards[0].Reason)
	}
	if _, err := gate.Baseline(single(now), nil, nil); err == nil || !strings.Contains(err.Error(), "undefined") {
		t.Errorf("as a baseline: %v", err)
	}
}

// scaler is a run of a policy of so many days.
func scaler(days int, bad, over, price float64) *result.Blocks {
	b := single(errorsOf(50, 1, 0, 0))
	p := result.PolicyBlocks{Name: "v3", BlockSeconds: 86400}
	for d := range days {
		busy := result.Number(1 + 0.3*math.Sin(float64(d)))
		wobble := result.Number(1 + 0.01*math.Cos(2.3*float64(d)))
		p.Requests = append(p.Requests, 1e6*busy)
		p.Bad = append(p.Bad, 500*busy*result.Number(bad)*wobble)
		p.Over = append(p.Over, 1000*busy*result.Number(over)*wobble)
		p.Demand = append(p.Demand, 9000*busy)
		p.Price = append(p.Price, 20*busy*result.Number(price)*wobble)
	}
	b.Policies, b.Objective, b.Conditions = []result.PolicyBlocks{p}, 0.999, "x"
	return b
}

// TestScaler guards good requests, over-provisioning and price, each by itself.
func TestScaler(t *testing.T) {
	base := scaler(10, 1, 1, 1)
	for _, c := range []struct {
		name    string
		run     *result.Blocks
		measure string // that fails
	}{
		{"the same", scaler(10, 1, 1, 1), ""},
		{"4 % of the budget, within 5 %", scaler(10, 1.08, 1, 1), ""},
		{"20 % of the budget", scaler(10, 1.4, 1, 1), "bad requests"},
		{"more over-provisioning", scaler(10, 1, 1.2, 1), "over-provisioning"},
		{"a higher price", scaler(10, 1, 1, 1.1), "price"},
		{"a lower price", scaler(10, 1, 1, 0.8), ""},
	} {
		var wrong []string
		for _, g := range check(t, c.run, base, gate.Options{}).Guards {
			if g.Outcome != result.CheckPass {
				wrong = append(wrong, g.Measure)
			}
			if g.Outcome == result.CheckInconclusive {
				wrong = append(wrong, "inconclusive: "+g.Reason)
			}
		}
		if failed := strings.Join(wrong, ", "); failed != c.measure {
			t.Errorf("%s: fails %q, want %q", c.name, failed, c.measure)
		}
	}
	short := check(t, scaler(4, 1, 1.2, 1), scaler(4, 1, 1, 1), gate.Options{})
	if short.Outcome != result.CheckInconclusive {
		t.Errorf("4 days: %s", short.Outcome)
	}
}

// TestNotComparable wants a refusal that says why and what to do.
func TestNotComparable(t *testing.T) {
	base := scaler(8, 1, 1, 1)
	for _, c := range []struct {
		change func(*result.Blocks)
		want   string
	}{
		{func(b *result.Blocks) { b.Series.Checksum = "d" }, "other values; update the baseline with --update-baseline"},
		{func(b *result.Blocks) { b.Series.StepSeconds = 30 }, "steps of 30 s, not 60 s"},
		{func(b *result.Blocks) { b.Series.Points, b.Series.Checksum = 5, "d" }, "5 points, not 0"},
		{func(b *result.Blocks) { b.Models[0].Name = "other" }, `no scores of model "m", which the baseline guards; it has "other"`},
		{func(b *result.Blocks) { b.Models[0].Horizons[0].HorizonSeconds = 7 }, `no scores of model "m" at 5m`},
		{func(b *result.Blocks) { b.Policies = nil }, `no policy "v3", which the baseline guards; it has none`},
		{func(b *result.Blocks) { b.Conditions = "y" }, "under other conditions"},
	} {
		run := scaler(8, 1, 1, 1)
		c.change(run)
		if _, err := gate.Check(run, base, gate.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
