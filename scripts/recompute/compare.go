package main

import (
	"math"
	"slices"
)

// Samples of runs and comparisons.
const (
	asConfigured = "as-configured"
	equalSLA     = "equal-sla"
	equalCost    = "equal-cost"
)

// A spot is where a policy stands: how well it serves and what that takes.
type spot struct{ good, over, rise, price, podHours float64 }

func spotOf(f figures) spot {
	return spot{
		float64(f.SLA.RequestsGood), float64(f.Provisioning.ThetaOver), float64(f.Scaling.ScaleUpSeconds.Mean),
		float64(f.Cost.Price), float64(f.Cost.PodHours),
	}
}

// compare works out the comparisons from the points of the sweeps.
func compare(doc *document) []line {
	var lines []line
	for _, c := range doc.Comparisons {
		var candidate, baseline spot
		at, atObjective := math.NaN(), false
		switch c.Sample {
		case asConfigured, equalCost:
			var ok bool
			candidate, _ = doc.point(c.Candidate, asConfigured, 0)
			if c.Sample == asConfigured {
				baseline, ok = doc.point(c.Baseline, asConfigured, 0)
			} else {
				baseline, ok = doc.point(c.Baseline, equalCost, candidate.podHours)
			}
			if !ok {
				baseline = spot{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
			}
			atObjective = candidate.good >= doc.SLO.Objective && baseline.good >= doc.SLO.Objective
		case equalSLA:
			a, b := doc.points(c.Candidate), doc.points(c.Baseline)
			at = math.Min(doc.SLO.Objective, math.Min(best(a), best(b)))
			candidate, baseline = cheapest(a, at), cheapest(b, at)
			atObjective = at == doc.SLO.Objective
		default:
			continue
		}
		name := c.Candidate + " against " + c.Baseline + ", " + c.Sample
		lines = append(lines,
			line{name, "overProvisioningReduction", float64(c.OverProvisioningReduction), reduction(candidate.over, baseline.over)},
			line{name, "scaleUpTimeReduction", float64(c.ScaleUpTimeReduction), reduction(candidate.rise, baseline.rise)},
			line{name, "candidateScaleUpSeconds", float64(c.CandidateScaleUpSeconds), candidate.rise},
			line{name, "baselineScaleUpSeconds", float64(c.BaselineScaleUpSeconds), baseline.rise},
			line{name, "costReduction", float64(c.CostReduction), reduction(candidate.price, baseline.price)},
			line{name, "slaDifference", float64(c.SLADifference), candidate.good - baseline.good},
			line{name, "sla", float64(c.SLA), at},
			line{name, "atObjective", truth(c.AtObjective), truth(atObjective)},
		)
	}
	return lines
}

func reduction(candidate, baseline float64) float64 {
	if baseline == 0 {
		return math.NaN()
	}
	return 1 - candidate/baseline
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// point returns the run of a policy in a sample. The run at equal cost may be the one
// as configured, and is always within a hundredth of the pod-hours asked for.
func (d *document) point(policy, sample string, podHours float64) (spot, bool) {
	for _, wanted := range []string{sample, asConfigured} {
		for _, r := range d.Runs {
			s := spotOf(r.figures)
			if r.Policy == policy && r.Sample == wanted && (podHours == 0 || math.Abs(s.podHours-podHours) <= 0.01*podHours) {
				return s, true
			}
		}
	}
	// With the equal-cost label on none of its runs, the closest one is another's.
	closest, found := spot{podHours: math.Inf(1)}, false
	for _, s := range d.points(policy) {
		if math.Abs(s.podHours-podHours) < math.Abs(closest.podHours-podHours) {
			closest, found = s, true
		}
	}
	return closest, found && math.Abs(closest.podHours-podHours) <= 0.01*podHours
}

// points are all runs of a policy that served any requests.
func (d *document) points(policy string) []spot {
	var out []spot
	for _, r := range d.Runs {
		if s := spotOf(r.figures); r.Policy == policy && !math.IsNaN(s.good) {
			out = append(out, s)
		}
	}
	return out
}

func best(points []spot) float64 {
	top := math.NaN()
	for _, p := range points {
		if !(p.good <= top) {
			top = p.good
		}
	}
	return top
}

// cheapest is where the cost-SLA frontier of the points stands at a share of good
// requests: between the cheapest point that is as good and the best of the cheaper
// ones, linearly in the logarithm of the share of bad requests.
func cheapest(points []spot, good float64) spot {
	byPrice := slices.Clone(points)
	slices.SortFunc(byPrice, func(a, b spot) int {
		switch {
		case a.price < b.price, a.price == b.price && a.good > b.good:
			return -1
		case a == b:
			return 0
		}
		return 1
	})
	below, has := spot{}, false
	for _, p := range byPrice {
		if p.good >= good {
			if !has || p.good == good {
				return p
			}
			scale := func(g float64) float64 { return math.Log(1 - g + 1e-9) }
			w := (scale(below.good) - scale(good)) / (scale(below.good) - scale(p.good))
			mix := func(a, b float64) float64 { return (1-w)*a + w*b }
			return spot{good, mix(below.over, p.over), mix(below.rise, p.rise), mix(below.price, p.price), mix(below.podHours, p.podHours)}
		}
		if !has || p.good > below.good {
			below, has = p, true
		}
	}
	return spot{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
}
