package backtest

import (
	"math"
	"slices"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/sim"
)

const day = 24 * time.Hour

// A tally holds the sums that every score is computed from; sums of several days or
// seeds are added. All times are in seconds.
type tally struct {
	requests, good, bad      float64
	errors                   float64
	minutes, minutesGood, up float64
	demandTime               float64 // with demand > 0
	over, under              float64 // integral of (s-d)+/d and (d-s)+/d over demandTime
	overTime, underTime      float64
	idle                     float64 // ready replica-seconds while demand is 0
	pairs, unstable          float64 // minutes compared with the one before
	podSeconds, nodeSeconds  float64
	actions, reversals       int
	refused                  int // changes of the scale
	rises                    int
	riseSeconds              float64
}

func (t *tally) add(u *tally) {
	t.requests += u.requests
	t.good += u.good
	t.bad += u.bad
	t.errors += u.errors
	t.minutes += u.minutes
	t.minutesGood += u.minutesGood
	t.up += u.up
	t.demandTime += u.demandTime
	t.over += u.over
	t.under += u.under
	t.overTime += u.overTime
	t.underTime += u.underTime
	t.idle += u.idle
	t.pairs += u.pairs
	t.unstable += u.unstable
	t.podSeconds += u.podSeconds
	t.nodeSeconds += u.nodeSeconds
	t.actions += u.actions
	t.reversals += u.reversals
	t.refused += u.refused
	t.rises += u.rises
	t.riseSeconds += u.riseSeconds
}

func sum(days []tally) tally {
	var t tally
	for i := range days {
		t.add(&days[i])
	}
	return t
}

// ratio is a/b, undefined where b is 0.
func ratio(a, b float64) result.Number {
	if b == 0 {
		return result.Undefined()
	}
	return result.Number(a / b)
}

func (t *tally) sla(objective float64) result.SLA {
	return result.SLA{
		RequestsGood:     ratio(t.good, t.requests),
		MinutesGood:      ratio(t.minutesGood, t.minutes),
		Availability:     ratio(t.up, t.minutes),
		ErrorBudgetSpent: ratio(t.bad, (1-objective)*t.requests),
	}
}

func (t *tally) provisioning() result.Provisioning {
	return result.Provisioning{
		ThetaOver:        ratio(t.over, t.demandTime),
		ThetaUnder:       ratio(t.under, t.demandTime),
		TauOver:          ratio(t.overTime, t.demandTime),
		TauUnder:         ratio(t.underTime, t.demandTime),
		Instability:      ratio(t.unstable, t.pairs),
		IdleReplicaHours: result.Number(t.idle / 3600),
	}
}

// prices are what a policy's time costs.
type prices struct{ podHour, nodeHour float64 }

func (t *tally) price(p prices) float64 {
	return t.podSeconds/3600*p.podHour + t.nodeSeconds/3600*p.nodeHour
}

func (t *tally) cost(p prices) result.Cost {
	return result.Cost{
		PodHours:  result.Number(t.podSeconds / 3600),
		NodeHours: result.Number(t.nodeSeconds / 3600),
		Price:     result.Number(t.price(p)),
	}
}

// scored is the outcome of one part of a run.
type scored struct {
	days  []tally // one a day from the part's start, the last one maybe shorter
	rises []float64
}

func (s *scored) total() tally { return sum(s.days) }

func (s *scored) scaling() result.Scaling {
	t := s.total()
	up := result.ScaleUpSeconds{N: t.rises, Mean: ratio(t.riseSeconds, float64(t.rises)), P50: result.Undefined(), P95: result.Undefined()}
	if len(s.rises) > 0 {
		sorted := slices.Sorted(slices.Values(s.rises))
		up.P50, up.P95 = result.Number(quantile(sorted, 0.5)), result.Number(quantile(sorted, 0.95))
	}
	return result.Scaling{Actions: t.actions, Reversals: t.reversals, ScaleUpSeconds: up, Refused: t.refused}
}

// quantile interpolates linearly between order statistics (Hyndman and Fan 1996,
// type 7).
func quantile(sorted []float64, q float64) float64 {
	h := q * float64(len(sorted)-1)
	lo := int(math.Floor(h))
	if lo+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[lo] + (h-float64(lo))*(sorted[lo+1]-sorted[lo])
}

// reversalWindow is how soon an action against the last one's direction counts as a
// reversal.
const reversalWindow = 10 * time.Minute

// A scorer turns spans into scores of one part of the run: [from, to).
type scorer struct {
	from, to  time.Time
	objective float64
	out       scored

	minute      time.Time // the minute being filled
	reqs, goods float64
	errs        float64
	everReady   bool
	gap         bool

	last      sample // at the last full minute
	lastValid bool
	started   bool
	desired   int32
	demand    int32
	direction int
	actedAt   time.Time
	waiting   []rise // levels of demand not yet covered, ascending
}

type sample struct{ ready, demand int32 }

// A rise is a level that demand has reached and ready pods have not.
type rise struct {
	level int32
	since time.Time
}

func newScorer(from, to time.Time, objective float64) *scorer {
	n := int(math.Ceil(float64(to.Sub(from)) / float64(day)))
	return &scorer{from: from, to: to, objective: objective, out: scored{days: make([]tally, max(n, 1))}}
}

func (s *scorer) day(t time.Time) *tally {
	i := int(t.Sub(s.from) / day)
	return &s.out.days[min(max(i, 0), len(s.out.days)-1)]
}

// refuse counts a change of the scale that was refused.
func (s *scorer) refuse(at time.Time) {
	if !at.Before(s.from) && at.Before(s.to) {
		s.day(at).refused++
	}
}

// add scores one span, whose demand is d. Spans come in order and cover time without
// holes; they break at full minutes.
func (s *scorer) add(sp *sim.Span, d int32) {
	if !s.started {
		// What a run starts with is neither an action nor a rise.
		s.started, s.desired, s.demand = true, sp.Desired, d
	}
	if sp.From.Before(s.from) || !sp.From.Before(s.to) {
		s.desired, s.demand = sp.Desired, d
		return
	}
	t := s.day(sp.From)
	s.actions(t, sp)
	s.riseTimes(sp, d)
	if m := sp.From.Truncate(time.Minute); !m.Equal(s.minute) {
		s.closeMinute()
		s.minute, s.everReady, s.gap = m, false, false
		s.compare(t, sample{sp.Ready, d}, sp.Gap)
	}
	if sp.Gap {
		s.gap = true
		return
	}
	o := outcomeOf(sp)
	s.reqs += o.good + o.bad
	s.goods += o.good
	s.errs += o.errors
	s.everReady = s.everReady || sp.Ready > 0
	t.requests += o.good + o.bad
	t.good += o.good
	t.bad += o.bad
	t.errors += o.errors

	dt := sp.To.Sub(sp.From).Seconds()
	t.podSeconds += sp.PodTime.Seconds()
	t.nodeSeconds += sp.NodeTime.Seconds()
	if d == 0 {
		t.idle += float64(sp.Ready) * dt
		return
	}
	t.demandTime += dt
	diff := float64(sp.Ready-d) / float64(d)
	switch {
	case diff > 0:
		t.over += diff * dt
		t.overTime += dt
	case diff < 0:
		t.under -= diff * dt
		t.underTime += dt
	}
}

// finish closes what is open at the end of the part and returns the scores.
func (s *scorer) finish() scored {
	s.closeMinute()
	for _, r := range s.waiting {
		s.covered(r, s.to)
	}
	s.waiting = nil
	return s.out
}

func (s *scorer) closeMinute() {
	if s.minute.IsZero() || s.gap {
		s.reqs, s.goods, s.errs = 0, 0, 0
		return
	}
	t := s.day(s.minute)
	t.minutes++
	if s.goods >= s.objective*s.reqs {
		t.minutesGood++
	}
	if s.everReady && (s.reqs == 0 || s.errs < 0.01*s.reqs) {
		t.up++
	}
	s.reqs, s.goods, s.errs = 0, 0, 0
}

// compare adds one step to the instability: the sum over minutes of
// min(|sgn(ds) - sgn(dd)|, 1).
func (s *scorer) compare(t *tally, now sample, gap bool) {
	if s.lastValid && !gap {
		t.pairs++
		if sign(now.ready-s.last.ready) != sign(now.demand-s.last.demand) {
			t.unstable++
		}
	}
	s.last, s.lastValid = now, !gap
}

func sign(n int32) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

func (s *scorer) actions(t *tally, sp *sim.Span) {
	if sp.Desired == s.desired {
		return
	}
	dir := sign(sp.Desired - s.desired)
	if !sp.Gap {
		t.actions++
		if s.direction != 0 && dir != s.direction && sp.From.Sub(s.actedAt) <= reversalWindow {
			t.reversals++
		}
	}
	s.desired, s.direction, s.actedAt = sp.Desired, dir, sp.From
}

// riseTimes follows the levels of demand that are waiting for ready pods.
func (s *scorer) riseTimes(sp *sim.Span, d int32) {
	keep := s.waiting[:0]
	for _, r := range s.waiting {
		if sp.Ready >= r.level || d < r.level {
			s.covered(r, sp.From)
		} else {
			keep = append(keep, r)
		}
	}
	s.waiting = keep
	for level := s.demand + 1; level <= d; level++ {
		r := rise{level, sp.From}
		if sp.Ready >= level {
			s.covered(r, sp.From)
		} else {
			s.waiting = append(s.waiting, r)
		}
	}
	s.demand = d
}

func (s *scorer) covered(r rise, at time.Time) {
	seconds := at.Sub(r.since).Seconds()
	t := s.day(r.since)
	t.rises++
	t.riseSeconds += seconds
	s.out.rises = append(s.out.rises, seconds)
}

// outcome is what became of a span's requests. Errors are of the bad ones.
type outcome struct{ good, bad, errors float64 }

// outcomeOf counts a request in the span that it ended in: what was completed, shed,
// refused or killed there. Errors are answers of 5xx and refused connections; late
// and timed-out requests are bad, not errors.
func outcomeOf(sp *sim.Span) outcome {
	done := sp.Flow.Completed
	errs := done[sim.Failed] + sp.Flow.Shed + sp.Refused + sp.Killed
	return outcome{good: done[sim.Good], bad: done[sim.Late] + done[sim.TimedOut] + errs, errors: errs}
}
