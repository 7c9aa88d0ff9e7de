package sim

import (
	"math"
	"time"
)

// Latencies collects the distribution of the latencies of accepted requests, as expected numbers.
// A request counts with the time that the pod takes for it, even when its client gives up before.
// Collecting costs a few additions; the distribution is worked out when it is asked for.
type Latencies struct {
	service *Service
	rows    [speedRows]speedRow
}

// speedRow collects the requests accepted at one speed. A pod's state moves little in one step, so
// that a collection of a short time holds few states.
type speedRow struct {
	mass     []float64 // by state of the table; nil until the first request
	from, to int       // the states that may hold requests
}

// Rows are 1/speedsPerOctave octaves of speed apart, from 2^fastest downwards; requests at speeds
// between two rows are split among them.
const (
	speedsPerOctave = 4
	fastest         = 2
	speedRows       = 9*speedsPerOctave + 1
	warmRow         = fastest * speedsPerOctave
)

// NewLatencies returns an empty collection for pods of this service.
func (s *Service) NewLatencies() *Latencies {
	return &Latencies{service: s}
}

// Reset empties the collection.
func (l *Latencies) Reset() {
	for j := range l.rows {
		row := &l.rows[j]
		clear(row.mass[row.from:row.to])
		row.from, row.to = 0, 0
	}
}

// Add adds another collection of the same service.
func (l *Latencies) Add(other *Latencies) {
	for j := range other.rows {
		from := &other.rows[j]
		if from.from == from.to {
			continue
		}
		row := l.row(j)
		row.hold(from.from, from.to)
		for i := from.from; i < from.to; i++ {
			row.mass[i] += from.mass[i]
		}
	}
}

// Total returns the number of requests collected.
func (l *Latencies) Total() float64 {
	total := 0.0
	for j := range l.rows {
		row := &l.rows[j]
		for _, mass := range row.mass[row.from:row.to] {
			total += mass
		}
	}
	return total
}

// Sum returns the sum of the latencies collected, in seconds: what the steady states in
// which the requests arrived take on average (Little's law), and the wait.
func (l *Latencies) Sum() float64 {
	s := l.service
	sum := 0.0
	for j := range l.rows {
		row := &l.rows[j]
		if row.from == row.to {
			continue
		}
		unit := s.seconds / rowSpeed(j)
		for i := row.from; i < row.to; i++ {
			if mass := row.mass[i]; mass != 0 {
				sum += mass * (unit*s.meanSojourn(i) + s.wait)
			}
		}
	}
	return sum
}

// Within returns the number of requests with a latency of at most t.
func (l *Latencies) Within(t time.Duration) float64 { return l.within(t.Seconds()) }

func (l *Latencies) within(seconds float64) float64 {
	s := l.service
	total := 0.0
	for j := range l.rows {
		row := &l.rows[j]
		if row.from == row.to {
			continue
		}
		budget := s.sojourns.column((seconds - s.wait) * rowSpeed(j) / s.seconds)
		for i := row.from; i < row.to; i++ {
			if mass := row.mass[i]; mass != 0 {
				total += mass * s.sojourns.share(i, budget)
			}
		}
	}
	return total
}

// Quantile returns the latency that a share q, in [0, 1], of the requests do not exceed, to a part
// in a thousand. It is zero if there are none.
func (l *Latencies) Quantile(q float64) time.Duration {
	total := l.Total()
	if total == 0 {
		return 0
	}
	s := l.service
	lo := s.sojourns.budget(0) * s.seconds / rowSpeed(0)
	hi := s.sojourns.budget(float64(s.sojourns.columns-1)) * s.seconds / rowSpeed(speedRows-1)
	for hi > lo*1.001 {
		mid := math.Sqrt(lo * hi)
		if l.within(mid+s.wait) < q*total {
			lo = mid
		} else {
			hi = mid
		}
	}
	return toDuration(math.Sqrt(lo*hi) + s.wait)
}

// latencyRow is where the requests at some speed are collected.
type latencyRow struct {
	row, next *speedRow
	fraction  float64 // that goes to next
}

func (l *Latencies) at(speed float64) latencyRow {
	if speed == 1 {
		return latencyRow{row: l.row(warmRow)}
	}
	position := (fastest - math.Log2(speed)) * speedsPerOctave
	position = min(max(position, 0), speedRows-1)
	j := min(int(position), speedRows-2)
	return latencyRow{row: l.row(j), next: l.row(j + 1), fraction: position - float64(j)}
}

// add collects requests accepted at the states i and i+1.
func (r latencyRow) add(i int, first, second float64) {
	r.row.add(i, first*(1-r.fraction), second*(1-r.fraction))
	if r.next != nil {
		r.next.add(i, first*r.fraction, second*r.fraction)
	}
}

func (r *speedRow) add(i int, first, second float64) {
	r.hold(i, i+2)
	r.mass[i] += first
	r.mass[i+1] += second
}

// hold makes room for the states [from, to).
func (r *speedRow) hold(from, to int) {
	if r.from == r.to {
		r.from, r.to = from, to
		return
	}
	r.from, r.to = min(r.from, from), max(r.to, to)
}

func (l *Latencies) row(j int) *speedRow {
	row := &l.rows[j]
	if row.mass == nil {
		row.mass = make([]float64, len(l.service.states))
	}
	return row
}

func rowSpeed(j int) float64 {
	return math.Exp2(fastest - float64(j)/speedsPerOctave)
}
