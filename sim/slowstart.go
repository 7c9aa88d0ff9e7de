package sim

import (
	"math"
	"time"
)

// A Stage is a part of the start of a pod.
type Stage uint8

// The stages of a start.
const (
	AcceptStage Stage = iota + 1 // its node takes notice
	PullStage                    // its image is pulled
	StartStage                   // its container runs until it is ready
)

// A slowing is a time in which starts go on at a fraction of their speed.
type slowing struct {
	from, until time.Duration
	factor      float64
	stage       Stage  // 0: all
	nodes       []bool // on which they do; nil: all
}

func (s *slowing) hits(node int, stage Stage) bool {
	return (s.stage == 0 || s.stage == stage) && (s.nodes == nil || s.nodes[node])
}

// slowings reads the slow starts among the faults. Which nodes they hit depends on the seed only.
func (w *World) slowings() []slowing {
	var out []slowing
	for i, f := range w.cfg.Faults {
		if f.Kind != SlowStart || !(f.Factor > 1) {
			continue
		}
		s := slowing{from: f.At, until: f.At + f.For, factor: f.Factor, stage: f.Stage}
		if f.Share > 0 {
			s.nodes = make([]bool, len(w.nodes))
			for _, n := range w.slowNodes(i, f.Share) {
				s.nodes[n] = true
			}
		}
		out = append(out, s)
	}
	return out
}

// slowNodes are those that a slow start of a share of the nodes hits.
func (w *World) slowNodes(fault int, share float64) []int {
	all := make([]int, len(w.nodes))
	for n := range all {
		all[n] = n
	}
	return w.unlucky(fault, share, all)
}

// lasting returns how long a stage of a start takes that begins now on a node and would take d. While
// starts are slow by a factor, a second of it takes so many; where several slow it down, the
// slowest counts. A stage that lasts beyond them goes on at full speed.
func (w *World) lasting(d time.Duration, node int, stage Stage) time.Duration {
	at, left := w.now, float64(d)
	for left > 0 {
		factor, until := 1.0, time.Duration(math.MaxInt64)
		for i := range w.slow {
			switch s := &w.slow[i]; {
			case !s.hits(node, stage) || s.until <= at:
			case s.from > at:
				until = min(until, s.from)
			default:
				factor, until = max(factor, s.factor), min(until, s.until)
			}
		}
		if factor == 1 && until == math.MaxInt64 {
			if at == w.now {
				return d // to the nanosecond
			}
			break
		}
		need := left * factor
		if need <= float64(until-at) {
			left = need
			break
		}
		left -= float64(until-at) / factor
		at = until
	}
	return at - w.now + time.Duration(math.Round(left))
}
