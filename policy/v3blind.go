package policy

import (
	"math"
	"slices"
	"time"
)

// grown is how much a load must have grown by the CPU of the pods before that counts: the
// tolerance of an HPA.
const grown = 1 + defaultTolerance

// A standIn tells a load by the CPU of the pods while it has no value. Pods that are full
// show no more than that they are, so it is a lower bound, and counts upwards only.
type standIn struct {
	load, cpu float64 // sums over the decisions that had both, older ones less
}

// standInMemory is what a sum weighs one decision later: the last five minutes count.
const standInMemory = 0.9

// observe takes a load and the CPU that the pods used for it; 0: not known.
func (s *standIn) observe(load float64, milliCPU int64) {
	if milliCPU > 0 {
		s.load = standInMemory*s.load + load
		s.cpu = standInMemory*s.cpu + float64(milliCPU)
	}
}

// of is the load for which pods use so much; NaN where that is not known.
func (s *standIn) of(milliCPU int64) float64 {
	if s.cpu == 0 || milliCPU == 0 {
		return math.NaN()
	}
	return s.load / s.cpu * float64(milliCPU)
}

// milliCPUOf is what the pods use whose CPU says something of the load, by the rules of an
// HPA: those that start use CPU for that.
func milliCPUOf(in *Input) int64 {
	var sum int64
	if in.PodsErr != nil {
		return 0
	}
	for i := range in.Pods {
		p := &in.Pods[i]
		if p.Ready && !p.Deleting && p.Sample != nil && !starting(p, in.Now, defaultCPUInitialization, defaultReadinessDelay) {
			sum += p.Sample.MilliCPU
		}
	}
	return sum
}

// missing reports that a metric has no value of now, though one that still counts.
func missing(wishes []wanted) bool {
	return slices.ContainsFunc(wishes, func(w wanted) bool { return w.age > 0 })
}

// outage reports that a metric had no value twice in a row, or that the load grew without
// one. One query that fails is neither.
func outage(wishes []wanted, interval time.Duration) bool {
	return slices.ContainsFunc(wishes, func(w wanted) bool { return w.age > interval || w.grew })
}

// withoutValue is a decision between the last value of a metric and the age at which it
// no longer counts: not downwards, and upwards as the fallback says in an outage. Not
// before: the fallback may be the more cautious of the two, and a query that fails once is
// no reason to scale.
func (v *V3) withoutValue(in Input, d Decision, fallback *Decision, wishes []wanted, up int32) Decision {
	d.Reason = v3Gap + ": a metric has no value now: the last one counts upwards only"
	if !v.cfg.CPUFloor && !outage(wishes, v.cfg.Interval) {
		fallback = nil
	}
	return v.upwards(in, d, fallback, up)
}

// withoutData follows the last forecast and the fallback upwards, never down.
func (v *V3) withoutData(in Input, d Decision, fallback *Decision, up int32) Decision {
	d.Reason = v3Stale + ": no current data: the last forecast counts upwards only"
	d = v.upwards(in, d, fallback, up)
	d.Hold = d.Replicas == in.Spec
	return d
}

// propose notes what the fallback asks for, and returns it: the least of all where it cannot
// tell.
func (d *Decision) propose(fallback *Decision) int32 {
	d.Proposals = append(d.Proposals, Proposal{Source: "fallback", Replicas: fallback.Replicas, Detail: fallback.Reason})
	if fallback.Hold {
		return math.MinInt32
	}
	return fallback.Replicas
}

// upwards is the larger of what is there, up, and what the fallback, if any, asks for.
func (v *V3) upwards(in Input, d Decision, fallback *Decision, up int32) Decision {
	n := max(in.Spec, up)
	if fallback != nil {
		n = max(n, d.propose(fallback))
	}
	d.Raw, d.Replicas = n, n
	v.rails(&d, in)
	return d
}
