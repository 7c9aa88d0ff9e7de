package sim

import (
	"math"
	"sort"
	"time"
)

// PodState is what one pod holds. The zero value is an empty pod.
type PodState struct {
	mean float64  // requests in the CPU stage
	cell int      // of the table; a hint, where mean was last found
	cpu  Outcomes // the same requests by what will become of them
	wait Outcomes // requests in the wait
}

// InCPU returns the number of requests in the CPU stage, in service or queued.
func (st *PodState) InCPU() float64 { return st.mean }

// InWait returns the number of requests in the wait.
func (st *PodState) InWait() float64 { return st.wait.Total() }

// InSystem returns the number of requests in the pod.
func (st *PodState) InSystem() float64 { return st.mean + st.wait.Total() }

// Drop empties the pod, as when it is killed, and returns what it held by what would have become
// of it.
func (st *PodState) Drop() Outcomes {
	held := st.cpu
	held.Add(st.wait)
	*st = PodState{}
	return held
}

// Advance lets a pod run for dt while lambda requests arrive per second and it computes at speed
// times the speed of a warm pod, and adds what happened to flow. Lambda is 0 or more. Speed is 0 or
// more; at 0 the pod is stuck: it takes requests in and completes none.
//
// Requests take their outcome on arrival, by the state that they find; those that complete are an
// even mix of those there. The number in the CPU stage, and with it the arrivals, the requests shed
// and the outcomes of those accepted, do not depend on how an interval is cut, but for rounding.
func (s *Service) Advance(st *PodState, lambda, speed float64, dt time.Duration, flow *Flow) {
	left := dt.Seconds()
	if left <= 0 {
		return
	}
	flow.Arrivals += lambda * left
	mu := speed / s.seconds
	d := s.warm
	if speed != 1 {
		d = s.deadlines(speed)
	}
	since := leg{start: st.mean}
	i := s.locate(st)
	now, row := s.outlook(i, lambda, speed, d, flow.Latencies)
	for left > 0 {
		a, b := &s.states[i], &s.states[i+1]
		atA, atB := s.drift(a, lambda, mu), s.drift(b, lambda, mu)
		width, offset := b.mean-a.mean, st.mean-a.mean
		slope := (atB - atA) / width
		drift := atA + slope*offset

		// The drift falls with the mean, so the mean leaves a cell at most once, towards the side
		// that still has the drift of its sign.
		exit, distance, there := i, 0.0, drift
		switch {
		case drift > 0 && atB > 0:
			exit, distance, there = i+1, width-offset, atB
		case drift < 0 && atA < 0:
			exit, distance, there = i-1, -offset, atA
		}
		var t, area float64 // area is the integral of the distance
		if exit != i {
			t, area = crossing(distance, drift, there)
		}
		if exit == i || t > left {
			// The rest may be long and steady, unlike the way here.
			s.settle(st, &since, flow)
			exit, t = i, left
			distance, area = 0, 0
			if math.Abs(drift)*t > 1e-12*st.mean {
				distance, area = relaxation(t, drift, slope)
			}
		}
		if t > 0 {
			part := (offset*t + area) / width // of t at the state i+1, the rest at i
			since.add(a, b, t, part, lambda)
			if lambda > 0 {
				since.accept(s.outcomes(i, now), s.outcomes(i+1, now), lambda*(t-part), lambda*part)
				if row.row != nil {
					row.add(i, lambda*(t-part)*(1-a.full), lambda*part*(1-b.full))
				}
			}
			left -= t
		}
		switch {
		case exit > i:
			st.mean = b.mean
		case exit < i:
			st.mean = a.mean
		default:
			st.mean = min(max(st.mean+distance, a.mean), b.mean)
		}
		if exit/groupSize != i/groupSize {
			s.settle(st, &since, flow)
			now, row = s.outlook(exit, lambda, speed, d, flow.Latencies)
		}
		i = exit
	}
	st.cell = i
	s.settle(st, &since, flow)
}

// groupSize is the number of neighbouring cells that share an outlook, and after which the outcomes
// of the requests that left are settled.
const groupSize = 8

// outlook returns the deadlines for requests that arrive in the group of cell i, and where their
// latencies are collected. The states' own sojourns take the load to be what it would be in their
// steady state. If it is not, the mean number drifts while they last. Where a request's share of
// the cores goes as 1/n and n grows by a share y of itself until a deadline, a budget b does what
// b·ln(1+y)/y would have done at the first n. Deadlines are moved by that factor.
func (s *Service) outlook(i int, lambda, speed float64, d deadlines, l *Latencies) (deadlines, latencyRow) {
	if lambda == 0 {
		return d, latencyRow{}
	}
	stretch := 1.0
	first := i - i%groupSize
	a, b := &s.states[first], &s.states[min(first+groupSize, len(s.states)-1)]
	mu := speed / s.seconds
	atA, atB := s.drift(a, lambda, mu), s.drift(b, lambda, mu)
	// A group that holds the steady state has no drift.
	if atA*atB > 0 {
		mean, drift, slope := (a.mean+b.mean)/2, (atA+atB)/2, (atB-atA)/(b.mean-a.mean)
		factor := func(horizon float64) float64 {
			change, _ := relaxation(horizon, drift, slope)
			change = min(max(change, -mean), float64(s.app.Queue)-mean)
			y := change / (mean + s.app.Cores)
			if math.Abs(y) < 1e-6 {
				return 1
			}
			return math.Log1p(y) / y
		}
		stretch = factor(s.goodWithin)
		d.good = s.sojourns.shift(d.good, stretch)
		if s.app.Timeout > 0 {
			d.timeout = s.sojourns.shift(d.timeout, factor(s.timeoutWithin))
		}
	}
	if l == nil {
		return d, latencyRow{}
	}
	return d, l.at(speed * stretch)
}

// drift returns the rate of change of the mean in a state.
func (s *Service) drift(st *state, lambda, mu float64) float64 {
	accepted := lambda * (1 - st.full)
	return min((accepted-mu*st.cores)/s.residual, accepted)
}

// locate returns the cell of the mean.
func (s *Service) locate(st *PodState) int {
	i := st.cell
	if s.states[i].mean <= st.mean && st.mean <= s.states[i+1].mean {
		return i
	}
	return min(sort.Search(len(s.states), func(i int) bool { return s.states[i].mean > st.mean }), len(s.states)-1) - 1
}

// crossing returns the time in which a quantity covers the distance to where its rate of change is
// there, starting from the rate drift and with a rate linear in the quantity, and the integral of
// the distance covered over that time.
func crossing(distance, drift, there float64) (t, area float64) {
	z := there/drift - 1
	if z == 0 {
		t = distance / drift
		return t, distance * t / 2
	}
	y := math.Log1p(z)
	t = distance / drift * y / z
	return t, drift * t * t * phi2(y, z/y)
}

// relaxation returns the change in t of a quantity with the rate of change drift + slope·change,
// and the integral of the change over that time.
func relaxation(t, drift, slope float64) (change, area float64) {
	y := slope * t
	phi1 := 1.0
	if y != 0 {
		phi1 = relaxed(-y) / -y
	}
	return drift * t * phi1, drift * t * t * phi2(y, phi1)
}

// relaxed returns 1 - e^-y, without computing what is lost in rounding.
func relaxed(y float64) float64 {
	if y > 40 {
		return 1
	}
	return -math.Expm1(-y)
}

// phi2 returns (phi1 - 1)/y, where phi1 = (e^y - 1)/y.
func phi2(y, phi1 float64) float64 {
	if math.Abs(y) < 0.01 {
		return 1./2 + y*(1./6+y*(1./24+y*(1./120+y/720)))
	}
	return (phi1 - 1) / y
}

// leg is what happened on the way since outcomes were last settled.
type leg struct {
	start    float64 // mean at its beginning
	time     float64
	area     float64 // integral of the mean
	cores    float64 // integral of the cores busy
	shed     float64
	accepted Outcomes
}

// add adds a time t between the states a and b, of which the mean spent a part at b, the rest at a.
func (l *leg) add(a, b *state, t, part, lambda float64) {
	l.time += t
	l.area += a.mean*t + (b.mean-a.mean)*part
	l.cores += a.cores*t + (b.cores-a.cores)*part
	l.shed += lambda * (a.full*t + (b.full-a.full)*part)
}

// accept adds the arrivals at two states, of which shares a and b are accepted.
func (l *leg) accept(a, b Outcomes, atA, atB float64) {
	for o := range l.accepted {
		l.accepted[o] += atA*a[o] + atB*b[o]
	}
}

// settle lets the requests that left the CPU stage on the leg leave it, and begins a new leg.
func (s *Service) settle(st *PodState, l *leg, flow *Flow) {
	if l.time == 0 {
		return
	}
	accepted := l.accepted.Total()
	flow.Shed += l.shed
	flow.CPUSeconds += l.cores
	flow.Accepted.Add(l.accepted)

	// Of those there at the start a share stays: the well-mixed exp(-∫ completions/mean dt), within
	// what the balance of the mean allows. The others still there have come since.
	stay, stayNew := 0.0, 0.0
	if l.start > 0 {
		done := max(l.start+accepted-st.mean, 0)
		stay = 1 - relaxed(done*l.time/l.area)
		stay = min(max(stay, (st.mean-accepted)/l.start, 0), st.mean/l.start, 1)
	}
	if accepted > 0 {
		stayNew = min(max((st.mean-l.start*stay)/accepted, 0), 1)
	}
	passed, gone := 1.0, 0.0 // shares of the wait: of those that enter now, of those there
	if s.wait > 0 {
		gone = relaxed(l.time / s.wait)
		passed = 1 - gone*s.wait/l.time
	}
	for o := range st.cpu {
		left := st.cpu[o]*(1-stay) + l.accepted[o]*(1-stayNew)
		st.cpu[o] = st.cpu[o]*stay + l.accepted[o]*stayNew
		out := st.wait[o]*gone + left*passed
		st.wait[o] += left - out
		flow.Completed[o] += out
	}
	*l = leg{start: st.mean}
}
