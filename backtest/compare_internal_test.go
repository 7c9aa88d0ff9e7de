package backtest

import (
	"math"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
)

// pastAndScored is a run with its share of good requests in the warm-up and after it.
func pastAndScored(value, past, scoredGood, podHours float64) *point {
	return &point{value: value, outputs: []output{{
		past:   scored{days: []tally{{requests: 1000, good: 1000 * past, bad: 1000 * (1 - past), podSeconds: 3600 * podHours}}},
		scored: scored{days: []tally{{requests: 1000, good: 1000 * scoredGood, bad: 1000 * (1 - scoredGood), podSeconds: 3600 * podHours, demandTime: 60, over: 6}}},
	}}}
}

func TestBestInThePast(t *testing.T) {
	c := &contest{env: &env{objective: 0.9, prices: prices{podHour: 1}}}
	k := &knob{from: 0, to: 10}
	for _, tc := range []struct {
		name   string
		points []*point
		want   float64
	}{
		{"the cheapest at the objective", []*point{pastAndScored(1, 0.8, 1, 1), pastAndScored(2, 0.95, 1, 5), pastAndScored(3, 0.91, 0, 4), pastAndScored(4, 0.99, 1, 9)}, 3},
		{"the best where none reaches it", []*point{pastAndScored(1, 0.5, 1, 1), pastAndScored(2, 0.8, 0, 9), pastAndScored(3, 0.7, 1, 4)}, 2},
		{"one that reaches it after one that is cheaper", []*point{pastAndScored(1, 0.89, 1, 1), pastAndScored(2, 0.9, 1, 5)}, 2},
	} {
		if got := c.bestInPast(sweepOf(k, tc.points...)); got == nil || got.value != tc.want {
			t.Errorf("%s: got %+v, want knob %v", tc.name, got, tc.want)
		}
	}
	silent := &point{value: 1, outputs: []output{{scored: scored{days: make([]tally, 1)}}}}
	if got := c.bestInPast(sweepOf(k, silent)); got != nil {
		t.Errorf("a warm-up without requests chose %v", got.value)
	}
}

// TestComparisonsOfASmallContest follows every sample through a contest of two policies
// with three runs each, whose prices are worked out by hand.
func TestComparisonsOfASmallContest(t *testing.T) {
	k := &knob{from: 0, to: 10}
	cand := sweepOf(k, pastAndScored(1, 0.8, 0.99, 10), pastAndScored(2, 0.9999, 0.9999, 20))
	base := sweepOf(k, pastAndScored(1, 0.8, 0.99, 20), pastAndScored(2, 0.9995, 0.9999, 40))
	cand.entrant.name, cand.entrant.kind = "v3", "v3"
	base.entrant.name, base.entrant.kind = "v2", "v2"
	c := &contest{
		env: &env{objective: 0.999, prices: prices{podHour: 1}}, candidate: "v3", equal: true,
		sweeps: []*sweep{cand, base},
		asIs:   map[string]*point{"v3": cand.points[1], "v2": base.points[1]},
		atCost: map[string]*point{"v2": base.points[0]},
	}
	want := map[string]struct {
		cost, sla, difference float64
		atObjective           bool
	}{
		result.AsConfigured: {1 - 20./40, math.NaN(), 0, true},
		result.EqualSLA:     {1 - 15./30, 0.999, 0, true}, // both half-way between their runs
		result.EqualSLAPast: {1 - 20./40, math.NaN(), 0, true},
		result.EqualCost:    {0, math.NaN(), 0.9999 - 0.99, false},
	}
	got := c.compare()
	if len(got) != len(want) {
		t.Fatalf("%d comparisons, want %d", len(got), len(want))
	}
	for _, g := range got {
		w := want[g.Sample]
		if math.Abs(float64(g.CostReduction)-w.cost) > 1e-4 || math.Abs(float64(g.SLADifference)-w.difference) > 1e-9 ||
			g.AtObjective != w.atObjective || g.SLA.Defined() != !math.IsNaN(w.sla) || g.SLA.Defined() && float64(g.SLA) != w.sla {
			t.Errorf("%s: %+v, want %+v", g.Sample, g, w)
		}
		if g.Candidate != "v3" || g.Baseline != "v2" || g.Confidence.Cost != nil {
			t.Errorf("%s: %+v", g.Sample, g)
		}
	}
	v := c.verdict(got)
	if v == nil || v.Outcome != result.Inconclusive || !v.AtObjective || !strings.Contains(v.Sentence, "50 %") || !strings.Contains(v.Sentence, "99.9 %") {
		t.Errorf("verdict %+v", v)
	}
}
