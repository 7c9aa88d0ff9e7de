package backtest

import (
	"sync"
	"time"
)

// timing collects the wall time of the recorded runs, by a stopwatch from outside.
type timing struct {
	stopwatch func() time.Duration // nil: none

	mu   sync.Mutex
	runs []runTiming
}

type runTiming struct {
	Policy  string  `json:"policy"`
	Seconds float64 `json:"seconds"` // waiting for a core included
	Samples uint64  `json:"samplesAppended"`
	Queries int64   `json:"queriesRun"`
}

func (t *timing) start() time.Duration {
	if t.stopwatch == nil {
		return 0
	}
	return t.stopwatch()
}

func (t *timing) stop(policy string, start time.Duration, out output) {
	if t.stopwatch == nil {
		return
	}
	seconds := (t.stopwatch() - start).Seconds()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs = append(t.runs, runTiming{policy, seconds, out.samples, out.queries})
}

func (t *timing) report() any {
	return struct {
		Schema  string      `json:"schema"`
		Seconds float64     `json:"seconds"`
		Runs    []runTiming `json:"runs"`
	}{"hindcast/timing/v1", t.stopwatch().Seconds(), t.runs}
}
