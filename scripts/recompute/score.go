package main

import (
	"math"
	"slices"
)

// scores are the figures of a policy, over all its seeds.
type scores struct {
	figures
	Latency quantiles
}

// score works out each measure in a pass of its own. Shares and ratios are of the sums
// over seeds, amounts are means.
func score(seeds []timeline, latencies []bucket, doc *document) scores {
	var s scores
	n := float64(len(seeds))
	var good, requests, bad, podHours, nodeHours, idle float64
	var over, under, overTime, underTime, demandTime float64
	var minutes, goodMinutes, upMinutes float64
	var pairs, unstable, actions, reversals float64
	var rises []float64
	for _, tl := range seeds {
		for _, r := range tl {
			if !r.scored || r.gap {
				continue
			}
			good += r.good
			bad += r.bad
			requests += r.good + r.bad
			podHours += r.podHours
			nodeHours += r.nodeHours
			if r.demand == 0 {
				idle += r.ready * r.seconds / 3600
				continue
			}
			demandTime += r.seconds
			over += math.Max(r.ready-r.demand, 0) / r.demand * r.seconds
			under += math.Max(r.demand-r.ready, 0) / r.demand * r.seconds
			if r.ready > r.demand {
				overTime += r.seconds
			}
			if r.ready < r.demand {
				underTime += r.seconds
			}
		}
		m, g, u := tl.minutes(doc.SLO.Objective)
		minutes, goodMinutes, upMinutes = minutes+m, goodMinutes+g, upMinutes+u
		p, k := tl.instability()
		pairs, unstable = pairs+p, unstable+k
		a, b := tl.actions()
		actions, reversals = actions+a, reversals+b
		rises = append(rises, tl.rises(doc)...)
	}
	share := func(a, b float64) nullable {
		if b == 0 {
			return nullable(math.NaN())
		}
		return nullable(a / b)
	}
	s.SLA.RequestsGood = share(good, requests)
	s.SLA.MinutesGood = share(goodMinutes, minutes)
	s.SLA.Availability = share(upMinutes, minutes)
	s.SLA.ErrorBudgetSpent = share(bad, (1-doc.SLO.Objective)*requests)
	s.Provisioning.ThetaOver, s.Provisioning.ThetaUnder = share(over, demandTime), share(under, demandTime)
	s.Provisioning.TauOver, s.Provisioning.TauUnder = share(overTime, demandTime), share(underTime, demandTime)
	s.Provisioning.Instability = share(unstable, pairs)
	s.Provisioning.IdleReplicaHours = nullable(idle / n)
	s.Cost.PodHours, s.Cost.NodeHours = nullable(podHours/n), nullable(nodeHours/n)
	s.Cost.Price = nullable((podHours*doc.App.PricePerReplicaHour + nodeHours*doc.App.PricePerNodeHour) / n)
	s.Scaling.Actions, s.Scaling.Reversals = math.Round(actions/n), math.Round(reversals/n)
	s.Scaling.ScaleUpSeconds.N = float64(len(rises))
	slices.Sort(rises)
	s.Scaling.ScaleUpSeconds.Mean = share(sum(rises), float64(len(rises)))
	s.Scaling.ScaleUpSeconds.P50 = nullable(orderStatistic(rises, 0.5))
	s.Scaling.ScaleUpSeconds.P95 = nullable(orderStatistic(rises, 0.95))
	s.Latency = quantiles{
		nullable(histogramQuantile(latencies, 0.5)), nullable(histogramQuantile(latencies, 0.95)), nullable(histogramQuantile(latencies, 0.99)),
	}
	return s
}

func sum(values []float64) float64 {
	var s float64
	for _, v := range values {
		s += v
	}
	return s
}

// minutes counts the scored minutes without a gap, those whose share of good requests
// meets the objective, and those with a ready replica and under 1 % errors. Of the
// minutes at either end only a part may be scored.
func (tl timeline) minutes(objective float64) (all, goodOnes, up float64) {
	for i := 0; i < len(tl); {
		j := i
		var good, requests, errs float64
		gap, ready := false, false
		for ; j < len(tl) && tl[j].minute == tl[i].minute && tl[j].scored == tl[i].scored; j++ {
			good += tl[j].good
			requests += tl[j].good + tl[j].bad
			errs += tl[j].errors
			gap = gap || tl[j].gap
			ready = ready || tl[j].ready > 0
		}
		if tl[i].scored && !gap {
			all++
			if good >= objective*requests {
				goodOnes++
			}
			if ready && (errs == 0 || errs < 0.01*requests) {
				up++
			}
		}
		i = j
	}
	return all, goodOnes, up
}

// instability counts, over full minutes, how often supply and demand did not move the
// same way: k + k' of the definition, min(|sgn ds - sgn dd|, 1).
func (tl timeline) instability() (pairs, unstable float64) {
	var last *row
	for i := range tl {
		r := &tl[i]
		if !r.scored || i > 0 && tl[i-1].scored && tl[i-1].minute == r.minute {
			continue
		}
		if last != nil && !last.gap && !r.gap {
			pairs++
			if sign(r.ready-last.ready) != sign(r.demand-last.demand) {
				unstable++
			}
		}
		last = r
	}
	return pairs, unstable
}

func sign(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// actions counts the changes of the replicas asked for, and those against the last
// one's direction within ten minutes of it. What happens in a gap only counts as the
// last one.
func (tl timeline) actions() (all, reversals float64) {
	direction, at := 0, int64(0)
	for i := 1; i < len(tl); i++ {
		step := sign(tl[i].desired - tl[i-1].desired)
		if step == 0 || !tl[i].scored {
			continue
		}
		now := tl[i].from.UnixNano()
		if !tl[i].gap {
			all++
			if direction == -step && now-at <= 600e9 {
				reversals++
			}
		}
		direction, at = step, now
	}
	return all, reversals
}

// rises returns for each level that demand rose to how long it took until as many
// replicas were ready, demand fell below it again, or the data ended; in seconds.
func (tl timeline) rises(doc *document) []float64 {
	var out []float64
	for i := 1; i < len(tl); i++ {
		if !tl[i].scored {
			continue
		}
		for level := tl[i-1].demand + 1; level <= tl[i].demand; level++ {
			end := doc.Dataset.End
			for j := i; j < len(tl); j++ {
				if tl[j].ready >= level || tl[j].demand < level {
					end = tl[j].from
					break
				}
			}
			out = append(out, end.Sub(tl[i].from).Seconds())
		}
	}
	return out
}

// orderStatistic is the sample quantile of type 7 of Hyndman and Fan (1996).
func orderStatistic(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	whole, part := math.Modf(q * float64(len(sorted)-1))
	i := int(whole)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return (1-part)*sorted[i] + part*sorted[i+1]
}

// histogramQuantile is PromQL's histogram_quantile: linear within the bucket, and the
// last finite bound beyond it.
func histogramQuantile(buckets []bucket, q float64) float64 {
	if len(buckets) == 0 || buckets[len(buckets)-1].within == 0 {
		return math.NaN()
	}
	rank := q * buckets[len(buckets)-1].within
	below := bucket{}
	for _, b := range buckets {
		if b.within >= rank {
			if math.IsInf(b.seconds, 1) {
				return below.seconds
			}
			return below.seconds + (b.seconds-below.seconds)*(rank-below.within)/(b.within-below.within)
		}
		below = b
	}
	return math.NaN()
}

// figuresOf puts reported and recomputed scores side by side.
func figuresOf(policy string, reported figures, got scores) []line {
	r, g := reported, got.figures
	l := func(score string, a, b nullable) line { return line{policy, score, float64(a), float64(b)} }
	n := func(score string, a, b float64) line { return line{policy, score, a, b} }
	return []line{
		l("sla.requestsGood", r.SLA.RequestsGood, g.SLA.RequestsGood),
		l("sla.minutesGood", r.SLA.MinutesGood, g.SLA.MinutesGood),
		l("sla.availability", r.SLA.Availability, g.SLA.Availability),
		l("sla.errorBudgetSpent", r.SLA.ErrorBudgetSpent, g.SLA.ErrorBudgetSpent),
		l("provisioning.thetaOver", r.Provisioning.ThetaOver, g.Provisioning.ThetaOver),
		l("provisioning.thetaUnder", r.Provisioning.ThetaUnder, g.Provisioning.ThetaUnder),
		l("provisioning.tauOver", r.Provisioning.TauOver, g.Provisioning.TauOver),
		l("provisioning.tauUnder", r.Provisioning.TauUnder, g.Provisioning.TauUnder),
		l("provisioning.instability", r.Provisioning.Instability, g.Provisioning.Instability),
		l("provisioning.idleReplicaHours", r.Provisioning.IdleReplicaHours, g.Provisioning.IdleReplicaHours),
		l("cost.podHours", r.Cost.PodHours, g.Cost.PodHours),
		l("cost.nodeHours", r.Cost.NodeHours, g.Cost.NodeHours),
		l("cost.price", r.Cost.Price, g.Cost.Price),
		n("scaling.actions", r.Scaling.Actions, g.Scaling.Actions),
		n("scaling.reversals", r.Scaling.Reversals, g.Scaling.Reversals),
		n("scaling.scaleUpSeconds.n", r.Scaling.ScaleUpSeconds.N, g.Scaling.ScaleUpSeconds.N),
		l("scaling.scaleUpSeconds.mean", r.Scaling.ScaleUpSeconds.Mean, g.Scaling.ScaleUpSeconds.Mean),
		l("scaling.scaleUpSeconds.p50", r.Scaling.ScaleUpSeconds.P50, g.Scaling.ScaleUpSeconds.P50),
		l("scaling.scaleUpSeconds.p95", r.Scaling.ScaleUpSeconds.P95, g.Scaling.ScaleUpSeconds.P95),
	}
}

func quantilesOf(policy string, reported, got quantiles) []line {
	return []line{
		{policy, "latencySeconds.p50", float64(reported.P50), float64(got.P50)},
		{policy, "latencySeconds.p95", float64(reported.P95), float64(got.P95)},
		{policy, "latencySeconds.p99", float64(reported.P99), float64(got.P99)},
	}
}
