package backtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"hindcast.dev/backtest/result"
)

// A contest is what the comparisons of one dataset are made from.
type contest struct {
	env       *env
	seed      uint64
	sweeps    []*sweep          // in the order of the policies
	asIs      map[string]*point // as configured
	atCost    map[string]*point // pod-hours of the candidate; absent: not looked for
	candidate string
	equal     bool // the sweeps were run
}

func (c *contest) sweep(name string) *sweep {
	for _, s := range c.sweeps {
		if s.entrant.name == name {
			return s
		}
	}
	return nil
}

// compare compares the candidate with every other policy on every sample.
func (c *contest) compare() []result.Comparison {
	var out []result.Comparison
	draws := c.draws()
	for _, base := range c.sweeps {
		if base.entrant.name == c.candidate {
			continue
		}
		cand := c.sweep(c.candidate)
		asConfigured := c.pair(result.AsConfigured, base, c.asIs[c.candidate], c.asIs[base.entrant.name], draws)
		out = append(out, asConfigured)
		if !c.equal {
			continue
		}
		out = append(out, c.equalSLA(cand, base, draws))
		if past, ok := c.tunedOnPast(cand, base, draws); ok {
			out = append(out, past)
		}
		if p := c.atCost[base.entrant.name]; p != nil {
			out = append(out, c.pair(result.EqualCost, base, c.asIs[c.candidate], p, draws))
		}
	}
	return out
}

// draws are the resamples, none under fewestDays scored days.
func (c *contest) draws() []resample {
	outputs := c.asIs[c.candidate].outputs
	days := len(outputs[0].scored.days)
	// A last day of less than 24 hours is left out of the count.
	whole := int(c.env.load.End().Sub(c.env.scoredFrom) / day)
	if whole < fewestDays {
		return nil
	}
	r := rand.New(rand.NewPCG(c.seed, 0x626f6f74)) // "boot"
	draws := make([]resample, resamples)
	for i := range draws {
		draws[i] = drawDays(r, len(outputs), days)
	}
	return draws
}

// pair compares two points as they are.
func (c *contest) pair(sample string, base *sweep, candidate, baseline *point, draws []resample) result.Comparison {
	ct, bt := candidate.scored(), baseline.scored()
	cf, bf := ct.figures(c.env.prices), bt.figures(c.env.prices)
	out := comparison(c.candidate, base.entrant.name, sample, cf, bf)
	out.SLA = result.Undefined()
	out.AtObjective = cf.good >= c.env.objective && bf.good >= c.env.objective
	cd, bd := candidate.days(), baseline.days()
	out.Confidence = c.confidence(draws, func(w resample) differences {
		ct, bt := w.weigh(cd), w.weigh(bd)
		return reductions(ct.figures(c.env.prices), bt.figures(c.env.prices))
	})
	return out
}

func (c *contest) confidence(draws []resample, of func(resample) differences) result.Confidence {
	if len(draws) == 0 {
		return result.Confidence{Level: confidenceLevel}
	}
	diffs := make([]differences, len(draws))
	for i, w := range draws {
		diffs[i] = of(w)
	}
	return intervals(diffs, tailFor(len(draws[0][0])))
}

// equalSLA compares the frontiers of two sweeps at the objective.
func (c *contest) equalSLA(cand, base *sweep, draws []resample) result.Comparison {
	cf := cand.frontier(c.env.prices, (*point).scored)
	bf := base.frontier(c.env.prices, (*point).scored)
	ca, ba, at, ok := equalSLA(cf, bf, c.env.objective)
	out := comparison(c.candidate, base.entrant.name, result.EqualSLA, ca, ba)
	out.SLA, out.AtObjective = result.Number(at), ok
	candDays, baseDays := daysOf(cand), daysOf(base)
	out.Confidence = c.confidence(draws, func(w resample) differences {
		ca, ba, _, _ := equalSLA(c.reweigh(candDays, w), c.reweigh(baseDays, w), c.env.objective)
		return reductions(ca, ba)
	})
	return out
}

func daysOf(s *sweep) [][][]tally {
	var days [][][]tally
	for _, p := range s.all() {
		days = append(days, p.days())
	}
	return days
}

func (c *contest) reweigh(days [][][]tally, w resample) frontier {
	runs := make([]figures, len(days))
	for i := range days {
		t := w.weigh(days[i])
		runs[i] = t.figures(c.env.prices)
	}
	return newFrontier(runs)
}

// tunedOnPast compares the policies with the knob that was cheapest at the objective
// in the warm-up, or, where none reached it, had the best SLA there.
func (c *contest) tunedOnPast(cand, base *sweep, draws []resample) (result.Comparison, bool) {
	cp, bp := c.bestInPast(cand), c.bestInPast(base)
	if cp == nil || bp == nil {
		return result.Comparison{}, false
	}
	return c.pair(result.EqualSLAPast, base, cp, bp, draws), true
}

func (c *contest) bestInPast(s *sweep) *point {
	var best *point
	var bestGood, bestPrice float64
	for _, p := range s.all() {
		t := p.past()
		if t.requests == 0 {
			return nil
		}
		good, price := t.good/t.requests, t.price(c.env.prices)
		reaches, bestReaches := good >= c.env.objective, bestGood >= c.env.objective
		switch {
		case best == nil,
			reaches && !bestReaches,
			reaches && price < bestPrice,
			!reaches && !bestReaches && good > bestGood:
			best, bestGood, bestPrice = p, good, price
		}
	}
	return best
}

func comparison(candidate, baseline, sample string, c, b figures) result.Comparison {
	d := reductions(c, b)
	return result.Comparison{
		Candidate: candidate, Baseline: baseline, Sample: sample,
		CandidateScaleUpSeconds: result.Number(c.riseMean), BaselineScaleUpSeconds: result.Number(b.riseMean),
		OverProvisioningReduction: result.Number(d.over),
		ScaleUpTimeReduction:      result.Number(d.rise),
		CostReduction:             result.Number(d.cost),
		SLADifference:             result.Number(d.sla),
	}
}

// verdict words the equal-SLA comparison of the candidate with the baseline that
// matters most: V2, else the HPA, else the first.
func (c *contest) verdict(comparisons []result.Comparison) *result.Verdict {
	var chosen *result.Comparison
	rank := map[string]int{"v2": 3, "hpa": 2, "v3": 2, "static": 1, "oracle": 0} // by kind
	for i := range comparisons {
		cmp := &comparisons[i]
		if cmp.Sample != result.EqualSLA || !cmp.CostReduction.Defined() {
			continue
		}
		if chosen == nil || rank[c.sweep(cmp.Baseline).entrant.kind] > rank[c.sweep(chosen.Baseline).entrant.kind] {
			chosen = cmp
		}
	}
	if chosen == nil {
		return nil
	}
	v := &result.Verdict{
		Candidate: chosen.Candidate, Baseline: chosen.Baseline, AtObjective: chosen.AtObjective,
		Outcome: outcomeWord(chosen.Confidence.Cost),
	}
	v.Sentence = sentence(chosen, v.Outcome, c.env.objective) + c.others(chosen, comparisons)
	return v
}

// others adds what a reader of the verdict should know of the other baselines that
// could be run in earnest.
func (c *contest) others(chosen *result.Comparison, comparisons []result.Comparison) string {
	var s strings.Builder
	for i := range comparisons {
		cmp := &comparisons[i]
		if cmp.Sample != result.EqualSLA || cmp == chosen || !cmp.CostReduction.Defined() {
			continue
		}
		if kind := c.sweep(cmp.Baseline).entrant.kind; kind == "static" || kind == "oracle" {
			continue
		}
		fmt.Fprintf(&s, " It costs %s %s %s%s.",
			change(float64(cmp.CostReduction)), than(float64(cmp.CostReduction)), cmp.Baseline, span(cmp.Confidence.Cost))
	}
	return s.String()
}

func outcomeWord(cost *result.Interval) string {
	switch {
	case cost == nil:
		return result.Inconclusive
	case cost[0] > 0:
		return result.Better
	case cost[1] < 0:
		return result.Worse
	}
	return result.Same
}

func sentence(c *result.Comparison, outcome string, objective float64) string {
	at := fmt.Sprintf("At %s of requests good", percent(objective, 3))
	if !c.AtObjective {
		at = fmt.Sprintf("At %s of requests good, the best that both reach (the objective of %s is out of reach for one of them)",
			percent(float64(c.SLA), 3), percent(objective, 3))
	}
	s := fmt.Sprintf("%s, %s costs %s %s %s%s", at, c.Candidate, change(float64(c.CostReduction)), than(float64(c.CostReduction)), c.Baseline, span(c.Confidence.Cost))
	if c.OverProvisioningReduction.Defined() {
		s += fmt.Sprintf(" and over-provisions %s%s", change(float64(c.OverProvisioningReduction)), span(c.Confidence.OverProvisioning))
	}
	if c.CandidateScaleUpSeconds.Defined() && c.BaselineScaleUpSeconds.Defined() {
		s += fmt.Sprintf("; rises of demand are covered after %s on average, against %s",
			shortSeconds(float64(c.CandidateScaleUpSeconds)), shortSeconds(float64(c.BaselineScaleUpSeconds)))
	}
	if outcome == result.Inconclusive {
		s += ". Fewer than 7 scored days: how sure this is cannot be said"
	}
	return s + "."
}

// change words a reduction.
func change(reduction float64) string {
	switch share := percent(math.Abs(reduction), 0); {
	case share == "0 %":
		return "as much"
	case reduction < 0:
		return share + " more"
	default:
		return share + " less"
	}
}

func span(i *result.Interval) string {
	if i == nil {
		return ""
	}
	return fmt.Sprintf(" (95 %% interval: %s to %s)", change(float64(i[0])), change(float64(i[1])))
}

// than joins a change to what it is measured against.
func than(reduction float64) string {
	if change(reduction) == "as much" {
		return "as"
	}
	return "than"
}
