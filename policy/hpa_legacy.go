package policy

import "time"

// hpaLegacy limits an HPA without spec.behavior: the highest wish of the window
// holds, and one decision at most doubles the replicas, or makes them four.
type hpaLegacy struct {
	window time.Duration
	wishes wishes
}

func (l *hpaLegacy) start(now time.Time, cur int32) { l.wishes.add(now, cur, 0) }

func (l *hpaLegacy) stabilize(now time.Time, _, want int32) (n int32, reason string) {
	n = want
	cut := now.Add(-l.window)
	for _, w := range l.wishes {
		if !w.at.Before(cut) {
			n = max(n, w.replicas)
		}
	}
	l.wishes.add(now, want, l.window)
	return n, reasonScaleDownStabilized
}

func (l *hpaLegacy) limit(_ time.Time, cur, want, lowest, highest int32) (n int32, reason string) {
	reason = reasonTooManyReplicas
	if most := saturate(max(2*float64(cur), 4)); most < highest {
		highest, reason = most, reasonScaleUpLimit
	}
	switch {
	case want < lowest:
		return lowest, reasonTooFewReplicas
	case want > highest:
		return highest, reason
	}
	return want, reasonWithinRange
}

func (*hpaLegacy) commit(time.Time, int32, int32) {}

// wishes are what the metrics asked for in the past, oldest first.
type wishes []wish

type wish struct {
	at       time.Time
	replicas int32
}

// add appends a wish and drops those that no window of this length sees again.
func (w *wishes) add(now time.Time, replicas int32, window time.Duration) {
	s, stale := *w, 0
	cut := now.Add(-window)
	for stale < len(s) && s[stale].at.Before(cut) {
		stale++
	}
	if stale > 0 {
		s = s[:copy(s, s[stale:])]
	}
	*w = append(s, wish{now, replicas})
}
