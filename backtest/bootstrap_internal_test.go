package backtest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/sim"
)

// twoPolicies is a contest of a candidate and a baseline with the tallies of days, by
// seed.
func twoPolicies(seed uint64, candidate, baseline [][]tally) *contest {
	c := &contest{
		env: &env{
			objective: 0.999, prices: prices{podHour: 1}, scoredFrom: monday,
			load: sim.Load{Start: monday, Step: 24 * time.Hour, Values: make([]float64, len(candidate[0]))},
		},
		seed: seed, candidate: "new", asIs: map[string]*point{},
	}
	for name, days := range map[string][][]tally{"new": candidate, "old": baseline} {
		p := &point{}
		for _, d := range days {
			p.outputs = append(p.outputs, output{scored: scored{days: d}})
		}
		c.asIs[name] = p
	}
	c.sweeps = []*sweep{{entrant: &entrant{name: "new"}}, {entrant: &entrant{name: "old"}}}
	return c
}

// randomDays draws days that differ a lot from each other; a candidate of the same
// luck costs share as much, give or take noise of each day.
func randomDays(r *rand.Rand, n int, share, noise float64) (candidate, baseline []tally) {
	for range n {
		size := math.Exp(0.5 * r.NormFloat64())
		b := tally{requests: 1e6, good: 0.998e6, demandTime: 86400, over: 86400 * size, podSeconds: 3600 * size, rises: 10, riseSeconds: 600 * size}
		c := b
		c.podSeconds *= share * (1 + noise*r.NormFloat64())
		c.over *= share * (1 + noise*r.NormFloat64())
		c.good += 1e3
		candidate, baseline = append(candidate, c), append(baseline, b)
	}
	return candidate, baseline
}

func TestNoIntervalUnderSevenDays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, days := range []int{1, 6, 7} {
		cand, base := randomDays(r, days, 0.8, 0.1)
		got := twoPolicies(1, [][]tally{cand}, [][]tally{base}).compare()
		if len(got) != 1 {
			t.Fatalf("%d comparisons, want 1", len(got))
		}
		c := got[0].Confidence
		for name, i := range map[string]*result.Interval{"cost": c.Cost, "over": c.OverProvisioning, "rise": c.ScaleUpTime, "sla": c.SLA} {
			if (i != nil) != (days >= 7) {
				t.Errorf("%d days: interval of %s is %v", days, name, i)
			}
		}
		if c.Level != 0.95 {
			t.Errorf("level %v", c.Level)
		}
	}
}

// TestSamePolicyGivesNoDifference: every resample is shared, so a policy compared with
// itself differs by exactly nothing.
func TestSamePolicyGivesNoDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var days [][]tally
	for range 3 {
		d, _ := randomDays(r, 10, 1, 0.3)
		days = append(days, d)
	}
	got := twoPolicies(1, days, days).compare()[0]
	for name, i := range map[string]*result.Interval{
		"cost": got.Confidence.Cost, "over": got.Confidence.OverProvisioning, "rise": got.Confidence.ScaleUpTime, "sla": got.Confidence.SLA,
	} {
		if i == nil || *i != (result.Interval{0, 0}) {
			t.Errorf("interval of %s is %v, want [0, 0]", name, i)
		}
	}
	if got.CostReduction != 0 || got.SLADifference != 0 {
		t.Errorf("a difference: %+v", got)
	}
}

// TestPairingRemovesSharedLuck: days differ by a factor of e, the policies by a fifth
// on each of them; the interval must not be wider than the policies' own noise.
func TestPairingRemovesSharedLuck(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	cand, base := randomDays(r, 30, 0.8, 0.01)
	i := twoPolicies(1, [][]tally{cand}, [][]tally{base}).compare()[0].Confidence.Cost
	if i == nil || math.Abs(float64(i[0])-0.2) > 0.01 || math.Abs(float64(i[1])-0.2) > 0.01 {
		t.Errorf("got %v, want about [0.2, 0.2]", i)
	}
}

// TestIntervalsCoverTheTruth counts over many synthetic runs how often the 95 %
// interval holds the true reduction: within three standard errors of 95 %, and two
// points short at most where there are few days.
func TestIntervalsCoverTheTruth(t *testing.T) {
	const runs = 400
	standardError := math.Sqrt(0.95 * 0.05 / runs)
	for _, days := range []int{7, 14, 28} {
		r := rand.New(rand.NewPCG(4, uint64(days)))
		covered, below, above := 0, 0, 0
		for m := range runs {
			cand, base := randomDays(r, days, 0.8, 0.3)
			i := twoPolicies(uint64(m), [][]tally{cand}, [][]tally{base}).compare()[0].Confidence.Cost
			switch {
			case i == nil:
				t.Fatal("no interval")
			case i[1] < 0.2:
				below++
			case i[0] > 0.2:
				above++
			default:
				covered++
			}
		}
		if share := float64(covered) / runs; math.Abs(share-0.94) > 0.01+3*standardError {
			t.Errorf("%d days: covered %.3f of %d runs (%d below, %d above)", days, share, runs, below, above)
		}
	}
}

// TestSeedsAreNotDays: ten seeds of which each saw the same say no more than one.
func TestSeedsAreNotDays(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	cand, base := randomDays(r, 28, 0.8, 0.3)
	width := func(seeds int) float64 {
		var c, b [][]tally
		for range seeds {
			c, b = append(c, cand), append(b, base)
		}
		i := twoPolicies(1, c, b).compare()[0].Confidence.Cost
		return float64(i[1] - i[0])
	}
	if one, ten := width(1), width(10); math.Abs(ten/one-1) > 0.15 {
		t.Errorf("the interval is %.3f wide with one seed, %.3f with ten that are alike", one, ten)
	}
}

// TestStudentT uses the table of any textbook: t(0.975) with so many degrees of freedom.
func TestStudentT(t *testing.T) {
	for freedom, want := range map[float64]float64{3: 3.182, 5: 2.571, 10: 2.228, 30: 2.042, 1e9: 1.960} {
		if got := studentT(freedom); math.Abs(got-want) > 0.01*want {
			t.Errorf("%v degrees of freedom: %.4f, want %.3f", freedom, got, want)
		}
	}
}

// TestDrawsAreFair: each draw has as many days as the run, wraps around, and favours
// no day and no seed.
func TestDrawsAreFair(t *testing.T) {
	const seeds, days, n = 3, 11, 20000
	r := rand.New(rand.NewPCG(5, 5))
	var counts [seeds][days]float64
	for range n {
		var total float64
		for s, row := range drawDays(r, seeds, days) {
			for d, w := range row {
				counts[s][d] += w
				total += w
			}
		}
		if total != seeds*days {
			t.Fatalf("%v days drawn, want %d", total, seeds*days)
		}
	}
	for s, row := range counts {
		for d, c := range row {
			// A weight is the product of how often the day and the seed were drawn, each of
			// mean 1 and variance below 1: its own variance is below 3.
			if math.Abs(c/n-1) > 5*math.Sqrt(3./n) {
				t.Errorf("day %d of seed %d was drawn %.3f times a draw, want 1", d, s, c/n)
			}
		}
	}
}

// TestBlocksKeepNeighbours: 27 days are drawn as nine blocks of three. A block holds a
// given day with probability 3/27 and a given pair of neighbours with 2/27, so the
// weights of neighbours correlate by (2/27 - (3/27)^2) / (3/27 - (3/27)^2) = 5/8.
func TestBlocksKeepNeighbours(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const days, n = 27, 20000
	var product, square float64
	for range n {
		row := drawDays(r, 1, days)[0]
		for d := range row {
			product += (row[d] - 1) * (row[(d+1)%days] - 1)
			square += (row[d] - 1) * (row[d] - 1)
		}
	}
	if got := product / square; math.Abs(got-5./8) > 0.01 {
		t.Errorf("weights of neighbours correlate by %.3f, want 5/8", got)
	}
}

func TestIntervalsLeaveOutWhatIsMostlyUndefined(t *testing.T) {
	draws := make([]differences, 1000)
	for i := range draws {
		draws[i] = differences{over: float64(i), rise: float64(i), cost: math.NaN(), sla: float64(i) / 1000}
		if i%20 == 0 { // 5 %
			draws[i].over = math.Inf(-1)
		}
		if i%5 == 0 { // 20 %
			draws[i].rise = math.NaN()
		}
	}
	c := intervals(draws, 0.025)
	if c.Cost != nil || c.ScaleUpTime != nil {
		t.Errorf("intervals of what is undefined: cost %v, rise %v", c.Cost, c.ScaleUpTime)
	}
	if c.OverProvisioning == nil || math.IsInf(float64(c.OverProvisioning[0]), 0) {
		t.Errorf("over-provisioning: %v", c.OverProvisioning)
	}
	// Quantiles 0.025 and 0.975 of 0, 0.001, ..., 0.999.
	if c.SLA == nil || math.Abs(float64(c.SLA[0])-0.024975) > 1e-12 || math.Abs(float64(c.SLA[1])-0.974025) > 1e-12 {
		t.Errorf("SLA: %v", c.SLA)
	}
}

func TestOutcomeWord(t *testing.T) {
	for _, tc := range []struct {
		i    *result.Interval
		want string
	}{
		{nil, result.Inconclusive},
		{&result.Interval{0.1, 0.2}, result.Better},
		{&result.Interval{-0.2, -0.1}, result.Worse},
		{&result.Interval{-0.1, 0.1}, result.Same},
		{&result.Interval{0, 0}, result.Same},
	} {
		if got := outcomeWord(tc.i); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.i, got, tc.want)
		}
	}
}
