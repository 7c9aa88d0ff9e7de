package policy

import (
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// hpaLimits stand between the wish of the metrics and the new number of replicas.
// There are two kinds: hpaBehavior where spec.behavior is set, hpaLegacy elsewhere.
type hpaLimits interface {
	// start stores the number of replicas found at the first decision as a wish:
	// after a restart nothing shrinks for one whole window.
	start(now time.Time, cur int32)
	// stabilize weighs want against the wishes of the past and stores it. The
	// reason is the one of the condition AbleToScale where the result is not want.
	stabilize(now time.Time, cur, want int32) (n int32, reason string)
	// limit applies rate limits and bounds. The reason is the one of the condition
	// ScalingLimited, which is true where the result is not want.
	limit(now time.Time, cur, want, lowest, highest int32) (n int32, reason string)
	// commit stores a change that was carried out.
	commit(now time.Time, from, to int32)
}

// hpaBehavior carries out scaling rules: first the stabilisation windows, then
// the rate limits, then the bound on the side of the move.
type hpaBehavior struct {
	up, down       scalingRules
	wishes         wishes
	added, removed changes
}

// scalingRules are the rules of one direction.
type scalingRules struct {
	window   time.Duration
	policies []autoscalingv2.HPAScalingPolicy
	choose   autoscalingv2.ScalingPolicySelect
	longest  time.Duration // the longest period of policies
}

// newHPABehavior expects rules whose defaults are filled in. Where the scale-down
// rules have no window it is downWindow, in whole seconds as in the controller.
func newHPABehavior(b *autoscalingv2.HorizontalPodAutoscalerBehavior, downWindow time.Duration) *hpaBehavior {
	return &hpaBehavior{
		up:   newScalingRules(b.ScaleUp, 0),
		down: newScalingRules(b.ScaleDown, downWindow.Truncate(time.Second)),
	}
}

func newScalingRules(r *autoscalingv2.HPAScalingRules, window time.Duration) scalingRules {
	s := scalingRules{window: window, policies: r.Policies, choose: *r.SelectPolicy}
	if r.StabilizationWindowSeconds != nil {
		s.window = seconds(*r.StabilizationWindowSeconds)
	}
	for _, p := range r.Policies {
		s.longest = max(s.longest, seconds(p.PeriodSeconds))
	}
	return s
}

func (b *hpaBehavior) start(now time.Time, cur int32) { b.wishes.add(now, cur, 0) }

// stabilize returns the number nearest to cur that lies between the lowest wish of
// the scale-up window and the highest of the scale-down window.
func (b *hpaBehavior) stabilize(now time.Time, cur, want int32) (n int32, reason string) {
	lowest, highest := want, want
	upCut, downCut := now.Add(-b.up.window), now.Add(-b.down.window)
	for _, w := range b.wishes {
		if w.at.After(upCut) {
			lowest = min(lowest, w.replicas)
		}
		if w.at.After(downCut) {
			highest = max(highest, w.replicas)
		}
	}
	b.wishes.add(now, want, max(b.up.window, b.down.window))
	if want >= cur {
		reason = reasonScaleUpStabilized
	} else {
		reason = reasonScaleDownStabilized
	}
	return min(max(cur, lowest), highest), reason
}

func (b *hpaBehavior) limit(now time.Time, cur, want, lowest, highest int32) (n int32, reason string) {
	switch {
	case want > cur:
		reason = reasonTooManyReplicas
		if l := max(cur, b.upLimit(now, cur)); l < highest {
			highest, reason = l, reasonScaleUpLimit
		}
		if want > highest {
			return highest, reason
		}
	case want < cur:
		reason = reasonTooFewReplicas
		if l := min(cur, b.downLimit(now, cur)); l > lowest {
			lowest, reason = l, reasonScaleDownLimit
		}
		if want < lowest {
			return lowest, reason
		}
	}
	return want, reasonWithinRange
}

// upLimit is the most that the scale-up policies allow at now.
func (b *hpaBehavior) upLimit(now time.Time, cur int32) int32 {
	least := b.up.choose == autoscalingv2.MinChangePolicySelect
	result := int32(math.MinInt32)
	switch {
	case b.up.choose == autoscalingv2.DisabledPolicySelect:
		return cur
	case least:
		result = math.MaxInt32
	}
	for _, p := range b.up.policies {
		start := b.periodStart(now, cur, p.PeriodSeconds)
		l := start + p.Value // wraps around as it does in Kubernetes
		if p.Type == autoscalingv2.PercentScalingPolicy {
			l = saturate(math.Ceil(float64(start) * (1 + float64(p.Value)/100)))
		}
		if least {
			result = min(result, l)
		} else {
			result = max(result, l)
		}
	}
	return result
}

// downLimit is the least that the scale-down policies allow at now.
func (b *hpaBehavior) downLimit(now time.Time, cur int32) int32 {
	least := b.down.choose == autoscalingv2.MinChangePolicySelect
	result := int32(math.MaxInt32)
	switch {
	case b.down.choose == autoscalingv2.DisabledPolicySelect:
		return cur
	case least:
		result = math.MinInt32
	}
	for _, p := range b.down.policies {
		start := b.periodStart(now, cur, p.PeriodSeconds)
		l := start - p.Value
		if p.Type == autoscalingv2.PercentScalingPolicy {
			l = saturate(float64(start) * (1 - float64(p.Value)/100))
		}
		if least {
			result = max(result, l)
		} else {
			result = min(result, l)
		}
	}
	return result
}

// periodStart is the number of replicas a period ago, as the changes since tell.
func (b *hpaBehavior) periodStart(now time.Time, cur, period int32) int32 {
	cut := now.Add(-seconds(period))
	return cur - b.added.since(cut) + b.removed.since(cut)
}

func (b *hpaBehavior) commit(now time.Time, from, to int32) {
	if to > from {
		b.added.add(now, to-from, b.up.longest)
	} else {
		b.removed.add(now, from-to, b.down.longest)
	}
}

// changes are the changes of one direction, as positive numbers. Their order is
// that of the slots of the controller, not of time.
type changes []change

type change struct {
	at time.Time
	n  int32
}

func (c changes) since(cut time.Time) (sum int32) {
	for i := range c {
		if c[i].at.After(cut) {
			sum += c[i].n
		}
	}
	return sum
}

// add stores a change in the slot of one that is older than the longest period of
// its own direction. A longer period of the other direction thus loses sight of
// the change that was overwritten: a flaw of Kubernetes, kept because its limits
// depend on it.
func (c *changes) add(now time.Time, n int32, longest time.Duration) {
	cut, s := now.Add(-longest), *c
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].at.Before(cut) {
			s[i] = change{now, n}
			return
		}
	}
	*c = append(s, change{now, n})
}

// saturate converts towards zero; what no int32 can hold becomes the nearest one.
func saturate(x float64) int32 {
	return int32(min(max(x, math.MinInt32), math.MaxInt32))
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
